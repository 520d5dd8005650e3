"""How WeCom is spoken to: a token per corp and app, and what it allows."""

from __future__ import annotations

from datetime import date

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.dialect import EVERY, Dialect, Limit, Request
from yutang.channels.wecom.endpoints import ENDPOINTS
from yutang.channels.wecom.errors import MEANINGS, RULES

LIMITS = (
    Limit(EVERY, minute=2_000, hour=30_000, since=date(2019, 1, 1)),
    Limit(EVERY, minute=10_000, hour=150_000, since=date(2023, 8, 1)),
    Limit("externalcontact/add_moment_task", minute=10, hour=600, since=date(2021, 1, 1)),
    Limit("get_jsapi_ticket", minute=400, hour=400, since=date(2019, 1, 1)),
    Limit("ticket/get", minute=100, hour=100, since=date(2019, 1, 1)),
)
"""What the platform publishes per corp and path, with the dates from which it holds."""


def _token(account: Account) -> Request:
    return Request("gettoken", query={"corpid": account.get("corp_id"), "corpsecret": account.get("secret")})


DIALECT = Dialect(
    prefix="/cgi-bin/",
    token=_token,
    limits=LIMITS,
    meanings=MEANINGS,
    rules=RULES,
    retry={path: endpoint.retry for path, endpoint in ENDPOINTS.items()},
)
