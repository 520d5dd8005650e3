"""The forms of the steps that fork: what a question asks, the ways of a branch, the arms of a split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ruamel.yaml.comments import CommentedMap

from yutang.web.forms import text_of, texts_of
from yutang.web.pages.editor.values import bare, pairs, pairs_shown, put, shown, whole

Form = Mapping[str, Any]
Fields = dict[str, Any]


def question_fields(value: Any) -> Fields:
    """A question: ``rule``, or what the event that began the run (or ended its wait) says."""
    for kind in ("begun", "answer"):
        if isinstance(value, dict) and kind in value:
            return {"ask": kind, "said": pairs_shown(value[kind])}
    return {"ask": "rule", "said": ""}


def _asked(ask: str, said: str, now: Any) -> Any:
    """The question as it is written; a rule stays what it is, for it has a form of its own."""
    if ask in ("begun", "answer"):
        return {ask: pairs(said)}
    return {} if isinstance(now, dict) and now.keys() & {"begun", "answer"} else now


def write_if(form: Form) -> Callable[[CommentedMap], None]:
    ask, said = text_of(form, "ask"), text_of(form, "said")
    pairs(said)
    return lambda item: put(item, "if", _asked(ask, said, bare(item["if"])))


def show_branch(body: Fields) -> Fields:
    found = body.get("branch")
    ways = found if isinstance(found, list) else []
    return {
        "ways": [
            {"n": n, "name": shown(one.get("name")), "else": "else" in one} | question_fields(one.get("when"))
            for n, one in enumerate(ways)
            if isinstance(one, dict)
        ]
    }


def write_branch(form: Form) -> Callable[[CommentedMap], None]:
    for said in (value for name, value in form.items() if name.startswith("said")):
        pairs(str(said))

    def change(item: CommentedMap) -> None:
        for n, one in enumerate(item["branch"]):
            if "else" in one or f"ask{n}" not in form:
                continue
            name = text_of(form, f"name{n}")
            if name != shown(one.get("name")):
                one.pop("name", None)
                if name:
                    one.insert(1 if "when" in one else 0, "name", name)
            put(
                one,
                "when",
                _asked(text_of(form, f"ask{n}"), text_of(form, f"said{n}"), bare(one.get("when", {}))),
            )

    return change


def show_split(body: Fields) -> Fields:
    arms = body.get("split")
    return {"arms": [(name, shown(weight)) for name, weight in arms.items()] if isinstance(arms, dict) else []}


def write_split(form: Form) -> Callable[[CommentedMap], None]:
    """Arms keep their steps when they get another name; one whose name is emptied goes, with its steps."""
    names, weights = texts_of(form, "arm"), texts_of(form, "weight")
    rows = [(name.strip(), whole(weight)) for name, weight in zip(names, weights, strict=False)]

    def change(item: CommentedMap) -> None:
        old = list(item["split"])
        new = {name: 0 if weight is None else weight for name, weight in rows if name}
        steps = dict(item.get("then") or {})
        kept = {name: steps[was] for was, (name, _) in zip(old, rows, strict=False) if name and was in steps}
        put(item, "split", new)
        if list(kept) != list(steps):
            then = CommentedMap(kept)
            put(item, "then", None)
            if kept:
                item["then"] = then

    return change
