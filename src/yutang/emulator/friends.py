"""Friendship between customers and staff: how it begins, what it hears, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yutang.emulator.people import (
    ACTIVE,
    HALF,
    LIVE,
    LOST_BY_CUSTOMER,
    LOST_BY_STAFF,
    PENDING,
    Customer,
    Relation,
    receives,
)
from yutang.emulator.wecom import stats, welcome

if TYPE_CHECKING:
    from yutang.emulator.city import City

CONTACT = "change_external_contact"


def befriend(
    city: City,
    customer: Customer,
    userid: str,
    state: str = "",
    add_way: int = 1,
    *,
    verified: bool = True,
    half: bool = False,
    silent: bool = False,
) -> Relation | None:
    """A new relation. verified: at once, else it waits for `accept`; half: the staff member has yet to confirm;
    silent: without any event. None when the staff member serves nobody, or has too many customers.
    """
    staff = city.people.staff.get(userid)
    old = city.people.relation(userid, customer.external_userid)
    if staff is None or staff.status != ACTIVE or not staff.feature:
        return None
    if old and old.there:
        return old
    if city.people.is_full(userid, city.settings.contacts.members):
        return None
    status = (HALF if half else LIVE) if verified else PENDING
    relation = Relation(
        userid, customer.external_userid, status, city.stamp(), state, add_way, oper_userid=customer.external_userid
    )
    city.people.put(relation)
    stats.note(city, userid, "new_apply_cnt")
    if status != PENDING:
        stats.note(city, userid, "new_contact_cnt")
    if status != PENDING and not silent:
        announce(city, relation)
    return relation


def announce(city: City, relation: Relation) -> None:
    """add_external_contact, or add_half_external_contact, with State and WelcomeCode where there are any."""
    fields = pair(relation)
    if relation.state_param:
        fields["State"] = relation.state_param
    if code := welcome.issue(city, relation):
        fields["WelcomeCode"] = code
    change = "add_half_external_contact" if relation.status == HALF else "add_external_contact"
    city.tell(CONTACT, change, fields)


def pair(relation: Relation) -> dict[str, Any]:
    return {"UserID": relation.userid, "ExternalUserID": relation.external_userid}


def accept(city: City, userid: str, customer: Customer) -> None:
    """Raises LookupError when the customer does not wait for this staff member."""
    relation = city.people.relation(userid, customer.external_userid)
    if relation is None or relation.status not in (PENDING, HALF):
        raise LookupError(f"{customer.name} 没有在等 {userid} 通过。 {customer.name} does not wait for {userid}")
    if relation.status == PENDING:
        stats.note(city, userid, "new_contact_cnt")
    relation.status = LIVE
    announce(city, relation)


def customer_deletes(city: City, customer: Customer, userid: str) -> None:
    """The customer deletes or blocks the staff member."""
    if (relation := city.people.relation(userid, customer.external_userid)) and relation.there:
        relation.status = LOST_BY_CUSTOMER
        stats.note(city, userid, "negative_feedback_cnt")
        city.tell(CONTACT, "del_follow_user", pair(relation))


def staff_deletes(city: City, userid: str, customer: Customer, source: str = "") -> None:
    if (relation := city.people.relation(userid, customer.external_userid)) and relation.there:
        relation.status = LOST_BY_STAFF
        city.tell(CONTACT, "del_external_contact", pair(relation) | ({"Source": source} if source else {}))


def staff_edits(
    city: City,
    userid: str,
    customer: Customer,
    *,
    remark: str | None = None,
    description: str | None = None,
    mobiles: list[str] | None = None,
    add_tags: tuple[str, ...] | list[str] = (),
    remove_tags: tuple[str, ...] | list[str] = (),
    personal: tuple[str, ...] | list[str] = (),
) -> None:
    """What staff change in the client; new mobiles alone are not called back."""
    relation = city.people.relation(userid, customer.external_userid)
    if relation is None or not relation.there:
        raise LookupError(f"{userid} 没有添加 {customer.name}。 {userid} does not follow {customer.name}")
    relation.remark = relation.remark if remark is None else remark
    relation.description = relation.description if description is None else description
    relation.mobiles = relation.mobiles if mobiles is None else mobiles
    relation.tags |= dict.fromkeys(add_tags)
    relation.personal |= dict.fromkeys(personal)
    for tag in remove_tags:
        relation.tags.pop(tag, None)
    if remark is not None or description is not None or add_tags or remove_tags or personal:
        edited(city, relation)


def edited(city: City, relation: Relation) -> None:
    city.tell(CONTACT, "edit_external_contact", pair(relation))


def answers(city: City, userid: str, customer: Customer, text: str) -> None:
    """Raises LookupError when the two are no friends."""
    relation = city.people.relation(userid, customer.external_userid)
    if relation is None or not relation.there:
        raise LookupError(f"{userid} 不能给 {customer.name} 发消息。 {userid} cannot write to {customer.name}")
    relation.last_chat_at = city.stamp()
    stats.chatted(city, relation, by_customer=False)
    receives(city, customer, "chat", userid, text)
