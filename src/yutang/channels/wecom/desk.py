"""The desk at which errands of one account are done: its database, its clock, its line to WeCom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Caller
from yutang.channels.wecom.client import WeCom
from yutang.channels.wecom.dialect import DIALECT
from yutang.vault import Vault


@dataclass(frozen=True)
class Desk:
    """conn: autocommit; no transaction is open during a call."""

    conn: psycopg.Connection
    account: Account
    clock: Callable[[], datetime]
    wecom: WeCom

    @property
    def source(self) -> str:
        """How our tables call the account."""
        return self.account.source


def open_desk(conn: psycopg.Connection, vault: Vault, account: Account, clock: Callable[[], datetime]) -> Desk:
    return Desk(conn, account, clock, WeCom(Caller(conn, vault, account, clock, DIALECT)))
