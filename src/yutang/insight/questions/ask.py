"""Asking: parameters read, the query built for the lake, the answer finished; remembered while the lake's files stay as they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from difflib import get_close_matches
from threading import Lock
from typing import Any

from yutang import config, lake
from yutang.insight.questions import params
from yutang.insight.questions.catalog import QUESTIONS
from yutang.insight.questions.shape import Answer, Lake, Question
from yutang.insight.questions.tree import whole
from yutang.model import YutangError

MOST = 512
"""How many answers are remembered; the one that nobody has asked for longest goes first."""
_kept: OrderedDict[Hashable, Answer] = OrderedDict()
_lock = Lock()


def question(name: str) -> Question:
    """The question of that name. Raises YutangError when there is none."""
    for known in QUESTIONS:
        if known.name == name:
            return known
    near = get_close_matches(name, [known.name for known in QUESTIONS], 1)
    zh = f"是不是想问“{near[0]}”？" if near else "运行 `yutang insight` 可看到全部。"
    en = f"did you mean '{near[0]}'?" if near else "`yutang insight` lists them all"
    raise YutangError(f"没有经营问题“{name}”，{zh} there is no question '{name}'; {en}")


def ask(there: Lake, name: str, today: date, zone: str, given: Mapping[str, str] | None = None) -> Answer:
    """The answer of a lake to the question `name` on the business day `today`, with parameters as one would write them.

    Raises YutangError: no such question, a parameter that cannot be read, or a lake that cannot answer.
    """
    known = question(name)
    asked, texts = params.asked(name, known.params, given or {}, today, zone)
    rows = there.rows(whole(known.build(asked, there.dialect), getattr(there, "seam", None)))
    made = known.finish(rows, asked)
    return Answer(name, known.title, known.says, texts, made.columns, made.rows, made.notes)


def answer(name: str, today: date, zone: str, given: Mapping[str, str], there: Lake | None = None) -> Answer:
    """The answer of this installation's lake (of `there`, when it is open already), remembered until something is archived.

    Raises YutangError as `ask` does.
    """
    return answers([(name, given)], today, zone, there)[0]


def answers(
    wanted: Sequence[tuple[str, Mapping[str, str]]], today: date, zone: str, there: Lake | None = None
) -> list[Answer]:
    """Several of them; the lake is opened once, and only when one is not remembered. Raises YutangError as `ask` does."""
    at, found = generation(), []
    with ExitStack() as stack:
        for name, given in wanted:
            _, texts = params.asked(name, question(name).params, given, today, zone)
            key = at and (at, name, today, zone, tuple(sorted(texts.items())))
            one = _remembered(key)
            if one is None:
                there = there or stack.enter_context(lake.opened())
                one = _remember(key, ask(there, name, today, zone, given))
            found.append(one)
    return found


def of_pond(name: str, pond: Mapping[str, Any]) -> dict[str, str]:
    """What the brand's settings say of the parameters of a question."""
    said = {key: str(value) for key, value in pond["life"].items()}
    if pond.get("margin_percent") is not None:
        said["margin_percent"] = format(pond["margin_percent"], "g")
    return {p.name: said[p.name] for p in question(name).params if p.name in said}


def generation() -> Hashable | None:
    """Changes whenever the lake's files do; None for a cluster, which is fed a little later than they are."""
    if config.LAKE_URL.value.startswith("clickhouse"):
        return None
    place = lake.placed()
    return place.address(""), place.manifest()["generation"]


def _remembered(key: Hashable | None) -> Answer | None:
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
        return _kept.get(key)


def _remember(key: Hashable | None, found: Answer) -> Answer:
    if key is not None:
        with _lock:
            _kept[key] = found
            while len(_kept) > MOST:
                _kept.popitem(last=False)
    return found
