"""What an account may say about its tasks; where it says nothing, the usual value holds."""

from __future__ import annotations

from yutang.channels.platform.account import Account, Field
from yutang.model import YutangError

USUAL = {"nudge_hours": 4, "nudge_most": 1, "moment_cap": 4}

FIELDS = (
    Field(
        "mass_cap",
        False,
        False,
        "每位客户可收的群发数，写成 1/day、7/week 或 days/month（当月天数），默认 1/day",
        "mass messages per customer: 1/day (the default), 7/week or days/month (as many as the month has)",
        pattern=r"([1-9]\d{0,2}|days)/(day|week|month)",
    ),
    Field(
        "nudge_hours",
        False,
        False,
        "员工未点发送时几小时后提醒，默认 4",
        "hours after which staff who have not tapped are reminded, 4 by default",
        pattern=r"[1-9]\d?",
    ),
    Field(
        "nudge_most",
        False,
        False,
        "每个任务最多提醒几次，0–3，默认 1",
        "reminders per task, 0 to 3, 1 by default",
        pattern=r"[0-3]",
    ),
    Field(
        "moment_cap",
        False,
        False,
        "每月企业朋友圈条数，仅用于预览提示，默认 4",
        "Moments posts a month, for the preview only, 4 by default",
        pattern=r"[1-9]\d?",
    ),
)
"""The fields of an account that this part reads."""


def number(account: Account, name: str) -> int:
    """A setting that is a number. Raises YutangError when it is none."""
    given = account.get(name)
    if given and not given.isdigit():
        raise YutangError(f"{name} '{given}'：须为整数。 it must be a whole number")
    return int(given) if given else USUAL[name]
