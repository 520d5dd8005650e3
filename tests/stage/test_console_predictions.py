"""Predictions in the console: the models, what is expected of the pond, a new training, and the block on a person's page."""

from __future__ import annotations

import html
import re
import time
from datetime import UTC, date, datetime, timedelta

import httpx
import psycopg
import pytest

from buyers import Bought, buyers, write
from edges import serving, signed_in
from yutang import users
from yutang.clock import business_day
from yutang.predict.train import train

NOW = datetime(2026, 1, 1, 4, tzinfo=UTC)
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def bought() -> list[Bought]:
    return buyers(400, 365, shape=9.0)


@pytest.fixture
def base(url: str):
    with serving(url, clock=lambda: NOW) as address:
        yield address


def seen(web: httpx.Client, until: str, most: float = 120) -> str:
    """The page of the models once it says so."""
    end = time.monotonic() + most
    while True:
        page = web.get("/predictions")
        assert page.status_code == 200, page.text
        if re.search(until, page.text):
            return html.unescape(page.text)
        assert time.monotonic() < end, page.text
        time.sleep(0.2)


def outlook(page: str) -> dict[str, str]:
    """Words → figure."""
    return dict(re.findall(r"<div><dt>([^<]*)</dt><dd><strong>([^<]*)</strong>", page))


def cells(page: str, model: str) -> str:
    """The section of one model."""
    return page.partition(f'<section class="card model" id="{model}"')[2].partition("</section>")[0]


def test_the_models_stand_beside_their_baselines(
    web: httpx.Client, conn: psycopg.Connection, bought: list[Bought]
) -> None:
    write(conn, bought)
    found = train(conn, NOW)
    page = seen(web, r"<dl class=\"kpis\">")
    for model in found.models:
        section = cells(page, model.name)
        assert model.verdict["zh"] in section
        assert f"{model.name} 第 {model.version} 版" in section
        results = {one["name"]: one for one in model.metrics.get("results", [])}
        for key in ("chosen", "baseline") if results else ():
            assert results[model.metrics[key]]["zh"] in section
        assert section.count("<circle") == len(model.metrics.get("reliability", []))
        for part in model.metrics.get("reliability", []):
            assert f"{part['predicted']:,.2f}" in section
            assert f"{part['real']:,.2f}" in section
    orders = found.models[0].metrics
    rmse = {one["name"]: one["accuracy"]["rmse"] for one in orders["results"]}
    less = 1 - rmse[orders["chosen"]] / rmse[orders["baseline"]]
    assert f"均方根误差比它小 {less:.1%}" in cells(page, "orders_90d")


def test_what_is_expected_of_the_pond_is_the_sum_of_everybody(
    web: httpx.Client, conn: psycopg.Connection, bought: list[Bought]
) -> None:
    write(conn, bought)
    train(conn, NOW)
    said = outlook(seen(web, r"<dl class=\"kpis\">"))
    told: dict[str, list[float]] = {}
    for name, value in conn.execute("select name, value from prediction").fetchall():
        told.setdefault(name, []).append(value)
    value = sum(told["value_90d"]) / 100
    assert said[f"{len(told['value_90d'])} 人未来 90 天预计消费"] == f"{value / 1e4:,.1f} 万元"
    today = (business_day(NOW, ZONE) - date(2000, 1, 1)).days
    soon = [day for day in told["next_order_day"] if today <= day < today + 7]
    assert said[f"{len(told['next_order_day'])} 位有节奏的顾客中，预计 7 天内下单的"] == str(len(soon))
    gone = [chance for chance in told["p_alive"] if chance <= 0.3]
    assert said[f"{len(told['p_alive'])} 人中多半已经离开的"] == str(len(gone))
    links = re.findall(r'href="(/persons\?rule=[^"]*)"', web.get("/predictions").text)
    assert len(links) >= 2
    assert all(web.get(html.unescape(link)).status_code == 200 for link in links)


def test_too_little_data_is_said_with_what_is_missing(web: httpx.Client, conn: psycopg.Connection) -> None:
    assert "还没有训练过" in web.get("/predictions").text
    write(conn, [Bought(7, NOW.date() - timedelta(days=30), 1000)])
    found = train(conn, NOW)
    page = seen(web, "数据不足")
    for model in found.models:
        assert model.state == "abstained"
        assert model.metrics["missing"]["zh"] in cells(page, model.name)
    assert "预测 <small>" not in web.get("/persons/7").text


def test_a_training_runs_beside_the_request(web: httpx.Client, conn: psycopg.Connection, bought: list[Bought]) -> None:
    write(conn, bought)
    assert 'action="/predictions/train"' in web.get("/predictions").text
    begun = time.monotonic()
    page = web.post("/predictions/train").text
    assert time.monotonic() - begun < 5
    assert 'data-progress="/predictions/progress"' in page
    with web.stream("GET", "/predictions/progress", timeout=120) as stream:
        assert "event: done" in "".join(stream.iter_text())
    page = seen(web, r"<dl class=\"kpis\">")
    assert "训练没有成功" not in page
    (at,) = conn.execute("select max(trained_at) from model").fetchone()
    assert at == NOW, "by the clock of the console"
    assert [(deed.act, deed.object) for deed in users.deeds(conn, about="predictions")] == [("train", "predictions")]


def test_a_training_that_fails_says_so(web: httpx.Client, conn: psycopg.Connection) -> None:
    conn.execute("alter table activity rename to elsewhere")
    web.post("/predictions/train")
    try:
        assert 'relation "activity" does not exist' in seen(web, "训练没有成功")
    finally:
        conn.execute("alter table elsewhere rename to activity")


def test_who_may_train(base: str, conn: psycopg.Connection) -> None:
    with signed_in(conn, base, "analyst") as web:
        page = web.get("/predictions").text
        assert "请管理员或运营训练" in page
        assert "/predictions/train" not in page
        assert web.post("/predictions/train").status_code == 403
    with signed_in(conn, base, "operator") as web:
        assert "/predictions/train" in web.get("/predictions").text


def test_drift_is_shown_over_versions(web: httpx.Client, conn: psycopg.Connection, bought: list[Bought]) -> None:
    then, last = NOW - timedelta(days=60), NOW - timedelta(days=30)
    write(conn, bought)
    for now in (then, last, NOW):
        found = train(conn, now)
    section = cells(seen(web, r"<dl class=\"kpis\">"), "orders_90d")
    assert "data-chart" in section
    for one in found.models[0].drift:
        assert f"v{one.version} · {one.since} – {one.until}" in section
        assert f"{one.metrics['bias']:+.1%}" in section


def test_a_persons_page_tells_what_is_foretold(
    web: httpx.Client, conn: psycopg.Connection, bought: list[Bought]
) -> None:
    write(conn, bought)
    train(conn, NOW)
    (who,) = conn.execute("select person_id from prediction where name = 'next_order_day' limit 1").fetchone()
    told = dict(conn.execute("select name, value from prediction where person_id = %s", (who,)).fetchall())
    block = web.get(f"/persons/{who}").text.partition('id="foretold"')[2].partition("</dl>")[0]
    assert f"¥{told['value_90d'] / 100:,.2f}" in block
    assert f"{told['p_order_90d']:.1%}" in block
    day = date(2000, 1, 1) + timedelta(days=round(told["next_order_day"]))
    assert day.isoformat() in block
    away = (day - business_day(NOW, ZONE)).days
    assert (f"（{away} 天后）" if away > 0 else f"（已过 {-away} 天）" if away < 0 else "（今天）") in block
    assert block.count("同类顾客实际") >= 3
    (nobody,) = conn.execute(
        "insert into person (bucket, person_id, created_at) values (999, 999, now()) returning person_id"
    ).fetchone()
    assert 'id="foretold"' not in web.get(f"/persons/{nobody}").text
    with signed_in(conn, web.base_url, "salesperson", staff="li") as other:
        assert other.get(f"/persons/{who}").status_code in (403, 404)
