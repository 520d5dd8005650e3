"""The kinds of steps: in which group of the menu each stands, what it is called, and what a new one says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yutang.why.chain import Words
from yutang.why.words import both


@dataclass(frozen=True)
class Kind:
    """name: the word in the file; items: what a new one is, entry by entry."""

    name: str
    words: Words
    hint: Words
    items: tuple[Any, ...]


@dataclass(frozen=True)
class Group:
    """A group of the menu; `name` is also its colour."""

    name: str
    words: Words
    kinds: tuple[Kind, ...]


GROUPS = (
    Group(
        "say",
        both("说", "Say"),
        (
            Kind("message", both("发消息", "Message"), both("一条消息，可以附优惠", "a message, with an offer if you like"), ({"message": ""},)),
            Kind("ladder", both("优惠阶梯", "Offer ladder"), both("站上阶梯，每换一档发一条", "stand on a ladder, speak at every rung"), ({"ladder": "", "message": ""},)),
        ),
    ),
    Group(
        "give",
        both("给", "Give"),
        (
            Kind("offer", both("发优惠", "Offer"), both("券、礼品或红包，随一条消息发出", "a coupon, gift or red packet, with its message"), ({"offer": ""}, {"message": ""})),
            Kind("tag", both("打标签", "Tag"), both("给顾客加一个标签", "give the person a tag"), ({"tag": ""},)),
            Kind("untag", both("去标签", "Untag"), both("拿掉一个标签", "take a tag away"), ({"untag": ""},)),
            Kind("set", both("改属性", "Attribute"), both("写下或清空一项资料", "set an attribute, or clear it"), ({"set": {"": ""}},)),
        ),
    ),
    Group(
        "wait",
        both("等", "Wait"),
        (
            Kind("wait", both("等一段时间", "For some time"), both("几天、几小时", "days, hours"), ({"wait": {"days": 1}},)),
            Kind("until", both("等到某时", "Until a time"), both("几点、周几或某一天", "a time, a weekday or a date"), ({"until": "10:00"},)),
            Kind("wait_for", both("等事件", "For an event"), both("等到了走一边，没等到走另一边", "one way when it comes, another when not"), ({"wait_for": "ordered", "days": 7},)),
        ),
    ),
    Group(
        "decide",
        both("判断", "Decide"),
        (
            Kind("if", both("二选一", "If"), both("符合条件走一边", "one way where it is true"), ({"if": {}, "then": []},)),
            Kind("branch", both("多路分支", "Branch"), both("几个条件，走第一条符合的", "many conditions, the first that fits"), ({"branch": [{"when": {}, "then": []}, {"else": []}]},)),
            Kind("hours", both("看时段", "Time of day"), both("白天走一边，夜里走另一边", "one way by day, another by night"), ({"hours": {"from": "08:00", "to": "22:00"}, "then": []},)),
            Kind("split", both("随机分流", "Split"), both("按比例分成几路，可做对比", "shares by chance, to compare"), ({"split": {"a": 50, "b": 50}},)),
        ),
    ),
    Group(
        "people",
        both("人", "People"),
        (Kind("task", both("员工任务", "Staff task"), both("让员工去做，等他做完", "something for staff to do, and the wait for it"), ({"task": ""},)),),
    ),
    Group(
        "other",
        both("其他", "Other"),
        (
            Kind("journey", both("另一个旅程", "Another journey"), both("开始另一个旅程", "begin another journey"), ({"journey": ""},)),
            Kind("call", both("调用外部系统", "Call"), both("问别的系统，按答复继续", "ask another system and go by its answer"), ({"call": {"url": ""}},)),
            Kind("exit", both("结束", "End"), both("到此为止", "the journey ends here"), ({"exit": True},)),
        ),
    ),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.name: kind for group in GROUPS for kind in group.kinds}
GROUP_OF: dict[str, str] = {kind.name: group.name for group in GROUPS for kind in group.kinds}
