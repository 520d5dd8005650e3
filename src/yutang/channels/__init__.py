"""The channels: a folder each. Adding one is a folder and a line in `configured`, or in `CONNECTED` where it has accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from yutang import config
from yutang.channels.contract import Channel
from yutang.channels.customer_service.account import FIELDS as CUSTOMER_SERVICE
from yutang.channels.customer_service.send import CustomerService
from yutang.channels.email.doctor import checks as check_mail
from yutang.channels.email.send import Email
from yutang.channels.erase import erase as erase_everywhere
from yutang.channels.miniprogram.send import MiniProgram
from yutang.channels.official_account import codes as scene_codes
from yutang.channels.official_account.send import OfficialAccount
from yutang.channels.platform.account import ACCOUNT_FIELDS, Account
from yutang.channels.platform.checks import Checks, Finding
from yutang.channels.platform.weixin import FIELDS as WEIXIN
from yutang.channels.sandbox.send import Sandbox
from yutang.channels.sms.account import FIELDS as SMS
from yutang.channels.sms.send import Sms
from yutang.channels.staff import book
from yutang.channels.staff.send import Staff
from yutang.channels.webhook.send import Webhook
from yutang.channels.wecom import codes, inherit, login, sidebar, sync, tags
from yutang.channels.wecom.account import FIELDS as WECOM
from yutang.channels.wecom.channel import WeCom
from yutang.channels.wecom.desk import open_desk
from yutang.channels.wecom.doctor import checks as check_wecom
from yutang.channels.wecom.tasks import group, moments, results
from yutang.vault import Vault

ACCOUNT_FIELDS |= {
    "wecom": WECOM,
    "official_account": WEIXIN,
    "miniprogram": WEIXIN,
    "sms": SMS,
    "customer_service": CUSTOMER_SERVICE,
}
"""The kinds of accounts and what each is made of: a line for each channel that has accounts."""

CONNECTED: dict[str, Callable[[Vault, Account, Callable[[], datetime]], Channel]] = {
    "wecom": WeCom,
    "official_account": OfficialAccount,
    "miniprogram": MiniProgram,
    "sms": Sms,
    "customer_service": CustomerService,
}
"""What speaks for an account, by its kind."""

SWITCHED: dict[str, tuple[config.Setting, ...]] = {
    "sandbox": (),
    "staff": (),
    "email": (config.SMTP_URL, config.MAIL_FROM),
    "webhook": (config.WEBHOOK_URL,),
}
"""The channels without an account, and the settings of the program that switch each on: the first must be given."""

CODES: dict[str, Any] = {"wecom": codes, "official_account": scene_codes}
SYNCS: dict[str, Any] = {"wecom": sync}
TAGS: dict[str, Any] = {"wecom": tags}
INHERITANCE: dict[str, Any] = {"wecom": inherit}
TASKS: dict[str, Any] = {"wecom": results}
GROUPS: dict[str, Any] = {"wecom": group}
MOMENTS: dict[str, Any] = {"wecom": moments}
"""What only some kinds can do, by kind: live codes, a walk through everything, tags, handing customers over, tasks that staff send,
posts to groups, posts to Moments. Each is a module of the channel."""

LOGINS: dict[str, Any] = {"wecom": login}
SIDEBARS: dict[str, Any] = {"wecom": sidebar}
CLIENTS: dict[str, Callable[..., Any]] = {"wecom": lambda *desk: open_desk(*desk).wecom}
"""What the web offers to the staff of some kinds: signing in, and a page beside their chats. Each is a module of the channel,
and takes the client that is made here from (conn, vault, account, clock)."""

TITLES: dict[str, tuple[str, str]] = {
    "sandbox": ("站内消息", "Messages in the app"),
    "email": ("邮件", "E-mail"),
    "webhook": ("应用通知", "Notices of the app"),
    "wecom": ("企业微信", "WeCom"),
    "official_account": ("公众号消息", "Official account"),
    "miniprogram": ("小程序通知", "Mini program"),
    "sms": ("短信", "Text messages"),
    "customer_service": ("微信客服", "WeChat customer service"),
    "staff": ("专属顾问联系", "Calls from our staff"),
}
"""What customers call each kind of channel, in Chinese and English."""
NAMES: dict[str, tuple[str, str]] = TITLES | {
    "webhook": ("接口", "Webhook"),
    "official_account": ("公众号", "Official account"),
    "miniprogram": ("小程序", "Mini program"),
    "staff": ("员工任务", "Staff tasks"),
}
"""What the brand's own people call them."""
INSIDE = ("staff", "webhook")
"""Channels whose letters reach no customer by themselves."""
FIRST = ("wecom", "official_account", "sandbox")
"""Where a new message goes, unless somebody says otherwise: the first of these that the brand has."""

STAFF_TASKS: Any = book
"""The tasks of members of staff: listing them, and saying that one is done."""

erase = erase_everywhere
"""Takes people out of what every channel keeps."""

CHECKS: dict[str, Checks] = {"wecom": check_wecom}
"""How `yutang doctor` looks at an account, by its kind."""


LOOKS: tuple[Callable[[], Iterator[Finding]], ...] = (check_mail,)
"""How it looks at the channels that settings switch on."""


def title(channel: str) -> tuple[str, str]:
    """What customers call a channel, by its name; one of several accounts is called by its kind."""
    return TITLES.get(channel.partition(":")[0], (channel, channel))


def called(channel: str) -> tuple[str, str]:
    """What the brand's own people call a channel, by its name; one of several accounts by its own name, too."""
    kind, _, account = channel.partition(":")
    zh, en = NAMES.get(kind, (kind, kind))
    return (f"{zh} {account}", f"{en} {account}") if account else (zh, en)


def configured(vault: Vault) -> dict[str, Channel]:
    """The channels that the settings switch on, by name. Raises YutangError when a setting cannot be read."""
    channels: list[Channel] = [Sandbox(), Staff()]
    if config.SMTP_URL.value:
        channels.append(Email(config.SMTP_URL.value, config.MAIL_FROM.value))
    if config.WEBHOOK_URL.value:
        channels.append(Webhook(config.WEBHOOK_URL.value, vault))
    return {channel.name: channel for channel in channels}


def connected(vault: Vault, accounts: Iterable[Account], clock: Callable[[], datetime]) -> dict[str, Channel]:
    """A channel for each account, by name. `clock`: the time at which calls are made, whatever the pass calls now."""
    channels = [CONNECTED[account.kind](vault, account, clock) for account in accounts]
    return {channel.name: channel for channel in channels}
