"""A journey's file, checked and brought into one form: its head here, what begins it in `trigger`, its steps in `program`."""

from __future__ import annotations

from typing import Any

from yutang.journey import trigger
from yutang.journey.program import program
from yutang.segment import language
from yutang.source import Node, one_of

_KEYS = (
    "title", "class", "trigger", "audience", "reentry", "holdout_percent", "value_fen", "deadline_days", "max_age_days", "goal",
    "exit_on", "exit_when", "exit_on_leave", "steps",
)  # fmt: skip
CLASSES = ("service", "companion", "marketing")
"""What somebody waits for (a parcel is on its way), what is good to know (know-how, a greeting), what a brand would like to sell."""
REENTRY = ("never", "always", "each_time")
"""Once ever; whenever no run is under way; a run for every cause, also beside others. The fourth is ``{after_days: N}``."""


def journey(node: Node) -> dict[str, Any]:
    """The body of a journey definition, from its file. Raises SourceError with position and fix."""
    keys = node.mapping(known=_KEYS, required=("title", "trigger", "steps"))
    title = keys["title"].mapping(known=("zh", "en"), required=("zh", "en"))
    body: dict[str, Any] = {
        "title": {name: title[name].text() for name in ("zh", "en")},
        "class": _class(keys.get("class")),
        "trigger": trigger.trigger(keys["trigger"]),
        "audience": language.parse(keys["audience"]).to_json() if "audience" in keys else None,
        "reentry": _reentry(keys.get("reentry")),
        "holdout_percent": float(keys["holdout_percent"].percent()) if "holdout_percent" in keys else 0.0,
        **_value(keys.get("value_fen")),
        "deadline_days": keys["deadline_days"].whole(1, 365) if "deadline_days" in keys else 7,
        "max_age_days": keys["max_age_days"].whole(1, 3650) if "max_age_days" in keys else 3,
        "goal": trigger.event(keys["goal"]) if "goal" in keys else None,
        "exit_on": [trigger.event(one) for one in keys["exit_on"].items()] if "exit_on" in keys else [],
        "exit_when": language.parse(keys["exit_when"]).to_json() if "exit_when" in keys else None,
        "exit_on_leave": keys["exit_on_leave"].flag() if "exit_on_leave" in keys else False,
    }
    body["program"] = program(keys["steps"])
    _check(keys, body)
    return body


def _check(keys: dict[str, Node], body: dict[str, Any]) -> None:
    """What does not go together."""
    if body["exit_on_leave"] and body["trigger"].get("when") != "entered":
        raise keys["exit_on_leave"].fail(
            "只有以进入人群触发的旅程，才能在离开人群时退出，请删去这一行。",
            "only a journey that begins with entering a segment can be left by leaving it; remove the line",
        )
    if body["class"] == "service" and body["holdout_percent"]:
        raise keys["holdout_percent"].fail(
            "服务类旅程人人都要收到，不能留对照组，请删去这一行。",
            "a journey of class service keeps its word to everybody; remove the line",
        )
    if "schedule" in body["trigger"] and body["audience"] is None:
        raise keys["trigger"].fail(
            "定时开始的旅程要说明给谁：请在旁边写“audience: {…}”。",
            "a schedule begins a journey for whom? write 'audience: {…}' beside it",
        )
    ladders = [line for line in body["program"] if line["do"] == "ladder"]
    if ladders and body["reentry"] == "each_time":
        raise keys["reentry"].fail(
            "同一个人两次站上阶梯，每一档都会收到两次，请写“reentry: always”。",
            "who stands on a ladder twice would hear of each rung twice; write 'reentry: always'",
        )


def _class(node: Node | None) -> str:
    if node is None:
        return "marketing"
    if node.value not in CLASSES:
        found = node.describe()
        raise node.fail(
            f"旅程类别只有 {'、'.join(CLASSES)}，不能写{found.zh}，例如“class: service”。",
            f"a journey is of class {', '.join(CLASSES[:-1])} or {CLASSES[-1]}, not {found.en}; write for example 'class: service'",
        )
    return node.text()


def _reentry(node: Node | None) -> str | dict[str, int]:
    """One of `REENTRY`, or ``{"after_days": N}``: so many days after the last time the person entered."""
    if node is None:
        return "never"
    if node.is_mapping:
        return {
            "after_days": node.mapping(known=("after_days",), required=("after_days",))["after_days"].whole(1, 3650)
        }
    if node.value not in REENTRY:
        found, fix = node.describe(), one_of((*REENTRY, "{after_days: 30}"))
        raise node.fail(f"{found.zh}不是重入规则，{fix.zh}", f"{found.en} is no re-entry rule; {fix.en}")
    return node.text()


def _value(node: Node | None) -> dict[str, Any]:
    """What a touch is expected to bring: a sum for everybody, a trait that says it of each person, or reckoned of each from what is foretold
    of them and what the journey's experiment has shown."""
    if node is None or not node.is_mapping:
        return {"value_fen": node.whole() if node else 0, "value_trait": None}
    keys = node.mapping(known=("trait", "expected", "otherwise"), required=("otherwise",))
    value = {"value_fen": keys["otherwise"].whole(), "value_trait": None}
    if ("trait" in keys) == ("expected" in keys):
        raise node.fail(
            "期望价值按属性，或逐人预计，二选一：{trait: worth, otherwise: 300} 或 {expected: true, otherwise: 300}。",
            "a value is by a trait or expected; write {trait: worth, otherwise: 300} or {expected: true, otherwise: 300}",
        )
    if "trait" in keys:
        return value | {"value_trait": keys["trait"].text()}
    if not keys["expected"].flag():
        raise keys["expected"].fail(
            "请写“expected: true”，或整个换成一个数字。",
            "write 'expected: true', or a plain number instead of the whole",
        )
    return value | {"value_expected": True}
