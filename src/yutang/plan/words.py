"""A change as sentences, in Chinese and English. Pure.

Keys stand as people wrote them in the files; rules, steps and titles are told in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

from yutang.plan.diff import Change, Detail
from yutang.plan.parts import Bodies, Body
from yutang.why import lines, words
from yutang.why.chain import Words
from yutang.why.words import both

KINDS = {
    "pond": both("鱼塘设置", "pond"),
    "segment": both("人群", "segment"),
    "offer": both("优惠", "offer"),
    "message": both("消息", "message"),
    "journey": both("旅程", "journey"),
    "store": both("门店", "store"),
}
SORTS = {
    "added": both("新增", "added"),
    "changed": both("修改", "changed"),
    "retired": both("下线", "taken out of service"),
}
SENDS = both("影响发送", "has a part in what is sent")
_RULES = ("rule", "audience", "exit_when")


@dataclass(frozen=True)
class Titles:
    """The titles of definitions, as they will be, else as they are."""

    old: Bodies
    new: Bodies

    def __call__(self, kind: str, name: str) -> Words:
        return words.title_of(self.new.get((kind, name)) or self.old.get((kind, name)) or {}, name)


def told(change: Change, titled: lines.Titled) -> dict[str, Any]:
    """A change as JSON, each part with its sentences: ``{"kind", "name", "sort", "sends", "title", "zh", "en", "details": […]}``."""
    return {
        "kind": change.kind,
        "name": change.name,
        "sort": change.sort,
        "sends": change.sends,
        "title": titled(change.kind, change.name),
        **_headline(change, titled),
        "details": [_detail(one, titled) for one in change.details if _is_worth(change, one)],
    }


def _is_worth(change: Change, detail: Detail) -> bool:
    """Of what comes or goes as a whole the steps alone are told: its title says the rest."""
    return change.sort == "changed" or detail.step is not None


def _headline(change: Change, titled: lines.Titled) -> Words:
    kind, sort, title = KINDS[change.kind], SORTS[change.sort], titled(change.kind, change.name)
    sends = SENDS if change.sends else both("", "")
    return both(
        f"{sort['zh']}{kind['zh']} {change.name}「{title['zh']}」" + (f"，{sends['zh']}" if change.sends else ""),
        f"{kind['en']} {change.name} '{title['en']}' {sort['en']}" + (f"; it {sends['en']}" if change.sends else ""),
    )


def _detail(detail: Detail, titled: lines.Titled) -> dict[str, Any]:
    said = _step(detail, titled) if detail.step is not None else _value(detail)
    return {"path": detail.path, "old": detail.old, "new": detail.new, **said}


def _value(detail: Detail) -> Words:
    if detail.path in _RULES:
        old, new = (words.rule(value) if value else both("无", "none") for value in (detail.old, detail.new))
        return both(f"{detail.path}：{old['zh']} → {new['zh']}", f"{detail.path}: {old['en']} → {new['en']}")
    if any("\n" in value for value in (detail.old, detail.new) if isinstance(value, str)):
        lines = "\n".join(_changed_lines(str(detail.old or ""), str(detail.new or "")))
        return both(f"{detail.path}：\n{lines}", f"{detail.path}:\n{lines}")
    shown = f"{_short(detail.old)} → {_short(detail.new)}"
    return both(f"{detail.path}：{shown}", f"{detail.path}: {shown}")


def _changed_lines(old: str, new: str) -> Iterator[str]:
    yield from (line for line in ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-")


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step(detail: Detail, titled: lines.Titled) -> Words:
    if detail.new is None:
        line = lines.line(detail.old, titled)
        return both(f"删除步骤 {detail.step}：{line['zh']}", f"step {detail.step} goes: {line['en']}")
    line = lines.line(detail.new, titled)
    if detail.old is None:
        return both(f"新增步骤 {detail.step}：{line['zh']}", f"step {detail.step} comes: {line['en']}")
    before = lines.line(detail.old, titled)
    if before != line:
        return both(
            f"步骤 {detail.step}：{before['zh']} → {line['zh']}", f"step {detail.step}: {before['en']} → {line['en']}"
        )
    inside = "; ".join(_inside(detail.old, detail.new))
    return both(f"步骤 {detail.step}：{inside}", f"step {detail.step}: {inside}")


def _inside(old: Body, new: Body) -> Iterator[str]:
    for key in [*new, *(key for key in old if key not in new)]:
        if old.get(key) != new.get(key):
            yield f"{key} {_short(old.get(key))} → {_short(new.get(key))}"
