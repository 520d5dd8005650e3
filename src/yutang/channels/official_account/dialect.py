"""How an official account is spoken to."""

from yutang.channels.platform.calls.weixin import WEIXIN as DIALECT

__all__ = ["DIALECT"]
