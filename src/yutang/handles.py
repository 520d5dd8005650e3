"""Handles: what a system outside calls a person. Kinds, normal forms, and the 16-byte keys they are joined on.

A key is one byte of kind, two bytes of scope (which app, which shop), thirteen bytes of keyed hash: so its first three
bytes tell how it may be joined, and nothing can be read back from the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID


@dataclass(frozen=True)
class HandleKind:
    """One family of handles.

    strong: joins people by itself; weak ones only suggest. single: a person can have but one per scope, so two different
    ones contradict each other. personal: hashed for matching and encrypted for sending, never stored in plain text.
    code: the first byte of its keys, and its rank: of handles that contradict each other an event follows the lowest.
    """

    code: int
    name: str
    strong: bool
    single: bool
    personal: bool
    separator: str
    zh: str
    en: str


KINDS = (
    HandleKind(0, "person", True, False, False, "", "内部编号", "a person's id inside this pond"),
    HandleKind(1, "unionid", True, True, False, "", "微信 UnionID", "WeChat UnionID"),
    HandleKind(
        2,
        "external_userid",
        True,
        True,
        False,
        "@",
        "企业微信客户",
        "WeCom customer, per subject: external_userid@SUBJECT",
    ),
    HandleKind(3, "openid", True, True, False, "@", "微信 OpenID", "WeChat OpenID, per app: openid@APP"),
    HandleKind(4, "phone", True, False, True, "", "手机号", "phone number, with country code outside China"),
    HandleKind(5, "email", True, False, True, "", "邮箱", "e-mail address"),
    HandleKind(6, "shop", True, False, False, ":", "店铺会员", "member of a shop: shop:NAME"),
    HandleKind(7, "pos", True, False, False, ":", "门店会员卡", "card at a till: pos:NAME"),
    HandleKind(8, "device", False, False, False, "", "设备", "device or browser"),
    HandleKind(9, "address", False, False, True, "", "地址", "postal address"),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_CODE = {kind.code: kind for kind in KINDS}
_SPLIT = re.compile(r"[@:]")
INVISIBLE = "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
"""Marks that nobody sees, for the inside of a pattern's brackets: what is copied from a phone's contacts often carries some."""
_NOT_DIALLED = re.compile(rf"[\s\-().{INVISIBLE}]")
_AS_NUMBER = re.compile(r"\d+\.0+|\d(\.\d+)?[eE]\+?\d+")


def kind_of(full: str) -> HandleKind:
    """The family of a full kind such as ``openid@wx1``. Raises ValueError with the fix when there is none."""
    name = _SPLIT.split(full, maxsplit=1)[0]
    kind = BY_NAME.get(name)
    if kind is None:
        raise ValueError(
            f"不认识的标识“{full}”，可用：{', '.join(k.name + k.separator for k in KINDS)}。 "
            f"unknown handle '{full}'; known are {', '.join(k.name + k.separator for k in KINDS)}"
        )
    scoped = kind.separator and full[len(name) :].startswith(kind.separator) and len(full) > len(name) + 1
    if (full != name and not scoped) or (full == name and kind.separator):
        raise ValueError(
            f"标识“{full}”应写成“{name}{kind.separator}{'名称' if kind.separator else ''}”。 "
            f"handle '{full}' must be written '{name}{kind.separator}{'NAME' if kind.separator else ''}'"
        )
    return kind


def normal(kind: HandleKind, value: str) -> str:
    """The normal form that is hashed: phones with country code, e-mail in lower case, ids as they came.

    Full-width digits and letters, as Chinese keyboards type them, are the same digits and letters.
    """
    if kind.personal:
        value = unicodedata.normalize("NFKC", value)
    if kind.name == "phone":
        if _AS_NUMBER.fullmatch(value.strip()):
            raise ValueError(
                "手机号被当成数字存过，请按文本写，例如 13800000000。 a phone number that was kept as a number; write it as text such as 13800000000"
            )
        digits = re.sub(r"^0086(?=\d{11}$)", "+86", _NOT_DIALLED.sub("", value))
        if not re.fullmatch(r"\+?\d{5,15}", digits):
            raise ValueError("手机号应有 5 到 15 位数字。 a phone number has 5 to 15 digits")
        return digits if digits.startswith("+") else ("+86" + digits if len(digits) == 11 else "+" + digits)
    if kind.name == "email":
        value = value.strip().lower()
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", value):
            raise ValueError("邮箱应写成 名称@域名。 an e-mail address has the form name@host")
    return value


def handle_key(secret: bytes, full: str, kind: HandleKind, value: str) -> UUID:
    """The key of a handle in normal form; `secret` is 16 to 64 bytes. A ``person`` handle carries the id itself."""
    return UUID(bytes=hasher(secret, full, kind)(value))


@lru_cache(maxsize=4096)
def hasher(secret: bytes, full: str, kind: HandleKind) -> Callable[[str], bytes]:
    """The function from value to key for one full kind, with the part that never changes done once."""
    if kind.code == 0:
        return lambda value: bytes(8) + int(value).to_bytes(8, "big")
    head = head_of(full)
    begun = blake2b(f"{full}\0".encode(), digest_size=13, key=secret)

    def key(value: str) -> bytes:
        state = begun.copy()
        state.update(value.encode())
        return head + state.digest()

    return key


def head_of(full: str) -> bytes:
    """The first bytes of all keys of a full kind."""
    return bytes([kind_of(full).code]) + blake2b(full.encode(), digest_size=2).digest()


def in_order(handles: Iterable[str]) -> list[str]:
    """Full kinds in the order in which jsonb keeps them: an event's keys stand in the same order as its handles."""
    return sorted(handles, key=lambda full: (len(full.encode()), full.encode()))
