"""The sentences of the chain, in Chinese and English."""

from __future__ import annotations

from typing import Any

from yutang.channels.contract import STAFF
from yutang.ingest import catalog
from yutang.model import Reason
from yutang.segment import language
from yutang.segment.wording import known_events, sentence
from yutang.why.chain import Words

OUTCOMES: dict[str, Words] = {
    "waited": {"zh": "等到了", "en": "the wait is over"},
    "timed_out": {"zh": "等待超时", "en": "nothing came in time"},
    "came": {"zh": "等到了事件", "en": "the event came"},
    "yes": {"zh": "满足", "en": "yes"},
    "no": {"zh": "不满足", "en": "no"},
    "said": {"zh": "已提交触达", "en": "a touch was proposed"},
    "no_message": {"zh": "消息或它的优惠已下线，跳过", "en": "the message or its offer is out of service; passed over"},
    "tag": {"zh": "已打标签", "en": "tagged"},
    "untag": {"zh": "已去标签", "en": "untagged"},
    "set": {"zh": "已更新属性", "en": "the traits were set"},
    "else": {"zh": "都不满足", "en": "none of them"},
    "task_done": {"zh": "员工已完成任务", "en": "the task was done"},
    "task_late": {"zh": "任务逾期未完成", "en": "the task was not done in time"},
    "task_dropped": {"zh": "任务已撤回", "en": "the task was called off"},
    "called": {"zh": "已发起调用", "en": "the call was put down"},
    "answered": {"zh": "对方已回答", "en": "it was answered"},
    "call_failed": {"zh": "调用失败", "en": "the call failed"},
    "holdout": {"zh": "属于对照组，不调用", "en": "in the holdout group, so nobody is called"},
    "begun": {"zh": "已进入子旅程", "en": "the other journey has begun"},
    "not_entered": {"zh": "子旅程不允许进入，跳过", "en": "the other journey lets them not in; passed over"},
    "retired": {"zh": "子旅程已下线，跳过", "en": "the other journey is out of service; passed over"},
    "moved": {"zh": "旅程改版，移到新版", "en": "the journey was edited; moved to the new version"},
    "ended": {"zh": "子旅程已结束", "en": "the other journey has ended"},
}
VERDICTS: dict[str, Words] = {
    "send": {"zh": "准予发送", "en": "send it"},
    "hold": {"zh": "暂缓", "en": "hold it"},
    "no": {"zh": "不发", "en": "do not send"},
}
ATTEMPTS: dict[str, Words] = {
    "waiting": {"zh": "等待发送", "en": "waiting to be sent"},
    "claimed": {"zh": "正在发送", "en": "being sent"},
    "assigned": {"zh": "等员工点发送", "en": "waiting for staff to send it"},
    "sent": {"zh": "已发出", "en": "sent"},
    "failed": {"zh": "发送失败", "en": "failed"},
}
TASKS: dict[str, Words] = {
    "waiting": {"zh": "等待派给员工", "en": "waiting to be given to a member of staff"},
    "claimed": {"zh": "正在派给员工", "en": "being given to a member of staff"},
    "assigned": {"zh": "已派给员工，等他完成", "en": "a member of staff was asked to do it"},
    "sent": {"zh": "员工已完成", "en": "done by a member of staff"},
    "failed": {"zh": "没有办成", "en": "not done"},
}
"""The same states, of what somebody is to do and nobody is sent."""
COUPONS: dict[str, Words] = {
    "issued": {"zh": "未使用", "en": "not used yet"},
    "reserved": {"zh": "为订单占用", "en": "held for an order"},
    "redeemed": {"zh": "已核销", "en": "redeemed"},
    "expired": {"zh": "已过期", "en": "expired"},
}
USES: dict[str, Words] = {
    "done": {"zh": "核销成功", "en": "redeemed"},
    "restored": {"zh": "已退回", "en": "given back"},
    "refused": {"zh": "核销被拒", "en": "refused"},
    "held": {"zh": "为订单占用", "en": "held for an order"},
    "released": {"zh": "占用已释放", "en": "the hold was released"},
    "lapsed": {"zh": "占用已超时", "en": "the hold lapsed"},
    "conflict": {"zh": "离线门店已给，但不成立", "en": "given by a till that was offline, but not to be had"},
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


def attempt(channel: str, state: str, why: str | None) -> Words:
    """What became of a letter, or of a task."""
    if channel != STAFF:
        return add(ATTEMPTS[state], reason(why))
    late = why == Reason.NOT_SENT
    return add(TASKS[state], both("没有按时完成", "it was not done in time") if late else reason(why))


def outbid(message: Words, value_fen: int, own_fen: int, service: bool) -> Words:
    """Why another touch, of this message, got the slot. service: it is a service and this one is not, so it came first whatever it is
    worth."""
    theirs, own = value_fen / 100, own_fen / 100
    if service:
        return both(
            f"服务类触达「{message['zh']}」优先，顺延",
            f"'{message['en']}' is a service, which comes first; this one waits",
        )
    if value_fen == own_fen:
        return both(
            f"与「{message['zh']}」期望价值相同（{own:.2f} 元），名额给了先提出的一条，顺延",
            f"'{message['en']}' was worth the same ({own:.2f}) and was proposed earlier, so it went first; this one waits",
        )
    said = reason(Reason.OUTBID)
    return both(
        f"{said['zh']}（对方「{message['zh']}」期望价值 {theirs:.2f} 元，本条 {own:.2f} 元）",
        f"{said['en']} ('{message['en']}' was worth {theirs:.2f}, this one {own:.2f})",
    )


def worth(found: dict[str, Any]) -> Words:
    """How what a touch is expected to bring came about; `found` as `touch.worth` keeps it. What is not known is left out."""
    zh, en = [], []
    if found["reach"] < 1:
        whose = (
            ("本人应答概率", "their chance to answer")
            if found["own"]
            else ("渠道应答概率", "the channel's chance of an answer")
        )
        zh.append(f"{whose[0]} {found['reach']:.0%}")
        en.append(f"{whose[1]} {found['reach']:.0%}")
    source = ("实验测得", "measured") if found["measured"] else ("旅程所写", "as the journey says")
    zh.append(f"触达一次值 {found['fen'] / 100:.2f} 元（{source[0]}）")
    en.append(f"{found['fen'] / 100:.2f} for a touch that reaches ({source[1]})")
    if found["times"] != 1:
        zh.append(f"本人是平均的 {found['times']:.1f} 倍")
        en.append(f"{found['times']:.1f} times the mean person")
    value = f"{found['value'] / 100:.2f}"
    return both(
        f"预计价值 {value} 元 = {' × '.join(zh)}".replace("） × ", "）× "),
        f"expected to bring {value} = {' × '.join(en)}",
    )


def event_title(type: str) -> Words:
    """What an event type is called; an unknown type by its own name."""
    return both(*catalog.called(type))


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
    return both(sentence(parsed, "zh", known_events("zh")), sentence(parsed, "en", known_events("en")))
