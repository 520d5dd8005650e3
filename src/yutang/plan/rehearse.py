"""The dry run of a plan: what the days to come would bring with it, as `replay` plays them.

Everything is played as it would be afterwards: with all journeys of the brand, and without those that it takes out of service.
People in flight finish on the version that they are on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from yutang import replay
from yutang.brand import Brand
from yutang.brand.publish import kinds
from yutang.channels.contract import Channel
from yutang.db.connect import connect
from yutang.db.queries import Queries

sql = Queries(__package__)
Words = dict[str, str]


def rehearsal(
    url: str, now: datetime, days: int, channels: Mapping[str, Channel]
) -> Callable[[Brand, Collection[str]], dict[str, Any]] | None:
    """A function that plays so many days with a brand in service, in a scratch schema of this database; None for no days. It is given the
    brand, and the journeys that are not as they were.

    It returns the report as JSON, with the sum of it in words (``zh``, ``en``).
    """
    if not days:
        return None

    def play(brand: Brand, fresh: Collection[str]) -> dict[str, Any]:
        with connect(url) as conn:
            if sql.anybody(conn).fetchone() is None:
                return {
                    "days": days,
                    "zh": "塘里还没有人，没有什么可试",
                    "en": "there is nobody in the pond yet to try it on",
                }
        report = replay.dry_run(url, kinds(brand), now, days, alone=True, channels=channels)
        return report.to_json() | {"days": days} | _words(report, days, fresh)

    return play


def _words(report: replay.Report, days: int, fresh: Collection[str]) -> Words:
    """First what the journeys that the plan changes would bring, then all journeys together."""
    mine, all_, rest = _changed(report, fresh), _brought(report, None), _beside(report)
    return {
        "zh": f"{days} 天内，{mine['zh']}；全部旅程合计{all_['zh']}，{rest['zh']}",
        "en": f"within {days} days {mine['en']}; all journeys together: {all_['en']}, {rest['en']}",
    }


def _changed(report: replay.Report, fresh: Collection[str]) -> Words:
    if not fresh:
        return {"zh": "没有旅程因此改变", "en": "no journey changes by it"}
    called = [report.titles["journey"].get(name, {"zh": name, "en": name}) for name in sorted(fresh)]
    zh, en = "、".join(one["zh"] for one in called), ", ".join(one["en"] for one in called)
    mine = _brought(report, fresh)
    return {"zh": f"改动的旅程（{zh}）{mine['zh']}", "en": f"the journeys that change ({en}): {mine['en']}"}


def _beside(report: replay.Report) -> Words:
    """What is not counted by journey."""
    owed = report.liability.p50_fen / 100
    waiting, over = _sum(report.collisions), sum(quota.over.value for quota in report.quotas)
    return {
        "zh": f"优惠成本约 ¥{owed:,.2f}，因冲突顺延 {waiting:,.0f} 条，超出平台配额 {over:,.0f}",
        "en": f"coupons for about ¥{owed:,.2f}, {waiting:,.0f} have to wait for others, {over:,.0f} above a platform's quota",
    }


def _brought(report: replay.Report, journeys: Collection[str] | None) -> Words:
    """Of these journeys; None: of all."""
    entered, sent, cost = (
        _sum(one for one in counted if journeys is None or one.what[0] in journeys)
        for counted in (report.entries, report.sent, report.cost_fen)
    )
    return {
        "zh": f"进入 {entered:,.0f} 人次、发送 {sent:,.0f} 条、触达成本 ¥{cost / 100:,.2f}",
        "en": f"{entered:,.0f} entries, {sent:,.0f} messages, touches for ¥{cost / 100:,.2f}",
    }


def _sum(counted: Iterable[Any]) -> float:
    return sum(one.figure.value for one in counted)
