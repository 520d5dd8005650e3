"""Staff behaviour, counted by China's days and told the morning after."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import people
from yutang.emulator.asked import DAY, day_of, listed, span
from yutang.emulator.errors import CityError
from yutang.emulator.people import Relation

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

COUNTS = ("chat_cnt", "message_cnt", "negative_feedback_cnt", "new_apply_cnt", "new_contact_cnt")


@dataclass
class Stats:
    """Counts by (userid, day); when each customer's unanswered words were said, and how long answers took."""

    counts: defaultdict[tuple[str, int], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    waiting: dict[tuple[str, str], int] = field(default_factory=dict)


def note(city: City, userid: str, what: str, by: int = 1) -> None:
    """Count something that a member did, today."""
    city.part(Stats).counts[(userid, day_of(city.stamp()))][what] += by


def chatted(city: City, relation: Relation, by_customer: bool) -> None:
    """One message between the two."""
    kept, pair, now = city.part(Stats), (relation.userid, relation.external_userid), city.stamp()
    if by_customer:
        kept.waiting.setdefault(pair, now)
        note(city, relation.userid, "asked")
        return
    note(city, relation.userid, "message_cnt")
    note(city, relation.userid, f"chat/{relation.external_userid}")
    if since := kept.waiting.pop(pair, None):
        note(city, relation.userid, "replied")
        note(city, relation.userid, "reply_s", now - since)


def behavior(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_user_behavior_data: one summed row per day, both days included, today not yet."""
    limits = city.settings.stats
    userids = [people.staff_of(city, one).userid for one in listed(given, "userid", limits.ids)]
    parties = listed(given, "partyid", limits.ids)
    if not userids and not parties:
        raise CityError(40063, "userid and partyid are both empty")
    userids += [one.userid for one in city.people.staff.values() if one.department in parties]
    if not all(map(app.sees, userids)):
        raise CityError(60011)
    asked = span(given, limits.span_d)
    if asked.start < city.stamp() - limits.history_d * DAY:
        raise CityError(40058, f"start_time should be within {limits.history_d} days")
    days = range(day_of(asked.start), day_of(asked[-1]) + 1, DAY)
    return {"behavior_data": [_row(city, set(userids), day) for day in days if _ready(city, day)]}


def _ready(city: City, day: int) -> bool:
    return city.stamp() >= day + DAY + city.settings.stats.ready_hour_next_day * 3600


def _row(city: City, userids: set[str], day: int) -> dict[str, Any]:
    counts = city.part(Stats).counts
    found = sum((counts[(one, day)] for one in userids if (one, day) in counts), Counter[str]())
    found["chat_cnt"] = sum(1 for name in found if name.startswith("chat/"))
    row: dict[str, Any] = {"stat_time": day} | {name: found[name] for name in COUNTS}
    if found["asked"]:
        row["reply_percentage"] = round(100 * min(1, found["replied"] / found["asked"]), 2)
    if found["replied"]:
        row["avg_reply_time"] = found["reply_s"] // found["replied"] // 60
    return row
