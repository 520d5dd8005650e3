"""The customer's phone: chats, codes to scan, the till, groups, permissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from yutang.emulator import miniprogram, official_account, shop
from yutang.emulator.phone import chats
from yutang.emulator.phone.page import Asked, Form, Who, act, city_of, clock, customer_of, show, yuan
from yutang.emulator.posters import STAFF, posters
from yutang.emulator.wecom import groups

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer


def _root(customer: Customer) -> str:
    return f"/phone/c/{customer.external_userid}"


@get("/c/{who:str}", sync_to_thread=True)
def home(request: Asked, who: Who) -> Response[str]:
    """Everybody this customer talks with, the latest first."""
    city, customer = city_of(request), customer_of(request, who)
    root = _root(customer)
    rows = [
        {"href": f"{root}/chat/{one.peer}#latest", "name": one.name, "latest": one.latest, "aside": one.at}
        for one in chats.of_customer(city, customer)
    ]
    return show(
        request,
        "customer_chats.html",
        (customer.name, "Chats"),
        customer.external_userid,
        "/phone",
        root=root,
        chats=rows,
    )


@get("/c/{who:str}/chat/{peer:str}", sync_to_thread=True)
def chat(request: Asked, who: Who, peer: Who) -> Response[str]:
    """One conversation."""
    city, customer = city_of(request), customer_of(request, who)
    root, relation = _root(customer), city.relation(peer, customer)
    return show(
        request,
        "customer_chat.html",
        (chats.name_of(city, peer), "Chat"),
        customer.external_userid,
        root,
        root=root,
        peer=peer,
        messages=chats.between(city, customer, peer),
        can_say=chats.may_write(city, customer, peer),
        way_out="删除并拉黑 Delete and block" if relation and relation.there else "",
    )


@post("/c/{who:str}/chat/{peer:str}", sync_to_thread=True)
def say(request: Asked, who: Who, peer: Who, data: Form) -> Redirect:
    """Words to a member of staff, a group, an account, or in answer to an SMS."""
    city, customer = city_of(request), customer_of(request, who)
    text = data.get("text", "").strip()[:2000]
    if not text:
        return Redirect(f"{_root(customer)}/chat/{peer}", status_code=303)
    return act(request, who, lambda: chats.write(city, customer, peer, text), f"{_root(customer)}/chat/{peer}#latest")


@post("/c/{who:str}/leave", sync_to_thread=True)
def leave(request: Asked, who: Who, data: Form) -> Redirect:
    """Delete and block a member of staff."""
    city, customer = city_of(request), customer_of(request, who)
    peer = data.get("peer", "")
    return act(request, who, lambda: city.deletes(customer, peer), _root(customer), "已删除。 Deleted.")


@get("/c/{who:str}/scan", sync_to_thread=True)
def codes(request: Asked, who: Who) -> Response[str]:
    """Every code in the city, as a card."""
    city, customer = city_of(request), customer_of(request, who)
    root = _root(customer)
    return show(request, "customer_scan.html", ("扫一扫", "Scan"), who, "/phone", root=root, codes=posters(city))


@post("/c/{who:str}/scan", sync_to_thread=True)
def scan(request: Asked, who: Who, data: Form) -> Redirect:
    city, customer = city_of(request), customer_of(request, who)
    code = data.get("code", "").strip()
    return act(request, who, lambda: city.scan(customer, code), _root(customer), _scanned(city, code))


def _scanned(city: City, code: str) -> str:
    found = next((one for one in posters(city) if one.code == code), None)
    if found is not None and found.kind == STAFF:
        return "已添加，稍等欢迎语。 Added; the welcome is on its way."
    return "已扫。 Scanned."


@get("/c/{who:str}/shop", sync_to_thread=True)
def counter(request: Asked, who: Who) -> Response[str]:
    """The menu, the coupons from this customer's messages, and what was bought."""
    city, customer = city_of(request), customer_of(request, who)
    menu = [{"sku": p.sku, "zh": p.zh, "en": p.en, "yuan": yuan(p.fen)} for p in shop.MENU]
    bought = [
        {
            "name": f"{o.product.zh} × {o.quantity}",
            "at": clock(o.at),
            "yuan": yuan(o.amount_fen),
            "codes": ", ".join(o.coupon_codes),
        }
        for o in shop.orders_of(city, customer)[::-1][:20]
    ]
    return show(
        request,
        "customer_shop.html",
        ("买单", "Buy"),
        who,
        "/phone",
        root=_root(customer),
        products=menu,
        coupons=shop.coupons_of(city, customer),
        member=shop.is_member(city, customer),
        bought=bought,
    )


@post("/c/{who:str}/buy", sync_to_thread=True)
def buy(request: Asked, who: Who, data: Form) -> Redirect:
    """A purchase; the till tells Yutang."""
    city, customer = city_of(request), customer_of(request, who)
    code = (data.get("other") or data.get("coupon") or "").strip()
    return act(
        request,
        who,
        lambda: city.buys(customer, _fen(data.get("amount", "")), [code] if code else [], _sku(data), _cups(data)),
        f"{_root(customer)}/shop",
        "已付款。 Paid.",
    )


@post("/c/{who:str}/register", sync_to_thread=True)
def register(request: Asked, who: Who) -> Redirect:
    """A membership; the till tells Yutang."""
    city, customer = city_of(request), customer_of(request, who)
    return act(request, who, lambda: city.registers(customer), f"{_root(customer)}/shop", "已开卡。 You are a member.")


def _fen(text: str) -> int | None:
    """Yuan as written, in fen; None when empty. Raises ValueError."""
    if not text.strip():
        return None
    found = re.fullmatch(r"(\d{1,6})(?:\.(\d{1,2}))?", text.strip())
    if found is None:
        raise ValueError("金额写成 12.50 这样。 write the amount like 12.50;")
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))


def _sku(data: dict[str, str]) -> str:
    if data.get("product") not in shop.BY_SKU:
        raise ValueError("没有这个商品。 there is no such product;")
    return data["product"]


def _cups(data: dict[str, str]) -> int:
    text = data.get("quantity", "1")
    if not text.isdigit() or not 1 <= int(text) <= 20:
        raise ValueError("杯数是 1 到 20。 from 1 to 20 cups;")
    return int(text)


@get("/c/{who:str}/me", sync_to_thread=True)
def me(request: Asked, who: Who) -> Response[str]:
    """Who the customer is to each platform; groups, permissions, the account."""
    city, customer = city_of(request), customer_of(request, who)
    program = miniprogram.main(city)
    grants = official_account.fan_of(city, program, customer).grants
    fan = official_account.fan_of(city, official_account.main(city), customer)
    return show(
        request,
        "customer_me.html",
        (customer.name, "Me"),
        who,
        "/phone",
        root=_root(customer),
        ids=[
            ("external_userid", customer.external_userid),
            ("unionid", customer.unionid),
            ("手机 phone", customer.phone),
        ],
        offers=chats.takeovers(city, customer),
        groups=_groups(city, customer),
        templates=[
            {"id": one, "title": miniprogram.TITLES.get(one, one), "left": grants.get(one, 0)}
            for one in program.templates
        ],
        follows=fan.subscribed,
    )


def _groups(city: City, customer: Customer) -> list[dict[str, Any]]:
    return [
        {
            "code": one.chat_id,
            "name": one.name,
            "member": customer.external_userid in one.members,
            "detail": f"{len(one.members)} 人 members",
        }
        for one in city.part(groups.Groups).groups.values()
    ]


@post("/c/{who:str}/join", sync_to_thread=True)
def join(request: Asked, who: Who, data: Form) -> Redirect:
    city, customer = city_of(request), customer_of(request, who)
    return act(
        request, who, lambda: city.joins(customer, data.get("group", "")), f"{_root(customer)}/me", "已入群。 Joined."
    )


@post("/c/{who:str}/quit", sync_to_thread=True)
def quit_group(request: Asked, who: Who, data: Form) -> Redirect:
    city, customer = city_of(request), customer_of(request, who)
    return act(
        request, who, lambda: city.leaves(customer, data.get("group", "")), f"{_root(customer)}/me", "已退群。 Left."
    )


@post("/c/{who:str}/grant", sync_to_thread=True)
def grant(request: Asked, who: Who, data: Form) -> Redirect:
    """One message of a template of the mini-program."""
    city, customer = city_of(request), customer_of(request, who)
    return act(
        request,
        who,
        lambda: city.grants(customer, data.get("template", "")),
        f"{_root(customer)}/me",
        "已允许一次。 Granted.",
    )


@post("/c/{who:str}/follow", sync_to_thread=True)
def follow(request: Asked, who: Who) -> Redirect:
    city, customer = city_of(request), customer_of(request, who)
    return act(request, who, lambda: city.follows(customer), f"{_root(customer)}/me", "已关注。 Subscribed.")


@post("/c/{who:str}/unfollow", sync_to_thread=True)
def unfollow(request: Asked, who: Who) -> Redirect:
    city, customer = city_of(request), customer_of(request, who)
    return act(request, who, lambda: city.unfollows(customer), f"{_root(customer)}/me", "已取消关注。 Unsubscribed.")


@post("/c/{who:str}/refuse", sync_to_thread=True)
def refuse(request: Asked, who: Who, data: Form) -> Redirect:
    """No to being handed over to another member of staff."""
    city, customer = city_of(request), customer_of(request, who)
    return act(
        request,
        who,
        lambda: city.refuses(customer, data.get("takeover", "")),
        f"{_root(customer)}/me",
        "已拒绝。 Refused.",
    )


ROUTES: list[HTTPRouteHandler] = [
    home, chat, say, leave, codes, scan, counter, register, buy, me, join, quit_group, grant, follow, unfollow, refuse,
]  # fmt: skip
