"""Journeys that the clock begins, and what it did for one person: which firings began no run, and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from yutang import definitions
from yutang.journey.timetable import kept_on
from yutang.model import Reason
from yutang.why import words
from yutang.why.chain import Outside
from yutang.why.look import LATEST, Look
from yutang.why.runs import cause_instant

LOOKED_BACK = 800
"""Firings that are looked through for a person's day: two years of days."""


def by_schedule(look: Look) -> Iterator[Outside]:
    """Firings that began no run; without any: what the clock waits for."""
    firings = look.book.rows("firings", journey=look.d.definition_id, limit=LOOKED_BACK)
    if "anniversary" in look.trigger:
        day = _day(look, look.trigger["anniversary"])
        if day is None:
            yield look.say(None, _unknown(look.trigger["anniversary"]))
            return
        firings = [firing for firing in firings if _is_kept(look, firing, day)]
    taken = {cause_instant(run.cause) for run in look.runs}
    if not firings and not look.runs:
        yield look.say(None, words.both("还没有到触发时间", "its time has not come yet"))
    for firing in reversed(firings[:LATEST]):
        if firing.fires_at not in taken:
            yield _unused(look, firing)


def _unused(look: Look, firing: Any) -> Outside:
    if firing.state == "passed_over":
        return look.say(Reason.MISSED, words.reason(Reason.MISSED), firing.fires_at)
    return look.without_run(firing.fires_at, firing.at)


def _day(look: Look, wanted: dict[str, Any]) -> str | None:
    """The day that is kept, as ``2000-02-29`` or ``02-29``."""
    if "trait" in wanted:
        found = look.book.rows("date_of_trait", trait=wanted["trait"])
    else:
        zone = definitions.pond(look.book.conn)["time_zone"]
        found = look.book.rows("date_of_event", type=wanted["event"], zone=zone)
    return found[0].date if found else None


def _is_kept(look: Look, firing: Any, day: str) -> bool:
    zone = ZoneInfo(definitions.pond(look.book.conn)["time_zone"])
    kept: date = firing.fires_at.astimezone(zone).date() + timedelta(days=look.trigger["anniversary"]["days_before"])
    year = int(day[:4]) if len(day) > 5 else 0
    return day[-5:] in kept_on(kept) and year < kept.year


def _unknown(wanted: dict[str, Any]) -> dict[str, str]:
    if "trait" in wanted:
        return words.both(f"不知道「{wanted['trait']}」的日期", f"the date of '{wanted['trait']}' is not known")
    title = words.event_title(wanted["event"])
    return words.both(f"没有发生过「{title['zh']}」", f"'{wanted['event']}' never happened")
