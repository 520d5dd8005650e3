"""Statistics of groups: per owner or per day, never per group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import DAY, day_of, listed, need, number
from yutang.emulator.errors import CityError
from yutang.emulator.wecom.groups import CUSTOMER, Group, Groups

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

ORDERS = {1: "new_chat_cnt", 2: "chat_total", 3: "new_member_cnt", 4: "member_total"}
PAGE, DEFAULT = 1000, 500


def _asked(city: City, app: App, given: dict[str, Any]) -> tuple[int, int, list[str]]:
    """First and last day, and the owners. Raises CityError 40058."""
    limits = city.settings.stats
    first = day_of(number({"s": need(given, "day_begin_time")}, "s"))
    last = day_of(number(given, "day_end_time") or first)
    if not first <= last <= first + limits.span_d * DAY or first < city.stamp() - limits.history_d * DAY:
        raise CityError(40058, f"at most {limits.span_d} days, within {limits.history_d} days")
    owners = listed(need(given, "owner_filter"), "userid_list", city.settings.group.owners)
    return first, last, [one for one in owners if app.sees(one)]


def _data(groups: Iterable[Group], first: int, last: int) -> dict[str, int]:
    """The figures of the days from `first` to `last`, both included; totals are those at the end."""
    end, groups = last + DAY, [one for one in groups if one.made_at < last + DAY]
    words = [[who for day, said in one.words.items() if first <= day <= last for who in said] for one in groups]
    joined = [one.joined_at for group in groups for one in group.members.values() if one.kind == CUSTOMER]
    return {
        "new_chat_cnt": sum(1 for one in groups if one.made_at >= first),
        "chat_total": len(groups),
        "chat_has_msg": sum(1 for one in words if one),
        "new_member_cnt": sum(1 for at in joined if first <= at < end),
        "member_total": sum(len(one.members) for one in groups),
        "member_has_msg": len({who for one in words for who in one}),
        "msg_total": sum(map(len, words)),
        "migrate_trainee_chat_cnt": 0,
    }


def by_owner(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/statistic; paged by offset."""
    first, last, owners = _asked(city, app, given)
    last = min(last, day_of(city.stamp() - city.settings.stats.ready_hour_next_day * 3600) - DAY)
    groups = city.part(Groups).groups.values()
    rows = [{"owner": one, "data": _data((g for g in groups if g.owner == one), first, last)} for one in owners]
    order = ORDERS.get(number(given, "order_by", 1) or 1)
    if order is None:
        raise CityError(40058, "order_by should be 1 to 4")
    rows.sort(key=lambda row: row["data"][order], reverse=number(given, "order_asc") != 1)
    limit, start = number(given, "limit"), number(given, "offset")
    size = limit if 0 < limit <= PAGE else DEFAULT
    return {"total": len(rows), "next_offset": min(start + size, len(rows)), "items": rows[start : start + size]}


def by_day(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/statistic_group_by_day; a day is there the morning after."""
    first, last, owners = _asked(city, app, given)
    groups = [one for one in city.part(Groups).groups.values() if one.owner in owners]
    ready = city.stamp() - DAY - city.settings.stats.ready_hour_next_day * 3600
    days = [day for day in range(first, last + 1, DAY) if day <= ready]
    return {"items": [{"stat_time": day, "data": _data(groups, day, day)} for day in days]}
