"""Erasing people at the channels: what each keeps of them, in turn."""

from __future__ import annotations

import psycopg

from yutang.channels.customer_service.erase import erase as customer_service
from yutang.channels.official_account.erase import erase as official_account
from yutang.channels.platform.erase import erase as platform
from yutang.channels.platform.grants.erase import erase as grants
from yutang.channels.sandbox.erase import erase as sandbox
from yutang.channels.sms.erase import erase as sms
from yutang.channels.staff.erase import erase as staff
from yutang.channels.wecom.erase import erase as wecom
from yutang.channels.wecom.tasks.erase import erase as wecom_tasks
from yutang.db.erase import Whom
from yutang.model import Counts

KEPT = (platform, grants, sandbox, staff, wecom, wecom_tasks, official_account, sms, customer_service)
"""A line for each part that keeps rows about people; e-mail, webhooks and mini programs keep none of their own."""


def erase(conn: psycopg.Connection, whom: Whom) -> Counts:
    """Rows per table; see `yutang.erasure`."""
    done = Counts()
    for part in KEPT:
        done.update(part(conn, whom))
    return done
