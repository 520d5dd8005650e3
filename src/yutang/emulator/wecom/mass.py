"""Mass messages: tasks that staff confirm, the caps of those who get them, and the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import friends
from yutang.emulator.asked import DAY, day_of, listed, need, number, page, span
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer, Relation, receives, staff_of
from yutang.emulator.wecom import attachments, groups
from yutang.emulator.wecom.tasks import CANCELLED, SENT, UNSENT, Task

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

SINGLE, GROUP = "single", "group"
DONE, NO_FRIEND, CAPPED = 1, 2, 3
BY_CORP, BY_STAFF, EITHER = 0, 1, 2
MONTH_D = 31


@dataclass
class Row:
    """What became of one recipient: 0 unsent, 1 sent, 2 no friend, 3 had another mass message."""

    id: str
    userid: str
    status: int = 0
    sent_at: int = 0


@dataclass
class Mass:
    """One message to many. creator: the staff member who made it himself; empty when the API did."""

    msgid: str
    kind: str
    text: str
    attachments: list[dict[str, Any]]
    made_at: int
    creator: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    reminders: list[int] = field(default_factory=list)
    cancelled: bool = False


@dataclass
class Posted:
    """By msgid; and the days on which each customer, or group, got one."""

    messages: dict[str, Mass] = field(default_factory=dict)
    ledger: dict[str, list[int]] = field(default_factory=dict)


def capped(city: City, recipient: str) -> bool:
    """Whether the recipient has had as many as the cap allows."""
    limits, today = city.settings.mass, day_of(city.stamp())
    had = city.part(Posted).ledger.get(recipient, [])
    return sum(1 for day in had if day > today - limits.cap_days * DAY) >= limits.cap


def add(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_msg_template."""
    limits, kind = city.settings.mass, given.get("chat_type") or SINGLE
    if kind not in (SINGLE, GROUP):
        raise CityError(40058, "chat_type should be single or group")
    text, extra = attachments.content(city, given, limits.attachments, limits.text_bytes)
    shares, failed = (_customers if kind == SINGLE else _chats)(city, app, given)
    if all(capped(city, one) for share in shares.values() for one in share):
        raise CityError(41048)
    mass = Mass(city.new_id("msg"), kind, text, extra, city.stamp())
    for userid, share in shares.items():
        mass.tasks[userid] = Task(
            kind, mass.msgid, userid, text, extra, mass.made_at, share, bool(given.get("allow_select"))
        )
        mass.rows[userid] = {one: Row(one, userid) for one in share}
    city.part(Posted).messages[mass.msgid] = mass
    return {"fail_list": failed, "msgid": mass.msgid}


def _customers(city: City, app: App, given: dict[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """Whom each staff member is to write to, and who cannot be reached."""
    sender = given.get("sender") or ""
    wanted = listed(given, "external_userid", city.settings.mass.customers)
    if not wanted and not sender:
        raise CityError(40063, "external_userid and sender are both empty")
    if sender and not app.sees(staff_of(city, sender).userid):
        raise CityError(60011, f"sender {sender}")
    named = bool(wanted)
    if not named:
        wanted = [one.external_userid for one in city.people.customers_of(sender)]
    shares: dict[str, list[str]] = {}
    failed = []
    for external in dict.fromkeys(wanted):
        relation = sender_of(city, app, external, sender)
        if relation is None:
            failed.append(external)
        elif named or _has_tags(city, relation, given.get("tag_filter") or {}):
            shares.setdefault(relation.userid, []).append(external)
    return shares, failed


def sender_of(city: City, app: App, external_userid: str, sender: str = "") -> Relation | None:
    """The follower who writes: the one named, else the one who chatted last, else the newest friend."""
    able = [
        one
        for one in city.people.followers_of(external_userid)
        if app.sees(one.userid) and (not sender or one.userid == sender)
    ]
    return max(able, key=lambda one: (one.last_chat_at, one.createtime, one.userid), default=None)


def _has_tags(city: City, relation: Relation, wanted: dict[str, Any]) -> bool:
    """Any tag of each list."""
    most = city.settings.mass.tags_per_list
    lists = [listed(one, "tag_list", most) for one in wanted.get("group_list") or []]
    return all(any(tag in relation.tags for tag in one) for one in lists)


def _chats(city: City, app: App, given: dict[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    sender = need(given, "sender")
    if not app.sees(staff_of(city, sender).userid):
        raise CityError(60011, f"sender {sender}")
    owned = [one.chat_id for one in groups.owned(city, sender)]
    wanted = listed(given, "chat_id_list", city.settings.mass.chats) or owned
    return {sender: [one for one in wanted if one in owned]}, [one for one in wanted if one not in owned]


def tasks_of(city: City, userid: str) -> list[Task]:
    return [one.tasks[userid] for one in city.part(Posted).messages.values() if userid in one.tasks]


def taps(city: City, userid: str, msgid: str, customers: Sequence[Customer] | None = None) -> None:
    """The staff member sends. Raises LookupError when there is nothing to send, or nothing to select."""
    mass = city.part(Posted).messages.get(msgid)
    task = mass.tasks.get(userid) if mass else None
    if mass is None or task is None:
        raise LookupError(f"{userid} 没有任务 {msgid}。 {userid} has no task {msgid}")
    if userid in city.faults.never_tap or task.status != UNSENT:
        return
    if customers is not None and not task.allow_select:
        raise LookupError("这个任务不让员工挑选客户。 this task does not let staff select customers")
    chosen = task.recipients if customers is None else [one.external_userid for one in customers]
    task.status, task.sent_at = SENT, city.stamp()
    for one in chosen:
        if row := mass.rows[userid].get(one):
            _send(city, mass, row)


def _send(city: City, mass: Mass, row: Row) -> None:
    posted, row.sent_at = city.part(Posted), city.stamp()
    relation = city.people.relation(row.userid, row.id) if mass.kind == SINGLE else None
    if mass.kind == SINGLE and (relation is None or not relation.there):
        row.status = NO_FRIEND
        return
    if capped(city, row.id):
        row.status = CAPPED
        return
    row.status = DONE
    posted.ledger.setdefault(row.id, []).append(day_of(city.stamp()))
    if mass.kind == GROUP:
        if group := city.part(groups.Groups).groups.get(row.id):
            groups.receive(city, group, row.userid, mass.text, mass.attachments)
        return
    customer = city.people.customers[row.id]
    receives(city, customer, "mass", row.userid, mass.text, mass.attachments)
    if city.dice("blocks").random() < city.faults.block_rate:
        friends.customer_deletes(city, customer, row.userid)


def staff_sends(city: City, userid: str, customers: Iterable[Customer], text: str) -> str:
    """A staff member's own mass message; it counts for the caps, too. Returns the msgid."""
    ids = [one.external_userid for one in customers]
    mass = Mass(city.new_id("msg"), SINGLE, text, [], city.stamp(), creator=userid)
    mass.tasks[userid] = Task(SINGLE, mass.msgid, userid, text, [], mass.made_at, ids)
    mass.rows[userid] = {one: Row(one, userid) for one in ids}
    city.part(Posted).messages[mass.msgid] = mass
    taps(city, userid, mass.msgid)
    return mass.msgid


def _message(city: City, given: dict[str, Any]) -> Mass:
    mass = city.part(Posted).messages.get(need(given, "msgid", 41046))
    if mass is None:
        raise CityError(41047)
    return mass


def _dispatched(city: City, given: dict[str, Any]) -> Mass:
    mass = _message(city, given)
    if city.now().timestamp() < mass.made_at + city.settings.mass.dispatch_s:
        raise CityError(41063)
    return mass


def remind(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/remind_groupmsg_send."""
    mass, now = _message(city, given), city.stamp()
    if mass.cancelled:
        raise CityError(41093)
    if sum(1 for at in mass.reminders if at > now - DAY) >= city.settings.mass.remind_per_24h:
        raise CityError(41094)
    mass.reminders.append(now)
    for task in mass.tasks.values():
        task.reminded += task.status == UNSENT
    return {}


def cancel(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/cancel_groupmsg_send: what is not sent yet stays unsent."""
    mass = _message(city, given)
    if mass.cancelled:
        raise CityError(41093)
    mass.cancelled = True
    for task in mass.tasks.values():
        task.status = CANCELLED if task.status == UNSENT else task.status
    return {}


def listing(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_groupmsg_list_v2."""
    limits, asked = city.settings.mass, span(given, MONTH_D)
    kind, creator, who = need(given, "chat_type"), given.get("creator"), number(given, "filter_type", EITHER)
    rows = [
        _head(one)
        for one in city.part(Posted).messages.values()
        if one.kind == kind and one.made_at in asked and (not creator or one.creator == creator)
        and who in (EITHER, BY_STAFF if one.creator else BY_CORP)
    ]  # fmt: skip
    found, cursor = page(city, given, rows, limits.list_page, limits.list_default)
    return {"group_msg_list": found, "next_cursor": cursor}


def _head(mass: Mass) -> dict[str, Any]:
    shown = {
        "msgid": mass.msgid, "create_time": str(mass.made_at), "create_type": BY_STAFF if mass.creator else BY_CORP,
        "text": {"content": mass.text}, "attachments": mass.attachments,
    }  # fmt: skip
    return shown | ({"creator": mass.creator} if mass.creator else {})


def tasks(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_groupmsg_task."""
    limits, rows = city.settings.mass, []
    for task in _dispatched(city, given).tasks.values():
        row: dict[str, Any] = {"userid": task.userid, "status": max(task.status, UNSENT)}
        rows.append(row | ({"send_time": task.sent_at} if task.status == SENT else {}))
    found, cursor = page(city, given, rows, limits.page, limits.page_default)
    return {"task_list": found, "next_cursor": cursor}


def results(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_groupmsg_send_result; of groups only what was sent."""
    limits, mass = city.settings.mass, _dispatched(city, given)
    key = "external_userid" if mass.kind == SINGLE else "chat_id"
    rows = [
        {key: one.id, "userid": one.userid, "status": one.status} | ({"send_time": one.sent_at} if one.sent_at else {})
        for one in mass.rows.get(need(given, "userid"), {}).values()
        if mass.kind == SINGLE or one.status == DONE
    ]
    found, cursor = page(city, given, rows, limits.page, limits.page_default)
    return {"send_list": found, "next_cursor": cursor}
