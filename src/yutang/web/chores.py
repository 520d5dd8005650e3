"""The daily chores when somebody wants one now: the lake brought up to date, the models trained. Each runs on a thread beside the
requests; what came of it stays until the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from weakref import WeakKeyDictionary

import psycopg
import structlog
from litestar import Request
from litestar.response import ServerSentEvent

from yutang import lake
from yutang.chores import claimed, training
from yutang.db.connect import connect
from yutang.model import Counts, YutangError
from yutang.web import progress
from yutang.web.edge import Edge, edge_of
from yutang.web.pool import Pool
from yutang.web.progress import State

log = structlog.get_logger()
What = Literal["archive", "train"]
BUSY = "后台正在归档或训练，请稍后再试。 the worker is archiving or training just now; try again in a while"


@dataclass
class Chore:
    """One of them. counts: what has been done so far; error: what went wrong; ended_at: None while it goes on."""

    begun_at: datetime
    counts: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    ended_at: datetime | None = None


_known: WeakKeyDictionary[Pool, dict[str, Chore]] = WeakKeyDictionary()
_lock = threading.Lock()


def of(edge: Edge, what: What) -> Chore | None:
    """The newest of this kind, if this process has had one."""
    return _known.get(edge.pool, {}).get(what)


def begin(edge: Edge, what: What) -> Chore:
    """Begin now; one that goes on is not disturbed."""
    with _lock:
        known = _known.setdefault(edge.pool, {})
        if (going := known.get(what)) is not None and going.ended_at is None:
            return going
        known[what] = one = Chore(edge.clock())
    threading.Thread(target=_do, args=(edge, what, one), name=f"chore {what}", daemon=True).start()
    return one


def follow(request: Request, what: What, html: Callable[[Chore], str]) -> ServerSentEvent:
    """How far it is, for a page's ``data-progress``: until it has ended; then the page is loaded anew."""

    def state(_: object) -> State:
        one = of(edge_of(request), what)
        return State("", "") if one is None or one.ended_at is not None else State(html(one))

    return progress.follow(request, state)


def _do(edge: Edge, what: What, one: Chore) -> None:
    try:
        with connect(edge.pool.url) as conn, claimed(conn) as alone:
            if alone:
                DEEDS[what](edge, conn, one)
            else:
                one.error = BUSY
    except YutangError as error:
        one.error = str(error)
    except Exception as error:  # whatever it is, the page must say that it has ended
        log.exception("日常差使失败。 a chore failed", chore=what)
        one.error = f"没有做完，详情见日志。 {type(error).__name__}: {error}"
    one.ended_at = edge.clock()


def _archive(edge: Edge, conn: psycopg.Connection, one: Chore) -> None:
    def report(done: Counts) -> None:
        one.counts = dict(done)

    report(lake.keep(conn, edge.clock(), report))


def _train(edge: Edge, conn: psycopg.Connection, one: Chore) -> None:  # noqa: ARG001
    training.run(edge.pool.url, edge.clock())


DEEDS: dict[What, Callable[[Edge, psycopg.Connection, Chore], None]] = {"archive": _archive, "train": _train}
