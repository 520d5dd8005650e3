"""How customer service is spoken to: as all interfaces of a corp, with its own codes and rules for second tries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from yutang.channels.platform.calls.dialect import Retry
from yutang.channels.platform.calls.errors import Meaning
from yutang.channels.platform.calls.qyapi import QYAPI

SYNC = "kf/sync_msg"
SEND = "kf/send_msg"
WELCOME = "kf/send_msg_on_event"
UPLOAD = "media/upload"

OVER_LIMIT, TOO_LATE, BAD_TOKEN, ENDED, NOT_NOW = 95001, 95002, 95007, 95013, 95018
NO_WINDOW = frozenset({OVER_LIMIT, TOO_LATE, ENDED, NOT_NOW})
"""The platform takes nothing more before the customer has written again."""
CODE_OVER = frozenset({41050, 41051, 41096})
"""The welcome code is used, or too old."""
BAD_MEDIA = 40007

PERMISSION = Meaning(
    "config",
    "没有微信客服接口权限：管理后台 › 应用管理 › 微信客服 › API › 可调用接口的应用，勾选本应用，并允许通过 API 管理该客服账号",
    "may not call customer service: tick the app in the admin console, Apps › customer service › API, and put the service "
    "account under management by API",
)
CREDENTIALS = Meaning(
    "config",
    "企业 ID 或微信客服 Secret 不对：管理后台 › 应用管理 › 微信客服 › API，重新复制 Secret，再运行 yutang channel add",
    "wrong corp id or secret of customer service: copy it from the admin console and run yutang channel add again",
)
ACCOUNT = Meaning(
    "config",
    "客服账号 open_kfid 不对，或不由 API 管理：用 kf/account/list 核对，再运行 yutang channel add",
    "no such service account (open_kfid), or not managed by API: check it and run yutang channel add again",
)
MEANINGS: Mapping[int, Meaning] = {
    40001: CREDENTIALS,
    40013: CREDENTIALS,
    40091: CREDENTIALS,
    48002: PERMISSION,
    95000: ACCOUNT,
    95004: ACCOUNT,
    OVER_LIMIT: Meaning(
        "gone", "可回复条数已用完，需客户再留言", "all answers are used; the customer must write again"
    ),
    TOO_LATE: Meaning("gone", "超过 48 小时，需客户先留言", "48 hours have passed; the customer must write first"),
    BAD_TOKEN: Meaning("later", "回调的 token 已失效，改为不带它读取", "the callback's token is over; read without it"),
    ENDED: Meaning("gone", "会话已结束，需客户再留言", "the session has ended; the customer must write again"),
    NOT_NOW: Meaning("gone", "会话正由人工接待或已结束", "a member of staff has the session, or it has ended"),
}
RETRY: Mapping[str, Retry] = {SYNC: "read", SEND: "create", WELCOME: "create"}
"""Sending twice is decided letter by letter, so that each refusal is known to mean "not sent"."""

DIALECT = replace(QYAPI, meanings={**QYAPI.meanings, **MEANINGS}, rules=(("48", PERMISSION), *QYAPI.rules), retry=RETRY)
