"""How the interfaces of a corp are spoken to (WeCom, customer service): a token per corp and secret, what is allowed, and what
error codes mean to an operator; a row each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.dialect import EVERY, Dialect, Limit, Request
from yutang.channels.platform.calls.errors import BUSY, Meaning


def _bug(zh: str, en: str) -> Meaning:
    return Meaning("bug", zh, en)


def _config(zh: str, en: str) -> Meaning:
    return Meaning("config", zh, en)


def _gone(zh: str, en: str) -> Meaning:
    return Meaning("gone", zh, en)


def _later(zh: str, en: str) -> Meaning:
    return Meaning("later", zh, en)


NOT_A_CUSTOMER = _gone(
    "员工与该客户没有好友关系，将重新核对", "no relation with this member of staff; it is read again"
)
NO_STAFF = _gone("没有这个成员（离职或改了账号），请同步通讯录", "no such member of staff; read the directory again")
CREDENTIALS = _config(
    "企业 ID 或应用 Secret 不对：管理后台 › 应用管理 › 自建应用，重新复制 Secret，再运行 yutang channel add",
    "wrong corp id or secret: copy the app's Secret from the admin console and run yutang channel add again",
)
SCOPE = _config(
    "成员或部门不在应用可见范围：管理后台 › 应用管理 › 自建应用 › 可见范围，加入该成员或部门",
    "out of the app's visible range: add the member or department there",
)
PERMISSION = _config(
    "应用没有客户联系权限：管理后台 › 客户与上下游 › 客户联系 › API › 可调用接口的应用，勾选本应用",
    "the app may not call customer contact: tick it in the admin console, Customer Contact › API › apps that may call",
)
SERVICE = _config(
    "成员未开通客户联系：管理后台 › 客户与上下游 › 客户联系 › 权限配置，加入该成员",
    "the member has no customer contact: add the member in the admin console, Customer Contact › permissions",
)
LICENCE = _config("接口许可不足：请购买或激活接口许可账号", "no interface licence: buy or activate one for the member")
MEDIA = _bug("素材无效或已过期（3 天），请重新上传", "the media id is bad or older than 3 days; upload it again")
QUOTA = _config(
    "数量已达平台上限，请清理不用的再新建", "the platform's maximum number is reached; remove what is not used"
)
ATTACHMENT = _bug("附件不符合要求（数量、类型或大小）", "an attachment is not accepted (number, kind or size)")
DISPATCHING = _later("任务仍在派发，稍后再查", "still being dispatched; ask again later")
CODE_OVER = _gone("登录码无效或已用过，请重新登录", "the login code is used or too old; log in again")

MEANINGS: Mapping[int, Meaning] = {
    -1: BUSY,
    6000: BUSY,
    40001: CREDENTIALS,
    40013: CREDENTIALS,
    40091: CREDENTIALS,
    41002: CREDENTIALS,
    41004: CREDENTIALS,
    40014: _config(
        "令牌刷新后仍被拒绝：检查是否有别的程序在使用同一应用",
        "the token is refused even when it is new: see whether another program uses the same app",
    ),
    42001: BUSY,
    40003: NO_STAFF,
    60111: NO_STAFF,
    301021: NO_STAFF,
    41054: _config("成员未激活企业微信", "the member has not activated WeCom"),
    40098: _config("成员未实名认证：请成员在企业微信里完成实名", "the member must verify the real name in WeCom first"),
    40004: MEDIA,
    40005: MEDIA,
    40006: MEDIA,
    40007: MEDIA,
    40029: CODE_OVER,
    42003: CODE_OVER,
    42022: CODE_OVER,
    40068: _gone("标签不存在，请重新读取标签", "no such tag; read the tags again"),
    40071: _bug("同名标签已存在", "a tag of this name exists"),
    40096: _gone("客户 ID 对本应用无效，将重新同步", "the customer id is not valid for this app; it is read again"),
    40099: _later("接替成员的客户数已满", "the successor has as many customers as allowed"),
    40100: _later("客户正在被转接", "the customer is being transferred"),
    40126: QUOTA,
    40128: _later("90 天内转接次数已满（2 次）", "transferred as often as 90 days allow (twice)"),
    40129: _later("客户正在被转接", "the customer is being transferred"),
    40131: _gone("原成员不是该客户的跟进人", "the one who hands over does not follow this customer"),
    40050: _gone("没有这个群", "no such group"),
    41044: _gone("没有这个渠道码", "no such contact way"),
    41045: QUOTA,
    41047: _gone("没有这个群发任务", "no such mass task"),
    41048: _gone("没有可发送的客户：都已达接收上限或已流失", "nobody to send to: all had their share, or are lost"),
    41050: _gone("欢迎语凭证已过期（20 秒）", "the welcome code has expired (20 seconds)"),
    41051: _gone(
        "已有对话或欢迎语已由别处发出（如后台默认欢迎语）",
        "they are talking already, or the welcome was sent from elsewhere (as by the admin console's default)",
    ),
    41096: _gone("欢迎语正在发送", "the welcome is being sent"),
    41055: QUOTA,
    41060: _gone("没有这条朋友圈", "no such moment"),
    41061: _gone("该成员不是发表人", "this member does not post it"),
    41062: _later("成员还没有发表", "the member has not posted it yet"),
    41063: DISPATCHING,
    41078: _later("进行中的朋友圈任务太多", "too many moments are being dispatched"),
    41079: DISPATCHING,
    41093: _gone("群发任务已取消", "the mass task was cancelled"),
    41094: _later("24 小时内最多提醒 3 次", "no more than 3 reminders in 24 hours"),
    41095: QUOTA,
    41064: ATTACHMENT,
    41065: ATTACHMENT,
    41072: ATTACHMENT,
    48002: PERMISSION,
    48006: PERMISSION,
    50001: _config(
        "跳转域名未加入可信域名：管理后台 › 应用管理 › 自建应用 › 网页授权及 JS-SDK",
        "the domain is not trusted: add it to the app's web authorisation and JS-SDK domains",
    ),
    50002: SCOPE,
    60011: SCOPE,
    60123: SCOPE,
    50003: _config("应用已停用：在管理后台启用", "the app is disabled: enable it in the admin console"),
    60020: _config(
        "服务器 IP 不在可信名单：管理后台 › 应用管理 › 自建应用 › 企业可信IP，加入本机出口 IP",
        "this machine's IP is not trusted: add it under the app's trusted IPs in the admin console",
    ),
    301002: LICENCE,
    701008: LICENCE,
    84061: NOT_A_CUSTOMER,
    84074: SERVICE,
    84083: SERVICE,
    84084: NOT_A_CUSTOMER,
    81013: _gone("接收人全部无效", "no receiver is valid"),
    81017: _bug("条目过多，请分批", "too many items; ask in smaller parts"),
    90500: _later("群主尚未离职", "the owner has not resigned yet"),
    90501: _gone("不是客户群", "not a customer group"),
    90507: _later("群正在继承", "the group is being inherited"),
    90508: _gone("群已被继承", "the group was inherited already"),
    90509: _gone("不是企业微信客户群", "not a customer group of WeCom"),
    45009: _later("调用过于频繁", "called too often"),
    45033: _later("并发调用过多", "too many calls at once"),
}

RULES = (
    ("48", PERMISSION),
    ("500", SCOPE),
    ("701", LICENCE),
)
"""For codes without a row, by their first digits; all others are bugs of ours."""

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


QYAPI = Dialect(
    prefix="/cgi-bin/",
    token=_token,
    limits=LIMITS,
    meanings=MEANINGS,
    rules=RULES,
)
"""Paths are given without the prefix. Each channel says for its own paths which calls may be made twice (`retry`)."""
