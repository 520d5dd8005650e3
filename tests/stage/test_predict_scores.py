"""The scores on real tables: of whom they speak, how near they come to the dice, why, and when nothing is said."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from statistics import mean
from typing import Any

import httpx
import psycopg
import pytest

import cells
from buyers import FIRST, Bought, buyers, days_of, write
from commands import Run
from edges import BEARER, serving
from leads import Town, clippers, lookers, settle
from yutang import definitions
from yutang.clock import system_now
from yutang.predict import backtest
from yutang.predict.person import person
from yutang.predict.report import Report
from yutang.predict.scores import reading
from yutang.predict.train import train
from yutang.segment.language import from_json
from yutang.segment.refresh import refresh

NOW = datetime(2026, 1, 1, 4, tzinfo=UTC)
TODAY = date(2026, 1, 1)


def model(report: Report, name: str) -> Any:
    return next(one for one in report.models if one.name == name)


def result(report: Report, name: str, candidate: str) -> dict[str, Any]:
    return next(one["accuracy"] for one in model(report, name).metrics["results"] if one["name"] == candidate)


def said(conn: psycopg.Connection, name: str) -> dict[int, float]:
    return dict(conn.execute("select person_id, value from prediction where name = %s", (name,)).fetchall())


def speaks(report: Report, name: str) -> Any:
    """The model serves, and its figures are better than those of every baseline."""
    found = model(report, name)
    assert found.state == "serving"
    best = result(report, name, found.metrics["chosen"])
    for one in found.metrics["results"]:
        if one["baseline"]:
            assert best["deviance"] < one["accuracy"]["deviance"]
            assert best["rmse"] < one["accuracy"]["rmse"]
    assert found.metrics["results"][0]["accuracy"]["auc"] == pytest.approx(0.5, abs=0.08), "the same of everybody"
    assert best["auc"] > 0.6
    assert best["lift"] > 1.2
    for part in found.metrics["reliability"]:
        assert part["predicted"] == pytest.approx(part["real"], abs=0.13)
    return found


def test_who_leaves(conn: psycopg.Connection) -> None:
    """Asked of whoever ordered in the last 90 days, in the back-test and today; the truth is counted in plain Python."""
    bought = buyers(900, 365, shape=9.0)
    write(conn, bought)
    report = train(conn, NOW)
    found = speaks(report, "churn_90d")
    truth = []
    for n in range(3):
        end = TODAY - timedelta(90 + 45 * n)
        for days in days_of(bought).values():
            if sum(end - timedelta(90) <= day < end for day in days):
                truth += [not sum(end <= day < end + timedelta(90) for day in days)]
    share = result(report, "churn_90d", "share")
    assert share["people"] == len(truth)
    parts = found.metrics["reliability"]
    assert sum(part["real"] * part["people"] for part in parts) == pytest.approx(sum(truth))
    told = said(conn, "churn_90d")
    assert told.keys() == {p for p, days in days_of(bought).items() if max(days) >= TODAY - timedelta(90)}
    silent = {p: (TODAY - max(days)).days for p, days in days_of(bought).items() if p in told and len(days) > 8}
    lately = [told[p] for p, days in silent.items() if days <= 5]
    gone = [told[p] for p, days in silent.items() if days >= 60]
    assert min(len(lately), len(gone)) > 5
    assert mean(lately) < 0.35 < 0.75 < mean(gone)
    assert model(report, "lead_30d").state == model(report, "p_redeem").state == "abstained"


def test_why_somebody_will_leave(conn: psycopg.Connection) -> None:
    bought = buyers(600, 365, shape=9.0)
    write(conn, bought)
    train(conn, NOW)
    told = said(conn, "churn_90d")
    worst = max((p for p, days in days_of(bought).items() if p in told and len(days) > 8), key=told.__getitem__)
    (churn,) = [one for one in person(conn, worst) if one.name == "churn_90d"]
    assert churn.value == told[worst]
    assert churn.alike == pytest.approx(churn.value, abs=0.13)
    days = (TODAY - max(days_of(bought)[worst])).days
    assert 2 <= len(churn.because) <= 4
    assert [abs(one.effect) for one in churn.because] == sorted(
        (abs(one.effect) for one in churn.because), reverse=True
    )
    up = [one for one in churn.because if one.effect > 0]
    assert up
    assert all(one.zh.endswith("→ 更可能流失") and one.en.endswith("→ more likely to leave") for one in up)
    values = {one.feature: one.value for one in churn.because}
    if "silence" in values:
        assert values["silence"] == pytest.approx(days)
    assert {"silence", "overdue", "orders_28d", "orders_90d"} & values.keys()
    cells.add(conn, [(worst, "ordered", TODAY, 1, 1)])
    (again,) = [one for one in person(conn, worst) if one.name == "churn_90d"]
    assert again.because == churn.because, "what has happened since the training moved nothing"


def test_who_orders_for_the_first_time(conn: psycopg.Connection) -> None:
    town = lookers(2500, 365)
    settle(conn, town)
    report = train(conn, NOW)
    speaks(report, "lead_30d")
    told = said(conn, "lead_30d")
    bought = {cell[0] for cell in town.cells if cell[1] == "ordered"}
    assert told.keys() == town.people - bought
    views = dict.fromkeys(told, 0)
    for who, type, day, n, _ in town.cells:
        if type == "viewed" and who in views and day >= TODAY - timedelta(28):
            views[who] += n
    busy = [told[p] for p, n in views.items() if n >= 8]
    still = [told[p] for p, n in views.items() if n == 0]
    assert min(len(busy), len(still)) > 10
    assert mean(busy) > 3 * mean(still)
    eager = max(told, key=told.__getitem__)
    (lead,) = person(conn, eager)
    assert any("浏览" in one.zh and one.zh.endswith("更可能下首单") for one in lead.because)
    assert any("looked" in one.en and one.en.endswith("→ more likely to order") for one in lead.because)
    cells.add(conn, [(eager, "ordered", TODAY, 1, 5000)])
    later = train(conn, NOW + timedelta(days=1))
    assert eager not in said(conn, "lead_30d"), "who has ordered is no lead any more"
    (drift,) = model(later, "lead_30d").drift
    assert drift.metrics["real"] == 1
    daily = sum(1 - (1 - value) ** (1 / 30) for value in told.values())
    assert drift.metrics["predicted"] == pytest.approx(daily, rel=1e-3)


def test_who_uses_coupons(conn: psycopg.Connection) -> None:
    """The dice give everybody a chance of their own, and a short coupon half of it."""
    town = clippers(260, 360)
    settle(conn, town)
    report = train(conn, NOW)
    found = speaks(report, "p_redeem")
    assert "lot" in found.note["en"]
    told = said(conn, "p_redeem")
    assert told.keys() == town.people
    own: dict[int, list[bool]] = {}
    for _, who, _, _, used in town.coupons:
        own.setdefault(who, []).append(used is not None)
    often, never = (
        [told[p] for p, uses in own.items() if low <= mean(uses) <= high] for low, high in ((0.45, 1), (0, 0))
    )
    assert min(len(often), len(never)) > 10
    assert mean(often) > 0.3 > 0.1 > mean(never)
    keen = max(told, key=told.__getitem__)
    (redeem,) = [one for one in person(conn, keen) if one.name == "p_redeem"]
    assert redeem.because[0].effect > 0
    assert redeem.because[0].zh.endswith("更可能用券")


def test_coupons_given_since_are_held_against_what_was_said(conn: psycopg.Connection) -> None:
    """Of everybody's next coupon, as many uses as come by such an age."""
    town = clippers(260, 360)
    settle(conn, town)
    train(conn, NOW)
    told = said(conn, "p_redeem")
    later = Town()
    for n, who in enumerate([*sorted(told)[:120], 99_999]):
        issued = TODAY + timedelta(n % 5)
        ends = issued + timedelta(19)
        used = issued + timedelta(n % 12) if n % 3 == 0 else None
        later.cells.append((who, "viewed", issued, 1, 0))
        later.coupons += [
            (f"next{who}", who, issued, ends, used),
            (f"second{who}", who, issued + timedelta(2), ends, None),
        ]
    settle(conn, later)
    (drift,) = model(train(conn, NOW + timedelta(days=9)), "p_redeem").drift
    ended = [one for one in town.coupons if one[3] < TODAY + timedelta(9)]
    ages = [((used - issued).days + 1) / ((ends - issued).days + 1) for _, _, issued, ends, used in ended if used]
    share = {n: mean(age <= (9 - n) / 20 for age in ages) for n in range(5)}
    assert 0.1 < share[4] < share[0] < 0.9
    first = [one for one in later.coupons if one[0].startswith("next") and one[1] in told]
    expected = sum(told[who] * share[(issued - TODAY).days] for _, who, issued, _, _ in first)
    assert drift.metrics["people"] == 120, "of the stranger nothing was said"
    assert drift.metrics["predicted"] == pytest.approx(expected, rel=1e-4)
    assert drift.metrics["real"] == sum(used is not None and used < TODAY + timedelta(9) for *_, used in first)


def test_a_use_after_the_end_is_no_use(conn: psycopg.Connection) -> None:
    town = clippers(120, 360)
    settle(conn, Town(town.cells, [(c, p, i, e, e + timedelta(3) if u else None) for c, p, i, e, u in town.coupons]))
    found = model(train(conn, NOW), "p_redeem")
    assert found.state == "abstained"
    assert "50 more coupons with the rarer outcome" in found.verdict["en"]


def test_where_nothing_can_be_told_nothing_is_said(conn: psycopg.Connection) -> None:
    """First orders by the same chance every day, whoever it is and whatever they do."""
    dice, town = random.Random(8), Town()
    for who in range(1, 2001):
        joined = dice.randrange(340)
        town.cells.append((who, "registered", FIRST + timedelta(joined), 1, 0))
        for day in range(joined + 1, 365):
            if dice.random() < 0.03:
                town.cells.append((who, "viewed", FIRST + timedelta(day), 1, 0))
            if dice.random() < 0.004:
                town.cells.append((who, "ordered", FIRST + timedelta(day), 1, 100))
                break
    settle(conn, town)
    found = model(train(conn, NOW), "lead_30d")
    assert found.state == "refused"
    assert found.metrics["chosen"] == "share"
    assert found.verdict["zh"] == "不作预测：没有一个模型胜过基线「一视同仁」"
    assert not said(conn, "lead_30d")


def test_what_the_model_of_orders_says_already_is_not_said_twice(conn: psycopg.Connection) -> None:
    """The dice are those of the models of orders, so nothing beats them."""
    write(conn, buyers(600, 365))
    report = train(conn, NOW)
    found = model(report, "churn_90d")
    assert (found.state, found.metrics["chosen"]) == ("refused", "other")
    assert "one less the chance of an order" in found.verdict["en"]
    assert model(report, "p_order_90d").state == "serving"


def test_young_ponds_are_told_what_is_missing(conn: psycopg.Connection) -> None:
    write(conn, buyers(300, 200))
    report = train(conn, datetime(2025, 7, 20, 4, tzinfo=UTC))
    first = min(one.day for one in buyers(300, 200))
    lack = 225 - (date(2025, 7, 20) - first).days
    assert f"{lack} more days of records" in model(report, "churn_90d").verdict["en"]
    assert f"还缺 {lack} 天" in model(report, "churn_90d").verdict["zh"]
    assert "200 more people who had never ordered" in model(report, "lead_30d").verdict["en"]
    assert "300 more coupons" in model(report, "p_redeem").verdict["en"]


def test_without_the_extra_the_card_speaks(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "installed", lambda: False)
    settle(conn, lookers(2500, 365))
    found = speaks(train(conn, NOW), "lead_30d")
    assert found.metrics["chosen"] == "card"
    assert found.metrics["silent"].keys() == {"trees", "blend"}


def test_of_many_people_some_are_learned_from_and_all_are_told(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_PEOPLE", 1800)
    town = lookers(2500, 365)
    settle(conn, town)
    conn.execute("update person set merged_into = 10002 where person_id = 10001")
    found = model(train(conn, NOW), "lead_30d")
    assert found.state == "serving"
    learned = sum(1 for cell in town.cells if cell[1] == "registered" and cell[0] % 1024 <= 1024 * 1800 // 2499 - 1)
    assert max(one["accuracy"]["people"] for one in found.metrics["results"]) < 3 * learned
    bought = {cell[0] for cell in town.cells if cell[1] == "ordered"}
    assert said(conn, "lead_30d").keys() == town.people - bought - {10001}


def test_faces(conn: psycopg.Connection, yutang: Run, url: str) -> None:
    """A rule asks for it; command and API tell why; trees are nobody's reading."""
    behind = system_now().date() - TODAY
    write(conn, [Bought(one.person, one.day + behind, one.fen) for one in buyers(600, 365, shape=9.0)])
    body = {
        "title": {"zh": "险", "en": "Risky"},
        "rule": from_json({"predicted": "churn_90d", "at_least": 0.7}).to_json(),
    }
    definitions.publish(conn, NOW, "segment", "risky", body, "test")
    report = json.loads(yutang("predict", "train", "--json").stdout)
    churn = next(one for one in report["models"] if one["name"] == "churn_90d")
    assert "booster" not in churn["parameters"]["learned"]
    while refresh(conn, system_now()).busy():
        pass
    told = said(conn, "churn_90d")
    risky = {row.person_id for row in conn.execute("select person_id from membership where until is null")}
    assert risky == {p for p, value in told.items() if value >= 0.7}
    assert len(risky) > 5
    text = yutang("predict", "report").stdout
    assert "未来 90 天不再下单的概率" in text
    assert "AUC" in text
    who = str(max(told, key=told.__getitem__))
    assert "→ 更可能流失" in yutang("predict", "person", who).stdout
    with serving(url) as base, httpx.Client(base_url=base, timeout=30, headers=BEARER) as client:
        answer = client.get(f"/v1/persons/{who}/predictions")
        (mine,) = [one for one in answer.json() if one["name"] == "churn_90d"]
        assert mine["value"] == told[int(who)]
        assert mine["because"][0]["en"].endswith("→ more likely to leave")
        assert client.get("/v1/persons/999999999/predictions").status_code == 404
        assert client.get(f"/v1/persons/{who}/predictions", headers={"authorization": "Bearer no"}).status_code == 401
