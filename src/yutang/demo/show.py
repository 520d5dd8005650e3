"""What a person at a terminal sees: progress while the days pass, and the figures at the end; Chinese first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from yutang.demo.feed import Passed, Watch
from yutang.demo.summary import titles
from yutang.model import Reason


@contextmanager
def progress(console: Console) -> Iterator[Watch]:
    """A bar on a terminal; elsewhere a line for every month."""
    if not console.is_terminal:
        yield lambda passed: _line(console, passed)
        return
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("事件 {task.fields[events]:,} · 触达 {task.fields[touches]:,}"),
        TimeElapsedColumn(), console=console, transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("准备数据 preparing", events=0, touches=0, total=None)
        yield lambda passed: bar.update(
            task,
            description=f"{passed.day}",
            completed=passed.number,
            total=passed.days,
            events=passed.events,
            touches=passed.touches,
        )


def _line(console: Console, passed: Passed) -> None:
    if passed.number % 30 == 0 or passed.number == passed.days:
        console.print(
            f"{passed.day}  {passed.number}/{passed.days}  事件 events {passed.events:,}  触达 touches {passed.touches:,}"
        )


def figures(console: Console, conn: psycopg.Connection, found: dict[str, Any]) -> None:
    """The summary as tables."""
    console.print(_table("演示结果 · Result", [(label, _shown(key, found)) for key, label in _LABELS.items()]))
    for key, kind, title in (
        ("segments", "segment", "人群 · Segments"),
        ("journeys", "journey", "旅程进入 · Journey entries"),
    ):
        named = titles(conn, kind)
        console.print(_table(title, [(_both(named[name]), f"{n:,}") for name, n in found[key].items()]))
    held = [(f"{Reason(word).zh} · {word}", f"{n:,}") for word, n in found["touches_held"].items()]
    console.print(_table("未发出的触达 · Touches not sent", held or [("–", "0")]))


def city(console: Console, found: dict[str, Any]) -> None:
    """What happened in the city, as a table."""
    console.print(_table("微信小城 · The WeChat city", [(label, f"{found[key]:,}") for key, label in _CITY.items()]))


_CITY = {
    "persons": "顾客 · Persons",
    "contacts_added": "加好友 · Contacts added",
    "by_code": "其中扫活码 · of these, by a live code",
    "welcomed": "20 秒内欢迎 · Welcomed within 20 seconds",
    "tasks_assigned": "派给员工的消息 · Messages given to staff",
    "touches_sent": "已送达顾客 · Sent to customers",
    "tasks_not_tapped": "员工没有点发送 · Never tapped",
    "groups_joined": "进群 · Joined a group",
    "contacts_lost": "被顾客删除 · Deleted by the customer",
    "contacts_inherited": "离职继承 · Inherited",
    "orders": "订单 · Orders",
    "coupons_issued": "发券 · Coupons issued",
    "coupons_redeemed": "核销 · Coupons redeemed",
}

_LABELS = {
    "persons": "顾客 · Persons",
    "events": "事件 · Events",
    "orders": "订单 · Orders",
    "sales_fen": "销售额（元）· Sales (yuan)",
    "touches_sent": "已触达 · Touches sent",
    "coupons_issued": "发券 · Coupons issued",
    "coupons_redeemed": "核销 · Coupons redeemed",
    "liability_fen": "未核销券负债（元）· Outstanding liability (yuan)",
    "seconds": "用时（秒）· Seconds",
    "events_per_second": "每秒事件 · Events per second",
}


def _shown(key: str, found: dict[str, Any]) -> str:
    return f"{found[key] / 100:,.2f}" if key.endswith("_fen") else f"{found[key]:,}"


def _both(title: dict[str, str]) -> str:
    return f"{title['zh']} · {title['en']}"


def _table(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in rows:
        table.add_row(*row)
    return table
