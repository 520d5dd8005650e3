"""Customer groups: members and versions, join codes, owners, what the API tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import DAY, day_of, listed, need, number, page
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer, receives

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

EVENT = "change_external_chat"
NORMAL, OWNER_LEFT, INHERITING, INHERITED = 0, 1, 2, 3
STAFF, CUSTOMER = 1, 2
INVITED, BY_LINK, BY_QR = 1, 2, 3
BY_SELF, BY_OWNER = 0, 1
INVITED_EVENT = 0


@dataclass
class Member:
    id: str
    kind: int
    joined_at: int
    scene: int
    invitor: str = ""
    state_param: str = ""


@dataclass
class Group:
    """One customer group. Words by China's day: how many, and of whom; `on_job`: when its owner was changed."""

    chat_id: str
    name: str
    owner: str
    made_at: int
    version: str
    members: dict[str, Member] = field(default_factory=dict)
    notice: str = ""
    left: bool = False
    inherited_at: int = 0
    on_job: list[int] = field(default_factory=list)
    words: dict[int, list[str]] = field(default_factory=dict)

    def status(self, now: int) -> int:
        if self.inherited_at:
            return INHERITED if now >= self.inherited_at + DAY else INHERITING
        return OWNER_LEFT if self.left else NORMAL

    def customers(self) -> list[str]:
        return [one.id for one in self.members.values() if one.kind == CUSTOMER]


@dataclass
class Groups:
    """By chat_id; of each owner; join ways by config_id, and by QR address. ended: dissolved groups."""

    groups: dict[str, Group] = field(default_factory=dict)
    ways: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_qr: dict[str, str] = field(default_factory=dict)


def make(city: City, userid: str, name: str) -> Group:
    """A staff member opens a group."""
    group = Group(city.new_id("wr"), name, userid, city.stamp(), _version(city))
    group.members[userid] = Member(userid, STAFF, city.stamp(), INVITED)
    city.part(Groups).groups[group.chat_id] = group
    city.tell(EVENT, "create", {"ChatId": group.chat_id})
    return group


def _version(city: City) -> str:
    return f"{city.dice('versions').getrandbits(128):032x}"


def _found(city: City, chat_id: str) -> Group:
    group = city.part(Groups).groups.get(chat_id)
    if group is None:
        raise LookupError(f"没有群 {chat_id!r}。 there is no group {chat_id!r}")
    return group


def owned(city: City, userid: str) -> list[Group]:
    return [one for one in city.part(Groups).groups.values() if one.owner == userid]


def join(city: City, customer: Customer, chat: str) -> str:
    """By chat_id, or by a join way. Raises LookupError when there is no such group, or no room."""
    kept = city.part(Groups)
    way = kept.ways.get(kept.by_qr.get(chat, chat))
    if way is None:
        group = _found(city, chat)
        _enter(city, group, customer, INVITED, "")
        return group.chat_id
    group = _room(city, way, customer)
    _enter(city, group, customer, BY_QR, way["state"])
    return group.chat_id


def scanned(city: City, customer: Customer, code: str) -> bool:
    """A customer scans a group's code."""
    kept = city.part(Groups)
    if kept.by_qr.get(code, code) not in kept.ways:
        return False
    join(city, customer, code)
    return True


def _room(city: City, way: dict[str, Any], customer: Customer) -> Group:
    """The way's group that has room; a new one where the way makes rooms by itself."""
    groups = [one for one in map(city.part(Groups).groups.get, way["chat_id_list"]) if one]
    for group in groups:
        if customer.external_userid in group.members or len(group.members) < city.settings.group.members:
            return group
    if not way["auto_create_room"] or not groups:
        raise LookupError("这个码的群都满了。 all groups of the code are full")
    group = make(city, groups[-1].owner, f"{way['room_base_name'] or groups[-1].name}{way['room_base_id']}")
    way["room_base_id"] += 1
    way["chat_id_list"] = [*way["chat_id_list"], group.chat_id][-city.settings.group.join_way_chats :]
    return group


def _enter(city: City, group: Group, customer: Customer, scene: int, state: str) -> None:
    if customer.external_userid in group.members:
        return
    if len(group.members) >= city.settings.group.members:
        raise LookupError(f"群 {group.name} 满了。 the group {group.name} is full")
    member = Member(customer.external_userid, CUSTOMER, city.stamp(), scene, state_param=state)
    member.invitor = group.owner if scene == INVITED else ""
    group.members[member.id] = member
    _changed(city, group, "add_member", [member.id], {"JoinScene": BY_QR if scene == BY_QR else INVITED_EVENT})


def leave(city: City, customer: Customer, chat_id: str, how: int) -> None:
    """By oneself, or removed by the owner."""
    group = _found(city, chat_id)
    if group.members.pop(customer.external_userid, None):
        _changed(city, group, "del_member", [customer.external_userid], {"QuitScene": how})


def dissolve(city: City, chat_id: str) -> None:
    """The owner ends the group."""
    group = _found(city, chat_id)
    del city.part(Groups).groups[group.chat_id]
    city.tell(EVENT, "dismiss", {"ChatId": chat_id})


def rename(city: City, chat_id: str, name: str) -> None:
    group = _found(city, chat_id)
    group.name = name
    _changed(city, group, "change_name", [], {})


def _changed(city: City, group: Group, detail: str, ids: list[str], more: dict[str, Any]) -> None:
    """update; who came or went, with the versions before and after."""
    fields: dict[str, Any] = {"ChatId": group.chat_id, "UpdateDetail": detail} | more
    if ids:
        before, group.version = group.version, _version(city)
        fields |= {"MemChangeCnt": len(ids), "MemChangeList": ids, "LastMemVer": before, "CurMemVer": group.version}
    city.tell(EVENT, "update", fields)


def says(city: City, customer: Customer, chat_id: str) -> None:
    """Raises LookupError when the customer is no member."""
    group = _found(city, chat_id)
    if customer.external_userid not in group.members:
        raise LookupError(f"{customer.name} 不在群 {group.name} 里。 {customer.name} is not in the group {group.name}")
    group.words.setdefault(day_of(city.stamp()), []).append(customer.external_userid)


def receive(city: City, group: Group, sender: str, text: str, extra: list[dict[str, Any]]) -> None:
    """Every customer of the group finds the message."""
    group.words.setdefault(day_of(city.stamp()), []).append(sender)
    for external in group.customers():
        receives(city, city.people.customers[external], "group", group.chat_id, text, extra)


def gone(city: City, userid: str) -> None:
    """The owner of groups has left the corp."""
    for group in owned(city, userid):
        group.left, group.inherited_at = True, 0


def hand_over(city: City, group: Group, userid: str) -> None:
    """Another owner."""
    if group.left:
        group.members.pop(group.owner, None)
    group.owner, group.left = userid, False
    group.members.setdefault(userid, Member(userid, STAFF, city.stamp(), INVITED))
    _changed(city, group, "change_owner", [], {})


# What the API answers


def visible(city: City, app: App, given: dict[str, Any]) -> list[Group]:
    """The groups of the owners asked for. Raises CityError 40058, 81017."""
    limits, owners = city.settings.group, (given.get("owner_filter") or {})
    named = listed(owners, "userid_list", limits.owners)
    if not named and sum(1 for one in city.people.staff.values() if app.sees(one.userid)) > limits.unfiltered_owners:
        raise CityError(81017)
    every = city.part(Groups).groups.values()
    return [one for one in every if app.sees(one.owner) and (not named or one.owner in named)]


def listing(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/list."""
    if not 1 <= number(given, "limit") <= city.settings.group.list_page:
        raise CityError(40058, "limit should be 1 to 1000")
    status, now = number(given, "status_filter"), city.stamp()
    rows: Iterable[Group] = visible(city, app, given)
    if status:
        rows = [one for one in rows if one.status(now) == status]
    found, cursor = page(city, given, rows, city.settings.group.list_page)
    chats = [{"chat_id": one.chat_id, "status": one.status(now)} for one in found]
    return {"group_chat_list": chats, "next_cursor": cursor}


def get(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/groupchat/get."""
    group = city.part(Groups).groups.get(need(given, "chat_id", 40050))
    if group is None:
        raise CityError(40050)
    if not app.sees(group.owner):
        raise CityError(60011)
    named = number(given, "need_name") == 1
    return {
        "group_chat": {
            "chat_id": group.chat_id, "name": group.name, "owner": group.owner, "create_time": group.made_at,
            "notice": group.notice, "member_version": group.version, "admin_list": [],
            "member_list": [_member(city, one, named) for one in group.members.values()],
        }
    }  # fmt: skip


def _member(city: City, member: Member, named: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "userid": member.id, "type": member.kind, "join_time": member.joined_at, "join_scene": member.scene,
        "group_nickname": "",
    }  # fmt: skip
    if member.invitor:
        shown["invitor"] = {"userid": member.invitor}
    if member.state_param:
        shown["state"] = member.state_param
    if member.kind == CUSTOMER:
        customer = city.people.customers[member.id]
        if customer.kind == 1 and city.settings.contacts.unionid_bound:
            shown["unionid"] = customer.unionid
        return shown | ({"name": customer.name} if named else {})
    return shown | ({"name": city.people.staff[member.id].name} if named else {})
