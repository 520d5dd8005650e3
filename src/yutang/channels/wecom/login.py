"""Signing in to the console with WeCom: the address to go to, and who comes back from it."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom.client import WeCom
from yutang.db.queries import Queries
from yutang.model import YutangError
from yutang.vault import Vault

sql = Queries(__package__)

PURPOSE = "wecom login"
VALID = timedelta(minutes=10)
KEPT = timedelta(days=1)
BROWSER = "https://login.work.weixin.qq.com/wwlogin/sso/login"
INSIDE = "https://open.weixin.qq.com/connect/oauth2/authorize"


class Refused(YutangError):
    """Nobody is signed in; the text says why and what to do."""


def state(vault: Vault, now: datetime, session: str) -> str:
    """A fresh state for one sign-in by the browser that holds `session`; good for ten minutes and one use."""
    said = f"{secrets.token_hex(8)}.{int((now + VALID).timestamp())}"
    return f"{said}.{_signature(vault, said, session)}"


def _signature(vault: Vault, said: str, session: str) -> str:
    return vault.sign(PURPOSE, f"{said}\0{session}".encode())[:32]


def browser_url(account: Account, redirect: str, state: str, base: str = BROWSER) -> str:
    """Where a browser shows the QR code. `redirect`: our page, on the app's trusted domain."""
    query = f"login_type=CorpApp&appid={account.get('corp_id')}&agentid={account.get('agent_id')}"
    return f"{base}?{query}&redirect_uri={quote(redirect, safe='')}&state={state}"


def inside_url(account: Account, redirect: str, state: str, base: str = INSIDE) -> str:
    """Where a page inside the WeCom client goes; it comes back at once."""
    query = f"appid={account.get('corp_id')}&redirect_uri={quote(redirect, safe='')}&response_type=code"
    return f"{base}?{query}&scope=snsapi_base&state={state}&agentid={account.get('agent_id')}#wechat_redirect"


def come_back(
    conn: psycopg.Connection, vault: Vault, now: datetime, wecom: WeCom, session: str, state: str, code: str
) -> str:
    """The userid of whoever came back with this state and code. Raises Refused, and what a call raises."""
    nonce = _checked(vault, now, session, state)
    sql.forget_logins(conn, before=now - KEPT)
    if not sql.use_login(conn, nonce=nonce, now=now).rowcount:
        raise Refused("这次登录已用过，请重新扫码。 this sign-in was used up; scan again")
    try:
        answer = wecom.call("auth/getuserinfo", {"code": code})
    except PlatformError as error:
        if error.sort == "gone":
            raise Refused(f"{error.zh}。 {error.en}") from None
        raise
    userid = answer.get("userid") or answer.get("UserId")
    if not userid:
        raise Refused("只有企业成员可以登录，外部联系人不行。 only members of the corp may sign in")
    return str(userid)


def _checked(vault: Vault, now: datetime, session: str, state: str) -> str:
    """The nonce of a state that is ours, of this browser, and not too old."""
    nonce, _, rest = state.partition(".")
    until, _, signature = rest.partition(".")
    expected = _signature(vault, f"{nonce}.{until}", session)
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
        raise Refused(
            "登录请求不是从这个浏览器发起的，请重新扫码。 this sign-in did not begin in this browser; scan again"
        )
    if now > datetime.fromtimestamp(int(until), UTC):
        raise Refused("登录超时，请重新扫码。 the sign-in took too long; scan again")
    return nonce
