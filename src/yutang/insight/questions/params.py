"""Parameters as people write them, on a command line or in a URL: each kind with the words that explain it, and its errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from yutang.insight.questions.shape import Asked, Param
from yutang.model import YutangError

SPANS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
LONGEST = timedelta(days=3660)
ATTRIBUTES = {
    "source": "first_source",
    "code": "first_code",
    "store": "store",
    "owner": "owner",
    "stage": "life_stage",
}
"""What people can be told apart by: the word and the column of `persons`."""
MOST_STEPS = 16
_NAME = re.compile(r"[\w.:/-]{1,200}")
_STEP = re.compile(r"(?P<type>[\w.:/-]{1,200})(?:\[(?P<where>.*)\])?", re.DOTALL)
_TEST = re.compile(
    r"""\s*(?P<key>[\w.-]{1,200})\s*(?P<op>!=|>=|<=|=|>|<)\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")\s*|(?P<plain>[^;]*))(?:;|$)""",
    re.DOTALL,
)
"""One condition; a value that holds a semicolon stands in quotes, as in JSON."""


@dataclass(frozen=True)
class Test:
    """A property compared with a value: text with = and !=, numbers with the rest. A property that is missing is unlike any value."""

    __test__ = False
    key: str
    op: str
    value: str | float


@dataclass(frozen=True)
class Step:
    """A type of event, and what must hold of its properties."""

    type: str
    tests: tuple[Test, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Attribute:
    """What splits people: a column of `persons`, a trait of theirs, or a property of the event they begin with."""

    kind: str
    name: str


@dataclass(frozen=True)
class Kind:
    """zh, en: what to write; read: text → value, raising ValueError."""

    zh: str
    en: str
    read: Callable[[str, Param, date], Any]


def asked(
    question: str, params: tuple[Param, ...], given: Mapping[str, str], today: date, zone: str
) -> tuple[Asked, dict[str, str]]:
    """The values, and each as one would write it. Raises YutangError: which parameter, what is wrong, what to write."""
    for name in given:
        if name not in {p.name for p in params}:
            takes = ", ".join(p.name for p in params)
            raise YutangError(
                f"{question}: 没有参数“{name}”，可用：{takes}。 there is no parameter '{name}'; it takes {takes}"
            )
    texts = {p.name: given.get(p.name, p.default) for p in params}
    values = {p.name: _read(question, p, texts[p.name], today) for p in params}
    if "since" in values and values["since"] > values["until"]:
        raise YutangError(
            f"{question}: since 晚于 until（{values['since']}，{values['until']}），请对调。 "
            f"since is after until ({values['since']}, {values['until']}); turn them round"
        )
    return Asked(values, today, zone), {name: text for name, text in texts.items() if text is not None}


def _read(question: str, param: Param, text: str | None, today: date) -> Any:
    kind = KINDS[param.kind]
    if text is None:
        raise YutangError(f"{question}: 缺少 {param.name}，请写{kind.zh}。 {param.name} is missing; write {kind.en}")
    if text == "" and param.default == "":
        return None
    try:
        return kind.read(text, param, today)
    except (ValueError, OverflowError) as error:
        zh, en = error.said if isinstance(error, _Said) else ("", "")
        how_zh, how_en = _how(param)
        raise YutangError(
            f"{question}: {param.name} 现在是“{text}”{zh and f'（{zh}）'}，请写{how_zh}。 "
            f"{param.name} is '{text}'{en and f' ({en})'}; write {how_en}"
        ) from None


class _Said(ValueError):
    """What is wrong, in words for people."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.said = zh, en


def _how(param: Param) -> tuple[str, str]:
    """What may be written, in Chinese and in English."""
    if param.kind == "choice":
        return f" {'、'.join(param.choices)} 之一", f"one of {', '.join(param.choices)}"
    if param.kind == "whole":
        return f" {param.low} 到 {param.high}", f"{param.low} to {param.high}"
    return KINDS[param.kind].zh, KINDS[param.kind].en


def _span(text: str, _param: Param, _today: date) -> timedelta:
    if not re.fullmatch(r"\d{1,6}[dhm]", text):
        raise ValueError
    found = int(text[:-1]) * SPANS[text[-1]]
    if not timedelta(0) < found <= LONGEST:
        raise _Said("超过十年，或为零", "longer than ten years, or nothing")
    return found


def _day(text: str, _param: Param, today: date) -> date:
    if re.fullmatch(r"\d{1,5}d", text):
        return today - timedelta(days=int(text[:-1]))
    return date.fromisoformat(text)


def _choice(text: str, param: Param, _today: date) -> str:
    if text not in param.choices:
        raise ValueError
    return text


def _whole(text: str, param: Param, _today: date) -> int:
    found = int(text)
    if not param.low <= found <= param.high:
        raise ValueError
    return found


def _percent(text: str, _param: Param, _today: date) -> float:
    found = float(text)
    if not 0 <= found <= 100:
        raise ValueError
    return found


def _name(text: str, _param: Param, _today: date) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError
    return text


def _names(text: str, param: Param, today: date) -> tuple[str, ...]:
    return tuple(_name(part.strip(), param, today) for part in text.split(","))


def _steps(text: str, _param: Param, _today: date) -> tuple[Step, ...]:
    found = tuple(_step(part.strip()) for part in re.split(r",(?![^\[]*\])", text))
    if not 2 <= len(found) <= MOST_STEPS:
        raise _Said(
            f"有 {len(found)} 步，需要 2 到 {MOST_STEPS} 步", f"{len(found)} steps; 2 to {MOST_STEPS} are needed"
        )
    return found


def _step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if not found:
        raise _Said(f"“{text}”不是步骤", f"'{text}' is no step")
    return Step(found["type"], tuple(_tests(found["where"])) if found["where"] is not None else (), text)


def _tests(text: str) -> Iterator[Test]:
    place = 0
    while place < len(text):
        found = _TEST.match(text, place)
        if not found:
            raise _Said(f"“{text[place:].strip()}”不是条件", f"'{text[place:].strip()}' is no condition")
        yield _test(found)
        place = found.end()


def _test(found: re.Match[str]) -> Test:
    value = json.loads(found["quoted"]) if found["quoted"] else found["plain"].strip()
    if found["op"] in ("=", "!="):
        return Test(found["key"], found["op"], value)
    try:
        return Test(found["key"], found["op"], float(value))
    except ValueError:
        raise _Said(f"“{value}”不是数字", f"'{value}' is no number") from None


def _attribute(text: str, _param: Param, _today: date) -> Attribute:
    if text in ATTRIBUTES:
        return Attribute("person", ATTRIBUTES[text])
    kind, _, name = text.partition(":")
    if kind != "trait" or not _NAME.fullmatch(name):
        raise ValueError
    return Attribute(kind, name)


def _beginning(text: str, param: Param, today: date) -> Attribute:
    kind, _, name = text.partition(":")
    if kind == "first" and _NAME.fullmatch(name):
        return Attribute(kind, name)
    return _attribute(text, param, today)


def _costs(text: str, _param: Param, _today: date) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in text.split(","):
        name, mark, fen = part.rpartition("=")
        if not mark or not re.fullmatch(r"\s*\d{1,15}\s*", fen):
            raise _Said(f"“{part.strip()}”不是花费", f"'{part.strip()}' is no cost")
        found[name.strip()] = int(fen)
    return found


KINDS: dict[str, Kind] = {
    "span": Kind("时长，如 7d、12h、30m", "a span, for example 7d, 12h or 30m", _span),
    "day": Kind(
        "日期，如 2026-01-31，或几天前，如 90d",
        "a day, for example 2026-01-31, or so many days ago, for example 90d",
        _day,
    ),
    "choice": Kind("其中之一", "one of the words", _choice),
    "whole": Kind("整数", "a whole number", _whole),
    "percent": Kind("百分数 0–100", "a percentage, 0 to 100", _percent),
    "name": Kind("名称，如 ordered", "a name, for example ordered", _name),
    "names": Kind("名称，以逗号隔开，如 viewed,cart", "names between commas, for example viewed,cart", _names),
    "steps": Kind(
        "按顺序的事件，可带条件，如 viewed,cart[store=A;ms>500],ordered",
        "events in their order, with conditions if need be, for example viewed,cart[store=A;ms>500],ordered",
        _steps,
    ),
    "attribute": Kind(
        f"{'、'.join(ATTRIBUTES)}，或 trait:属性名", f"{', '.join(ATTRIBUTES)}, or trait:NAME", _attribute
    ),
    "beginning": Kind(
        f"{'、'.join(ATTRIBUTES)}、trait:属性名，或 first:首个事件的字段",
        f"{', '.join(ATTRIBUTES)}, trait:NAME, or first:FIELD of the event they begin with",
        _beginning,
    ),
    "costs": Kind(
        "每项花费（分），如 wecom=500000,pos=0", "what each has cost in fen, for example wecom=500000,pos=0", _costs
    ),
}
"""Every kind of parameter."""

SINCE = Param("since", "day", "90d", "从哪天起", "first day")
UNTIL = Param("until", "day", "0d", "到哪天止（含）", "last day, inclusive")
SPLIT = Param("by", "attribute", "", "按什么拆分", "what to split people by")
