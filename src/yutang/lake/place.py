"""Where a lake lies: a folder, or a bucket of S3-compatible storage. Files appear whole or not at all, and are never changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import duckdb

from yutang import config
from yutang.model import YutangError

MANIFEST = "live.json"
"""The image of the manifest that lies beside the files: which of them are live. PostgreSQL has the original."""
EMPTY: dict[str, Any] = {"generation": 0, "files": []}


class Place(Protocol):
    """What the lake asks of storage. Paths are relative to the lake and use slashes."""

    def put(self, path: str, local: Path) -> None:
        """Bring the finished file `local` there; it moves."""

    def write(self, path: str, text: str) -> None:
        """Put a small text there in the place of what was there."""

    def remove(self, path: str) -> None:
        """Take a file away; no error when it is not there."""

    def paths(self) -> Iterator[str]:
        """Every Parquet file."""

    def manifest(self) -> dict[str, Any]:
        """``{"generation", "files": [{"table", "part", "path", "rows", "bytes", "version"}]}``; empty before the first archive."""

    def address(self, path: str) -> str:
        """What DuckDB calls the file."""

    def attach(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Let `conn` read such addresses."""


def placed(url: str | Path | None = None) -> Place:
    """The place of the files: what `url` names, else the setting, else (also beside a cluster) ``lake`` in the home folder; a demo's
    is its own. Raises YutangError when the scheme is unknown."""
    text = str(url or _setting())
    if text.startswith("s3://"):
        from yutang.lake.bucket import Bucket

        return Bucket(text)
    if "://" in text and not text.startswith("file://"):
        raise YutangError(
            f"YUTANG_LAKE_URL 现在是“{text}”，请写文件夹，或写 s3://存储桶/前缀 使用 S3 兼容存储。 "
            f"YUTANG_LAKE_URL is '{text}'; write a folder, or s3://bucket/prefix for S3-compatible storage"
        )
    return Folder(Path(text.removeprefix("file://")).expanduser().absolute())


def _setting() -> str:
    named = config.LAKE_URL.value
    base = named if named and not named.startswith("clickhouse") else str(config.home() / "lake")
    return f"{base.rstrip('/')}-{config.DEMO.value}" if config.DEMO.value else base


class Folder:
    """A folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: str, local: Path) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if local.stat().st_dev != target.parent.stat().st_dev:
            local = Path(shutil.copy2(local, target.with_name(f".{target.name}")))
        _durable(local)
        os.replace(local, target)
        _durable(target.parent)

    def write(self, path: str, text: str) -> None:
        half = self.root / f".{path}-{os.getpid()}"
        self.root.mkdir(parents=True, exist_ok=True)
        half.write_text(text, "utf-8")
        self.put(path, half)

    def remove(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def paths(self) -> Iterator[str]:
        for path in sorted(self.root.glob("*/*/*.parquet")):
            yield path.relative_to(self.root).as_posix()

    def manifest(self) -> dict[str, Any]:
        path = self.root / MANIFEST
        return json.loads(path.read_text("utf-8")) if path.exists() else EMPTY

    def address(self, path: str) -> str:
        return str(self.root / path)

    def attach(self, conn: duckdb.DuckDBPyConnection) -> None:
        """DuckDB reads files by itself."""


def _durable(path: Path) -> None:
    """Once this returns, a power cut does not take it away."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
