"""The effect of a journey on the command line and over HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psycopg
import pytest

from commands import Run, said
from edges import BEARER, serving
from ponds import NOON
from shops import DAY, Shop

NOW = NOON + 60 * DAY
DRAFT = """\
title: {zh: 唤醒, en: Wake}
trigger: {event: registered}
holdout_percent: 20
steps: [{wait: {days: 1}}]
"""


@pytest.fixture
def shop(conn: psycopg.Connection) -> Shop:
    """A journey that brings every treated person 6.00 more."""
    shop = Shop(conn)
    people, d = shop.people(600), shop.journey(50)
    held = np.arange(600) % 2 == 0
    rng = np.random.default_rng(1)
    conn.execute("insert into journey_state (journey_id, started_at) values (%s, %s)", (d.definition_id, NOON))
    shop.enter(d, people, np.where(held, "holdout", "treated").tolist())
    shop.buys(people, rng.integers(100, 900, 600) + np.where(held, 0, 600), NOON + DAY)
    return shop


@pytest.fixture
def web(url: str, shop: Shop):  # noqa: ARG001
    with serving(url, clock=lambda: NOW) as base, httpx.Client(base_url=base, timeout=30, headers=BEARER) as client:
        yield client


@pytest.mark.usefixtures("shop")
def test_the_api_shows_one_journey_and_all_of_them(web: httpx.Client) -> None:
    one = web.get("/v1/experiments/wake", params={"days": 7}).json()
    assert (one["days"], one["verdict"]["code"]) == (7, "better")
    sales = one["readings"]["sales"]
    assert sales["plain"]["always"]["low"] < 600 < sales["plain"]["always"]["high"]
    assert one["as_sent"] is None
    every = web.get("/v1/experiments").json()
    assert [(j["name"], j["treated"], j["holdout"]) for j in every["journeys"]] == [("wake", 300, 300)]
    assert every["pond"]["verdict"]["code"] == "no_control"


@pytest.mark.usefixtures("shop")
def test_what_cannot_be_asked_is_refused_by_name(web: httpx.Client) -> None:
    assert web.get("/v1/experiments/nothing").status_code == 404
    assert web.get("/v1/experiments/nothing/prospect").status_code == 404
    assert web.get("/v1/experiments/wake", params={"days": 0}).status_code == 400
    assert web.get("/v1/experiments", params={"since": "2026-01-01T00:00:00"}).status_code == 400
    assert web.get("/v1/experiments", headers={"Authorization": "Bearer no"}).status_code == 401


@pytest.mark.usefixtures("shop")
def test_the_commands_tell_the_same(yutang: Run, tmp_path: Path) -> None:
    shown = said(yutang("experiment", "wake", "--days", "7"))
    assert "有效" in shown
    assert "7 天" in shown
    assert "300/300" in shown
    assert "每人净毛利" in shown
    whole = json.loads(yutang("experiment", "--json", "--since", "2026-03-10").stdout)
    assert [journey["name"] for journey in whole["journeys"]] == ["wake"]
    assert datetime.fromisoformat(whole["pond"]["since"]).astimezone(UTC) == datetime(2026, 3, 9, 16, tzinfo=UTC)
    draft = tmp_path / "draft.yml"
    draft.write_text(DRAFT, "utf-8")
    assert "眼下没有人会进入" in said(yutang("experiment", "plan", str(draft)))
    draft.write_bytes(DRAFT.encode("utf-8-sig"))
    assert "眼下没有人会进入" in said(yutang("experiment", "plan", str(draft))), "as Windows saves it"
    draft.write_bytes(DRAFT.encode("gbk"))
    assert f"{draft}:1:" in said(yutang("experiment", "plan", str(draft), code=2))
    assert "neither a journey" in said(yutang("experiment", "plan", "nothing", code=2))
