"""Pieces that several questions are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from yutang.insight.questions.params import Attribute, Step, Test
from yutang.insight.questions.shape import Column, column
from yutang.insight.questions.tree import build

NOBODY = column("who", "分组", "split by", "text")


def holds(step: Step, dialect: str) -> exp.Expression:
    """An event is such a step."""
    return reduce(exp.and_, [build("type = :type", dialect, type=step.type), *(_holds(t, dialect) for t in step.tests)])


def _holds(test: Test, dialect: str) -> exp.Expression:
    said = build("y_text(props, :key)", dialect, key=test.key)
    if test.op == "=":
        return build("coalesce(:said = :value, false)", dialect, said=said, value=test.value)
    if test.op == "!=":
        return build("coalesce(:said <> :value, true)", dialect, said=said, value=test.value)
    text = f"coalesce(y_number(:said) {test.op} :value, false)"
    return build(text, dialect, said=said, value=test.value)


def steps_taken(step: Step, dialect: str) -> exp.Expression:
    """The events that are such a step: person_id, event_id, at, day."""
    if step.tests:
        text = "select person_id, event_id, at, day from events where :holds"
        return build(text, dialect, holds=holds(step, dialect)).subquery()
    return events_of([step.type], dialect)


def events_of(types: Collection[str] | None, dialect: str) -> exp.Expression:
    """The events of these types (None: all): person_id, event_id, at, day. Every `ordered` event has its row in `orders`, which is
    read in a third of the time."""
    columns = "select person_id, event_id, at, day from"
    if types is None:
        return build(f"{columns} events", dialect).subquery()
    if set(types) == {"ordered"}:
        return build(f"{columns} orders", dialect).subquery()
    return build(f"{columns} events where type in :types", dialect, types=sorted(types)).subquery()


def person_value(by: Attribute, dialect: str) -> exp.Expression:
    """What a row of `persons` says of the person."""
    if by.kind == "trait":
        return build("y_text(traits, :name)", dialect, name=by.name)
    return exp.column(by.name)


def with_split(people: exp.Expression, by: Attribute | None, dialect: str) -> exp.Expression:
    """The rows of `people` (with a person_id) and, as `who`, what the person is now; NULL without `by`."""
    if by is None:
        return build("select *, cast(null as varchar) as who from :people as p", dialect, people=people.subquery())
    text = """select p.*, q.who from :people as p
        left join (select person_id, :value as who from persons where valid_to is null) as q on p.person_id = q.person_id"""
    return build(text, dialect, people=people.subquery(), value=person_value(by, dialect))


def after(day: date, zone: str) -> int:
    """The first microsecond (since 1970) that is not `day` any more, on the clock of `zone`: a day without a midnight begins when it can."""
    ends = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)
    return (ends - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def by_who(rows: Iterable[Any]) -> dict[str | None, list[Any]]:
    """Rows by their `who`: named ones in order, nobody's last."""
    found: dict[str | None, list[Any]] = {}
    for row in rows:
        found.setdefault(row.who, []).append(row)
    return dict(sorted(found.items(), key=lambda pair: (pair[0] is None, pair[0] or "")))


def named(split: bool) -> list[Column]:
    """The first column where people are split."""
    return [NOBODY] if split else []
