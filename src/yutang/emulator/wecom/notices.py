"""Messages of an app to members, and robots of internal groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import need
from yutang.emulator.errors import CityError
from yutang.emulator.people import LEFT

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

EVERYBODY = "@all"
RECEIVERS = 1000
TEXT_BYTES = 2048
ROBOT_PER_MIN = 20


@dataclass
class Notice:
    """What a member found; sender: the app's agent id, or a robot's key."""

    at: datetime
    sender: str
    kind: str
    body: dict[str, Any]


@dataclass
class Notices:
    """By userid; what robots said; how many each got in a minute; contents already sent, with their time."""

    of: dict[str, list[Notice]] = field(default_factory=dict)
    robots: dict[str, list[Notice]] = field(default_factory=dict)
    per_minute: Counter[tuple[str, int]] = field(default_factory=Counter)
    before: dict[str, int] = field(default_factory=dict)


def send(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST message/send; beyond thirty a minute a member gets nothing, silently."""
    kind = need(given, "msgtype")
    body, wanted = need(given, kind), [one for one in str(given.get("touser") or "").split("|") if one]
    if len(wanted) > RECEIVERS or len(str(body.get("content", "")).encode()) > TEXT_BYTES:
        raise CityError(40058, "too many receivers, or the text is too long")
    able = {one.userid for one in city.people.staff.values() if one.status != LEFT and app.sees(one.userid)}
    good = sorted(able) if wanted == [EVERYBODY] else [one for one in wanted if one in able]
    if not good:
        raise CityError(81013)
    if not _repeated(city, given, repr((kind, body, good))):
        for userid in good:
            _give(city, userid, app.agent_id, kind, body)
    bad = [one for one in wanted if one not in able and one != EVERYBODY]
    return {"invaliduser": "|".join(bad), "invalidparty": "", "msgid": city.new_id("nm")}


def _repeated(city: City, given: dict[str, Any], content: str) -> bool:
    """Whether the same was sent within the interval, where that is to be checked."""
    kept, now = city.part(Notices).before, city.stamp()
    last = kept.get(content)
    kept[content] = now
    within = int(given.get("duplicate_check_interval") or 1800)
    return bool(given.get("enable_duplicate_check")) and last is not None and now - last < within


def _give(city: City, userid: str, sender: str, kind: str, body: dict[str, Any]) -> None:
    kept, minute = city.part(Notices), city.stamp() // 60
    kept.per_minute[(userid, minute)] += 1
    if kept.per_minute[(userid, minute)] <= city.settings.login.message_per_member_min:
        kept.of.setdefault(userid, []).append(Notice(city.now(), sender, kind, body))


def robot(city: City, _: App | None, given: dict[str, Any]) -> dict[str, Any]:
    """POST webhook/send?key=."""
    kept, key, kind = city.part(Notices), need(given, "key"), need(given, "msgtype")
    said = kept.robots.setdefault(key, [])
    if sum(1 for one in said if city.now().timestamp() - one.at.timestamp() < 60) >= ROBOT_PER_MIN:
        raise CityError(45009)
    said.append(Notice(city.now(), key, kind, need(given, kind)))
    return {}
