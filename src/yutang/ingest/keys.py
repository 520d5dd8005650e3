"""Handles at the door: hashed to keys, masked for the eye, sealed for sending."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from yutang.handles import BY_NAME, KINDS, HandleKind, hasher, in_order, kind_of, normal
from yutang.ingest.pack import MAX_KEYS
from yutang.ingest.shape import field
from yutang.model import Reason, halves
from yutang.vault import Vault

MAX_KIND = 100
MAX_VALUE = 500
_LENGTH = f"应有 1 到 {MAX_VALUE} 个字符。 1 to {MAX_VALUE} characters"
_KNOWN = ", ".join(kind.name + kind.separator for kind in KINDS)


class Refusal(Exception):
    """An event may not enter: the reason, and what is wrong, where, and what to do (no personal data in it)."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def close(vault: Vault, handles: dict[str, str]) -> tuple[list[bytes], dict[str, str], dict[str, str]]:
    """Hash, mask and seal an event's handles: 16-byte keys (see `handles.in_order`), what may be shown, sealed text of the personal ones.

    Raises Refusal when there is no handle or one of them cannot be read.
    """
    if not handles:
        raise Refusal(
            Reason.NO_HANDLE,
            'handles: 没有标识，至少给一个，例如 {"phone": "…"}。 empty; give at least one, for example {"phone": "…"}',
        )
    if len(handles) > MAX_KEYS:
        raise Refusal(
            Reason.BAD_SHAPE,
            f"handles: 共 {len(handles)} 个标识，一个事件最多 {MAX_KEYS} 个。 "
            f"{len(handles)} of them; at most {MAX_KEYS} belong to one event",
        )
    secret = vault.handle_secret
    keys, sealed = [], {}
    for full in in_order(handles) if len(handles) > 1 else handles:
        value = handles[full]
        kind, key = _hasher(secret, full)
        if kind.personal:
            value = _personal(kind, value)
            handles = handles | {full: mask(kind, value)}
            sealed[full] = vault.seal_text(value)
        elif not value or len(value) > MAX_VALUE or (kind.code == 0 and not _is_person(value)):
            raise _unreadable(kind, _LENGTH if kind.code else "应是正整数。 a positive whole number")
        keys.append(key(value))
    return keys, handles, sealed


def mask(kind: HandleKind, value: str) -> str:
    """What an operator may see of a personal handle in normal form."""
    if kind.name == "phone":
        digits = value.removeprefix("+86").removeprefix("+")
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) > 9 else f"****{digits[-2:]}"
    if kind.name == "email":
        return f"{value[0]}***@{value.rpartition('@')[2]}"
    return "***"


def masked(handles: dict[str, Any]) -> dict[str, str]:
    """Handles as they were sent, for the eye: whatever is personal or unreadable is masked."""
    return {full: _masked(full, value) for full, value in handles.items()}


def _masked(full: str, value: Any) -> str:
    try:
        kind = kind_of(full)
        return mask(kind, _personal(kind, value)) if kind.personal else str(value)
    except (ValueError, TypeError, Refusal):
        return "***"


def _personal(kind: HandleKind, value: str) -> str:
    try:
        value = normal(kind, value)
    except ValueError as error:
        raise _unreadable(kind, str(error)) from None
    if not value.strip() or len(value) > MAX_VALUE:
        raise _unreadable(kind, _LENGTH)
    return value


def _is_person(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 20 and 0 < int(value) < 2**63


def _unreadable(kind: HandleKind, fix: str) -> Refusal:
    zh, en = halves(fix)
    return Refusal(Reason.BAD_SHAPE, f"handles.{kind.name}: {zh} cannot be read; {en}")


def _misnamed(full: str) -> Refusal:
    """A kind that is none; of a known one, how it is written."""
    kind = BY_NAME.get(re.split("[@:]", full, maxsplit=1)[0])
    if kind is None:
        fix = (
            f"handles{field(full)}: 不认识的标识类型，可用：{_KNOWN}，@ 或 : 后面写名称。 "
            f"unknown kind; use one of {_KNOWN}, with a NAME after @ or :"
        )
    else:
        name = kind.name + kind.separator
        fix = (
            f"handles.{kind.name}: 应写成“{name}{'名称' if kind.separator else ''}”。 "
            f"must be written '{name}{'NAME' if kind.separator else ''}'"
        )
    return Refusal(Reason.BAD_SHAPE, fix)


@lru_cache(maxsize=4096)
def _hasher(secret: bytes, full: str) -> tuple[HandleKind, Callable[[str], bytes]]:
    """The family of a kind and the function from value to key."""
    try:
        kind = kind_of(full)
    except ValueError:
        raise _misnamed(full) from None
    if len(full) > MAX_KIND:
        raise Refusal(
            Reason.BAD_SHAPE,
            f"handles.{kind.name}: 名称超过 {MAX_KIND} 个字符。 the name is longer than {MAX_KIND} characters",
        )
    return kind, hasher(secret, full, kind)
