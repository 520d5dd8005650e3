"""Where the journeys of a brand name a message or an offer: who changes one sees what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any, Literal

from yutang import source
from yutang.journey import journey
from yutang.source import SourceError

Body = dict[str, Any]
Kind = Literal["message", "offer"]


def journeys_of(files: Mapping[str, str], current: Mapping[str, Body]) -> dict[str, Body]:
    """The journeys in these files by name; one that is wrong as yet counts as it is in service. Without files: those in service."""
    if not files:
        return dict(current)
    paths = {PurePosixPath(path).stem: path for path in files if path.startswith("journeys/")}
    found = {name: _read(files[path], path) or current.get(name) for name, path in sorted(paths.items())}
    return {name: body for name, body in found.items() if body is not None}


def uses(journeys: Mapping[str, Body], kind: Kind) -> dict[str, list[str]]:
    """The names of the journeys that name each message or offer."""
    found: dict[str, list[str]] = {}
    for name, body in journeys.items():
        for said in dict.fromkeys(_said(body["program"], kind)):
            found.setdefault(said, []).append(name)
    return found


def offers_with(journeys: Mapping[str, Body], message: str) -> list[str]:
    """The offers that go out with a message, each once."""
    lines = (line for body in journeys.values() for line in body["program"])
    return list(dict.fromkeys(x["offer"] for x in lines if x.get("message") == message and x.get("offer")))


def _said(program: Iterable[Body], kind: Kind) -> list[str]:
    return [line[kind] for line in program if line.get(kind)]


@lru_cache(maxsize=512)
def _read(text: str, path: str) -> Body | None:
    try:
        return journey(source.load(text, path))
    except SourceError:
        return None
