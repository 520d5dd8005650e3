"""Accounts with platforms: what identifies us there, and the secrets, sealed. Each channel's ``account.py`` lists its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg
from cryptography.exceptions import InvalidTag

from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)

OVERLAP = timedelta(hours=1)
"""How long the callback token and key from before a change are accepted: the platform changes over when it likes."""
CALLBACK = ("token", "aes_key")
MAIN = "main"
_NAME = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(frozen=True)
class Field:
    """One field of a kind of account. `pattern`: the form of a value; the help says it in words, Chinese and English.

    secret: sealed, and never shown. only_with: it is required only where another field has this value.
    """

    name: str
    required: bool
    secret: bool
    help_zh: str
    help_en: str
    default: str = ""
    pattern: str = r"\S(?:.*\S)?"
    only_with: tuple[str, str] | None = None

    @property
    def option(self) -> str:
        """How the command line calls it."""
        return "--" + self.name.replace("_", "-")

    def needed(self, given: Mapping[str, str]) -> bool:
        return self.required and (self.only_with is None or given.get(self.only_with[0]) == self.only_with[1])


TOKEN = r"[A-Za-z0-9]{3,32}"
AES_KEY = r"[A-Za-z0-9+/]{43}"
URL = r"https?://[^\s/?#]+(?:/[^\s?#]*)?"

CALLBACK_TOKEN = Field(
    "token", True, True, "回调 Token，3–32 位字母数字", "callback token, 3 to 32 letters and digits", pattern=TOKEN
)
CALLBACK_KEY = Field(
    "aes_key", True, True, "回调 EncodingAESKey，43 位", "callback EncodingAESKey, 43 characters", pattern=AES_KEY
)
CORP_ID = Field("corp_id", True, False, "企业 ID，ww 开头", "corp id, begins with ww", pattern=r"[A-Za-z0-9_-]{1,64}")


def base_url(default: str) -> Field:
    """Where the platform's interface is; the city's is another."""
    return Field("base_url", False, False, "接口地址，http(s)://", "address of the API, http(s)://", default, URL)


ACCOUNT_FIELDS: dict[str, tuple[Field, ...]] = {}
"""The fields of each kind; `yutang.channels` fills it in, because what channels share may import none of them."""


@dataclass(frozen=True)
class Account:
    """One account. `settings` are the open fields, `secrets` the sealed ones, in plain text: keep them out of logs.

    previous: the callback token and key that were in force before, accepted until `previous_until`.
    """

    kind: str
    name: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    previous: Mapping[str, str] | None = field(default=None, repr=False)
    previous_until: datetime | None = None

    @property
    def source(self) -> str:
        """The source of its events."""
        return f"{self.kind}:{self.name}"

    @property
    def channel(self) -> str:
        """The name of its channel: the kind alone for the main account."""
        return self.kind if self.name == MAIN else self.source

    def get(self, name: str) -> str:
        """The value of a field, open or secret; empty when it has none."""
        return self.settings.get(name) or self.secrets.get(name) or ""

    def pairs(self, now: datetime) -> list[tuple[str, str]]:
        """The callback (token, AES key) pairs in force, the newest first; a key is empty where callbacks come unencrypted."""
        found = [self.secrets]
        if self.previous is not None and self.previous_until is not None and now < self.previous_until:
            found.append(self.previous)
        return [(pair.get("token", ""), pair.get("aes_key", "")) for pair in found]


def add(
    conn: psycopg.Connection, vault: Vault, now: datetime, kind: str, name: str, given: Mapping[str, str]
) -> Account:
    """Keep an account; what is known of that name stays where `given` says nothing, and an empty text takes a value away.

    Raises YutangError when the kind is unknown, a field is missing, unknown or has a wrong form.
    """
    fields = fields_of(kind)
    _check_name(name)
    _check_known(kind, fields, given)
    with conn.transaction():
        sql.lock_account(conn, kind=kind, name=name)
        before = one(conn, vault, kind, name)
        known = {} if before is None else {**before.settings, **before.secrets}
        values = _complete(kind, fields, {**known, **given})
        account = _account(kind, name, fields, values, before, now)
        _keep(conn, vault, now, account)
    return account


def one(conn: psycopg.Connection, vault: Vault, kind: str, name: str) -> Account | None:
    """The account of this kind and name, if there is one. Raises YutangError when it was sealed under another secret."""
    row = sql.account(conn, kind=kind, name=name).fetchone()
    return None if row is None else _opened(vault, row)


def every(conn: psycopg.Connection, vault: Vault) -> list[Account]:
    """All accounts, by kind and name."""
    return [_opened(vault, row) for row in sql.accounts(conn)]


def remove(conn: psycopg.Connection, kind: str, name: str) -> bool:
    """Forget an account and its secrets; its events stay. False when there was none."""
    return sql.remove_account(conn, kind=kind, name=name).rowcount > 0


def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of a kind. Raises YutangError when there is no such kind."""
    if kind not in ACCOUNT_FIELDS:
        known = ", ".join(ACCOUNT_FIELDS)
        raise YutangError(
            f"没有渠道类型 '{kind}'，可选：{known}。 there is no kind of account '{kind}'; known are {known}"
        )
    return ACCOUNT_FIELDS[kind]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise YutangError(
            f"--name '{name}'：用 1–32 个小写字母、数字、_ 或 -。 write 1 to 32 lower-case letters, digits, _ or -"
        )


def _check_known(kind: str, fields: tuple[Field, ...], given: Mapping[str, str]) -> None:
    known = {f.name: f.option for f in fields}
    for name in given:
        if name not in known:
            option = "--" + name.replace("_", "-")
            options = ", ".join(known.values())
            raise YutangError(
                f"{option}：{kind} 没有这一项，可用：{options}。 {kind} has no such option; it takes {options}"
            )


def _complete(kind: str, fields: tuple[Field, ...], given: Mapping[str, str]) -> dict[str, str]:
    """The values of all fields that have one, each of the right form."""
    values = {f.name: given.get(f.name, "") or f.default for f in fields}
    if missing := [f for f in fields if f.needed(values) and not values[f.name]]:
        options = ", ".join(f"{f.option} ({f.help_zh} {f.help_en})" for f in missing)
        raise YutangError(f"{kind} 缺少：{options}。 {kind} still needs {', '.join(f.option for f in missing)}")
    for f in fields:
        if values[f.name] and not re.fullmatch(f.pattern, values[f.name]):
            raise YutangError(f"{f.option}：格式不对（{f.help_zh}）。 this has the wrong form ({f.help_en})")
    return {name: value for name, value in values.items() if value}


def _account(
    kind: str, name: str, fields: tuple[Field, ...], values: Mapping[str, str], before: Account | None, now: datetime
) -> Account:
    secret = {f.name for f in fields if f.secret}
    secrets = {n: v for n, v in values.items() if n in secret}
    previous, until = (None, None) if before is None else (before.previous, before.previous_until)
    if before is not None and (old := _callback(before.secrets)) and old != _callback(secrets):
        previous, until = old, now + OVERLAP
    return Account(kind, name, {n: v for n, v in values.items() if n not in secret}, secrets, previous, until)


def _callback(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: secrets[name] for name in CALLBACK if name in secrets}


def _keep(conn: psycopg.Connection, vault: Vault, now: datetime, account: Account) -> None:
    sql.keep_account(
        conn,
        kind=account.kind,
        name=account.name,
        settings=_json(account.settings),
        sealed=vault.seal_text(_json(account.secrets)),
        previous=None if account.previous is None else vault.seal_text(_json(account.previous)),
        previous_until=account.previous_until,
        now=now,
    )


def _json(values: Mapping[str, str]) -> str:
    return msgspec.json.encode(values).decode()


def _opened(vault: Vault, row: Any) -> Account:
    try:
        secrets, previous = (
            msgspec.json.decode(vault.unseal_text(text), type=dict[str, str]) if text else None
            for text in (row.sealed, row.previous)
        )
    except InvalidTag:
        raise YutangError(
            f"{row.kind}:{row.name} 是用另一个 YUTANG_SECRET 保存的：请设回那一个，或移除这个账号后重新添加（`yutang channel remove`、`yutang channel add`）。 "
            "it was sealed under another YUTANG_SECRET; set that one, or remove the account and add it again"
        ) from None
    return Account(row.kind, row.name, row.settings, secrets or {}, previous, row.previous_until)
