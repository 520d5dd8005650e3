"""Inheritance: on the job and after leaving, of customers and of groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import friends
from yutang.emulator.asked import DAY, day_of, listed, need, number, page, short
from yutang.emulator.errors import CityError
from yutang.emulator.people import (
    ACTIVE,
    LEFT,
    LIVE,
    TRANSFERRED,
    UNASSIGNED,
    Customer,
    Relation,
    Staff,
    receives,
    staff_of,
)
from yutang.emulator.wecom import groups

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

DONE, WAITING, REFUSED, FULL, NO_RECORD = 1, 2, 3, 4, 5
BY_ADMIN = 202
LEDGER_D = 90
REFUSAL, LIMIT = "customer_refused", "customer_limit_exceed"


@dataclass
class Row:
    """One customer's way from one member to another; `at`: when asked; takeover_time: when it takes effect, or took."""

    handover: str
    takeover: str
    external_userid: str
    at: int
    takeover_time: int
    message: str = ""
    status: int = WAITING


@dataclass
class Transfers:
    """Newest row of each (handover, takeover, customer); accepted requests per customer; groups moved per owner and day."""

    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    ledger: dict[str, list[int]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    moved: dict[tuple[str, int], int] = field(default_factory=dict)


def resigns(city: City, userid: str) -> None:
    """The member is deleted from the corp; what was his waits for an heir."""
    staff = city.people.staff[userid]
    staff.status, staff.left_at = LEFT, city.stamp()
    for relation in city.people.customers_of(userid):
        relation.status = UNASSIGNED
    groups.gone(city, userid)
    city.tell("change_contact", "delete_user", {"UserID": userid})


def refuses(city: City, customer: Customer, takeover: str) -> None:
    """Now, or when it comes to it."""
    customer.refuses.add(takeover)
    for row in city.part(Transfers).rows.values():
        if (row.external_userid, row.takeover, row.status) == (customer.external_userid, takeover, WAITING):
            _fail(city, row, REFUSED, REFUSAL)


def _heir(city: City, handover: str, takeover: str) -> Staff:
    """Who takes over. Raises CityError 40130, 60111, 84074, 40098."""
    if handover == takeover:
        raise CityError(40130)
    staff = staff_of(city, takeover)
    if staff.status != ACTIVE:
        raise CityError(60111, f"userid {takeover}")
    if not staff.feature:
        raise CityError(84074, f"userid {takeover}")
    if not staff.real_name:
        raise CityError(40098)
    return staff


def on_job(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/transfer_customer."""
    return _transfer(city, app, given, resigned=False)


def after_leaving(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/resigned/transfer_customer."""
    return _transfer(city, app, given, resigned=True)


def _transfer(city: City, app: App, given: dict[str, Any], resigned: bool) -> dict[str, Any]:
    limits = city.settings.transfer
    handover = staff_of(city, need(given, "handover_userid"))
    heir = _heir(city, handover.userid, need(given, "takeover_userid"))
    if resigned and handover.status != LEFT:
        raise CityError(40097)
    if resigned and handover.left_at + limits.resigned_max_d * DAY < city.stamp():
        raise CityError(40058, "handover_userid left more than a year ago")
    if not resigned and handover.status != ACTIVE:
        raise CityError(40003, "handover_userid has left; use resigned/transfer_customer")
    if not (app.sees(heir.userid) and app.sees(handover.userid)):
        raise CityError(60011)
    need(given, "external_userid")
    words = short(given, "transfer_success_msg", limits.msg_chars)
    wanted = listed(given, "external_userid", limits.batch)
    status = UNASSIGNED if resigned else LIVE
    rows = [_ask(city, handover.userid, heir.userid, one, status, words) for one in dict.fromkeys(wanted)]
    return {"customer": rows}


def _ask(city: City, handover: str, takeover: str, external: str, status: str, words: str) -> dict[str, Any]:
    """One customer's answer; the transfer itself happens a day later."""
    kept, now, wait = city.part(Transfers), city.stamp(), city.settings.transfer.wait_h * 3600
    relation = city.people.relation(handover, external)
    code = _refusal(city, kept, relation, external, status)
    if not code:
        row = Row(handover, takeover, external, now, now + wait, words)
        kept.rows[(handover, takeover, external)] = row
        kept.waiting.add(external)
        kept.ledger.setdefault(external, []).append(now)
        city.later(wait, lambda: _settle(city, row))
    return {"external_userid": external, "errcode": code}


def _refusal(city: City, kept: Transfers, relation: Relation | None, external: str, status: str) -> int:
    """The errcode of one item; 0 when it may go."""
    if external not in city.people.customers:
        return 40096
    if relation is None or relation.status != status:
        return 40131
    if external in kept.waiting:
        return 40129
    recent = [at for at in kept.ledger.get(external, []) if at > city.stamp() - LEDGER_D * DAY]
    return 40128 if len(recent) >= city.settings.transfer.per_90d else 0


def _settle(city: City, row: Row) -> None:
    """A day is over: the customer is handed over, has refused, or finds no room."""
    if row.status != WAITING:
        return
    customer = city.people.customers[row.external_userid]
    refused = row.takeover in customer.refuses or city.dice("refuses").random() < city.faults.refuse_rate
    if refused:
        _fail(city, row, REFUSED, REFUSAL)
    elif city.people.is_full(row.takeover, city.settings.contacts.members):
        _fail(city, row, FULL, LIMIT)
    else:
        _hand_over(city, row, customer)


def _fail(city: City, row: Row, status: int, reason: str) -> None:
    row.status = status
    kept = city.part(Transfers)
    kept.waiting.discard(row.external_userid)
    if status == REFUSED:
        kept.ledger[row.external_userid].remove(row.at)
    fields = {"FailReason": reason, "UserID": row.takeover, "ExternalUserID": row.external_userid}
    city.tell(friends.CONTACT, "transfer_fail", fields)


def _hand_over(city: City, row: Row, customer: Customer) -> None:
    old, had = (city.people.relation(one, row.external_userid) for one in (row.handover, row.takeover))
    row.status = DONE
    city.part(Transfers).waiting.discard(row.external_userid)
    if old is None or old.status not in (LIVE, UNASSIGNED):
        return
    on_job, old.status = old.status == LIVE, TRANSFERRED
    if on_job:
        city.tell(friends.CONTACT, "del_external_contact", friends.pair(old) | {"Source": "DELETE_BY_TRANSFER"})
    new = friends.befriend(city, customer, row.takeover, add_way=BY_ADMIN, silent=True)
    if new is None:
        return
    new.tags |= old.tags
    new.welcome_given = True
    if had is None:
        friends.announce(city, new)
    if row.message:
        receives(city, customer, "chat", row.takeover, row.message)


def results(city: City, _: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/transfer_result, and resigned/transfer_result."""
    pair = need(given, "handover_userid"), need(given, "takeover_userid")
    rows = [
        {"external_userid": one.external_userid, "status": one.status, "takeover_time": one.takeover_time}
        for one in city.part(Transfers).rows.values()
        if (one.handover, one.takeover) == pair
    ]
    found, cursor = page(city, given, rows, city.settings.transfer.page)
    return {"customer": found, "next_cursor": cursor}


def unassigned(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_unassigned_list: by page_id, or by cursor."""
    oldest = city.stamp() - city.settings.transfer.resigned_max_d * DAY
    rows = [
        {"handover_userid": one.userid, "external_userid": external, "dimission_time": one.left_at}
        for one in city.people.staff.values()
        if one.status == LEFT and one.left_at > oldest and app.sees(one.userid)
        for external, relation in city.people.of_staff.get(one.userid, {}).items()
        if relation.status == UNASSIGNED
    ]
    size = number(given, "page_size") or city.settings.transfer.page
    if page_id := number(given, "page_id"):
        rows = rows[page_id * size :]
    found, cursor = page(city, given | {"limit": size}, rows, city.settings.transfer.page)
    return {"info": found, "is_last": not cursor, "next_cursor": cursor}


def group_on_job(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/onjob_transfer."""
    return _groups(city, app, given, resigned=False)


def group_after_leaving(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/transfer."""
    return _groups(city, app, given, resigned=True)


def _groups(city: City, app: App, given: dict[str, Any], resigned: bool) -> dict[str, Any]:
    need(given, "chat_id_list")
    chats = listed(given, "chat_id_list", city.settings.group.transfer_batch)
    heir = _heir(city, "", need(given, "new_owner"))
    if not app.sees(heir.userid):
        raise CityError(60011)
    failed = []
    for chat_id in dict.fromkeys(chats):
        try:
            _group(city, chat_id, heir.userid, resigned)
        except CityError as error:
            failed.append({"chat_id": chat_id} | error.body(city.stamp(), 1))
    return {"failed_chat_list": failed}


def _group(city: City, chat_id: str, heir: str, resigned: bool) -> None:
    """Raises CityError 90501, 90500, 90504, 45009."""
    limits, kept, now = city.settings.group, city.part(Transfers), city.stamp()
    group = city.part(groups.Groups).groups.get(chat_id)
    if group is None:
        raise CityError(90501)
    if resigned and not group.left:
        raise CityError(90500)
    if group.owner == heir:
        raise CityError(90504)
    recent = [at for at in group.on_job if at > now - LEDGER_D * DAY]
    key = (group.owner, day_of(now))
    if kept.moved.get(key, 0) >= limits.transfer_per_day or (not resigned and len(recent) >= limits.onjob_per_90d):
        raise CityError(45009, "the owner's or the group's transfers are used up")
    kept.moved[key] = kept.moved.get(key, 0) + 1
    if resigned:
        group.inherited_at = now
    else:
        group.on_job.append(now)
    groups.hand_over(city, group, heir)
