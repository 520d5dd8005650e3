"""From the columns of a file to events: which column means what, and how its cells are read.

The field of a column is one of ``FIELDS``, a handle, ``-`` (left out), or free: ``props.NAME``, or ``props.NAME:TYPE`` with a type of
``typed.WORDS``. Free columns are props of the event; of customers they are traits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

from yutang.handles import kind_of, normal
from yutang.ingest import cells as read
from yutang.ingest import states, typed
from yutang.ingest.keys import Refusal
from yutang.model import Reason, YutangError, halves
from yutang.vault import Vault

IGNORE = "-"
"""The field of a column that is left out."""

# The usual headings of each field; the first one that a file has is taken.
_WHO = {
    "phone": "phone mobile 手机号 手机号码 手机 联系手机 联系电话 收货人手机 收货人手机号 收货人手机号/提货人手机号 收货手机 收货手机号 收货人电话 "
    "收货人联系方式 收件人手机 收件人手机号 收件人电话 买家手机 买家手机号 买家电话 下单手机号 会员手机 会员手机号 客户手机 客户手机号 顾客手机 "
    "顾客手机号 联系人手机 联系人手机号 联系人电话 手机号/电话 电话",
    "email": "email e-mail mail 邮箱 电子邮箱",
    "member_id": "member_id 会员号 会员编号 会员id customer_id user_id buyer_id 客户编号 买家会员名 买家昵称 买家账号 买家id",
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
        "order_id": "order_id order_no 订单号 订单编号 主订单编号 主订单号 父订单号 单号",
        "amount_fen": "amount_fen 金额（分） 金额分",
        "amount": "amount paid_amount total 实付金额 订单实付金额 用户实付金额 买家实付金额 买家实际支付金额 实际支付金额 实付款 实付 实收款 实收金额 "
        "支付金额 付款金额 订单应付金额 订单金额 金额",
        "at": "at paid_at ordered_at order_time created_at time 付款时间 支付时间 订单付款时间 买家付款时间 订单支付时间 支付完成时间 付款完成时间 "
        "成交时间 订单成交时间 下单时间 订单创建时间 订单提交时间 创建时间 时间",
        "state": "state status order_status 订单状态 交易状态 状态",
        "refund_state": "refund_status 退款状态 售后状态",
        "refund_fen": "refund_fen 退款金额（分）",
        "refund": "refund refund_amount refunded_amount 退款金额 已退款金额 实退金额 退款总额",
        "refunded_at": "refunded_at 退款时间 退款完成时间 退款成功时间",
        "store": "store shop 门店 店铺 店铺名称",
        "coupon_codes": "coupon_codes coupon_code coupon 券码 优惠券码",
        "discount_fen": "discount_fen 优惠金额（分）",
        "discount": "discount 优惠金额 优惠",
        "margin_fen": "margin_fen 毛利（分）",
        "margin": "margin 毛利",
        "product": "product sku 商品编码 商品 商品名称 商品标题 宝贝标题 选购商品",
        "quantity": "quantity qty 数量 商品数量 商品数量（件） 购买数量 宝贝总数量",
    }
    | _WHO,
    "customers": {
        "id": "event_id",
        "at": "registered_at at joined_at created_at 注册时间 入会时间 加入时间 时间",
        "updated_at": "updated_at modified_at 更新时间 修改时间 最后更新时间",
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
ARTICLE = ("product", "quantity")
"""The fields of an order's lines."""
SUMS = ("amount", "amount_fen", "discount", "discount_fen", "margin", "margin_fen", "refund", "refund_fen")
"""Fields of an order that are sums over its lines where a file says them line by line."""
_TIMES = ("at", "updated_at", "refunded_at")
_DOOR = {"updated_at": "at", "member_id": "shop", "order_id": "id"}
"""What the door calls some of them."""
_TRAITS = ("name", "city", "gender", "birthday", "time_zone")


@dataclass(frozen=True)
class Mapping:
    """What each column means, and what the file does not say: its source, the time zone of its times.

    begun: when the import began, to which the file is news; it stays the same when the import goes on later.
    mark: a keyed hash, for ids made of personal handles.
    typed: the file says itself which cells are numbers (JSONL, Parquet), so text is meant as text.
    """

    kind: str
    fields: dict[str, str]
    source: str
    zone: ZoneInfo
    begun: datetime
    mark: Callable[[bytes], bytes]
    typed: bool = False

    @cached_property
    def columns(self) -> dict[str, str]:
        """The column of each field."""
        return {field: column for column, field in self.fields.items()}

    def column(self, name: str) -> str | None:
        """The column that carries a field, or what becomes this prop; where several may have done, all of them."""
        return "、".join(column for column, field in self.fields.items() if name in _names(column, field)) or None


def registrations(vault: Vault) -> Callable[[bytes], bytes]:
    """The hash for ids of registrations: nobody without the vault can tell whose they are."""
    return vault.marker("registration", 16)


def guess(kind: str, columns: list[str], chosen: dict[str, str]) -> dict[str, str]:
    """The field of each column: the user's word, else by its heading; the rest becomes props (traits for customers).

    Raises YutangError for a column that is not there, an unknown field, or a field without which nothing works.
    """
    if kind not in FIELDS:
        raise YutangError(
            f"不认识的导入种类“{kind}”，可用：{', '.join(FIELDS)}。 "
            f"unknown kind of import '{kind}'; use {', '.join(FIELDS)}"
        )
    found = {column: _choice(kind, columns, column, field) for column, field in chosen.items()}
    by_name = {_plain(column): column for column in columns if column not in chosen}
    for field, headings in FIELDS[kind].items():
        column = next((by_name[name] for name in headings.split() if name in by_name), None)
        if column is not None and column not in found and field not in found.values():
            found[column] = field
    _check_complete(kind, columns, set(found.values()))
    return {column: found.get(column) or f"props.{column}" for column in columns}


def _plain(heading: str) -> str:
    """As headings are compared; an amount in yuan need not say so."""
    return heading.strip().lower().replace(" ", "_").replace("(", "（").replace(")", "）").removesuffix("（元）")


def _choice(kind: str, columns: list[str], column: str, field: str) -> str:
    """The field that somebody named for a column, in its full form. Raises YutangError for what is none."""
    if column not in columns:
        has = ", ".join(columns)
        raise YutangError(f"文件里没有“{column}”这一列；有 {has}。 the file has no column '{column}'; it has {has}")
    if field in FIELDS[kind] or field in (IGNORE, f"props.{column}") or _is_handle(field):
        return field
    name, colon, word = field.removeprefix("props.").rpartition(":")
    if colon:
        return _choice_of_type(kind, column, field, name, word)
    if field.startswith("props.") and word:
        return word if kind == "orders" and word in FIELDS[kind] and typed.listed("ordered", word) else field
    if kind == "events" and field in typed.NAMES:
        return f"props.{field}"
    raise _no_field(kind, column, field)


def _choice_of_type(kind: str, column: str, field: str, name: str, word: str) -> str:
    """A free field with a type; the fields of ``FIELDS`` are read in their own way."""
    if word in typed.WORDS and name in FIELDS[kind] and not field.startswith("props."):
        raise YutangError(
            f"“{column}={field}”：{name} 有自己的类型，请去掉“:{word}”。 '{name}' has a type of its own; write {column}={name}"
        )
    if name and word in typed.WORDS:
        return f"props.{name}:{word}"
    if not field.startswith("props."):
        raise _no_field(kind, column, field)
    words = ", ".join(typed.WORDS)
    raise YutangError(f"“{column}={field}”：没有类型“{word}”，可用 {words}。 no such type '{word}'; use {words}")


def _no_field(kind: str, column: str, field: str) -> YutangError:
    known, types = ", ".join(FIELDS[kind]), ", ".join(typed.WORDS)
    return YutangError(
        f"“{column}={field}”：没有这个字段；可用 {known}、props.名称、名称:类型（{types}）、{IGNORE}，或一种标识。 "
        f"no such field; use {known}, props.NAME, NAME:TYPE ({types}), {IGNORE}, or a handle ({_why_no_handle(field)})"
    )


def _why_no_handle(field: str) -> str:
    try:
        return kind_of(field).en
    except ValueError as error:
        return halves(str(error))[1]


def _free(column: str, field: str) -> tuple[str, str | None]:
    """The name of a free column's prop, and its type where the mapping says one; a column's own name may hold a colon."""
    plain = field.removeprefix("props.")
    name, _, word = plain.rpartition(":")
    return (name, word) if name and word in typed.WORDS and plain != column else (plain, None)


def _names(column: str, field: str) -> tuple[str, ...]:
    """What the door may call the content of a column."""
    if field in _DOOR:
        return field, _DOOR[field]
    return field, re.split("[@:]", field)[0], read.CELLS[field][0] if field in read.CELLS else _free(column, field)[0]


def _check_complete(kind: str, columns: list[str], fields: set[str]) -> None:
    missing = [field for field in _NEEDED[kind] if field not in fields]
    if kind == "orders" and not fields & {"amount", "amount_fen"}:
        missing.append("amount")
    if kind != "events" and not any(field in _WHO or _is_handle(field) for field in fields):
        missing.append("phone (or another handle)")
    if missing:
        named = "、".join(missing).replace(" (or another handle)", "（或其他标识）")
        raise YutangError(
            f"缺少这些列：{named}；文件里有 {', '.join(columns)}；表头须在第一行，或用 --map 列=字段 指明。 "
            f"no column for {', '.join(missing)}; the file has {', '.join(columns)}; "
            "put the header into the first line, or name one with --map COLUMN=FIELD"
        )


def _is_handle(field: str) -> bool:
    try:
        return bool(kind_of(field))
    except ValueError:
        return False


def events(mapping: Mapping, row_id: str, cells: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of one row; `row_id` is the id of a row that carries none. Raises Refusal, which names the column."""
    if mapping.kind == "orders":
        states.check(mapping.columns, cells)
    found: dict[str, Any] = {"handles": {}, "props": {}, "free": {}, "no_number": []}
    for column, cell in cells.items():
        if cell != cell:
            found["no_number"].append(column)
        elif not read.empty(cell):
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
            name, word = _free(column, field)
            place = found["props"] if word else found["free"]
            place[name] = typed.by_word(word, read.free(cell)) if word else read.free(cell)
        elif field not in (IGNORE, *states.STATES):
            name, reader = read.CELLS.get(field, (field, read.text))
            found[name] = read.instant(cell, mapping.zone) if field in _TIMES else _of_lines(field, reader, cell)
    except ValueError as error:
        many = mapping.kind == "orders" and isinstance(cell, list)
        why = (
            "有多个不同的值，同一订单的各行要写得一样。 several values; the rows of one order must say the same"
            if many
            else error
        )
        raise Refusal(Reason.BAD_SHAPE, f"column '{column}': {why}") from None


def _of_lines(field: str, reader: Callable[[Any], Any], cell: Any) -> Any:
    """A cell, or those of an order's rows: articles one by one, amounts as their sum; the reader refuses other lists."""
    if isinstance(cell, list) and field in ARTICLE:
        return [None if read.empty(part) else reader(part) for part in cell]
    return sum(map(reader, cell)) if isinstance(cell, list) and cell and field in SUMS else reader(cell)


def _props(mapping: Mapping, type: str, found: dict[str, Any]) -> dict[str, Any]:
    """The props of a row: JSON and what the mapping types as they are, the rest by the catalogue or by its looks."""
    props = dict(found["props"])
    for name, cell in found["free"].items():
        if typed.listed(type, name):
            props[name] = typed.by_catalog(type, name, cell, mapping.zone)
        else:
            props[name] = cell if mapping.typed else typed.by_looks(cell)
    return props


def _event(mapping: Mapping, found: dict[str, Any], id: str, type: str, props: dict[str, Any]) -> dict[str, Any]:
    source = found.get("source", mapping.source)
    return {
        "id": id,
        "source": source,
        "type": type,
        "at": found["at"].isoformat(),
        "handles": found["handles"],
        "props": props,
    }


def _of_events(mapping: Mapping, row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    _need(mapping, found, "type", "at")
    return [_event(mapping, found, found.get("id", row_id), found["type"], _props(mapping, found["type"], found))]


def _of_orders(mapping: Mapping, _row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The order number is the id, so that two exports that overlap bring an order once; what was given back is a refund of it."""
    _need(mapping, found, "order_id", "at", "amount_fen")
    known = ("order_id", "amount_fen", "store", "coupon_codes", "discount_fen", "margin_fen")
    props = _props(mapping, "ordered", found) | {name: found[name] for name in known if name in found}
    props.setdefault("items", _items(found))
    made = [_event(mapping, found, found.get("id", f"order:{found['order_id']}"), "ordered", props)]
    return [*made, _refund(mapping, found)] if found.get("refund_fen") else made


def _refund(mapping: Mapping, found: dict[str, Any]) -> dict[str, Any]:
    """Dated like the order where the file says no time of its own."""
    props = {"order_id": found["order_id"], "amount_fen": found["refund_fen"]}
    late = found | {"at": found.get("refunded_at", found["at"])}
    return _event(mapping, late, f"refund:{found.get('id', found['order_id'])}", "refunded", props)


def _items(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of an order; a row that names no article makes none."""
    columns = [found[name] if isinstance(found.get(name), list) else [found.get(name)] for name in ARTICLE]
    lines = [dict(zip(ARTICLE, line, strict=True)) for line in zip_longest(*columns)]
    return [{name: cell for name, cell in line.items() if cell is not None} for line in lines if line["product"]]


def _of_customers(mapping: Mapping, row_id: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Traits always, dated when they were true at last: older events never win over them. A registration only where the file says when."""
    props = _props(mapping, "profile_updated", found)
    traits = {name: value for name, value in props.items() if not isinstance(value, list | dict)}
    traits |= {name: found[name] for name in _TRAITS if name in found}
    made = [_registration(mapping, row_id, found)] if "at" in found else []
    if traits or not made or made[0]["handles"] != found["handles"]:
        news = found | {"at": found.get("updated_at", mapping.begun)}
        made.append(_event(mapping, news, f"{found.get('id', row_id)}:profile", "profile_updated", {"traits": traits}))
    return made


def _registration(mapping: Mapping, row_id: str, found: dict[str, Any]) -> dict[str, Any]:
    """The same in every export of a customer, so that it comes in once: it has the strongest handle alone, of which its id is made.

    Other handles, which an export may add or change, are with the traits.
    """
    joined = {name: found[name] for name in ("channel", "store") if name in found}
    who = None if "id" in found else _strongest(found["handles"])
    if who is None:
        return _event(mapping, found, f"{found.get('id', row_id)}:registered", "registered", joined)
    full, value = who
    mark = mapping.mark(f"{full}\0{value}\0{found['at'].isoformat()}".encode())
    alone = found | {"handles": {full: found["handles"][full]}}
    return _event(mapping, alone, f"registered:{mark.hex()}", "registered", joined)


def _strongest(handles: dict[str, str]) -> tuple[str, str] | None:
    """The handle that an event follows above all others, and its normal form; None where the door will refuse one of them."""
    try:
        ranked = [(kind_of(full).code, full, normal(kind_of(full), value)) for full, value in handles.items()]
    except (ValueError, TypeError):
        return None
    return min(ranked)[1:] if ranked else None


_MAKERS: dict[str, Callable[[Mapping, str, dict[str, Any]], list[dict[str, Any]]]] = {
    "events": _of_events,
    "orders": _of_orders,
    "customers": _of_customers,
}


def _need(mapping: Mapping, found: dict[str, Any], *fields: str) -> None:
    for field in fields:
        if field in found:
            continue
        column = mapping.column(field)
        why = "是空的，每一行都要填；合并的单元格请拆开填满。 empty; every row needs it, also under merged cells"
        if column in found["no_number"]:
            why = read.NOT_FINITE
        raise Refusal(Reason.BAD_SHAPE, f"column '{column}': {why}")
