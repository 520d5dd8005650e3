"""Customers in a real Chromium: every page at both sizes, a tag for the chosen and its undo, and a timeline that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from browsers import DESKTOP, at_sizes, check_accessible
from edges import NOW, VAULT, serving
from yutang import worker
from yutang.brand import load_brand, publish, shipped
from yutang.channels import configured
from yutang.ingest import record

PAGES = {
    "people": "/persons",
    "people-filtered": "/persons?ordered=60&rule=%7Bnot%3A+%7Btag%3A+vip%7D%7D",
    "people-wrong": "/persons?rule=all%3A+%5B",
    "people-none": "/persons?tag=nobody",
    "people-tag": "/persons/tag?whom=all&ordered=60",
    "people-untag": "/persons/untag?whom=all",
    "people-export": "/persons/export?whom=all",
    "people-changes": "/persons/changes",
    "person": "/persons/1",
    "person-split": "/persons/1/split",
    "person-join": "/persons/1/join?other=3",
} | {
    f"person-{tab}": f"/persons/1?tab={tab}"
    for tab in ("journeys", "timeline", "orders", "coupons", "consent", "tasks", "identity")
}


@pytest.fixture
def base(url: str, conn: psycopg.Connection) -> Iterator[str]:
    """Two who were found to be one, and four more; the first has looked at more than a page of the timeline holds."""
    publish(conn, NOW - timedelta(days=60), load_brand(shipped()["luckin"]))
    events = [
        _event("ordered", n, 20, {"phone": f"1380000000{n}"}, order_id=f"o{n}", amount_fen=1900) for n in range(5)
    ]
    events += [_event("viewed", n, 10, {"phone": "13800000000"}, page=f"p{n}") for n in range(60)]
    events += [
        _event("tagged", 0, 5, {"phone": "13800000000"}, tag="老朋友"),
        _event("viewed", 100, 9, {"pos:till": "7"}, page="x"),
    ]
    _record(conn, events)
    _record(conn, [_event("viewed", 101, 1, {"phone": "13800000000", "pos:till": "7"}, page="y")])
    with serving(url) as address:
        yield address


def _record(conn: psycopg.Connection, events: list[Any]) -> None:
    assert record(conn, VAULT, NOW, events).rejected == []
    worker.settle(conn, NOW, configured(VAULT))


def _event(type: str, n: int, days: int, handles: dict[str, str], **props: Any) -> dict[str, Any]:
    at = (NOW - timedelta(days=days, minutes=n)).isoformat()
    return {"id": f"{type}{n}", "source": "import", "type": type, "at": at, "handles": handles, "props": props}


@at_sizes
def test_everybody_can_use_every_page(opened: Any, shot: Any, base: str, size: dict[str, int]) -> None:
    with opened(r"422", viewport=size) as page:
        for name, path in PAGES.items():
            page.goto(base + path)
            page.wait_for_load_state("load")
            check_accessible(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            shot(page, name)


@at_sizes
def test_a_tag_is_given_to_the_chosen_and_taken_back(opened: Any, shot: Any, base: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{base}/persons")
        page.get_by_label("选中顾客 2", exact=True).check()
        page.get_by_role("button", name="打标签").click()
        page.get_by_label("标签").fill("春茶")
        page.get_by_label("理由").fill("新品")
        page.get_by_role("button", name="给 1 人打标签").click()
        page.get_by_role("dialog").wait_for()
        check_accessible(page)
        shot(page, "people-tag-ask")
        page.get_by_role("button", name="确定").click()
        page.get_by_text("已给 1 人打标签「春茶」").wait_for()
        check_accessible(page)
        page.get_by_role("button", name="撤销").click()
        page.get_by_text("已给 1 人去标签「春茶」").wait_for()


def test_the_timeline_goes_on_where_it_ended(opened: Any, base: str) -> None:
    with opened(viewport=DESKTOP) as page:
        page.goto(f"{base}/persons/1?tab=timeline&kind=other")
        lines = page.locator(".timeline > li")
        assert lines.count() == 41
        page.get_by_role("link", name="更早的").click()
        page.locator("text=page p59").wait_for()
        assert lines.count() == 63  # sixty-two looks, and that nothing is older
        check_accessible(page)
