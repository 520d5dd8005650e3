"""The quota calendar as JSON, with sentences; and the refusal of what finds no room."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

from yutang.model import Reason
from yutang.plan.book import STATES, Plan, PlanRefused
from yutang.plan.ledger import Window
from yutang.plan.quota import SEARCHED, Calendar, Late
from yutang.why.chain import Words
from yutang.why.words import both


def quota(calendar: Calendar, fresh: Collection[str] = ()) -> dict[str, Any]:
    """``{"from", "to", "days": [{"day", "channel", "kind", "committed", "planned", "allowed"}], "campaigns": […], "late": […]}``;
    `fresh`: the journeys of a plan, whose campaigns say so."""
    last = calendar.end.date()
    return {
        "from": calendar.begin.date().isoformat(),
        "to": last.isoformat(),
        "days": list(_days(calendar, last)),
        "campaigns": [
            {"journey": one.journey, "at": one.at.isoformat(), "people": one.people, "new": one.journey in fresh}
            for one in calendar.campaigns
        ],
        "late": [_late(one) for one in calendar.late],
    }


def allowances(calendar: Calendar, day: date) -> list[dict[str, Any]]:
    """What each channel allows in the windows that hold `day`, and what is used of it."""
    found = []
    for channel in calendar.channels:
        for allowance in calendar.ledger.of(channel, day):
            window = calendar.ledger.windows.get((channel, allowance.kind, allowance.first)) or Window(allowance)  # type: ignore[arg-type]
            found.append(
                {
                    "channel": channel,
                    "kind": allowance.kind,
                    "per": allowance.per,
                    "amount": allowance.amount,
                    "from": allowance.first,
                    "to": allowance.last,
                    "used": window.used,
                    "full": window.full,
                }
            )
    return found


def _days(calendar: Calendar, end: date) -> Iterator[dict[str, Any]]:
    for (day, channel, kind), n in sorted(calendar.ledger.days.items()):
        if calendar.begin.date() <= day < end:
            committed = calendar.committed.get((day, channel, kind), 0)
            allowed = next(a for a in calendar.ledger.of(channel, day) if a.kind == kind)
            yield {
                "day": day.isoformat(),
                "channel": channel,
                "kind": kind,
                "committed": committed,
                "planned": n - committed,
                "amount": allowed.amount,
                "per": allowed.per,
                "window": [str(allowed.first), str(allowed.last)],
            }


def _late(one: Late) -> dict[str, Any]:
    short = one.shortage
    return {
        "journey": one.journey,
        "at": one.at.isoformat(),
        "channel": short.channel,
        "kind": short.allowance.kind,
        "over": short.over,
        "asked": short.asked,
        "possible": one.possible and one.possible.isoformat(),
        **_words(one),
    }


def _words(one: Late) -> Words:
    short, allowed = one.shortage, one.shortage.allowance
    per = both("每人", "for each person") if allowed.per == "person" else both("每个账号", "for the account")
    when = (
        both(f"最早 {one.possible} 可发", f"the first day with room is {one.possible}")
        if one.possible
        else both(f"{SEARCHED} 天内都没有余量", f"there is no room within {SEARCHED} days")
    )
    return both(
        f"旅程 {one.journey} 在 {one.at:%m-%d} 的 {short.asked} 条中有 {short.over} 条超出 {short.channel} 的配额"
        f"（{per['zh']} {allowed.amount} 条，{allowed.first} 至 {allowed.last}）；{when['zh']}",
        f"of {short.asked} messages of journey {one.journey} on {one.at:%m-%d}, {short.over} are above the quota of "
        f"{short.channel} ({allowed.amount} {per['en']} from {allowed.first} to {allowed.last}); {when['en']}",
    )


def check_room(calendar: Calendar, fresh: Collection[str]) -> None:
    """Raises PlanRefused for the first campaign of a plan that finds too little room."""
    for one in calendar.late:
        if one.journey in fresh:
            words = _words(one)
            raise PlanRefused(Reason.OVER_QUOTA, f"{words['zh']}。 {words['en']}")


def plan(one: Plan) -> dict[str, Any]:
    """A plan as JSON; what was shown to its readers stands beside its state."""
    log = [{"state": m.state, "by": m.by, "at": m.at.isoformat(), "note": m.note} for m in one.marks]
    return {
        "plan_id": one.plan_id,
        "brand": one.brand,
        "state": one.state,
        "words": both(*STATES[one.state]),
        "by": one.by,
        "at": one.marks[0].at.isoformat(),
        "approved_by": one.approved_by,
        "digest": one.digest,
        "reverts": one.reverts,
        "log": log,
        **one.shown,
    }
