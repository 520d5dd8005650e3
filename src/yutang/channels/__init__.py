"""The channels: a folder each. Adding one is a folder and a line in `configured`."""

from __future__ import annotations

from yutang import config
from yutang.channels.contract import Channel
from yutang.channels.email.send import Email
from yutang.channels.sandbox.send import Sandbox
from yutang.channels.webhook.send import Webhook
from yutang.vault import Vault


def configured(vault: Vault) -> dict[str, Channel]:
    """The channels that the settings switch on, by name. Raises YutangError when a setting cannot be read."""
    channels: list[Channel] = [Sandbox()]
    if config.SMTP_URL.value:
        channels.append(Email(config.SMTP_URL.value, config.MAIL_FROM.value))
    if config.WEBHOOK_URL.value:
        channels.append(Webhook(config.WEBHOOK_URL.value, vault))
    return {channel.name: channel for channel in channels}
