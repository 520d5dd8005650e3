"""The dry run of a plan: what the days to come would bring with it, as `replay` plays them.

Everything is played as it would be afterwards: with all journeys of the brand, and without those that it takes out of service.
People in flight finish on the version that they are on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from yutang import replay
from yutang.brand import Brand
from yutang.brand.publish import kinds
from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.db.queries import Queries

sql = Queries(__package__)


def rehearsal(
    url: str, now: datetime, days: int, channels: Mapping[str, Channel]
) -> Callable[[Brand], dict[str, Any]] | None:
    """A function that plays so many days with a brand in service, in a scratch schema of this database; None for no days.

    It returns the report as JSON, with the sum of it in words (``zh``, ``en``).
    """
    if not days:
        return None

    def play(brand: Brand) -> dict[str, Any]:
        with connect(url) as conn:
            if sql.anybody(conn).fetchone() is None:
                return {
                    "days": days,
                    "zh": "塘里还没有人，没有什么可试",
                    "en": "there is nobody in the pond yet to try it on",
                }
        report = replay.dry_run(url, kinds(brand), now, days, alone=True, channels=channels)
        return report.to_json() | {"days": days} | _words(report, days)

    return play


def _words(report: replay.Report, days: int) -> dict[str, str]:
    entered, sent, cost = (_sum(counted) for counted in (report.entries, report.sent, report.cost_fen))
    waiting, over = _sum(report.collisions), sum(quota.over.value for quota in report.quotas)
    owed = report.liability.p50_fen
    return {
        "zh": f"{days} 天内进入旅程 {entered:,.0f} 人次，发送 {sent:,.0f} 条，触达成本 ¥{cost / 100:,.2f}，"
        f"优惠成本约 ¥{owed / 100:,.2f}；因冲突顺延 {waiting:,.0f} 条，超出平台配额 {over:,.0f}",
        "en": f"within {days} days {entered:,.0f} entries, {sent:,.0f} messages, touches for ¥{cost / 100:,.2f}, coupons for about "
        f"¥{owed / 100:,.2f}; {waiting:,.0f} have to wait for others, {over:,.0f} above a platform's quota",
    }


def _sum(counted: Iterable[Any]) -> float:
    return sum(one.figure.value for one in counted)
