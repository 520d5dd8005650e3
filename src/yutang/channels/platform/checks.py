"""What an operator is told about an account: is it set up, can it be called, does it call back, and what to do if not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import httpx
import psycopg

from yutang.channels.platform import callback
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError
from yutang.db.queries import Queries
from yutang.vault import Vault

sql = Queries(__package__)


@dataclass(frozen=True)
class Finding:
    """One check: what was found, and the fix when it is not right. sure: False for what only a person can check."""

    name: str
    found: str
    fix: str | None = None
    sure: bool = True


Checks = Callable[[psycopg.Connection, Vault, Account, Callable[[], datetime]], Iterator[Finding]]
"""The checks of one kind of account: ``checks(conn, vault, account, clock)``. They raise nothing."""


def reachable(base_url: str) -> Finding:
    """Does anything answer at the platform's address?"""
    name = "平台地址 address"
    try:
        status = httpx.get(base_url, timeout=5).status_code
    except Exception as error:
        kind = type(error).__name__
        fix = (
            "检查 base_url、DNS、防火墙和代理，本机要能访问它。 "
            "check base_url, DNS, firewall and proxy: this machine must reach it"
        )
        return Finding(name, f"{base_url}: {kind}", fix)
    return Finding(name, f"{base_url} (HTTP {status})")


def asked(name: str, ask: Callable[[], str | Finding]) -> Finding:
    """What a call finds; `ask` returns it in words, or as a finding with its fix."""
    try:
        found = ask()
        return found if isinstance(found, Finding) else Finding(name, found)
    except PlatformError as error:
        seen = f" IP {error.ip}" if error.ip else ""
        hint = f" hint [{error.hint}]" if error.hint else ""
        return Finding(name, f"{error.path}: {error.code}{seen}{hint}", f"{error.zh}。 {error.en}")
    except Exception as error:
        again = f"稍后重试；仍不行请反馈。 try again later, then report it: {type(error).__name__}"
        return Finding(name, str(error).splitlines()[0] if str(error) else type(error).__name__, again)


def calls_back(conn: psycopg.Connection, vault: Vault, account: Account) -> Iterator[Finding]:
    """The address that the platform is to call, and when it last did."""
    path = callback.address(vault, account)
    yield Finding("回调地址 callback", f"https://<域名 your domain>{path}")
    row = sql.last_callback(conn, source=account.source).fetchone()
    if row is None:
        fix = (
            f"启动 yutang up，在平台后台的“接收消息”里填上面的地址、Token 和 EncodingAESKey 并保存；保存成功即已连通。 "
            f"run `yutang up`, then enter this address, the Token and the EncodingAESKey under the app's callback "
            f"settings; add a contact and look again (yutang events --source {account.source})"
        )
        yield Finding("最近回调 last callback", "还没有 none yet", fix)
    else:
        yield Finding("最近回调 last callback", row.at.isoformat(timespec="seconds"))
