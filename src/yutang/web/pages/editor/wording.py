"""What a step, a way and a head say, in Chinese and English, also while they are half written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from yutang.journey import trigger as triggers
from yutang.journey.draft import Draft
from yutang.journey.draft import Step as Written
from yutang.journey.moments import WEEKDAYS
from yutang.journey.steps import STEPS, question
from yutang.model import YutangError
from yutang.segment import language
from yutang.source import Node, SourceError
from yutang.web.pages.editor.choices import Choices
from yutang.web.pages.editor.outline import FORKS, Step, Way
from yutang.why import lines, words
from yutang.why.chain import Words
from yutang.why.words import both, event_title

_DAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_UNFINISHED = {
    "wait": both("等待一段时间", "wait for some time"),
    "until": both("等到某个时间", "wait until a time"),
    "wait_for": both("等某件事发生", "wait for something to happen"),
    "if": both("判断：还没有条件", "is it true that …?"),
    "branch": both("多路分支", "many ways"),
    "hours": both("看当地时间", "look at the time of day"),
    "split": both("随机分流", "split by chance"),
    "message": both("发消息：还没有选", "say something: not chosen yet"),
    "offer": both("优惠：后面要跟一条消息", "an offer: a message must follow it"),
    "task": both("员工任务：还没有选", "a task for staff: not chosen yet"),
    "tag": both("打标签", "tag"),
    "untag": both("去标签", "untag"),
    "set": both("更新属性", "set an attribute"),
    "call": both("调用外部系统", "call another system"),
    "journey": both("进入另一个旅程：还没有选", "begin another journey: not chosen yet"),
    "ladder": both("优惠阶梯：还没有选好", "an offer ladder: not complete yet"),
    "exit": both("结束", "end"),
    "unknown": both("看不懂的一步", "a step that cannot be read"),
}


def step(found: Step, choices: Choices) -> tuple[Words, SourceError | None]:
    """The sentence of a step by itself, and what is wrong with it."""
    if found.kind not in STEPS:
        return _UNFINISHED.get(found.kind, _UNFINISHED["unknown"]), None
    draft = Draft()
    try:
        line = draft.lines[_add(draft, found)]
    except SourceError as error:
        return _UNFINISHED[found.kind], error
    if found.offer is not None:
        line["offer"] = str(found.offer.mapping()["offer"].value or "…")
    if found.kind == "branch":
        return both("多路分支，走第一条符合的", "many ways; the first that fits"), None
    if found.kind == "split":
        return both("随机分流，每个人固定在一路", "split by chance, each person always the same way"), None
    return lines.line(line, choices.titled), None


def _add(draft: Draft, found: Step) -> int:
    end = draft.add({"do": "end", "because": None}, "end")
    return STEPS[found.kind](draft, Written(_alone(found), (0,)), end)


def _alone(found: Step) -> Node:
    """The step without the steps inside it: these have sentences, and mistakes, of their own."""
    keys = dict(found.node.mapping())
    if found.kind in FORKS:
        keys.pop("else", None)
        keys["then"] = Node([], found.node.position)
    elif found.kind == "split":
        keys.pop("then", None)
    elif found.kind == "branch" and keys["branch"].is_list:
        entries = [_entry_alone(entry) for entry in keys["branch"].items()]
        keys["branch"] = replace(keys["branch"], value=entries)
    return replace(found.node, value=keys)


def _entry_alone(entry: Node) -> Node:
    if not entry.is_mapping:
        return entry
    emptied = {
        key: Node([], node.position) if key in ("then", "else") else node for key, node in entry.mapping().items()
    }
    return replace(entry, value=emptied)


def way(found: Way) -> Words:
    """What leads into a list of steps."""
    if found.kind == "split":
        return both(f"{found.label} · 权重 {found.weight}", f"{found.label} · weight {found.weight}")
    if found.kind == "branch":
        if found.label == "else":
            return both("都不符合", "none of them")
        asked = _question(found.question)
        return both(f"{found.label}：{asked['zh']}", f"{found.label}: {asked['en']}")
    yes = found.label == "then"
    return _ENDS[found.kind][0 if yes else 1]


_ENDS: dict[str, tuple[Words, Words]] = {
    "if": (both("符合", "yes"), both("不符合", "no")),
    "hours": (both("在这段时间", "within"), both("不在", "outside")),
    "wait_for": (both("等到了", "it came"), both("没等到", "it did not come")),
    "task": (both("完成了", "done"), both("没完成", "not done")),
    "call": (both("对方答复了", "answered"), both("失败或超时", "failed or too late")),
}


def _question(node: Node | None) -> Words:
    try:
        asked = question(node) if node is not None else {}
    except YutangError:
        return both("还没有条件", "no condition yet")
    return lines.asked(asked) if asked else both("还没有条件", "no condition yet")


def rule(node: Node | None) -> Words | None:
    """A rule in words; None where there is none that can be read."""
    try:
        return words.rule(language.parse(node).to_json()) if node is not None else None
    except YutangError:
        return None


def trigger(node: Node | None, choices: Choices) -> Words:
    """What begins the journey."""
    try:
        body = triggers.trigger(node) if node is not None else {}
    except YutangError:
        body = {}
    return begins(body, choices)


def begins(body: dict[str, Any], choices: Any) -> Words:
    """The same of a trigger that was read; choices: whatever knows titles."""
    for key, say in _TRIGGERS.items():
        if key in body:
            return say(body, choices)
    return both("还没有说什么时候开始", "what begins it is not said yet")


def _by_event(body: dict[str, Any], _: Choices) -> Words:
    titles = [event_title(name) for name in body["event"]]
    where = "，".join(f"{name} = {value}" for name, value in body["where"].items())
    zh = "」或「".join(title["zh"] for title in titles)
    en = "' or '".join(title["en"] for title in titles)
    return both(
        f"发生「{zh}」时" + (f"（{where}）" if where else ""), f"when '{en}' happens" + (f" ({where})" if where else "")
    )


def _by_segment(body: dict[str, Any], choices: Choices) -> Words:
    title = choices.titled("segment", body["segment"])
    if body["when"] == "left":
        return both(f"离开人群「{title['zh']}」时", f"on leaving the segment '{title['en']}'")
    return both(f"进入人群「{title['zh']}」时", f"on entering the segment '{title['en']}'")


def _by_clock(body: dict[str, Any], _: Choices) -> Words:
    table = body["schedule"]
    at = table["at"]
    if "weekdays" in table:
        zh = "、".join(_DAYS[day - 1] for day in table["weekdays"])
        en = ", ".join(WEEKDAYS[day - 1] for day in table["weekdays"])
        return both(f"每{zh} {at}", f"every {en} at {at}")
    if "days" in table:
        days = "、".join(str(day) for day in table["days"])
        return both(f"每月 {days} 日 {at}", f"on day {days} of every month at {at}")
    if "dates" in table:
        days = "、".join(table["dates"])
        return both(f"{days} {at}", f"on {days} at {at}")
    if "every" in table:
        n, first = table["every"]["days"], table["every"]["from"]
        return both(f"从 {first} 起每 {n} 天 {at}", f"every {n} days from {first} at {at}")
    return both(f"每天 {at}", f"every day at {at}")


def _by_year(body: dict[str, Any], _: Choices) -> Words:
    one = body["anniversary"]
    zh, en = (
        (f"属性 {one['trait']} 的周年", f"the anniversary of {one['trait']}")
        if one.get("trait")
        else (f"首次「{event_title(one['event'])['zh']}」的周年", f"the anniversary of the first {one['event']}")
    )
    before = one["days_before"]
    return both(
        f"{zh}{f'前 {before} 天' if before else '当天'} {one['at']}",
        f"{f'{before} days before ' if before else 'on '}{en} at {one['at']}",
    )


def _by_place(body: dict[str, Any], choices: Choices) -> Words:
    near = body["near"]
    title = choices.titled("store", near["store"]) if near["store"] else both("任一门店", "any store")
    return both(
        f"走到{title['zh']} {near['within_m']} 米内时", f"on coming within {near['within_m']} m of {title['en']}"
    )


_TRIGGERS = {
    "event": _by_event,
    "segment": _by_segment,
    "schedule": _by_clock,
    "anniversary": _by_year,
    "near": _by_place,
    "called": lambda _body, _choices: both("由其他旅程的一步开始", "when a step of another journey begins it"),
}
