"""What is put on the shelf: answers of the lake, those of the days before, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import psycopg
import structlog

from yutang import config, definitions, lake
from yutang.clock import business_day
from yutang.insight import questions
from yutang.insight.questions import Answer, Question, params
from yutang.insight.questions.tree import whole
from yutang.lake.manifest import sql
from yutang.model import YutangError
from yutang.web.edge import Edge
from yutang.web.pages.insight import spans
from yutang.web.shelf import Found

log = structlog.get_logger()
Wanted = Sequence[tuple[str, dict[str, str]]]


class Lake(NamedTuple):
    """at: when the lake was last brought up to date, None: never; generation: changes when it is."""

    at: datetime | None
    generation: int


@dataclass(frozen=True)
class Counted:
    """The answers, in the order in which they were wanted; of the days before by name. error: why there are none."""

    answers: list[Answer] = field(default_factory=list)
    before: dict[str, Answer] = field(default_factory=dict)
    error: str | None = None


def lake_of(conn: psycopg.Connection) -> Lake:
    """Of PostgreSQL alone: the lake itself may lie far away."""
    state = sql.state(conn).fetchone()
    return Lake(state.at, state.generation)


def count(
    edge: Edge, conn: psycopg.Connection, wanted: Wanted, instead: Mapping[str, dict[str, str]] | None = None
) -> Found:
    """What the shelf has of these questions; counted anew when the lake or the day is another. instead: with what a question is asked
    whose first row counts nobody."""
    pond = definitions.pond(conn)
    today = business_day(edge.clock(), pond["time_zone"])
    key = ("insight", lake_of(conn).generation, today, tuple((name, *sorted(given.items())) for name, given in wanted))
    return edge.shelf.get(key, lambda _: _counted(wanted, instead or {}, today, pond["time_zone"]))


def _counted(wanted: Wanted, instead: Mapping[str, dict[str, str]], today: date, zone: str) -> Counted:
    """All of them or none: half a dashboard would be taken for a whole one."""
    try:
        with lake.opened() as there:
            found = questions.answers(wanted, today, zone, there)
            asked = [
                (name, instead[name]) if name in instead and _nobody(one) else (name, given)
                for (name, given), one in zip(wanted, found, strict=True)
            ]
            earlier = [(name, given | past) for name, given in asked if (past := _past(name, given, today, zone))]
            every = questions.answers([*asked, *earlier], today, zone, there)
    except YutangError as error:
        return Counted(error=str(error))
    except Exception as error:  # whatever it is, the page must say why there is nothing
        log.exception("数据湖答不了。 the lake cannot answer")
        return Counted(error=f"没有算出来，详情见日志。 {type(error).__name__}: {str(error).partition(chr(10))[0]}")
    return Counted(every[: len(asked)], {one.question: one for one in every[len(asked) :]})


def _nobody(answer: Answer) -> bool:
    place = next((n for n, column in enumerate(answer.columns) if column.key == "people"), None)
    return not answer.rows or (place is not None and not answer.rows[0][place])


def _past(name: str, given: dict[str, str], today: date, zone: str) -> dict[str, str] | None:
    asked, _ = params.asked(name, questions.question(name).params, given, today, zone)
    return spans.before(name, asked["since"], asked["until"])


def sql_of(known: Question, given: Mapping[str, str], today: date, zone: str) -> str:
    """The question as the lake hears it, for whoever would ask it otherwise."""
    dialect = "clickhouse" if config.LAKE_URL.value.startswith("clickhouse") else "duckdb"
    asked, _ = params.asked(known.name, known.params, given, today, zone)
    return whole(known.build(asked, dialect)).sql(dialect=dialect, pretty=True)
