"""Questions from the archived history of a pond, on the command line and over HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from commands import Run, said
from edges import BEARER, serving
from ponds import NOON, Pond
from yutang import lake

DAY = timedelta(days=1)
NOW = NOON + 10 * DAY
STEPS = "viewed,ordered[store=徐家汇]"


@pytest.fixture
def pond(conn: psycopg.Connection, home: Path) -> Pond:  # noqa: ARG001
    """Three people: one looked and bought, one bought elsewhere, one only looked; all archived."""
    pond = Pond(conn, life={"growing_orders": 1, "mature_orders": 9, "dormant_days": 5, "lost_days": 99})
    for n, store in enumerate(("徐家汇", "虹桥", None)):
        person = pond.person()
        pond.happened(person, "viewed", NOON + n * DAY)
        if store:
            pond.happened(person, "ordered", NOON + (n + 1) * DAY, order_id=f"o{n}", amount_fen=1000, store=store)
    lake.archive(conn, NOW, lake.placed())
    return pond


@pytest.fixture
def web(url: str, pond: Pond):  # noqa: ARG001
    with serving(url, clock=lambda: NOW) as base, httpx.Client(base_url=base, timeout=30, headers=BEARER) as client:
        yield client


def test_the_api_answers(web: httpx.Client) -> None:
    names = [one["name"] for one in web.get("/v1/insight").json()]
    assert names[0] == "funnel"
    found = web.get("/v1/insight/funnel", params={"steps": STEPS}).json()
    assert [c["key"] for c in found["columns"]] == ["step", "event", "people", "of_first", "of_before"]
    assert [(row[1], row[2]) for row in found["rows"]] == [("viewed", 3), ("ordered[store=徐家汇]", 1)]
    assert found["asked"] == {"steps": STEPS, "within": "7d", "since": "90d", "until": "0d", "by": ""}


def test_the_brands_own_stages_hold_unless_others_are_asked_for(web: httpx.Client) -> None:
    rows = web.get("/v1/insight/flow", params={"since": "2026-03-02", "until": "2026-03-05"}).json()["rows"]
    assert [(row[0], row[2], row[4]) for row in rows] == [("visitor", "visitor", 1), ("visitor", "growing", 2)]
    asked = {"since": "2026-03-02", "until": "2026-03-05", "dormant_days": 1}
    rows = web.get("/v1/insight/flow", params=asked).json()["rows"]
    assert [(row[0], row[2], row[4]) for row in rows] == [("visitor", "visitor", 1), ("visitor", "dormant", 2)]


def test_what_cannot_be_asked_is_refused_with_the_fix(web: httpx.Client) -> None:
    wrong = web.get("/v1/insight/funnel", params={"steps": STEPS, "within": "7"})
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "bad_shape")
    assert "within is '7'; write a span, for example 7d" in wrong.json()["detail"]
    assert web.get("/v1/insight/funnel").status_code == 400
    unknown = web.get("/v1/insight/funel")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "not_found")
    assert "did you mean 'funnel'" in unknown.json()["detail"]
    assert web.get("/v1/insight", headers={"Authorization": "Bearer x"}).status_code == 401


def test_an_answer_holds_until_more_is_archived(web: httpx.Client, conn: psycopg.Connection, pond: Pond) -> None:
    def orders() -> list[int]:
        return [row[1] for row in web.get("/v1/insight/sales").json()["rows"]]

    assert orders() == [2]
    pond.happened(pond.person(), "ordered", NOON, order_id="late", amount_fen=500)
    assert orders() == [2]
    lake.archive(conn, NOW + DAY, lake.placed())
    assert orders() == [3]


def test_the_dashboard(web: httpx.Client) -> None:
    found = web.get("/v1/insight/panels").json()
    assert len(found) == 8
    assert next(one for one in found if one["question"] == "sales")["rows"][0][7] == 2000


@pytest.mark.usefixtures("pond")
def test_the_command_line_answers(yutang: Run) -> None:
    since = ("--since", "2026-03-01", "--until", "2026-03-31")
    found = json.loads(yutang("insight", "funnel", "--steps", STEPS, *since, "--json").stdout)
    assert [row[2] for row in found["rows"]] == [3, 1]
    shown = said(yutang("insight", "sales", "--by", "store", *since))
    assert "徐家汇" in shown
    assert "10.00" in shown
    listed = said(yutang("insight"))
    assert "yutang insight funnel" in listed
    assert "K-factor" in listed
    assert "write a span, for example 7d" in said(
        yutang("insight", "funnel", "--steps", STEPS, "--within", "x", code=2)
    )
    assert "--dormant-days" in said(yutang("insight", "flow", "--help"))
    assert "yutang lake archive" in said(yutang("insight", "held", *since))
    assert len(json.loads(yutang("insight", "panels", "--json").stdout)) == 8
