"""What a span of work cost: wall time, CPU seconds of ours and of PostgreSQL, peak memory, SQL statements."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from yutang.bench.house import COUNTER, House

_PROC = Path("/proc")


class Meter:
    """Measures the block it is opened for.

    `ours`: processes that do the work in place of this one. cpu: ours with their children, and every process of the
    server: backends (ended ones too), background writer, log writer, checkpointer, autovacuum; None where the system cannot
    tell. sql: statements of clients, transactions' begin and commit included. peak_mb: resident memory of ours.
    """

    def __init__(self, house: House, url: str, ours: Sequence[int] = ()) -> None:
        self._house, self._ours = house, ours or (os.getpid(),)
        self._database = conninfo_to_dict(url)["dbname"]
        self.seconds = 0.0
        self.cpu: float | None = None
        self.client_cpu = 0.0
        self.sql: int | None = None
        self.peak_mb = 0.0

    def __enter__(self) -> Meter:
        with self._house.admin() as conn:
            conn.execute("checkpoint")
        gc.collect()
        for pid in self._ours:
            _forget_peak(pid)
        self._before = (self._statements(), self._server(), self._client())
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        statements, server, client = self._before
        self.client_cpu = self._client() - client
        if server is not None:
            self.cpu = self.client_cpu + (self._server() or 0) - server
        if statements is not None:
            self.sql = (self._statements() or 0) - statements
        self.peak_mb = sum(_peak_mb(pid) for pid in self._ours)

    def _server(self) -> float | None:
        return family_seconds(self._house.pid)

    def _client(self) -> float:
        return sum(_self_seconds() if pid == os.getpid() else family_seconds(pid) or 0 for pid in self._ours)

    def _statements(self) -> int | None:
        if not self._house.counts:
            return None
        with self._house.admin() as conn:
            row = conn.execute(
                f"select coalesce(sum(s.calls), 0) from {COUNTER} s join pg_database d on d.oid = s.dbid where d.datname = %s",  # type: ignore[arg-type]
                (self._database,),
            ).fetchone()
        return int(row[0]) if row else 0


def per_cpu_second(work: Callable[[], object], items: int, least: float = 0.05) -> float:
    """Items per CPU-second of a piece of pure computing, repeated until it can be timed."""
    began, rounds = time.process_time(), 0
    while (spent := time.process_time() - began) < least:
        work()
        rounds += 1
    return items * rounds / spent


def family_seconds(pid: int) -> float | None:
    """CPU seconds of a process and its children, those that have ended included; None where the system cannot tell."""
    if sys.platform != "linux":
        return _family_by_psutil(pid)
    own = _stat(pid)
    if own is None:
        return None
    children = (_stat(int(entry.name)) for entry in _PROC.glob("[0-9]*"))
    living = sum(sum(stat[10:12]) for stat in children if stat and stat[0] == pid)
    return (sum(own[10:14]) + living) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[int] | None:
    """The numbers of /proc/PID/stat from the parent's id on; None for one that is gone."""
    with contextlib.suppress(OSError):
        return [int(word) for word in (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[1:]]
    return None


def _family_by_psutil(pid: int) -> float | None:
    """Where there is no /proc: children that ended are not seen, so tasks keep their connections open."""
    try:
        import psutil
    except ImportError:
        return None
    parent = psutil.Process(pid)
    times = [process.cpu_times() for process in (parent, *parent.children())]
    return sum(one.user + one.system for one in times)


def _self_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _forget_peak(pid: int) -> None:
    """Begin the peak of resident memory anew (Linux; elsewhere it is that of the whole run)."""
    with contextlib.suppress(OSError):
        (_PROC / str(pid) / "clear_refs").write_text("5")


def _peak_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit if pid == os.getpid() else 0.0
