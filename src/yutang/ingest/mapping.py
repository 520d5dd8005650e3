"""From the columns of a file to events: which column means what, and how its cells are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from yutang.handles import kind_of
from yutang.ingest import cells as read
from yutang.ingest.keys import Refusal
from yutang.model import Reason, YutangError

IGNORE = "-"
"""The field of a column that is left out."""

# The usual headings of each field; the first one that a file has is taken.
_WHO = {
    "phone": "phone mobile 手机号 手机号码 手机 联系手机 联系电话 收货人手机 电话",
    "email": "email e-mail mail 邮箱 电子邮箱",
    "member_id": "member_id 会员号 会员编号 会员id customer_id user_id buyer_id 客户编号 买家会员名 买家昵称",
    "unionid": "unionid union_id",
    "device": "device device_id 设备号",
    "address": "address 地址 收货地址",
}
FIELDS: dict[str, dict[str, str]] = {
    "events": {
        "id": "id event_id 事件编号 编号",
        "source": "source 来源",
        "type": "type event event_type 事件 事件类型 类型",
        "at": "at time timestamp 时间 发生时间",
        "handles": "handles",
        "props": "props properties",
    }
    | _WHO,
    "orders": {
        "id": "event_id",
        "order_id": "order_id order_no 订单号 订单编号 主订单编号 单号",
        "amount_fen": "amount_fen 金额（分） 金额分",
        "amount": "amount paid_amount total 实付金额 买家实际支付金额 实收款 支付金额 订单金额 金额",
        "at": "at paid_at ordered_at order_time created_at time 付款时间 支付时间 订单付款时间 下单时间 订单创建时间 时间",
        "store": "store shop 门店 店铺 店铺名称",
        "coupon_codes": "coupon_codes coupon_code coupon 券码 优惠券码",
        "discount_fen": "discount_fen 优惠金额（分）",
        "discount": "discount 优惠金额 优惠",
        "margin_fen": "margin_fen 毛利（分）",
        "margin": "margin 毛利",
        "product": "product sku 商品编码 商品 商品名称 宝贝标题",
        "quantity": "quantity qty 数量 商品数量 宝贝总数量",
    }
    | _WHO,
    "customers": {
        "id": "event_id",
        "at": "registered_at at joined_at created_at 注册时间 入会时间 加入时间 时间",
        "channel": "channel 渠道 来源渠道",
        "store": "store 门店",
        "name": "name 姓名 昵称",
        "city": "city 城市",
        "gender": "gender sex 性别",
        "birthday": "birthday birth_date 生日 出生日期",
        "time_zone": "time_zone timezone 时区",
    }
    | _WHO,
}
_NEEDED = {"events": ("type", "at"), "orders": ("order_id", "at"), "customers": ()}
_TRAITS = ("name", "city", "gender", "birthday", "time_zone")


@dataclass(frozen=True)
class Mapping:
    """What each column means, and what the file does not say: its source, the time zone of its times, now."""

    kind: str
    fields: dict[str, str]
    source: str
    zone: ZoneInfo
    now: datetime

    def column(self, field: str) -> str | None:
        """The column that carries a field."""
        return next((column for column, name in self.fields.items() if name == field), None)


def guess(kind: str, columns: list[str], chosen: dict[str, str]) -> dict[str, str]:
    """The field of each column: the user's word, else by its heading; the rest becomes props (traits for customers).

    Raises YutangError for a column that is not there, an unknown field, or a field without which nothing works.
    """
    if kind not in FIELDS:
        raise YutangError(f"unknown kind of import '{kind}'; use {', '.join(FIELDS)}")
    for column, field in chosen.items():
        _check_choice(kind, columns, column, field)
    found = dict(chosen)
    by_name = {_plain(column): column for column in columns if column not in chosen}
    for field, headings in FIELDS[kind].items():
        column = next((by_name[name] for name in headings.split() if name in by_name), None)
        if column is not None and column not in found and field not in found.values():
            found[column] = field
    _check_complete(kind, columns, set(found.values()))
    return {column: found.get(column) or f"props.{column}" for column in columns}


def _plain(heading: str) -> str:
    return heading.strip().lower().replace(" ", "_").replace("(", "（").replace(")", "）")


def _check_choice(kind: str, columns: list[str], column: str, field: str) -> None:
    if column not in columns:
        raise YutangError(f"the file has no column '{column}'; it has {', '.join(columns)}")
    if field in FIELDS[kind] or field == IGNORE or field.startswith("props."):
        return
    try:
        kind_of(field)
    except ValueError as error:
        known = ", ".join(FIELDS[kind])
        raise YutangError(
            f"'{column}={field}': no such field; use {known}, props.NAME, {IGNORE}, or a handle ({error})"
        ) from None


def _check_complete(kind: str, columns: list[str], fields: set[str]) -> None:
    missing = [field for field in _NEEDED[kind] if field not in fields]
    if kind == "orders" and not fields & {"amount", "amount_fen"}:
        missing.append("amount")
    if kind != "events" and not any(field in _WHO or _is_handle(field) for field in fields):
        missing.append("phone (or another handle)")
    if missing:
        raise YutangError(
            f"no column for {', '.join(missing)}; the file has {', '.join(columns)}; name one with --map COLUMN=FIELD"
        )


def _is_handle(field: str) -> bool:
    try:
        return bool(kind_of(field))
    except ValueError:
        return False


def events(mapping: Mapping, row_id: str, cells: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one row; `row_id` is the id of a row that carries none. Raises Refusal, which names the column."""
    found: dict[str, Any] = {"handles": {}, "props": {}}
    for column, cell in cells.items():
        if not read.empty(cell):
            _place(mapping, found, column, mapping.fields.get(column) or f"props.{column}", cell)
    return _MAKERS[mapping.kind](mapping, row_id, found)


def _place(mapping: Mapping, found: dict[str, Any], column: str, field: str, cell: Any) -> None:
    """Put a cell where its field belongs, read as its field demands."""
    try:
        if field in ("handles", "props"):
            found[field] |= read.json_object(cell)
        elif field == "member_id":
            found["handles"][f"shop:{mapping.source}"] = read.text(cell)
        elif field in _WHO or (field not in FIELDS[mapping.kind] and _is_handle(field)):
            found["handles"][field] = read.text(cell)
        elif field.startswith("props."):
            found["props"][field.removeprefix("props.")] = read.free(cell)
        elif field != IGNORE:
            name, reader = read.CELLS.get(field, (field, read.text))
            found[name] = read.instant(cell, mapping.zone) if field == "at" else reader(cell)
    except ValueError as error:
        raise Refusal(Reason.BAD_SHAPE, f"column '{column}': {error}") from None


def _event(mapping: Mapping, found: dict[str, Any], id: str, type: str, props: dict[str, Any]) -> dict[str, Any]:
    at = found.get("at") or mapping.now
    source = found.get("source", mapping.source)
    return {"id": id, "source": source, "type": type, "at": at.isoformat(), "handles": found["handles"], "props": props}


def _of_events(mapping: Mapping, row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    _need(mapping, found, "type", "at")
    return [_event(mapping, found, found.get("id", row_id), found["type"], found["props"])]


def _of_orders(mapping: Mapping, _row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The order number is the id, so that two exports that overlap bring an order once."""
    _need(mapping, found, "order_id", "at")
    known = ("order_id", "amount_fen", "store", "coupon_codes", "discount_fen", "margin_fen")
    props = found["props"] | {name: found[name] for name in known if name in found}
    line = {name: found[name] for name in ("product", "quantity") if name in found}
    props.setdefault("items", [line] if "product" in line else [])
    return [_event(mapping, found, found.get("id", f"order:{found['order_id']}"), "ordered", props)]


def _of_customers(mapping: Mapping, row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Traits always; a registration only where the file says when."""
    traits = {name: value for name, value in found["props"].items() if not isinstance(value, list | dict)}
    traits |= {name: found[name] for name in _TRAITS if name in found}
    id = found.get("id", row_id)
    joined = {name: found[name] for name in ("channel", "store") if name in found}
    made = [_event(mapping, found, f"{id}:registered", "registered", joined)] if "at" in found else []
    if traits or not made:
        made.append(_event(mapping, found, f"{id}:profile", "profile_updated", {"traits": traits}))
    return made


_MAKERS: dict[str, Callable[[Mapping, str, dict[str, Any]], list[dict[str, Any]]]] = {
    "events": _of_events,
    "orders": _of_orders,
    "customers": _of_customers,
}


def _need(mapping: Mapping, found: dict[str, Any], *fields: str) -> None:
    for field in fields:
        if field not in found:
            raise Refusal(Reason.BAD_SHAPE, f"column '{mapping.column(field)}': empty; every row needs it")
