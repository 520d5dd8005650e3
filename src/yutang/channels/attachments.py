"""What may go with the words on each channel, as the form asks for it and as the channel judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yutang.channels.customer_service import content as customer_service
from yutang.channels.official_account import content as official_account
from yutang.channels.platform.grants import fields as grants
from yutang.channels.sms import content as sms
from yutang.channels.wecom.tasks import content as wecom

Attachment = Mapping[str, Any]
Problems = list[str]

FIELDS: dict[str, tuple[str, ...]] = {
    "link": ("title", "url", "desc", "picurl"),
    "image": ("url",),
    "miniprogram": ("title", "appid", "page", "image"),
    "template": ("template", "data", "url", "miniprogram.app_id", "miniprogram.page"),
    "subscribe": ("template", "data", "page"),
    "sms": ("template", "params", "purpose"),
}
"""The fields of each kind of attachment; a dot leads into a mapping."""
LINES = ("data", "params")
"""Fields that are a mapping of names to texts, typed as a line each."""
NEEDED = {
    "link": ("title", "url"),
    "image": ("url",),
    "miniprogram": ("title", "appid", "page", "image"),
    "template": ("template", "data"),
    "subscribe": ("template", "data"),
    "sms": ("template",),
}
ALLOWED: dict[str, tuple[str, ...]] = {
    "wecom": ("link", "image", "miniprogram"),
    "customer_service": ("link", "miniprogram"),
    "official_account": ("link", "template", "subscribe"),
    "miniprogram": ("subscribe",),
    "sms": ("sms",),
}
"""What each kind of channel takes; a channel that is not here takes words alone."""
CHARGED = ("sms",)
"""Channels that charge by length, and put a signature before the words."""
ONE = ("miniprogram", "sms")
"""Channels that send one notice and need it: their words alone go nowhere."""

NEEDS = (
    "这个渠道只发平台审核过的模板：请在「随内容发送」里加一个。 this channel sends approved templates alone: add one"
)


def kind_of(channel: str) -> str:
    """The kind of a channel by its name: one of several accounts is of the kind before the colon."""
    return channel.partition(":")[0]


def allowed(channel: str) -> tuple[str, ...]:
    return ALLOWED.get(kind_of(channel), ())


def problems(channel: str, words: str, attachments: Sequence[Attachment]) -> Problems:
    """What the channel would refuse of these words and attachments, each bilingual with its fix."""
    if kind_of(channel) in ONE and not attachments:
        return [NEEDS]
    check = _CHECKS.get(kind_of(channel))
    return check(words, attachments) if check else []


def _wecom(words: str, attachments: Sequence[Attachment]) -> Problems:
    found = wecom.fault(words, attachments)
    return [found] if found else []


def _each(check: Callable[[Attachment], Problems]) -> Callable[[str, Sequence[Attachment]], Problems]:
    return lambda _, attachments: [found for one in attachments for found in check(one)]


def _notice(_: str, attachments: Sequence[Attachment]) -> Problems:
    return grants.check(attachments[0] if attachments else {})


def _sms(words: str, attachments: Sequence[Attachment]) -> Problems:
    return sms.check(attachments[0] if attachments else {}, words)


_CHECKS: dict[str, Callable[[str, Sequence[Attachment]], Problems]] = {
    "wecom": _wecom,
    "customer_service": _each(customer_service.check),
    "official_account": _each(official_account.check),
    "miniprogram": _notice,
    "sms": _sms,
}
