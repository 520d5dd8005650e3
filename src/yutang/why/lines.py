"""The lines of journeys, and what was seen on them, as sentences in Chinese and English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yutang.why.chain import Words
from yutang.why.words import OUTCOMES, both, duration, event_title, reason, rule

Line = dict[str, Any]
Titled = Callable[[str, str], Words]
"""The title of a definition by kind and name."""


def line(step: Line, titled: Titled) -> Words:
    """A line of a journey's program in words."""
    return _LINES[step["do"]](step, titled) if step["do"] in _LINES else both(step["do"], step["do"])


def outcome(step: Line | None, seen: str) -> Words:
    """What was seen on a line; without the line, as far as its word tells."""
    do = step["do"] if step else None
    if do == "split":
        return both(f"分到「{seen}」组", f"put into the arm '{seen}'")
    if do == "branch" and seen not in OUTCOMES:
        return both(f"走「{seen}」这条路", f"took the way '{seen}'")
    word, _, more = seen.partition(":")
    if word == "came" and more:
        title = event_title(more)
        return both(f"等到了「{title['zh']}」", f"the event '{more}' came")
    known = OUTCOMES.get(word, both(word, word))
    why = reason(more or None)
    return both(f"{known['zh']}：{why['zh']}", f"{known['en']}: {why['en']}") if more else known


def _wait(step: Line, _: Titled) -> Words:
    span = duration(step["seconds"])
    return both(f"等待 {span['zh']}", f"wait {span['en']}")


_DAYS = (("周一", "Monday"), ("周二", "Tuesday"), ("周三", "Wednesday"), ("周四", "Thursday"), ("周五", "Friday"), ("周六", "Saturday"), ("周日", "Sunday"))  # fmt: skip


def _until(step: Line, _: Titled) -> Words:
    days = [_DAYS[day - 1] for day in step["weekdays"]]
    zh, en = "、".join(day[0] for day in days), " or ".join(day[1] for day in days)
    zh, en = step["date"] or zh, step["date"] or en
    where = ("（顾客当地时间）", " where they live") if step["where"] == "person" else ("", "")
    if step.get("best"):
        return both(
            " ".join(filter(None, ("等到", zh, "本人最常在的时刻"))) + f"（未知则 {step['time']}{where[0]}）",
            " ".join(filter(None, ("wait until", en, "the hour at which they are most likely there")))
            + f" ({step['time']}{where[1]} where none is known)",
        )
    return both(
        " ".join(filter(None, ("等到", zh, step["time"]))) + where[0],
        " ".join(filter(None, ("wait until", en, step["time"]))) + where[1],
    )


def _wait_for(step: Line, titled: Titled) -> Words:
    span = duration(step["seconds"])
    if task := step["of"].get("task"):
        title = titled("message", task)
        return both(f"等任务「{title['zh']}」完成", f"wait for the task '{title['en']}'")
    if "call" in step["of"]:
        return both(f"等对方回答，最多 {span['zh']}", f"wait up to {span['en']} for the answer")
    events = [sought["event"] for sought in step["for"]]
    zh, en = "」或「".join(event_title(event)["zh"] for event in events), "' or '".join(events)
    return both(f"等「{zh}」，最多 {span['zh']}", f"wait up to {span['en']} for '{en}'")


def asked(way: Line) -> Words:
    """The question of one way."""
    if "rule" in way:
        return rule(way["rule"])
    where = way.get("begun") or way["answer"]
    said = "、".join(f"{name} = {_value(value)}" for name, value in where.items())
    if "begun" in way:
        return both(f"触发事件的 {said}", f"the event that began it says {said}")
    return both(f"等到的事件的 {said}", f"the event that was waited for says {said}")


def _value(value: Any) -> str:
    return "∅" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _branch(step: Line, _: Titled) -> Words:
    ways = [(way["name"], asked(way)) for way in step["ways"]]
    if step["otherwise"] == "no":
        (_, one), *_ = ways
        return both(f"判断：{one['zh']}", f"is it true that {one['en']}?")
    zh = "；".join(f"{name}：{words['zh']}" for name, words in ways)
    en = "; ".join(f"{name}: {words['en']}" for name, words in ways)
    return both(f"依次判断：{zh}", f"which is first true: {en}?")


def _split(step: Line, _: Titled) -> Words:
    total = sum(way["weight"] for way in step["ways"])
    shares = ", ".join(f"{way['name']} {100 * way['weight'] / total:.4g}%" for way in step["ways"])
    return both(f"分流：{shares}", f"split: {shares}")


def _message(step: Line, titled: Titled) -> Words:
    said, channels = titled("message", step["message"]), step.get("channels") or []
    zh = f"发消息「{said['zh']}」" + (f"（{' → '.join(channels)}）" if channels else "")
    en = f"say '{said['en']}'" + (f" by {', else '.join(channels)}" if channels else "")
    if not step.get("offer"):
        return both(zh, en)
    offer = titled("offer", step["offer"])
    return both(f"{zh}，附优惠「{offer['zh']}」", f"{en} with the offer '{offer['en']}'")


def _task(step: Line, titled: Titled) -> Words:
    said = titled("message", step["message"])
    return both(f"派任务「{said['zh']}」给员工", f"give a member of staff the task '{said['en']}'")


def _set(step: Line, _: Titled) -> Words:
    said = ", ".join(f"{name} = {_value(value)}" for name, value in step["traits"].items())
    return both(f"更新属性 {said}", f"set {said}")


def _ladder(step: Line, titled: Titled) -> Words:
    offer = titled("offer", step["offer"])
    return both(f"随阶梯「{offer['zh']}」的每一步发消息", f"speak at every move of the ladder '{offer['en']}'")


def rung(stand: Any | None) -> Words:
    """Where somebody stands on a ladder: a row of the table, None for nobody's place."""
    if stand is None:
        return both(
            "不在这个阶梯上：阶梯上线时已有的顾客，按它的设置没有收进来",
            "not on this ladder: of those who were there before it went into service it takes in only whom its settings say",
        )
    if not stand.rung:
        return both("还没到第 1 档", "before rung 1")
    more = ("", "") if stand.due_at else ("，不会再有下一档", ", and there is no further rung")
    return both(f"在第 {stand.rung} 档{more[0]}", f"on rung {stand.rung}{more[1]}")


def _journey(step: Line, titled: Titled) -> Words:
    title = titled("journey", step["journey"])
    return both(f"进入子旅程「{title['zh']}」", f"begin the journey '{title['en']}'")


def _ended(step: Line, titled: Titled) -> Words:
    title = titled("journey", step["journey"])
    return both(f"等子旅程「{title['zh']}」结束", f"wait for the end of the journey '{title['en']}'")


def _end(step: Line, _: Titled) -> Words:
    because = step.get("because")
    return both(f"结束：{because}", f"end: {because}") if because else both("结束", "end")


_LINES: dict[str, Callable[[Line, Titled], Words]] = {
    "wait": _wait,
    "until": _until,
    "wait_for": _wait_for,
    "branch": _branch,
    "hours": lambda step, _: both(
        f"当地时间在 {step['from']}–{step['to']} 之间吗",
        f"is it between {step['from']} and {step['to']} where they live?",
    ),
    "split": _split,
    "message": _message,
    "task": _task,
    "tag": lambda step, _: both(f"打标签「{step['tag']}」", f"tag '{step['tag']}'"),
    "untag": lambda step, _: both(f"去标签「{step['tag']}」", f"untag '{step['tag']}'"),
    "set": _set,
    "call": lambda step, _: both(f"调用 {step['url']}", f"call {step['url']}"),
    "journey": _journey,
    "ended": _ended,
    "ladder": _ladder,
    "end": _end,
}
