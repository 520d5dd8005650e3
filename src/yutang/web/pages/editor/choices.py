"""What a step can name: the parts of the brand as they would be, drafts included, and what they are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from yutang import channels, source
from yutang.brand.message import FENCE
from yutang.channels.contract import STAFF
from yutang.model import YutangError
from yutang.why.chain import Words
from yutang.why.words import both, title_of

Option = tuple[str, Words]
"""A name, and what people call it."""


class Choices:
    """The names of each kind; files that cannot be read yet count by their names."""

    def __init__(self, files: Mapping[str, str], channels: list[str]) -> None:
        self.channels = channels
        self._bodies: dict[str, dict[str, dict[str, Any]]] = {
            "segment": _folder(files, "segments"),
            "journey": _folder(files, "journeys"),
            "message": _folder(files, "messages"),
            "offer": _entries(files.get("offers.yml", "")),
            "store": _entries(files.get("stores.yml", "")),
        }

    def titled(self, kind: str, name: str) -> Words:
        """The title of a definition; the name itself where there is none."""
        return title_of(self._bodies.get(kind, {}).get(name, {}), name)

    def of(self, kind: str) -> list[Option]:
        """The options of a kind: segment, journey, store, message (not tasks), task, coupon (all but ladders), ladder, channel."""
        if kind == "channel":
            return [(name, both(*channels.called(name))) for name in self.channels]
        home = {"task": "message", "coupon": "offer", "ladder": "offer"}.get(kind, kind)
        return [(name, title_of(body, name)) for name, body in self._bodies[home].items() if _fits(kind, body)]

    def body(self, kind: str, name: str) -> dict[str, Any] | None:
        return self._bodies[kind].get(name)


def _fits(kind: str, body: dict[str, Any]) -> bool:
    if kind in ("message", "task"):
        return (body.get("channel") == STAFF) == (kind == "task")
    if kind in ("coupon", "ladder"):
        return (body.get("sort") == "ladder") == (kind == "ladder")
    return True


def _folder(files: Mapping[str, str], folder: str) -> dict[str, dict[str, Any]]:
    return {PurePosixPath(path).stem: _read(text) for path, text in files.items() if path.startswith(f"{folder}/")}


def _entries(text: str) -> dict[str, dict[str, Any]]:
    return {name: body for name, body in _read(text).items() if isinstance(body, dict)}


@lru_cache(maxsize=1000)
def _read(text: str) -> dict[str, Any]:
    """What a file says; of a message its head."""
    if text.startswith(FENCE):
        text = text.split(f"\n{FENCE}", 1)[0].removeprefix(FENCE)
    try:
        found = source.load(text, "file").plain() if text.strip() else {}
    except YutangError:
        return {}
    return found if isinstance(found, dict) else {}
