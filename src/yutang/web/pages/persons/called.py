"""What persons are called outside, as a page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yutang.handles import KINDS, kind_of

READABLE = [kind.name for kind in KINDS if kind.strong and (kind.personal or kind.separator == ":")]
"""Kinds whose values people know: phones, addresses, cards of shops and tills; the others are numbers of platforms."""


def called(kind: str, language: str) -> str:
    """A kind of handle in words; a shop's and a till's as one writes it to find somebody: ``shop:grocery``."""
    try:
        family = kind_of(kind)
    except ValueError:
        return kind
    if family.name in ("shop", "pos"):
        return kind
    return family.zh if language == "zh" else family.en.partition(",")[0]


def readable(handles: Sequence[Any]) -> Any | None:
    """The one by which staff know a person best; None where there are but numbers of platforms."""
    known = [(READABLE.index(name), n) for n, h in enumerate(handles) if (name := h.kind.partition(":")[0]) in READABLE]
    return handles[min(known)[1]] if known else None
