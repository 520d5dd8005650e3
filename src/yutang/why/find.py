"""Finding a person by what an operator has at hand: an id, or a handle."""

from __future__ import annotations

import re
import unicodedata

import psycopg

from yutang.db.queries import Queries
from yutang.handles import handle_key, kind_of, normal
from yutang.identity import canonical
from yutang.model import YutangError, halves
from yutang.vault import Vault

sql = Queries(__package__)
HELP = (
    "请写顾客编号，或标识，例如 phone=13800000000 或 shop:grocery=123",
    "write a person's number, or a handle such as phone=13800000000 or shop:grocery=123",
)
_LIKE_A_PHONE = re.compile(r"[\d\s+().-]+")


def find(conn: psycopg.Connection, vault: Vault, text: str) -> int:
    """The person that `text` names: an id, else ``KIND=VALUE``, else a phone number or e-mail address as such.

    Raises YutangError when it cannot be read or when nobody is known by it.
    """
    text = text.strip()
    if not text or "\0" in text or len(text) > 600:
        raise YutangError(f"没有指明是哪位顾客；{HELP[0]}。 this names nobody; {HELP[1]}")
    if text.isascii() and text.isdigit() and len(text) < 19:
        return _by_number(conn, vault, text)
    if "=" in text:
        full, _, value = text.partition("=")
        return _by_handle(conn, vault, full.strip(), value.strip())
    if "@" in text:
        return _by_handle(conn, vault, "email", text)
    if not _LIKE_A_PHONE.fullmatch(unicodedata.normalize("NFKC", text)):
        raise YutangError(
            f"“{text}”不是编号、手机号或邮箱，不能按姓名等文字查找；{HELP[0]}。 "
            f"'{text}' is no number, phone or e-mail address, and people are not found by name; {HELP[1]}"
        )
    return _by_handle(conn, vault, "phone", text)


def _by_number(conn: psycopg.Connection, vault: Vault, text: str) -> int:
    """An id; eleven digits that are nobody's id are a phone number."""
    try:
        canonical(conn, int(text))
    except YutangError:
        if len(text) != 11:
            raise
        return _by_handle(conn, vault, "phone", text)
    return int(text)


def _by_handle(conn: psycopg.Connection, vault: Vault, full: str, value: str) -> int:
    try:
        kind = kind_of(full)
        key = handle_key(
            vault.handle_secret,
            full,
            kind,
            normal(kind, unicodedata.normalize("NFKC", value) if kind.personal else value),
        )
    except (ValueError, OverflowError) as error:
        zh, en = halves(str(error))
        raise YutangError(f"{zh}{HELP[0]}。 {en}; {HELP[1]}") from error
    row = sql.by_key(conn, key=key).fetchone()
    if row is None:
        called = kind.en.partition(":")[0].partition(",")[0]
        raise YutangError(
            f"没有顾客用这个{kind.zh}，请检查是否写对。 nobody is known by this {called}; check the value"
        )
    return row.person_id
