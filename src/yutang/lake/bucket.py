"""A lake in S3-compatible storage, by the extra ``yutang[s3]``. Who we are is read from the environment: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL (for other makers' storage), AWS_ALLOW_HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from yutang.lake.place import EMPTY, MANIFEST
from yutang.model import YutangError


class Bucket:
    """``s3://bucket/prefix``. An upload appears whole or not at all."""

    def __init__(self, url: str) -> None:
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            raise YutangError(
                f"{url} 需要 obstore 包，请运行 pip install 'yutang[s3]' 安装。 "
                f"{url} needs the package obstore; install it with: pip install 'yutang[s3]'"
            ) from error
        self.url, self._do = url.rstrip("/"), obstore
        try:
            self._store = from_url(self.url)
        except Exception as error:
            raise YutangError(
                f"{url} 不能用作 S3 兼容存储，请检查 AWS_… 变量。 "
                f"{url} cannot be used as S3-compatible storage: {error}; check the AWS_… variables"
            ) from error

    def put(self, path: str, local: Path) -> None:
        self._do.put(self._store, path, local)
        local.unlink()

    def write(self, path: str, text: str) -> None:
        self._do.put(self._store, path, text.encode())

    def remove(self, path: str) -> None:
        if any(found["path"] == path for found in self._list(path)):
            self._do.delete(self._store, path)

    def paths(self) -> Iterator[str]:
        yield from sorted(found["path"] for found in self._list(None) if found["path"].endswith(".parquet"))

    def _list(self, prefix: str | None) -> Iterator[Any]:
        for batch in self._do.list(self._store, prefix and prefix.rsplit("/", 1)[0]):
            yield from batch

    def manifest(self) -> dict[str, Any]:
        try:
            return json.loads(bytes(self._do.get(self._store, MANIFEST).bytes()))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise YutangError(
                    f"读不到 {self.url}：没有这个存储桶，请先建好。 "
                    f"{self.url} cannot be read: there is no such bucket; make it first"
                ) from error
            return EMPTY
        except Exception as error:
            raise YutangError(
                f"读不到 {self.url}，请检查 AWS_… 变量。 {self.url} cannot be read: {error}; check the AWS_… variables"
            ) from error

    def address(self, path: str) -> str:
        return f"{self.url}/{path}"

    def attach(self, conn: duckdb.DuckDBPyConnection) -> None:
        from obstore.fsspec import FsspecStore

        conn.register_filesystem(FsspecStore("s3"))
