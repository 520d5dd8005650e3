"""Send: as the welcome of a customer who has just come, else through a task for a member of staff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import psycopg

from yutang.channels.contract import Letter, Result
from yutang.channels.platform.account import Account
from yutang.channels.wecom.desk import Desk, open_desk
from yutang.channels.wecom.tasks import content, mass, welcome
from yutang.channels.wecom.tasks.receivers import recorded
from yutang.model import Reason
from yutang.vault import Vault


def send(
    conn: psycopg.Connection,
    vault: Vault,
    account: Account,
    clock: Callable[[], datetime],
    letters: Sequence[Letter],
) -> list[Result]:
    """One result per letter, in their order. A letter that came before gets what is on record."""
    desk = open_desk(conn, vault, account, clock)
    results: dict[int, Result] = {}
    for step in (recorded, _check, welcome.resume, welcome.send, _only_welcomes, mass.send):
        rest = [x for x in letters if x.touch_id not in results]
        results |= step(desk, rest) if rest else {}
    return [results[x.touch_id] for x in letters]


def _check(_: Desk, letters: Sequence[Letter]) -> dict[int, Result]:
    """What WeCom would refuse anyway."""
    faults = {x.touch_id: content.fault(x.body, x.attachments) for x in letters}
    return {touch: Result.failed(fault) for touch, fault in faults.items() if fault}


def _only_welcomes(_: Desk, letters: Sequence[Letter]) -> dict[int, Result]:
    """Letters that were worth something as a welcome only, and did not become one."""
    text = "没有可用的欢迎语（已过 20 秒，或已由其他应用、后台发出）。 no open welcome: over, or said by another app"
    return {x.touch_id: Result.failed(text, Reason.NO_WINDOW) for x in letters if welcome.is_welcome_only(x)}
