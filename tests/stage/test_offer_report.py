"""What managers see of offers: liability read from the ledger, one offer as it stands, by call, API and command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from edges import BEARER, NOW, VAULT, serving
from offers import T0, day, happen, people, publish, run
from yutang.app import App
from yutang.cli import app
from yutang.cli import offer as commands
from yutang.model import Reason, YutangError
from yutang.offer import Redeem, Wanted, issue, liability, redeem, show, totals

WEEK = timedelta(days=7)
TWO = """
half:
  sort: coupon
  title: {zh: 半价, en: Half}
  discount: {percent: 50}
  value_fen: 800
  valid_days: 14
  per_person: 99
steps:
  sort: ladder
  title: {zh: 阶梯券, en: Ladder}
  down: [85, 43, 28]
  up: [58]
  basket_fen: 2000
  patience: 1
"""


def lives(conn: psycopg.Connection, ids: dict[str, int], weeks: int, each: int, rate: float, seed: int = 1) -> None:
    """Cohorts of coupons: in each week some are given out, and a share of them is redeemed within two weeks."""
    dice = np.random.default_rng(seed)
    touch = 0
    for week in range(weeks):
        now = T0 + week * WEEK
        granted = issue(conn, now, [Wanted(p, ids["half"], 0, touch + p) for p in range(1, each + 1)])
        touch += each
        used = [g.code or "" for g in granted if dice.random() < rate]
        asked = [
            Redeem(c, c, c, int(dice.choice([1000, 2000, 3000])), at=now + timedelta(days=float(dice.uniform(0, 14))))
            for c in used
        ]
        redeem(conn, now + 2 * WEEK, asked)
    while run(conn, T0 + weeks * WEEK).busy():
        pass


def test_the_ledger_becomes_a_distribution(conn: psycopg.Connection) -> None:
    ids = publish(conn, TWO)
    lives(conn, ids, weeks=12, each=60, rate=0.3)
    now = T0 + 13 * WEEK
    while run(conn, now).busy():
        pass
    assert liability(conn, now).expected_fen == 0, "everything is over"
    granted = issue(conn, now, [Wanted(p, ids["half"], 0, 10_000 + p) for p in range(200)])
    owed = liability(conn, now)
    (part,) = owed.offers
    assert (part.offer, part.rung, part.open, part.face_fen) == ("half", 0, 200, 160_000)
    assert part.rate == pytest.approx(0.3, abs=0.05)
    assert owed.expected_fen == pytest.approx(200 * 0.3 * 1000, rel=0.2)
    assert owed.p10_fen < owed.p50_fen < owed.p90_fen < owed.face_fen * 2
    later = liability(conn, now + timedelta(days=12))
    assert 0 < later.expected_fen < 0.5 * owed.expected_fen, "what is not used by then hardly ever is"
    redeem(conn, now, [Redeem("h", granted[0].code or "", "o", 2000, hold_until=now + WEEK)])
    held = liability(conn, now)
    assert (held.held_fen, held.open) == (1000, 199)
    assert held.expected_fen >= held.held_fen


def test_without_history_it_goes_by_baskets_and_is_wide(conn: psycopg.Connection) -> None:
    ids = publish(conn, TWO)
    for n in range(30):
        happen(conn, n, "ordered", day(0), order_id=str(n), amount_fen=4000)
    issue(conn, T0, [Wanted(p, ids["steps"], 2, p) for p in range(1, 21)])
    owed = liability(conn, T0)
    assert (owed.open, owed.face_fen) == (20, 20 * 1140)
    assert owed.expected_fen == pytest.approx(20 * 0.5 * 4000 * 0.57, rel=0.02), "half of them, at 57 % of a basket"
    assert owed.p90_fen - owed.p10_fen > owed.expected_fen, "nothing is known of how they are used"


def test_coupons_without_a_limit_of_uses_are_counted_apart(conn: psycopg.Connection) -> None:
    happen(conn, 1, "coupon_issued", T0, code="A", offer="elsewhere", value_fen=100)
    happen(conn, 1, "coupon_issued", T0, code="B", offer="elsewhere", value_fen=100, uses=1)
    run(conn, T0)
    owed = liability(conn, T0)
    assert (owed.unlimited, owed.open, owed.face_fen) == (1, 1, 100)
    assert totals(conn) == {"issued": 2, "redeemed": 0, "outstanding": 2, "liability_fen": 200}


def test_half_of_what_is_forecast_comes_out_below_the_middle(conn: psycopg.Connection) -> None:
    """A back-test on a pond that was made up: at each of 24 weeks, what was then open against what it cost in the end."""
    ids = publish(conn, TWO.replace("valid_days: 14", "valid_days: 7"))
    dice, touch, inside, below = np.random.default_rng(5), 0, 0, 0
    for week in range(30):
        now = T0 + week * WEEK
        while run(conn, now).busy():
            pass
        granted = issue(conn, now, [Wanted(p, ids["half"], 0, touch + p) for p in range(1, 61)])
        touch += 60
        owed = liability(conn, now)
        used = [g.code or "" for g in granted if dice.random() < 0.25]
        cost = redeem(conn, now, [Redeem(c, c, c, int(dice.choice([1000, 2000, 4000])), at=now) for c in used])
        if week >= 6:
            total = sum(answer.discount_fen for answer in cost)
            inside += owed.p10_fen <= total <= owed.p90_fen
            below += total <= owed.p50_fen
    assert 15 <= inside <= 24, inside
    assert 6 <= below <= 18, below


@pytest.fixture
def busy(conn: psycopg.Connection) -> dict[str, int]:
    """Two offers with something of everything."""
    ids = publish(conn, TWO)
    people(conn, 1, 2, 3)
    for person in (1, 2, 3):
        happen(conn, person, "registered", day(0))
    run(conn, day(30))
    granted = issue(conn, day(30), [Wanted(1, ids["steps"], 1, 1), Wanted(2, ids["steps"], 2, 2)])
    one, two = sorted(granted, key=lambda coupon: coupon.touch_id)
    redeem(conn, day(31), [Redeem("r", one.code or "", "o", 2000), Redeem("s", two.code or "", "o", 2000, 1)])
    happen(conn, 1, "ordered", day(31), order_id="o", amount_fen=1700)
    run(conn, day(31))
    return ids


@pytest.mark.usefixtures("busy")
def test_an_offer_shows_its_rungs_its_refusals_and_who_waits(conn: psycopg.Connection) -> None:
    found = show(conn, day(32), "steps")
    assert (found["sort"], found["version"], found["terms"]["patience"]) == ("ladder", 1, 1)
    assert [(r["rung"], r["pay_percent"], r["open"], r["redeemed"], r["spent_fen"]) for r in found["coupons"]] == [
        (1, 85, 0, 1, 300),
        (2, 43, 1, 0, 0),
    ]
    assert found["refused"] == []
    assert found["ladder"]["places"] == [
        {"side": "down", "rung": 1, "people": 2},
        {"side": "up", "rung": 4, "people": 1},
    ]
    assert found["ladder"]["waited"] == [{"waited": 1, "people": 1}]
    assert found["ladder"]["waiters"] == 1, "ordered only after a rung down, and the patience is 1"
    run(conn, day(31 + 60))
    assert show(conn, day(92), "steps")["ladder"]["stopped"] == 1
    assert {"at": "issue", "reason": Reason.WAITER, "n": 1} in show(conn, day(92), "steps")["refused"]
    assert [part["rung"] for part in found["liability"]] == [2]
    with pytest.raises(YutangError, match="did you mean 'steps'"):
        show(conn, day(32), "step")


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    with serving(url) as base, httpx.Client(base_url=base, timeout=30, headers=BEARER) as client:
        yield client


@pytest.fixture
def codes(conn: psycopg.Connection) -> list[str]:
    granted = issue(conn, NOW - timedelta(days=3), [Wanted(p, publish(conn, TWO)["half"], 0, p) for p in range(1, 9)])
    return [g.code or "" for g in sorted(granted, key=lambda g: g.touch_id)]


def ask(web: httpx.Client, path: str, body: Any) -> Any:
    answer = web.post(f"/v1/redemptions{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_till_online(web: httpx.Client, codes: list[str], conn: psycopg.Connection) -> None:
    a, b, c, _, *_ = codes
    use = {"request_id": "1", "code": a, "order_id": "o", "amount_fen": 2001}
    assert ask(web, "/check", [use])[0]["discount_fen"] == 1001
    assert conn.execute("select from redemption").fetchall() == []
    held = ask(web, "/reserve", [use | {"request_id": "h", "code": b, "minutes": 5}])[0]
    assert (held["state"], held["discount_fen"]) == ("held", 1001)
    other = ask(web, "", use | {"request_id": "2", "code": b, "order_id": "p"})
    assert (other["reason"], other["against"], other["ok"]) == ("reserved", "h", False)
    assert [r["state"] for r in ask(web, "/confirm", {"request_ids": ["h"]})] == ["done"]
    assert ask(web, "/release", {"request_ids": ["h"]})[0]["reason"] == "already_redeemed"
    stacked = ask(web, "", [use | {"request_id": "3", "code": c}])[0]
    assert (stacked["reason"], stacked["against"]) == ("stacking", b)
    assert "another coupon" in stacked["detail"]
    for path, body in (
        ("/reserve", [use | {"order_id": None}]),
        ("/reserve", [use | {"minutes": 0}]),
        ("/confirm", {"request_ids": []}),
    ):
        assert web.post(f"/v1/redemptions{path}", json=body).status_code == 400


def test_a_till_that_comes_back(web: httpx.Client, codes: list[str]) -> None:
    a, b, *_ = codes
    at = (NOW - timedelta(days=1)).isoformat()
    rows = [
        {"request_id": str(n), "code": code, "order_id": str(n), "discount_fen": 900, "at": at}
        for n, code in enumerate([a, a, b])
    ]
    first = ask(web, "", rows)
    assert [(r["ok"], r["reconcile"], r["against"]) for r in first] == [
        (True, "booked", None),
        (False, "conflict", "0"),
        (True, "booked", None),
    ]
    assert ask(web, "", rows) == first
    assert ask(web, "", rows[0]) == first[0], "one by one as well"
    reused = ask(web, "", rows[2] | {"code": a})
    assert (reused["ok"], reused["reason"], reused["reconcile"]) == (False, "id_reused", "new_id"), "never 'booked'"
    listed = web.get("/v1/redemptions/conflicts").json()
    assert [(c["request_id"], c["discount_fen"], c["reason"]) for c in listed] == [("1", 900, "already_redeemed")]
    assert web.get("/v1/redemptions/conflicts?limit=0").status_code == 400


def test_codes_cannot_be_found_by_trying(web: httpx.Client, codes: list[str]) -> None:
    wrong = [{"request_id": f"x{n}", "code": f"guess{n}"} for n in range(29)]
    ask(web, "", wrong)
    assert ask(web, "", {"request_id": "good", "code": codes[0], "order_id": "o", "amount_fen": 100})["ok"]
    ask(web, "", {"request_id": "last", "code": "guess"})
    for path, body in (
        ("", {"request_id": "n", "code": codes[1]}),
        ("/check", [{"request_id": "n", "code": codes[1]}]),
    ):
        refused = web.post(f"/v1/redemptions{path}", json=body)
        assert (refused.status_code, refused.json()["reason"]) == (429, Reason.TOO_MANY_TRIES)


def test_offers_as_json(web: httpx.Client, codes: list[str]) -> None:
    assert [(o["offer"], o["sort"]) for o in web.get("/v1/offers").json()] == [("half", "coupon"), ("steps", "ladder")]
    half = web.get("/v1/offers/half").json()
    assert (half["stock"]["issued"], half["coupons"][0]["open"], half["liability"][0]["open"]) == (8, 8, len(codes))
    assert web.get("/v1/offers/none").status_code == 404
    owed = web.get("/v1/liability").json()
    assert owed["open"] == 8
    assert owed["p10_fen"] <= owed["p50_fen"] <= owed["p90_fen"]


@pytest.mark.usefixtures("busy")
def test_the_same_by_command(conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "opened", lambda: nullcontext(App(url, VAULT, lambda: day(32))))
    redeem(conn, day(32), [Redeem("late", "nobody's", None, None, None, 70, day(31), how="offline")])

    def said(*words: str) -> str:
        result = CliRunner().invoke(app, ["offer", *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "steps" in said("list")
    told = said("show", "steps")
    assert "等券的人 waiters (≥ 1): 1" in told
    assert json.loads(said("show", "steps", "--json"))["ladder"]["waiters"] == 1
    assert "P90" in said("liability")
    assert json.loads(said("liability", "--json"))["open"] == 1
    assert "nobody's" in said("conflicts")
    assert json.loads(said("conflicts", "--json"))[0]["discount_fen"] == 70
