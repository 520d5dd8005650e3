"""Two people on one journey: who comes second sees what the other did, and keeps what he typed."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff

from yutang.brand.drafts import Working
from yutang.web.pages.editor import outline as outlines
from yutang.web.pages.editor.outline import Outline
from yutang.web.pages.editor.state import State

SHOWN = 40
"""Lines of what the other did."""


@dataclass(frozen=True)
class Conflicted:
    """key: what is said; who: the other; diff: what he did; lost: what was typed for a step that is gone."""

    key: str
    who: str
    diff: list[str]
    lost: str = ""


def conflict(state: State, version: int, key: str, lost: str = "") -> Conflicted:
    """What happened since somebody saw `version`."""
    edits = state.working.edits.get(state.path, [])
    before, after = seen(state.working, state.path, version) or "", state.text
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    shown = [line for line in lines if not line.startswith("@@")][:SHOWN]
    return Conflicted(key, edits[-1].by if edits else "—", shown, lost)


def seen(working: Working, path: str, version: int) -> str | None:
    """The text of a file at a version; None where it is not kept any more."""
    if version == 0:
        return working.published.get(path)
    return next((edit.text for edit in working.edits.get(path, []) if edit.edit_id == version), None)


def moved(before: str | None, state: State, path: str) -> str | None:
    """Where a step of an older text is now: the step that says the same, else one of the same kind in the same place."""
    try:
        old = outlines.read(before or "", state.path)
    except Exception:
        return None
    was, now = old.find(path), state.outline
    if was is None or now is None:
        return None
    return _same(was.node.plain(), path, now) or next(
        (step.path for step in now.steps() if step.path == path and step.kind == was.kind), None
    )


def _same(body: object, path: str, now: Outline) -> str | None:
    alike = [step.path for step in now.steps() if step.node.plain() == body]
    return path if path in alike else alike[0] if alike else None
