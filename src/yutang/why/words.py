"""The sentences of the chain, in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yutang.ingest import catalog
from yutang.model import Reason
from yutang.segment import language
from yutang.segment.wording import sentence
from yutang.why.chain import Words

OUTCOMES: dict[str, Words] = {
    "waited": {"zh": "等到了", "en": "the wait is over"},
    "timed_out": {"zh": "等待超时", "en": "nothing came in time"},
    "came": {"zh": "等到了事件", "en": "the event came"},
    "yes": {"zh": "满足", "en": "yes"},
    "no": {"zh": "不满足", "en": "no"},
    "said": {"zh": "已提交触达", "en": "a touch was proposed"},
    "no_message": {"zh": "消息已下线，跳过", "en": "the message is out of service; passed over"},
    "tag": {"zh": "已打标签", "en": "tagged"},
    "untag": {"zh": "已去标签", "en": "untagged"},
}
VERDICTS: dict[str, Words] = {
    "send": {"zh": "准予发送", "en": "send it"},
    "hold": {"zh": "暂缓", "en": "hold it"},
    "no": {"zh": "不发", "en": "do not send"},
}
ATTEMPTS: dict[str, Words] = {
    "waiting": {"zh": "等待发送", "en": "waiting to be sent"},
    "claimed": {"zh": "正在发送", "en": "being sent"},
    "assigned": {"zh": "已派给员工，等他点发送", "en": "a member of staff was asked to send it"},
    "sent": {"zh": "已发出", "en": "sent"},
    "failed": {"zh": "发送失败", "en": "failed"},
}
COUPONS: dict[str, Words] = {
    "issued": {"zh": "未使用", "en": "not used yet"},
    "redeemed": {"zh": "已核销", "en": "redeemed"},
    "expired": {"zh": "已过期", "en": "expired"},
}
USES: dict[str, Words] = {
    "done": {"zh": "核销成功", "en": "redeemed"},
    "restored": {"zh": "因退款已退回", "en": "given back by a refund"},
    "refused": {"zh": "核销被拒", "en": "refused"},
}
STATES: dict[str, Words] = {
    "active": {"zh": "进行中", "en": "under way"},
    "done": {"zh": "已走完", "en": "done"},
    "exited": {"zh": "已退出", "en": "left"},
}


def both(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


def reason(name: str | None) -> Words:
    """The sentence of a reason; a plain word where there is none."""
    if name is None:
        return both("", "")
    return both(Reason(name).zh, Reason(name).en) if name in set(Reason) else both(name, name)


def add(first: Words, second: Words) -> Words:
    """Two sentences in one; an empty second one adds nothing."""
    if not second["zh"]:
        return first
    return both(f"{first['zh']}：{second['zh']}", f"{first['en']}: {second['en']}")


def event_title(type: str) -> Words:
    """What an event type is called; an unknown type by its own name."""
    known = catalog.BY_NAME.get(type)
    return both(known.zh.partition("（")[0], known.en.partition(" (")[0]) if known else both(type, type)


def title_of(body: dict[str, Any], name: str) -> Words:
    """The title of a definition; its name where it has none."""
    found = body.get("title")
    return (
        both(found["zh"], found["en"])
        if isinstance(found, dict) and "zh" in found and "en" in found
        else both(name, name)
    )


def duration(seconds: int) -> Words:
    """A span in the largest units that fit."""
    units = ((86_400, "天", "day"), (3_600, "小时", "hour"), (60, "分钟", "minute"), (1, "秒", "second"))
    zh, en = [], []
    for size, chinese, english in units:
        n, seconds = divmod(seconds, size)
        if n:
            zh.append(f"{n} {chinese}")
            en.append(f"{n} {english}{'s' if n > 1 else ''}")
    return both(" ".join(zh) or "0 秒", " ".join(en) or "0 seconds")


def rule(body: dict[str, Any]) -> Words:
    """A rule in words."""
    parsed = language.from_json(body)
    return both(sentence(parsed, "zh"), sentence(parsed, "en"))


Titled = Callable[[str, str], Words]
"""The title of a definition by kind and name."""


def line(step: dict[str, Any], titled: Titled) -> Words:
    """A line of a journey's program in words."""
    return _LINES[step["do"]](step, titled) if step["do"] in _LINES else both(step["do"], step["do"])


def _wait(step: dict[str, Any], _: Titled) -> Words:
    span = duration(step["seconds"])
    return both(f"等待 {span['zh']}", f"wait {span['en']}")


def _wait_for(step: dict[str, Any], _: Titled) -> Words:
    span, event = duration(step["seconds"]), event_title(step["event"])
    return both(f"等「{event['zh']}」，最多 {span['zh']}", f"wait up to {span['en']} for '{step['event']}'")


def _branch(step: dict[str, Any], _: Titled) -> Words:
    asked = rule(step["rule"])
    return both(f"判断：{asked['zh']}", f"is it true that {asked['en']}?")


def _message(step: dict[str, Any], titled: Titled) -> Words:
    said = titled("message", step["message"])
    if not step.get("offer"):
        return both(f"发消息「{said['zh']}」", f"say '{said['en']}'")
    offer = titled("offer", step["offer"])
    return both(
        f"发消息「{said['zh']}」，附优惠「{offer['zh']}」", f"say '{said['en']}' with the offer '{offer['en']}'"
    )


def _ladder(step: dict[str, Any], titled: Titled) -> Words:
    offer = titled("offer", step["offer"])
    return both(f"随阶梯「{offer['zh']}」的每一步发消息", f"speak at every move of the ladder '{offer['en']}'")


_LINES: dict[str, Callable[[dict[str, Any], Titled], Words]] = {
    "wait": _wait,
    "until": lambda step, _: both(f"等到 {step['time']}", f"wait until {step['time']}"),
    "wait_for": _wait_for,
    "branch": _branch,
    "hours": lambda step, _: both(
        f"当地时间在 {step['from']}–{step['to']} 之间吗",
        f"is it between {step['from']} and {step['to']} where they live?",
    ),
    "message": _message,
    "tag": lambda step, _: both(f"打标签「{step['tag']}」", f"tag '{step['tag']}'"),
    "untag": lambda step, _: both(f"去标签「{step['tag']}」", f"untag '{step['tag']}'"),
    "ladder": _ladder,
    "end": lambda *_: both("结束", "end"),
}
