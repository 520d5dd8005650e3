"""Calls to a platform: `Caller` asks, a `Dialect` says how that family of platforms is spoken to."""

from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.dialect import Dialect
from yutang.channels.platform.calls.errors import Later, PlatformError, Unknown
from yutang.channels.platform.calls.log import trim

__all__ = ["Caller", "Dialect", "Later", "PlatformError", "Unknown", "trim"]
