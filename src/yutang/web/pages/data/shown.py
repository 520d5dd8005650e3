"""Refused payloads as they may be seen: who they are about is masked."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from yutang.ingest.keys import masked
from yutang.vault import Vault

LONGEST = 1_500
_PLACE = re.compile(r"(?:row (\d+): )?(?:column '(.+?)': )?(.*)", re.DOTALL)
_LONG_NUMBER = re.compile(r"(?<![0-9A-Za-z])(\+?[0-9]{2,3})[0-9 -]{4,}([0-9]{2})(?![0-9A-Za-z])")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}(@[\w.-]+)")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}.*")


class Place(NamedTuple):
    """Where in a file something is wrong, as far as it says; and what."""

    row: str | None
    column: str | None
    detail: str


def place(detail: str) -> Place:
    """Row and column taken off the front of a detail."""
    found = _PLACE.fullmatch(detail)
    assert found is not None
    return Place(*found.groups())


def payload(vault: Vault, sealed: bytes) -> str:
    """The text of a refused event, indented where it is JSON; long numbers, addresses and handles are masked."""
    text = vault.unseal(sealed).decode("utf-8", "backslashreplace")
    try:
        return json.dumps(quiet(json.loads(text)), ensure_ascii=False, indent=2)[:LONGEST]
    except (ValueError, RecursionError):
        return _mask(text)


def quiet(value: Any) -> Any:
    """The same value with what may be personal masked."""
    if isinstance(value, dict):
        handles = value.get("handles")
        known = {"handles": masked(handles)} if isinstance(handles, dict) else {}
        return {name: quiet(item) for name, item in value.items()} | known
    if isinstance(value, list):
        return [quiet(item) for item in value[:20]]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**9:
        return _mask(str(value))
    return _mask(value) if isinstance(value, str) else value


def _mask(text: str) -> str:
    """No more of it than is shown: the patterns look from every character on."""
    text = text[:LONGEST]
    if _TIME.fullmatch(text):
        return text
    return _MAIL.sub(r"***\1", _LONG_NUMBER.sub(r"\1****\2", text))
