"""Insight and predictions in a real Chromium, at both sizes: every page, figures that come by themselves, a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from browsers import at_sizes, check_accessible
from buyers import buyers, write
from edges import serving
from ponds import Pond
from yutang import lake
from yutang.predict.train import train

DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, 4, tzinfo=UTC)
DRIFTS = {
    "orders_90d": {"predicted": 9.5, "real": 10, "bias": -0.05, "deviance": 1.2},
    "best_hour": {"people": 90, "visits": 120, "in_window": 0.4},
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_LAKE_URL", str(tmp_path / "lake"))


@pytest.fixture
def base(url: str, place: None) -> Iterator[str]:  # noqa: ARG001
    with serving(url, clock=lambda: NOW) as address:
        yield address


def lived(conn: psycopg.Connection) -> Pond:
    """Some weeks of views and orders in two stores."""
    pond = Pond(conn)
    for n in range(40):
        person = pond.person(store="西湖店" if n % 2 else "东店")
        for visit in range(1 + n % 4):
            at = NOW - (90 - 2 * n - 9 * visit) * DAY
            pond.happened(person, "viewed", at)
            if n % 3:
                pond.happened(person, "ordered", at + DAY, order_id=f"{n}-{visit}", amount_fen=1000 + 90 * n)
    return pond


def fits(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@at_sizes
def test_every_page_can_be_used_by_everybody(
    conn: psycopg.Connection, base: str, opened: Any, shot: Callable[..., Path], size: dict[str, int]
) -> None:
    lived(conn)
    lake.keep(conn, NOW)
    write(conn, buyers(400, 365, shape=9.0))
    train(conn, NOW)
    for name, figures in DRIFTS.items():
        for days in (1, 2):
            conn.execute(
                """insert into model_drift (model_id, at, since, until, metrics)
                   select model_id, %s, %s, %s, %s from model where name = %s""",
                (NOW + days * DAY, NOW.date(), NOW.date() + days * DAY, Jsonb(figures), name),
            )
    (who,) = conn.execute("select person_id from prediction where name = 'next_order_day' limit 1").fetchone()
    with opened(r"422", viewport=size) as page:
        for name, path in (
            ("insight", "/insight?days=90"),
            ("insight-sales", "/insight/sales?unit=week"),
            ("insight-retention", "/insight/retention?unit=week"),
            ("insight-flow", "/insight/flow"),
            ("insight-funnel", "/insight/funnel?by=store"),
            ("insight-wrong", "/insight/funnel?within=soon"),
            ("predictions", "/predictions"),
            ("person-predictions", f"/persons/{who}"),
        ):
            page.goto(base + path)
            page.locator("#panels[hx-get], #answer[hx-get], #outlook[hx-get]").wait_for(state="detached")
            shot(page, name)
            check_accessible(page)
            assert fits(page), name


@at_sizes
def test_an_empty_lake_is_filled_and_the_figures_come(
    conn: psycopg.Connection, base: str, opened: Any, shot: Any, size: dict[str, int]
) -> None:
    lived(conn)
    with opened(viewport=size) as page:
        page.goto(f"{base}/insight")
        shot(page, "insight-empty")
        check_accessible(page)
        page.get_by_role("button", name="现在归档").click()
        page.locator("#panel-sales canvas").wait_for(timeout=60_000)
        assert "净销售" in page.locator("#panel-sales h2").inner_text()
        assert page.locator("#panel-sales table").inner_text(), "the same for whoever hears the page"
        page.get_by_role("link", name="细看: 漏斗").click()
        page.get_by_label("按什么拆分").fill("store")
        page.get_by_role("button", name="统计").click()
        page.wait_for_url("**by=store**")
        page.locator("h3", has_text="西湖店").wait_for()


def test_a_training_is_asked_for_and_followed(conn: psycopg.Connection, base: str, opened: Any, shot: Any) -> None:
    write(conn, buyers(400, 365, shape=9.0))
    with opened() as page:
        page.goto(f"{base}/predictions")
        shot(page, "predictions-none")
        page.get_by_role("button", name="现在训练").click()
        page.get_by_text("正在训练").wait_for()
        page.locator("#orders_90d").wait_for(timeout=120_000)
        page.get_by_role("button", name="重新训练").click()
        dialog = page.get_by_role("dialog")
        assert "人群也会随之变动" in dialog.inner_text()
        dialog.get_by_role("button", name="取消").click()
        check_accessible(page)
