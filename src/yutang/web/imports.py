"""Files that were uploaded, and the threads that read them in beside the requests."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import psycopg
import structlog

from yutang import config
from yutang.clock import system_now
from yutang.db.connect import connect
from yutang.ingest.files import ImportReport, import_file
from yutang.model import YutangError
from yutang.vault import Vault

log = structlog.get_logger()
KEPT_SECONDS = 7 * 24 * 3600
"""How long a file lies there that nobody has read in."""
LOOKED_AT = 2_000
"""Rows that a check reads."""


@dataclass(frozen=True)
class File:
    """One uploaded file. token: its own folder; kind and source: what was said of it."""

    token: str
    path: Path
    kind: str
    source: str

    @property
    def name(self) -> str:
        return self.path.name


@dataclass
class Job:
    """A file that is being read in. total: its rows, None: unknown. error: why it stopped."""

    total: int | None = None
    report: ImportReport | None = None
    error: str | None = None
    ended: threading.Event = field(default_factory=threading.Event)


def keep(name: str, kind: str, source: str, data: IO[bytes]) -> File:
    """Put an uploaded file aside, in a folder for its owner alone. Old ones that nobody has read in go."""
    _clean()
    token = secrets.token_hex(8)
    folder = _folder() / token
    folder.mkdir(mode=0o700)
    path = folder / _safe(name)
    with path.open("xb") as file:
        shutil.copyfileobj(data, file, 1 << 20)
    (folder / "about.json").write_text(json.dumps({"name": path.name, "kind": kind, "source": source}), "utf-8")
    return File(token, path, kind, source)


def kept(token: str) -> File | None:
    """The file of a token; None when it is gone."""
    folder = _folder() / token
    if not re.fullmatch("[0-9a-f]{16}", token) or not (folder / "about.json").exists():
        return None
    about = json.loads((folder / "about.json").read_text("utf-8"))
    return File(token, folder / about["name"], about["kind"], about["source"])


def forget(path: Path) -> None:
    """Throw a file away that lies among the uploads."""
    if path.parent.parent == _folder():
        shutil.rmtree(path.parent, ignore_errors=True)


class Imports:
    """One for an edge: one file after the other. A file whose process ended is gone on with by `start`."""

    def __init__(self, url: str, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._url, self._vault, self._clock = url, vault, clock
        self._jobs: dict[str, Job] = {}
        self._turn, self._lock, self._closed = threading.Lock(), threading.Lock(), False

    def job(self, path: str) -> Job | None:
        """What this process knows of reading this file in."""
        return self._jobs.get(path)

    def check(self, conn: psycopg.Connection, file: File, mapping: dict[str, str]) -> ImportReport:
        """What the first rows of a file would do. Raises YutangError."""
        now = self._clock()
        return import_file(
            conn, self._vault, now, file.kind, file.path, mapping, True, _nothing, file.source, LOOKED_AT
        )  # fmt: skip

    def start(self, kind: str, path: Path, mapping: dict[str, str], source: str) -> Job:
        """Read a file in, or go on with it; one that is being read stays as it is."""
        with self._lock:
            job = self._jobs.get(str(path))
            if job is None or job.ended.is_set():
                job = self._jobs[str(path)] = Job()
                args = (job, kind, path, mapping, source)
                threading.Thread(target=self._run, args=args, name="import", daemon=True).start()
        return job

    def close(self) -> None:
        """Stop after the batch that is being written; the files stay, to be gone on with."""
        self._closed = True
        for job in list(self._jobs.values()):
            job.ended.wait(10)

    def _run(self, job: Job, kind: str, path: Path, mapping: dict[str, str], source: str) -> None:
        def progress(_done: int, total: int | None, _counts: dict[str, int]) -> None:
            job.total = total
            if self._closed:
                raise YutangError(
                    "停在这里，重新启动后可以继续。 stopped here; it can be gone on with after the restart"
                )

        try:
            with self._turn, connect(self._url) as conn:
                progress(0, None, {})
                job.report = import_file(
                    conn, self._vault, self._clock(), kind, path, mapping, False, progress, source
                )  # fmt: skip
            forget(path)
        except YutangError as error:
            job.error = str(error)
        except Exception as error:
            log.exception("导入失败。 an import failed")
            job.error = f"导入中断，详情见日志。 {type(error).__name__}"
        finally:
            job.ended.set()


def _nothing(_done: int, _total: int | None, _counts: dict[str, int]) -> None:
    """A check tells nobody how far it is."""


def _folder() -> Path:
    folder = config.home() / "uploads"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _safe(name: str) -> str:
    """The last part of a name, without anything that a path could mean."""
    plain = re.sub(r"[^\w.() -]", "_", Path(name.replace("\\", "/")).name).strip(". ")
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:80] or 'file'}{dot}{ending[:10]}" if dot else plain[:80] or "file"


def _clean() -> None:
    oldest = system_now().timestamp() - KEPT_SECONDS
    for folder in _folder().iterdir():
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
