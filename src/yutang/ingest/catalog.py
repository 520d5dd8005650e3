"""The schema registry: the event types that Yutang knows, their fields, and the check of an event against them.

A type that is not here is stored all the same and can be used in rules; so can extra fields of a known type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from yutang.clock import zones
from yutang.ingest.cells import is_day
from yutang.ingest.shape import named, where

MAX_INT = 2**63 - 1
MOST_FEN = 10**15
"""So that no sum of a person's amounts, or of everybody's, is more than the database can hold."""
MOST_USES = 1_000_000
Key = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=1, le=MAX_INT)]
Fen = Annotated[int, Meta(ge=0, le=MOST_FEN)]
Whole = Annotated[int, Meta(ge=-MAX_INT - 1, le=MAX_INT)]
Scalar = Whole | float | str | bool | None


class Item(msgspec.Struct, gc=False):
    """One line of an order."""

    product: Key
    name: str | None = None
    quantity: Annotated[int, Meta(ge=0, le=MAX_INT)] | Annotated[float, Meta(ge=0)] | None = None
    amount_fen: Fen | None = None


TYPES: dict[str, tuple[Any, str, str]] = {
    "key": (Key, "1–200 字文本", "text of 1 to 200 characters"),
    "text": (str, "文本", "text"),
    "fen": (Fen, "整数（分），0 至 10 的 15 次方", "integer fen, 0 to 10 to the power of 15"),
    "latitude": (Annotated[float, Meta(ge=-90, le=90)], "纬度（度）", "latitude in degrees"),
    "longitude": (Annotated[float, Meta(ge=-180, le=180)], "经度（度）", "longitude in degrees"),
    "count": (Count, "整数，≥1", "integer, 1 or more"),
    "uses": (Annotated[int, Meta(ge=1, le=MOST_USES)], "整数，1–1000000", "integer, 1 to 1000000"),
    "number": (Annotated[int, Meta(ge=0, le=MAX_INT)] | Annotated[float, Meta(ge=0)], "数字", "number"),
    "time": (Annotated[datetime, Meta(tz=True)], "带时区的 ISO 8601 时间", "ISO 8601 time with UTC offset"),
    "keys": (list[Key], "文本列表", "list of texts"),
    "items": (
        list[Item],
        "商品行列表 [{product, name?, quantity?, amount_fen?}]",
        "list of order lines [{product, name?, quantity?, amount_fen?}]",
    ),
    "traits": (
        dict[Key, Scalar],
        "{名称: 文本、数字、真假或 null（删除）}",
        "{name: text, number, boolean or null (deletes)}",
    ),
}
"""The words for field types: what msgspec checks, and how the reference page says it."""


@dataclass(frozen=True)
class Field:
    """One field of an event's props; `type` is a word of ``TYPES``."""

    name: str
    type: str
    required: bool
    zh: str
    en: str


@dataclass(frozen=True)
class EventType:
    """One known type of event."""

    name: str
    zh: str
    en: str
    fields: tuple[Field, ...]


def _must(name: str, type: str, zh: str, en: str) -> Field:
    return Field(name, type, True, zh, en)


def _may(name: str, type: str, zh: str, en: str) -> Field:
    return Field(name, type, False, zh, en)


_ORDER = _must("order_id", "key", "订单号", "order number")
_TOUCH = _must("touch_id", "count", "触达编号", "number of the touch")
_SAID = (_may("journey", "key", "旅程", "journey"), _may("message", "key", "消息", "message"))
_CODE = _must("code", "key", "券码", "coupon code")
_CONSENT = (
    _may("channel", "key", "渠道，“*”为全部渠道", 'channel; "*" is all of them'),
    _may("class", "key", "或消息类别：marketing、companion", "or the class of messages: marketing, companion"),
)
_CLASSES = ("marketing", "companion")
_STAFF = _must("staff", "key", "员工账号", "member of staff")
_SOURCE_CODE = _may("code", "key", "活码名称", "live code that led here")
_STORE = _may("store", "key", "门店", "store")
_BY_CHANNEL = _may("channel", "key", "渠道", "channel")
_GROUP = _must("group", "key", "群编号", "id of the group")
_TASK = (
    _may("journey", "text", "旅程名称", "journey"),
    _must("task", "key", "任务（消息名称）", "task: the name of the message"),
    _may("cause", "text", "哪一次进入", "which run"),
    _STAFF,
)

CATALOG = (
    EventType(
        "registered",
        "注册成为会员",
        "became a member",
        (_may("channel", "key", "来自哪个渠道", "where from"), _STORE),
    ),
    EventType(
        "ordered",
        "下单成交",
        "placed an order",
        (
            _ORDER,
            _must("amount_fen", "fen", "实付金额（分）", "amount paid, in fen"),
            _may("items", "items", "商品行", "order lines"),
            _STORE,
            _may("coupon_codes", "keys", "用到的券码", "coupon codes used"),
            _may("discount_fen", "fen", "优惠金额（分）", "discount, in fen"),
            _may("margin_fen", "whole", "毛利（分），可为负", "margin in fen; may be negative"),
        ),
    ),
    EventType(
        "refunded",
        "退款",
        "was refunded",
        (_ORDER, _must("amount_fen", "fen", "退款金额（分）", "amount given back, in fen")),
    ),
    EventType(
        "coupon_issued",
        "发券（其他系统发出的券，或本系统的发券记录）",
        "was given a coupon (by another system, or recorded by our own offers)",
        (
            _CODE,
            _must("offer", "key", "优惠名称", "name of the offer"),
            _may("valid_from", "time", "生效时间", "valid from"),
            _may("expires_at", "time", "失效时间", "expires at"),
            _may("value_fen", "fen", "面值（分）", "value in fen"),
            _may("uses", "uses", "可用次数", "how often it may be used"),
        ),
    ),
    EventType(
        "coupon_redeemed",
        "用券",
        "redeemed a coupon",
        (
            _CODE,
            _may("order_id", "key", "订单号", "order number"),
            _may("amount_fen", "fen", "抵扣金额（分）", "amount taken off, in fen"),
        ),
    ),
    EventType(
        "red_packet_claimed",
        "领取红包（由商城付款）",
        "claimed a red packet (the shop pays it out)",
        (_CODE, _must("amount_fen", "fen", "金额（分）", "amount in fen")),
    ),
    EventType(
        "viewed",
        "浏览",
        "looked at a page or product",
        (
            _may("page", "text", "页面", "page"),
            _may("product", "key", "商品", "product"),
            _may("ms", "number", "停留毫秒", "milliseconds spent"),
        ),
    ),
    EventType(
        "message_sent", "消息已发出", "a message was sent", (_TOUCH, _must("channel", "key", "渠道", "channel"), *_SAID)
    ),
    EventType("message_delivered", "消息已送达", "a message arrived", (_TOUCH, *_SAID)),
    EventType("message_opened", "消息已打开", "a message was opened", (_TOUCH, *_SAID)),
    EventType("message_clicked", "消息链接被点击", "a link in a message was clicked", (_TOUCH, *_SAID)),
    EventType("message_replied", "消息被回复", "a message was answered", (_TOUCH, *_SAID)),
    EventType("message_failed", "消息发送失败", "a message could not be delivered", (_TOUCH, *_SAID)),
    EventType(
        "message_assigned",
        "消息已派给员工发送",
        "a member of staff was asked to send a message",
        (
            _TOUCH,
            _must("channel", "key", "渠道", "channel"),
            _may("staff", "key", "员工账号", "member of staff"),
            *_SAID,
        ),
    ),
    EventType("task_done", "员工完成任务", "a member of staff did a task", _TASK),
    EventType(
        "task_escalated",
        "任务转给上级",
        "a task passed to somebody else, for it was not done in time",
        (*_TASK, _may("before", "key", "原员工账号", "member of staff before")),
    ),
    EventType("task_late", "任务逾期未完成", "a task was not done in time", _TASK),
    EventType(
        "task_dropped",
        "任务撤回",
        "a task was dropped, or nobody was there to do it",
        (*_TASK[:3], _may("reason", "key", "原因", "reason")),
    ),
    EventType(
        "message_received",
        "顾客发来消息",
        "wrote to us",
        (
            _must("channel", "key", "渠道", "channel"),
            _may("kind", "key", "消息类型", "kind of message"),
            _may("text", "text", "文字", "text"),
        ),
    ),
    EventType(
        "staff_messaged",
        "员工自己给顾客发了消息",
        "a member of staff wrote to the person by hand",
        (_STAFF, _may("channel", "key", "渠道；group、moments 为群与朋友圈", "channel; group and moments for those")),
    ),
    EventType(
        "contact_added",
        "成为员工的联系人",
        "became a contact of a member of staff",
        (
            _STAFF,
            _SOURCE_CODE,
            _may("state", "key", "渠道参数", "state carried by the code"),
            _STORE,
            _may("way", "key", "添加方式", "how they met"),
            _BY_CHANNEL,
        ),
    ),
    EventType(
        "contact_lost",
        "不再是员工的联系人",
        "is no longer a contact of a member of staff",
        (
            _STAFF,
            _must("by", "key", "谁删除的：customer、staff、transfer", "who ended it: customer, staff, transfer"),
            _BY_CHANNEL,
        ),
    ),
    EventType(
        "contact_moved",
        "联系人由另一位员工继承",
        "was handed over to another member of staff",
        (_STAFF, _must("before", "key", "原员工账号", "member of staff before"), _BY_CHANNEL),
    ),
    EventType(
        "group_joined",
        "加入客户群",
        "joined a group",
        (
            _GROUP,
            _may("name", "text", "群名", "name of the group"),
            _SOURCE_CODE,
            _may("way", "key", "入群方式", "how"),
            _STORE,
        ),
    ),
    EventType(
        "group_left",
        "退出客户群",
        "left a group",
        (_GROUP, _may("by", "key", "谁：self、admin、dismissed", "who ended it: self, admin, dismissed")),
    ),
    EventType("followed", "关注", "followed us", (_must("channel", "key", "渠道", "channel"), _SOURCE_CODE, _STORE)),
    EventType("unfollowed", "取消关注", "stopped following us", (_must("channel", "key", "渠道", "channel"),)),
    EventType("scanned", "扫码", "scanned a code", (_must("code", "key", "活码名称", "live code"), _STORE)),
    EventType(
        "located",
        "位置",
        "was at a place",
        (
            _must("lat", "latitude", "纬度", "latitude"),
            _must("lon", "longitude", "经度", "longitude"),
            _may("accuracy_m", "number", "精度（米）", "accuracy in metres"),
        ),
    ),
    EventType(
        "grant_given",
        "同意订阅一条消息",
        "granted one message of a template",
        (_must("template", "key", "模板编号", "template"), _may("channel", "key", "渠道", "channel")),
    ),
    EventType(
        "called",
        "调用其他系统的结果（旅程的 call 步骤）",
        "what came of a call to another system (the step 'call' of a journey)",
        (
            _must("call_id", "count", "调用编号", "number of the call"),
            _must("journey", "text", "旅程名称", "journey"),
            _must("call", "text", "步骤", "step"),
            _must("cause", "text", "哪一次进入", "which run"),
            _must("ok", "flag", "是否成功", "was it answered"),
            _may("status", "whole", "HTTP 状态码", "HTTP status"),
            _may("answer", "json", "对方的回答", "what was answered"),
            _may("reason", "key", "失败原因", "why it failed"),
        ),
    ),
    EventType("consent_given", "同意接收", "consented to messages", _CONSENT),
    EventType("consent_withdrawn", "撤回同意", "withdrew consent", _CONSENT),
    EventType(
        "profile_updated",
        "资料更新",
        "profile changed",
        (
            _must(
                "traits",
                "traits",
                "资料项；time_zone 须为 IANA 时区名，birthday 须为日期，如 1990-03-05，年份不详写 03-05",
                "traits; time_zone must be an IANA name, birthday a day such as 1990-03-05, or 03-05 of no known year",
            ),
        ),
    ),
    EventType(
        "tagged",
        "打标签",
        "was tagged",
        (_must("tag", "key", "标签", "tag"), _may("expires_at", "time", "失效时间", "expires at")),
    ),
    EventType("untagged", "去标签", "lost a tag", (_must("tag", "key", "标签", "tag"),)),
    EventType(
        "merged",
        "人工合并（本系统的记录）",
        "was said to be one with another person (recorded by us)",
        (_must("other", "count", "另一位的编号", "number of the other"), _may("by", "key", "谁", "who said so")),
    ),
)
TYPES["flag"] = (bool, "真假", "true or false")
TYPES["json"] = (Any, "任意 JSON", "any JSON")
TYPES["whole"] = (Annotated[int, Meta(ge=-MOST_FEN, le=MOST_FEN)], "整数", "integer")
BY_NAME = {known.name: known for known in CATALOG}
_Free = Scalar | list | dict
_free = msgspec.json.Decoder(dict[str, _Free])


def check(type: str, props: msgspec.Raw | bytes) -> str | None:
    """What is wrong with the props (JSON text of an object) of an event of this type; None when nothing is.

    Raises UnicodeDecodeError, msgspec.DecodeError or RecursionError where the text itself is broken.
    """
    try:
        _free.decode(props)
    except msgspec.ValidationError as error:
        return where("props", named(str(error), bytes(props), {"$": _Free}))
    try:
        if decoder := _decoders.get(type):
            known = decoder.decode(props)
            return _MORE[type](known) if type in _MORE else None
    except msgspec.ValidationError as error:
        return where("props", named(str(error), bytes(props), {"$.traits": Scalar}))
    return None


def _decoder(known: EventType) -> msgspec.json.Decoder[Any]:
    fields = [
        (f.name, TYPES[f.type][0]) if f.required else (f.name, TYPES[f.type][0] | None, None)
        for f in sorted(known.fields, key=lambda f: not f.required)
    ]
    return msgspec.json.Decoder(msgspec.defstruct(known.name, fields, gc=False))


_decoders = {known.name: _decoder(known) for known in CATALOG}


def _trait_error(known: Any) -> str | None:
    """What is wrong with the traits that others read as more than a value."""
    zone, birthday = known.traits.get("time_zone"), known.traits.get("birthday")
    if birthday is not None and not (isinstance(birthday, str) and is_day(birthday)):
        return "props.traits.birthday: 不是日期，或没有这一天，请写成例如 1990-03-05，年份不详写 03-05。 no date, or no such day; write for example 1990-03-05, or 03-05 where the year is not known"
    if zone is None or (isinstance(zone, str) and zone in zones()):
        return None
    return "props.traits.time_zone: 不是 IANA 时区，请写成例如 Asia/Shanghai。 not an IANA time zone; write for example Asia/Shanghai"


def _consent_error(known: Any) -> str | None:
    """A word on consent is about a channel, or about a class of messages over all channels."""
    said = getattr(known, "class")
    if (known.channel is None) == (said is None):
        return 'props: 渠道 channel 和消息类别 class 请写且只写一个，例如 {"channel": "email"}。 name a channel or a class, one of them; write for example {"channel": "email"}'
    return (
        None
        if said is None or said in _CLASSES
        else f"props.class: 请写 {'、'.join(_CLASSES)} 之一。 write one of {', '.join(_CLASSES)}"
    )


_MORE = {"profile_updated": _trait_error, "consent_given": _consent_error, "consent_withdrawn": _consent_error}
"""What the fields alone do not say."""


def reference() -> str:
    """The registry as a Markdown page, in Chinese and English."""
    head = (
        "# 事件登记表 Event registry\n\n"
        "未列出的类型与字段照样保存，可用于规则。"
        "Types and fields that are not listed are stored as well and can be used in rules.\n"
    )
    return head + "".join(_section(known) for known in CATALOG)


def _section(known: EventType) -> str:
    lines = [
        f"\n## `{known.name}` {known.zh}\n\n{known.en}\n",
        "| props | 必填 required | 类型 type | 说明 meaning |",
        "|---|---|---|---|",
    ]
    for f in known.fields:
        _, zh, en = TYPES[f.type]
        lines.append(f"| `{f.name}` | {'是 yes' if f.required else '否 no'} | {zh}; {en} | {f.zh}; {f.en} |")
    return "\n".join(lines) + "\n"


def called(type: str) -> tuple[str, str]:
    """What people call a type of event, in Chinese and English; an unknown type by its own name."""
    known = BY_NAME.get(type)
    return (known.zh.partition("（")[0], known.en.partition(" (")[0]) if known else (type, type)
