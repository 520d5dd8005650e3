"""Cutting a JSON array into its elements, so that a broken one does not spoil its neighbours."""

from __future__ import annotations

import re

import msgspec

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
MAX_TOKENS = 200_000
"""A broken body is cut by hand only up to this many brackets, commas and strings; beyond, it is refused whole."""


class Unsplittable(Exception):
    """The body is no array, or its brackets and quotes do not match."""


def split(body: bytes) -> list[bytes]:
    """The text of each element of a JSON array. Raises Unsplittable."""
    try:
        return [bytes(raw) for raw in _elements.decode(body)]
    except msgspec.ValidationError:
        raise Unsplittable from None
    except (msgspec.DecodeError, RecursionError):
        return _by_brackets(body.strip())


def _by_brackets(body: bytes) -> list[bytes]:
    """Elements that are not valid JSON (NaN, lone surrogates, raw control characters) are cut by brackets and quotes alone."""
    cuts, depth = [0], 0
    for count, token in enumerate(_TOKEN.finditer(body)):
        mark = token.group()
        if mark == b'"' or count > MAX_TOKENS or (depth == 0 and token.start() > 0):
            raise Unsplittable
        depth += (mark in (b"[", b"{")) - (mark in (b"]", b"}"))
        if mark == b"," and depth == 1:
            cuts.append(token.start())
    parts = [body[a + 1 : b].strip() for a, b in zip(cuts, [*cuts[1:], len(body) - 1], strict=True)]
    if depth or not body.startswith(b"[") or not body.endswith(b"]") or not all(parts):
        raise Unsplittable
    return parts
