"""Conversations as a phone shows them: who with, what was said on both sides, and whether one may write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yutang.emulator import official_account
from yutang.emulator.diary import said_by
from yutang.emulator.people import Customer
from yutang.emulator.phone.page import clock, pieces_of
from yutang.emulator.tokens import MINIPROGRAM, OFFICIAL_ACCOUNT
from yutang.emulator.wecom.groups import Groups
from yutang.emulator.wecom.kf import Kf
from yutang.emulator.wecom.transfer import WAITING, Transfers

if TYPE_CHECKING:
    from yutang.emulator.city import City

SMS = "sms"
"""The peer of all SMS: on the phone they come from a number, here from a sign."""
LABELS = {
    "welcome": "欢迎语 welcome",
    "mass": "群发 mass message",
    "moment": "朋友圈 moment",
    "group": "群 group",
    "custom": "客服消息 service message",
    "template": "模板消息 template",
    "subscribe": "订阅消息 subscription",
    "kf": "微信客服 customer service",
}


@dataclass(frozen=True)
class Conversation:
    """One line of the list of chats."""

    peer: str
    name: str
    latest: str
    at: str


@dataclass(frozen=True)
class Bubble:
    """One message on the screen; `mine`: the holder of the phone wrote it."""

    when: datetime
    at: str
    mine: bool
    sender: str
    label: str
    text: str
    pieces: list[dict[str, str]]


def of_customer(city: City, customer: Customer) -> list[Conversation]:
    """All conversations, the latest first; friends without words come last."""
    latest: dict[str, tuple[datetime | None, str]] = {}
    with city.lock:
        friends = [one.userid for one in city.people.followers_of(customer.external_userid)]
    for peer in [*friends, *_accounts(city, customer)]:
        latest[peer] = (None, "已添加，打个招呼吧 say hello")
    words = [(one.at, _peer(one.kind, one.sender), one.text) for one in city.inbox(customer)]
    words += [(one.at, one.to, one.text) for one in said_by(city, customer)]
    for at, peer, text in sorted(words, key=lambda one: one[0]):
        latest[peer] = (at, text[:40] or "[附件 attachment]")
    rows = sorted(latest.items(), key=lambda one: (one[1][0] is not None, one[1][0] or 0), reverse=True)
    return [Conversation(peer, name_of(city, peer), text, clock(at) if at else "") for peer, (at, text) in rows]


def _accounts(city: City, customer: Customer) -> list[str]:
    account = official_account.main(city)
    followed = [account.app.id] if official_account.fan_of(city, account, customer).subscribed else []
    return followed + [desk for desk, who in city.part(Kf).sessions if who == customer.external_userid]


def _peer(kind: str, sender: str) -> str:
    return SMS if kind == SMS else sender


def name_of(city: City, peer: str) -> str:
    """How the phone names the other side."""
    if peer == SMS:
        return "短信 SMS"
    if staff := city.people.staff.get(peer):
        return f"{staff.name} @{city.corp_name}"
    if group := city.part(Groups).groups.get(peer):
        return group.name
    if desk := city.part(Kf).accounts.get(peer):
        return desk
    kinds = {OFFICIAL_ACCOUNT: "服务号", MINIPROGRAM: "小程序"}
    found = next((one for one in city.apps if one.id == peer and one.kind in kinds), None)
    return f"{city.corp_name} {kinds[found.kind]}" if found else peer


def between(city: City, customer: Customer, peer: str) -> list[Bubble]:
    """Both sides of one conversation, as the customer sees it, oldest first."""
    received = [
        Bubble(one.at, clock(one.at), False, name_of(city, peer), LABELS.get(one.kind, ""), one.text, pieces)
        for one in city.inbox(customer)
        if _peer(one.kind, one.sender) == peer
        for pieces in [pieces_of(city, one.attachments)]
    ]
    said = [
        Bubble(one.at, clock(one.at), True, customer.name, "", one.text, [])
        for one in said_by(city, customer)
        if one.to == peer
    ]
    return sorted([*received, *said], key=lambda one: one.when)


def turned(bubbles: list[Bubble], name: str) -> list[Bubble]:
    """The same conversation on the other side's phone."""
    return [replace(one, mine=not one.mine, sender=name if one.mine else "") for one in bubbles]


def may_write(city: City, customer: Customer, peer: str) -> bool:
    """Friends, groups, the followed account, and in answer to what came."""
    relation, group = city.relation(peer, customer), city.part(Groups).groups.get(peer)
    if city.people.staff.get(peer) is not None:
        return relation is not None and relation.there
    if group is not None:
        return customer.external_userid in group.members
    return peer == SMS or peer in city.part(Kf).accounts or any(one.id == peer for one in city.apps)


def write(city: City, customer: Customer, peer: str, text: str) -> None:
    """Raises LookupError or CityError where it is not possible."""
    if peer == SMS:
        city.replies(customer, text)
    elif peer in city.part(Groups).groups:
        city.group_says(customer, peer)
    else:
        city.says(customer, peer, text)


def takeovers(city: City, customer: Customer) -> list[dict[str, Any]]:
    """Hand-overs of this customer that wait for an answer."""
    with city.lock:
        rows = city.part(Transfers).rows.values()
        mine = [one for one in rows if one.external_userid == customer.external_userid and one.status == WAITING]
    return [
        {
            "takeover": one.takeover,
            "words": f"{name_of(city, one.handover)} → {name_of(city, one.takeover)}。{one.message}",
        }
        for one in mine
    ]
