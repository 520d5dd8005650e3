"""The steps of a journey become a program: a flat list of lines, each naming the lines that can follow.

Every line has an ``id`` (what the author wrote, else made from its kind and words) and a kind, ``do``:
``wait`` seconds · ``until`` a date, weekday and time of day · ``wait_for`` events, else time out · ``branch`` the first way whose
question is answered yes · ``hours`` of the day · ``split`` by weight · ``message`` with or without an offer · ``task`` for staff ·
``tag`` / ``untag`` / ``set`` a trait · ``call`` another system · ``journey`` a run of another journey, ``ended`` its end ·
``ladder`` (stand on an offer ladder, speak at every move) · ``end``.
"""

from __future__ import annotations

from yutang.journey import steps
from yutang.journey.draft import Draft, Line, Path
from yutang.source import Node


def program(node: Node) -> list[Line]:
    """The program of a list of steps. Raises SourceError."""
    draft, first = _read(node)
    return draft.finish(first)


def places(node: Node) -> dict[str, Path]:
    """Which step each line of a program comes from, by the line's id. Raises SourceError."""
    draft, first = _read(node)
    return draft.places(first)


def _read(node: Node) -> tuple[Draft, int]:
    draft = Draft()
    end = draft.add({"do": "end", "because": None}, "end")
    return draft, steps.lines(draft, node.items(), (), end)
