"""What is done once a day beside the loop: erasures settled, the history archived, the models trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
import structlog

from yutang import erasure, lake
from yutang.chores import training
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)
log = structlog.get_logger()


@contextmanager
def claimed(conn: psycopg.Connection) -> Iterator[bool]:
    """Is the block the only one, in however many programs, that does chores? Two at once would do the work twice."""
    yes = sql.claim(conn).fetchone().claimed
    try:
        yield yes
    finally:
        if yes:
            sql.leave(conn)


def do(conn: psycopg.Connection, url: str, now: datetime) -> None:
    """Whatever is due. Killed in the middle it loses nothing. `url`: of the same pond."""
    with claimed(conn) as alone:
        if not alone:
            return
        for chore in (_erasures, _lake, _models):
            _tried(chore, conn, url, now)


def _tried(
    chore: Callable[[psycopg.Connection, str, datetime], None], conn: psycopg.Connection, url: str, now: datetime
) -> None:
    """None keeps the others waiting: what fails is told, and tried again later."""
    try:
        chore(conn, url, now)
    except psycopg.OperationalError:
        raise
    except YutangError as error:
        log.error("日常差使失败，稍后再试。 a chore failed; it is tried again later", error=str(error))
    except Exception:
        log.exception("日常差使失败，稍后再试。 a chore failed; it is tried again later")


def _erasures(conn: psycopg.Connection, _url: str, now: datetime) -> None:
    if late := erasure.settle(conn, now):
        log.info("已抹去的顾客后来又到的资料也已抹去。 what came late of people who were erased is gone too", rows=late)


def _lake(conn: psycopg.Connection, _url: str, now: datetime) -> None:
    if lake.due(conn, now):
        log.info("数据湖已是最新。 the lake is up to date", **lake.keep(conn, now))
    elif lake.feed_due(conn, now):
        log.info("集群已重新同步。 the cluster is fed again", rows=lake.feed(conn, now))


def _models(conn: psycopg.Connection, url: str, now: datetime) -> None:
    if training.due(conn, now):
        training.run(url, now)
        log.info("模型已训练。 the models are trained")
