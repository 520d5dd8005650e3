"""What is wrong with the brand as it would be, and at which step of this journey that stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yutang.brand import drafts
from yutang.journey.definition import journey
from yutang.model import YutangError
from yutang.source import Node, SourceError
from yutang.web.pages.editor.outline import Outline
from yutang.why.chain import Words
from yutang.why.words import both

PLACE = re.compile(r"(?P<file>[^:\s]+\.(?:yml|md|toml))(?::(?P<line>\d+):(?P<column>\d+))?: (?P<said>.*)", re.DOTALL)
FIELDS = {
    "message": ("消息", "message"), "ladder": ("阶梯", "ladder"), "offer": ("优惠", "offer"), "task": ("任务", "task"),
    "journey": ("旅程", "journey"), "segment": ("人群", "segment"), "left": ("人群", "segment"), "event": ("事件", "event"),
    "wait_for": ("事件", "event"), "tag": ("标签", "tag"), "untag": ("标签", "tag"), "url": ("地址", "address"), "if": ("条件", "condition"),
    "when": ("条件", "condition"), "of": ("周年", "anniversary"), "at": ("时间", "time"), "from": ("从", "from"), "to": ("到", "to"),
    "zh": ("名称", "title"), "en": ("英文名称", "title in English"), "days": ("天", "days"), "hours": ("小时", "hours"),
    "minutes": ("分钟", "minutes"), "holdout_percent": ("对照组", "holdout"), "value_fen": ("预计带来", "value"),
    "deadline_days": ("触达最多等", "deadline"), "max_age_days": ("事件多旧", "age of a cause"), "within_m": ("多少米内", "metres"),
    "set": ("属性", "attribute"), "split": ("分流", "split"), "because": ("原因", "because"), "audience": ("受众", "audience"),
}  # fmt: skip
"""What people call the keys of a file."""
KINDS = {
    "message": "消息", "segment": "人群", "coupon": "优惠", "offer": "优惠", "ladder": "优惠阶梯", "task": "员工任务", "channel": "渠道",
    "journey": "旅程", "sub-journey": "旅程", "store": "门店",
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """at: the path of a step, ``head``, or None where it stands in another file. key: of the head."""

    file: str
    line: int
    words: Words
    at: str | None = None
    key: str | None = None


def brand(files: Mapping[str, str]) -> SourceError | None:
    """The first thing that is wrong with the whole brand; asked again for the same files it is remembered."""
    return _brand(tuple(sorted(files.items())))


@lru_cache(maxsize=8)
def _brand(files: tuple[tuple[str, str], ...]) -> SourceError | None:
    return drafts.problem(dict(files))


def fault(error: YutangError, path: str, outline: Outline | None, root: Node | None = None) -> Fault:
    """An error of the loader, with its place in the journey at `path`; root: the part of it that was read."""
    found = PLACE.match(str(error))
    if found is None:
        return Fault(path, 0, _said(str(error)))
    line, column = int(found["line"] or 0), int(found["column"] or 0)
    if found["file"] != path:
        return Fault(found["file"], line, _said(found["said"]))
    words = _named(_said(found["said"]), root or (outline.root if outline else None), line, column)
    at, key = _at(outline, line, column) if outline is not None else (None, None)
    return Fault(found["file"], line, words, at, key)


def _named(words: Words, root: Node | None, line: int, column: int) -> Words:
    """With the field that it is about, where the place is that of a value."""
    key = _key_at(root, line, column) if root is not None else None
    label = FIELDS.get(key or "")
    return both(f"{label[0]}：{words['zh']}", f"{label[1]}: {words['en']}") if label else words


def _key_at(node: Node, line: int, column: int) -> str | None:
    """The key whose value stands at a place; of several the innermost."""
    parts = (
        node.value.items()
        if isinstance(node.value, dict)
        else ((None, item) for item in node.value)
        if isinstance(node.value, list)
        else ()
    )
    for key, item in parts:
        deeper = _key_at(item, line, column)
        if deeper or (key and (item.position.line, item.position.column) == (line, column)):
            return deeper or key
    return None


def _at(outline: Outline, line: int, column: int) -> tuple[str, str | None]:
    if (step := outline.at(line, column)) is not None:
        return step.path, None
    key = next((name for name, (first, last) in outline.keys().items() if first < line <= last), None)
    return "head", key


def own(outline: Outline, path: str) -> Fault | None:
    """What is wrong with this journey by itself, whatever the others say."""
    try:
        journey(outline.root)
    except YutangError as error:
        return fault(error, path, outline)
    return None


def _said(text: str) -> Words:
    """What the loader says, in Chinese where it is one of the frequent things."""
    for form, say in _CHINESE:
        if found := form.match(text):
            return both(say(found), text)
    return both(text, text)


def _form(pattern: str, say: Callable[[Any], str] | str) -> tuple[re.Pattern[str], Callable[[Any], str]]:
    return re.compile(pattern, re.DOTALL), (lambda _: say) if isinstance(say, str) else say


def _near(fix: str) -> str:
    near = re.search(r"did you mean '(.+?)'", fix)
    if near:
        return f"是不是「{near[1]}」？"
    return "请先新建一个。" if "at all" in fix else "请另选一个。"


_CHINESE = (
    _form(r"there is no ([\w-]+) '(None|)'", lambda m: f"还没有选{KINDS.get(m[1], m[1])}。"),
    _form(
        r"there is no ([\w-]+) '(.+?)'; (.*)",
        lambda m: f"没有名为「{m[2]}」的{KINDS.get(m[1], m[1])}，{_near(m[3])}",
    ),
    _form(r"expected a text, found ('(?:None)?'|nothing)", "这里还没有填。"),
    _form(r"expected keys and values, found (nothing|'')", "这里还没有填。"),
    _form(r"expected a whole number from (\d+) to (\d+), found (.*)", lambda m: f"请填 {m[1]} 到 {m[2]} 之间的整数。"),
    _form(r"expected a number", "请填数字。"),
    _form(r"'([\w-]+)' is missing", lambda m: f"缺少 {m[1]}。"),
    _form(r"unknown key '(.+?)'; (.*)", lambda m: f"不认识 {m[1]}，{_near(m[2])}"),
    _form(r"the list is empty", "至少要填一项。"),
    _form(r"an offer must stand right before", "优惠要和消息一起发：请在它后面加一条消息。"),
    _form(r"a split has at least two arms", "分流至少要有两路。"),
    _form(r"every weight is 0", "权重不能都是 0。"),
    _form(r"two steps have the id '(.+?)'", lambda m: f"有两步的编号都是 {m[1]}，请改一个。"),
    _form(r"two ways are called '(.+?)'", lambda m: f"有两路都叫「{m[1]}」，请改一个。"),
    _form(r"a branch has at least one way", "分支至少要有一路。"),
    _form(r"'else' stands alone and comes last", "「都不符合」要放在最后。"),
    _form(r".* is not a time of day", "请填时间，例如 10:00。"),
    _form(r".* is no date", "请填日期，例如 2026-11-11。"),
    _form(r"until when is missing", "请选等到什么时候。"),
    _form(r"not everybody has a best hour", "还不知道最佳时刻的人什么时候走？请填时间，例如 10:00。"),
    _form(r"a value is by a trait or expected", "「逐人预计」和「按属性」只能选一个。"),
    _form(r"how long to wait is missing", "请填最多等多久。"),
    _form(r"a wait takes some time", "请填等多久。"),
    _form(r"a wait takes ten years at most", "最多等十年。"),
    _form(r"a schedule begins a journey for whom", "定时开始的旅程要说明给谁：请填受众。"),
    _form(r"a journey of class service", "服务类旅程人人都要收到，不能留对照组。"),
    _form(r"who stands on a ladder twice", "有阶梯的旅程不能「每次都进」，请改成「走完可再进」。"),
    _form(r"only a journey that begins with entering", "只有「进入人群」开始的旅程才能在离开人群时退出。"),
    _form(r"name at least one property", "至少写一项属性，例如 store: S1。"),
    _form(r"name the trait and its value", "请填属性名和值。"),
    _form(r"a trigger is one of", "请选旅程什么时候开始。"),
    _form(r".* is not an address to call", "请填以 http:// 或 https:// 开头的地址。"),
    _form(r"a share lies between 0 and 100", "对照组比例在 0 到 100 之间。"),
    _form(r"'(.+?)' is no id", "编号只能用字母、数字和 . : -。"),
    _form(r"journeys begin each other in a circle: ([^;]+)", lambda m: f"旅程互相开始，成了环：{m[1]}。请去掉一步。"),
    _form(r"this is not YAML", "这不是 YAML，请检查缩进和引号。"),
    _form(r"a step is one of: .*did you mean '(.+?)'", lambda m: f"看不懂这一步，是不是「{m[1]}」？请在文本里改。"),
    _form(r"a step is one of", "看不懂这一步，请在文本里改。"),
)
