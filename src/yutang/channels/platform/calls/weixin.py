"""How official accounts and mini-programs are spoken to: one family, with the same tokens and the same error codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.dialect import EVERY, Dialect, Limit, Request, Retry
from yutang.channels.platform.calls.errors import BUSY, Meaning

CREDENTIALS = Meaning(
    "config",
    "AppID 或 AppSecret 不对或已冻结：在公众平台 › 开发接口管理重新获取，再运行 yutang channel add",
    "wrong or frozen app id or secret: get it anew in the platform's console and run yutang channel add again",
)
ADDRESS = Meaning(
    "config",
    "服务器 IP 不在白名单：公众平台 › 开发接口管理 › IP 白名单，加入本机出口 IP",
    "this machine's IP is not on the white list: add it in the platform's console",
)
PERMISSION = Meaning(
    "config",
    "没有接口权限：确认账号已认证并开通该接口",
    "no permission for this call: the account must be verified and the interface switched on",
)
UNREACHABLE = Meaning("gone", "用户没有关注或 openid 无效", "not a follower, or not an openid of this account")
QUOTA = Meaning("later", "调用次数已达上限", "called as often as allowed")
CODE_OVER = Meaning("gone", "登录码无效或已用过，请重新登录", "the login code is used or too old; log in again")

CODES_USED_UP = Meaning(
    "config",
    "永久二维码已达 10 万个上限，平台不能删除：请改用有期限的二维码（yutang code add … --days）",
    "all 100,000 lasting codes of this account are made, and none can be deleted: make codes that end (--days)",
)

MEANINGS: Mapping[int, Meaning] = {
    -1: BUSY,
    40001: CREDENTIALS,
    40013: CREDENTIALS,
    40125: CREDENTIALS,
    40243: CREDENTIALS,
    41002: CREDENTIALS,
    41004: CREDENTIALS,
    40014: CREDENTIALS,
    42001: BUSY,
    40164: ADDRESS,
    89503: Meaning("config", "高风险 IP，需管理员确认", "this IP is thought risky; the administrator must confirm it"),
    48001: PERMISSION,
    48002: Meaning("gone", "用户拒收消息", "the person refuses messages"),
    40003: UNREACHABLE,
    43004: UNREACHABLE,
    45015: Meaning(
        "gone", "超出可回复时间，需用户先主动互动", "outside the window for answers; the person must act first"
    ),
    45047: Meaning(
        "gone", "可回复条数已用完，需用户再互动", "all answers of this window are used; the person must act again"
    ),
    43101: Meaning("gone", "用户没有订阅授权或已用完", "the person has granted no such message, or used it up"),
    40029: CODE_OVER,
    40163: CODE_OVER,
    40226: Meaning("gone", "高风险用户，平台禁止登录", "the platform blocks this user as risky"),
    40037: Meaning(
        "config", "模板 ID 无效：在公众平台核对模板", "no such template: check it in the platform's console"
    ),
    45009: QUOTA,
    45011: QUOTA,
    45029: CODES_USED_UP,
}
RULES = (("48", PERMISSION), ("895", ADDRESS))

LIMITS = (
    Limit(EVERY, minute=10_000, hour=150_000, since=date(2019, 1, 1)),
    Limit("cgi-bin/message/mass/send", minute=60, hour=3_600, since=date(2019, 1, 1)),
    Limit("cgi-bin/qrcode/create", minute=5_000, hour=100_000, since=date(2019, 1, 1)),
)
"""The platform publishes limits per day for most paths; these keep a burst from using a day up at once."""

RETRY: Mapping[str, Retry] = {
    "cgi-bin/message/custom/send": "create",
    "cgi-bin/message/subscribe/send": "create",
    "cgi-bin/message/subscribe/bizsend": "create",
}
"""A second try would be a second message. Template messages carry our own id, and the platform keeps one of each."""


def _token(account: Account) -> Request:
    """The stable token: two programs that fetch it do not fight each other."""
    body = {"grant_type": "client_credential", "appid": account.get("app_id"), "secret": account.get("secret")}
    return Request("cgi-bin/stable_token", body=body | {"force_refresh": False})


WEIXIN = Dialect(
    prefix="/",
    token=_token,
    limits=LIMITS,
    meanings=MEANINGS,
    rules=RULES,
    retry=RETRY,
    tokenless=frozenset({"sns/jscode2session", "sns/oauth2/access_token", "sns/userinfo"}),
    often=frozenset({45009, 45011}),
)
"""Paths are given whole: ``cgi-bin/…``, ``wxa/…``, ``sns/…``."""
