"""Is a corp connected as it must be? One check after another, each with the page of the admin console that mends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Caller
from yutang.channels.platform.checks import Finding, asked, calls_back, reachable
from yutang.channels.wecom.client import WeCom
from yutang.channels.wecom.dialect import DIALECT
from yutang.vault import Vault

MOST_CODES = 500_000
PATIENCE = 0.5
"""Seconds before a second try: somebody sits and waits."""
APP = "管理后台 › 应用管理 › 自建应用"
CONTACT = "管理后台 › 客户与上下游 › 客户联系"
RANGE = (
    f"{APP} › 可见范围 加入门店员工；{CONTACT} › 权限配置 也要包含他们。 "
    "add the staff to the app's visible range, and to those who may use Customer Contact"
)


def checks(
    conn: psycopg.Connection, vault: Vault, account: Account, clock: Callable[[], datetime]
) -> Iterator[Finding]:
    """What is right and what is not, in the order in which it is mended. Raises nothing but what the database raises."""
    yield Finding("账号 account", f"{account.source} {account.get('corp_id')}")
    caller = Caller(conn, vault, account, clock, DIALECT, lambda seconds: time.sleep(min(seconds, PATIENCE)))
    # What failed a moment ago is kept from being asked again, and this is just what has been mended since.
    caller.tokens.forgive()
    yield (door := reachable(account.get("base_url")))
    if door.fix is None:
        yield from _calls(WeCom(caller))
    yield from calls_back(conn, vault, account)
    yield from _by_hand(account)


def _calls(wecom: WeCom) -> Iterator[Finding]:
    yield (token := asked("凭证 token", lambda: _token(wecom)))
    if token.fix is None:
        yield asked("客户联系 customer contact", lambda: _staff(wecom))
        yield asked("标签 tags", lambda: _tags(wecom))
        yield asked("渠道码 contact ways", lambda: _codes(wecom))
        yield asked("侧边栏 tickets", lambda: _tickets(wecom))


def _token(wecom: WeCom) -> str:
    wecom.caller.token()
    return "可用 works"


def _staff(wecom: WeCom) -> str | Finding:
    staff = wecom.staff()
    if not staff:
        return Finding("客户联系 customer contact", "没有员工在范围内 no member of staff is within range", RANGE)
    return f"{len(staff)} 名员工 members of staff"


def _tags(wecom: WeCom) -> str:
    groups = wecom.rows("externalcontact/get_corp_tag_list")
    return f"{sum(len(group.get('tag') or []) for group in groups)} 个标签可读 tags can be read"


def _codes(wecom: WeCom) -> str:
    now = wecom.caller.clock()
    args = {"start_time": int((now - timedelta(days=89)).timestamp()), "end_time": int(now.timestamp()), "limit": 1000}
    rows, following = next(wecom.pages("externalcontact/list_contact_way", args))
    more = "+" if following else ""
    return f"近 90 天 {len(rows)}{more} 个，上限 {MOST_CODES:,} made in 90 days, of at most {MOST_CODES:,} in all"


def _tickets(wecom: WeCom) -> str:
    wecom.corp_ticket()
    wecom.app_ticket()
    return "可用 work"


def _by_hand(account: Account) -> Iterator[Finding]:
    """What no call tells."""
    yield Finding(
        "应用 agent id",
        f"{account.get('agent_id')}：与 Secret 同在 {APP}，请核对。 "
        "stands beside the Secret in the admin console; see that it is the same app",
        sure=False,
    )
    yield Finding(
        "可信域名 trusted domain",
        f"{APP} › 网页授权及 JS-SDK 填入登录与侧边栏的域名（含端口），否则报 50001。 "
        "enter the domain of the console and the side bar, with its port, or they fail with 50001",
        sure=False,
    )
