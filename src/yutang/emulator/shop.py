"""The coffee shop: what it sells, and the till that tells Yutang of each order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx

from yutang.emulator.tokens import MINIPROGRAM, OFFICIAL_ACCOUNT

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer

SOURCE = "city"
TIMEOUT_S = 10
_CODE = re.compile(r"(?:券码|coupon(?: code)?)\s*[:：]?\s*([A-Za-z0-9][A-Za-z0-9_-]{3,59})", re.IGNORECASE)


@dataclass(frozen=True)
class Product:
    """Something on the menu; price in fen."""

    sku: str
    zh: str
    en: str
    fen: int


MENU = (
    Product("americano", "美式", "Americano", 1500),
    Product("latte", "拿铁", "Latte", 1900),
    Product("coconut-latte", "生椰拿铁", "Coconut latte", 2100),
    Product("flat-white", "澳白", "Flat white", 2000),
    Product("cold-brew", "冷萃", "Cold brew", 2200),
    Product("jasmine-tea", "茉莉花茶", "Jasmine tea", 1600),
    Product("beans", "咖啡豆 250 克", "Coffee beans 250 g", 6900),
)
BY_SKU = {product.sku: product for product in MENU}


@dataclass(frozen=True)
class Order:
    """One purchase. `amount_fen` is what was paid."""

    order_id: str
    at: datetime
    product: Product
    quantity: int
    amount_fen: int
    coupon_codes: tuple[str, ...]


@dataclass
class Till:
    """Orders by customer, oldest first; who is a member; and the line to Yutang."""

    orders: dict[str, list[Order]] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    line: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_S))


class ShopError(Exception):
    """Yutang did not take an order; the text says why, and is fit to be shown."""


def buys(
    city: City,
    customer: Customer,
    amount_fen: int | None = None,
    coupon_codes: Sequence[str] = (),
    product: str = "latte",
    quantity: int = 1,
) -> Order:
    """Buy, and tell Yutang when `city.shop` is set. `amount_fen` None is the list price.

    Raises ShopError when Yutang cannot be reached or refuses the event; the purchase itself has happened.
    """
    bought = BY_SKU[product]
    amount = bought.fen * quantity if amount_fen is None else amount_fen
    with city.lock:
        made = Order(city.new_id("T", 16), city.now(), bought, quantity, amount, tuple(coupon_codes))
        city.part(Till).orders.setdefault(customer.external_userid, []).append(made)
        events = [order_event(city, customer, made), *redemptions(city, customer, made)]
    tell(city, events)
    return made


def registers(city: City, customer: Customer) -> None:
    """Become a member of the coffee shop, once. Raises ShopError like `buys`."""
    with city.lock:
        members = city.part(Till).members
        if customer.external_userid in members:
            return
        members.add(customer.external_userid)
    tell(city, [_event(city, customer, f"member-{customer.external_userid}", "registered", city.now(), {})])


def is_member(city: City, customer: Customer) -> bool:
    with city.lock:
        return customer.external_userid in city.part(Till).members


def order_event(city: City, customer: Customer, order: Order) -> dict[str, Any]:
    """The order in the words of Yutang's door."""
    full = order.product.fen * order.quantity
    item = {"product": order.product.sku, "name": order.product.zh, "quantity": order.quantity, "amount_fen": full}
    codes: dict[str, Any] = {"coupon_codes": list(order.coupon_codes)} if order.coupon_codes else {}
    props = {
        "order_id": order.order_id,
        "amount_fen": order.amount_fen,
        "discount_fen": max(0, full - order.amount_fen),
        "items": [item],
        **codes,
    }
    return _event(city, customer, order.order_id, "ordered", order.at, props)


def redemptions(city: City, customer: Customer, order: Order) -> list[dict[str, Any]]:
    """What the till says of the coupons that an order used."""
    off = max(0, order.product.fen * order.quantity - order.amount_fen)
    return [
        _event(city, customer, f"{order.order_id}-{code}", "coupon_redeemed", order.at,
               {"code": code, "order_id": order.order_id, "amount_fen": off})
        for code in order.coupon_codes
    ]  # fmt: skip


def _event(city: City, customer: Customer, id: str, type: str, at: datetime, props: dict[str, Any]) -> dict[str, Any]:
    handles = handles_of(city, customer)
    return {"id": id, "source": SOURCE, "type": type, "at": at.isoformat(), "handles": handles, "props": props}


def handles_of(city: City, customer: Customer) -> dict[str, str]:
    """By what the till knows a member: the phone, and what WeChat says."""
    apps = {app.id for app in city.apps if app.kind in (OFFICIAL_ACCOUNT, MINIPROGRAM)}
    known = {
        "phone": customer.phone,
        "unionid": customer.unionid,
        f"external_userid@{city.corp_id}": customer.external_userid,
    }
    return known | {f"openid@{app}": openid for app, openid in customer.openids.items() if app in apps}


def tell(city: City, events: list[dict[str, Any]]) -> None:
    """Events to Yutang's `POST /v1/events`, where `city.shop` says where that is. Raises ShopError."""
    if city.shop is None:
        return
    url, key = city.shop
    try:
        answer = city.part(Till).line.post(
            f"{url.rstrip('/')}/v1/events", json=events, headers={"Authorization": f"Bearer {key}"}
        )
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ShopError(f"鱼塘没有回应：{error}。 Yutang at {url} did not answer; is it running?") from error
    if answer.status_code == 401:
        raise ShopError(
            "鱼塘不认这把钥匙，请看 `yutang key`。 Yutang refused the key; `yutang key` shows the right one"
        )
    if answer.status_code != 200 or body.get("rejected"):
        why = "; ".join(f"{one['reason']}: {one['detail']}" for one in body.get("rejected", [])) or str(body)[:200]
        raise ShopError(f"鱼塘没有收下：{why}。 Yutang refused it")


def codes_in(texts: Sequence[str]) -> list[str]:
    """Coupon codes named in messages (``券码 XXXX``), the newest first, each once."""
    found = [code for text in texts for code in _CODE.findall(text)]
    return list(dict.fromkeys(reversed(found)))


def coupons_of(city: City, customer: Customer) -> list[str]:
    """Codes from the customer's messages that were not used yet, the newest first."""
    used = {code for order in orders_of(city, customer) for code in order.coupon_codes}
    return [code for code in codes_in([message.text for message in city.inbox(customer)]) if code not in used]


def orders_of(city: City, customer: Customer) -> list[Order]:
    """Oldest first."""
    with city.lock:
        return list(city.part(Till).orders.get(customer.external_userid, []))
