"""Claims: whoever takes something from a queue holds it for a while, under a name that nobody else has."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from yutang.channels.contract import LEASE_SECONDS


def lease(now: datetime) -> tuple[str, datetime]:
    """A name for one claim, and until when it holds."""
    token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    return token, now + timedelta(seconds=LEASE_SECONDS)
