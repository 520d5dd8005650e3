"""What msgspec says of a text that has not the shape it should have, with the path as the sender knows it, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable

_KINDS = {
    "int": "整数",
    "float": "数字",
    "str": "文本",
    "bool": "真假值",
    "array": "列表",
    "object": "对象",
    "null": "空值",
    "datetime": "时间",
}
_BOUNDS = {">=": "不小于", "<=": "不大于", ">": "大于", "<": "小于"}
_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"Object missing required field `(.+)`"), lambda found: f"缺少字段 {found[1]}"),
    (re.compile(r"Object contains unknown field `(.+)`"), lambda found: f"没有字段 {found[1]}，请去掉或改正拼写"),
    (re.compile(r"Expected `(.+)`, got `(.+)`"), lambda found: f"应为{_kinds(found[1])}，收到{_kinds(found[2])}"),
    (re.compile(r"Expected `(.+)` of length (\S+) (.+)"), lambda found: f"长度应{_BOUNDS[found[2]]} {found[3]}"),
    (re.compile(r"Expected `(.+)` ([<>]=?) (.+)"), lambda found: f"应{_BOUNDS[found[2]]} {found[3]}"),
    (re.compile(r"Expected `datetime` .*"), lambda _: "时间要带时区，例如 2026-01-31T09:30:00+08:00"),
    (re.compile(r"Invalid .* datetime"), lambda _: "不是时间，请写成例如 2026-01-31T09:30:00+08:00"),
    (re.compile(r"Invalid enum value (.+)"), lambda found: f"没有 {found[1]} 这个值，请见接口文档"),
    (re.compile(r"(JSON is malformed|Input data was truncated).*"), lambda _: "不是合法的 JSON"),
    (re.compile(r".*"), lambda _: "格式不对，请对照接口文档"),
)
"""The messages and how they are said in Chinese, the last for all others."""


def where(root: str, message: str) -> str:
    """A message about a shape, its path first: ``root.items[0].amount_fen: …``."""
    text, _, path = message.partition(" - at ")
    path = path.strip("`").replace("$", root, 1) if path else root
    fix = "; write for example 2026-01-31T09:30:00+08:00" if "datetime" in text else ""
    return f"{path}: {_in_chinese(text)}。 {text[:1].lower()}{text[1:]}{fix}"


def said(message: str) -> str:
    """A message as it is, with the same in Chinese before it."""
    text, _, path = message.partition(" - at ")
    return f"{path and f'{path}：'}{_in_chinese(text)}。 {message}"


def _in_chinese(text: str) -> str:
    return next(say(found) for pattern, say in _SAID if (found := pattern.fullmatch(text)))


def _kinds(said: str) -> str:
    return "或".join(_KINDS.get(kind, kind) for kind in said.split(" | "))
