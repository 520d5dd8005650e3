"""One change of a brand, from the draft to its effect: rehearsed, replayed, approved, launched, edited live, measured."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from replays import Brand, sums
from yutang import plan
from yutang.brand import load_brand, shipped
from yutang.brand.scene import find, lay
from yutang.demo.synthetic import Coffee
from yutang.insight.experiment import effect
from yutang.model import Reason
from yutang.replay import backtest, dry_run
from yutang.replay.ticks import parse_tick
from yutang.why import why

TICK = parse_tick("10:00,20:00")
LAUNCH, EDIT, END = 12, 20, 40
"""Days lived through when the draft is launched, when it is edited, and at the end; the first day is 1 March, members meet on the 13th."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shipped brand under one's own hands; nothing that sends may change without a second person."""
    found = Path(shutil.copytree(shipped()["luckin"], tmp_path / "mine"))
    with (found / "pond.toml").open("a", encoding="utf-8") as pond:
        pond.write("\n[approval]\nrequired = true\n")
    return found


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_from_the_draft_to_its_effect(conn: psycopg.Connection, url: str, folder: Path) -> None:
    first = load_brand(folder)
    life = Brand(url, Coffee(first.pond["time_zone"], people=120, seed=4), first)
    life.live(LAUNCH, TICK)
    untouched = sums(conn)

    # The draft: a ready scene, made one's own.
    lay(folder, find("member_day"), "sandbox")
    change(folder / "journeys/member_day.yml", "holdout_percent: 5", "holdout_percent: 30")
    draft = load_brand(folder)
    on_trial = {
        "journey": {"member_day": draft.journeys["member_day"]},
        "message": draft.messages,
        "offer": draft.offers,
        "segment": draft.segments,
    }

    # Before: what it will do, and what it would have done; neither touches a live row.
    ahead = dry_run(url, on_trial, life.until(), 10, tick=TICK)
    behind = backtest(url, on_trial, life.since, life.until(), tick=TICK)
    assert sums(conn) == untouched
    rehearsed = {one.what: one.figure.value for one in ahead.entries if one.what[0] == "member_day"}
    assert sum(rehearsed.values()) > 20
    assert ahead.liability.p10_fen <= ahead.liability.p50_fen <= ahead.liability.p90_fen
    assert not [one for one in behind.entries if one.what[0] == "member_day"], "no 13th lies in the first twelve days"

    # The launch: nobody applies alone.
    now = life.until()
    made = plan.make(conn, now, draft, "lina", life.channels)
    for name in ("lina", "Lina"):
        with pytest.raises(plan.PlanRefused) as own:
            plan.approve(conn, now, made.plan_id, name)
        assert own.value.reason is Reason.OWN_PLAN
    with pytest.raises(plan.PlanRefused) as early:
        plan.apply(conn, now, made.plan_id, "lina", life.channels)
    assert early.value.reason is Reason.NOT_APPROVED
    plan.approve(conn, now, made.plan_id, "chen")
    assert plan.apply(conn, now, made.plan_id, "lina", life.channels).state == "applied"
    life.live(EDIT - LAUNCH, TICK)
    entered = conn.execute(
        "select e.arm, count(*)::int as n from enrolment e join definition d on d.definition_id = e.journey_id and d.version = e.version "
        "where d.name = 'member_day' group by e.arm"
    ).fetchall()
    assert {row.arm for row in entered} >= {"treated", "holdout"}
    # What people did after the rehearsal moved a few into the audience; nobody who was to come was lost.
    assert sum(row.n for row in entered) >= sum(rehearsed.values())

    # The live edit: said before it is made, for everybody on the way.
    change(folder / "journeys/repurchase.yml", "  - wait: {days: 5}\n", "  - wait: {days: 5}\n  - tag: 复购/已提醒\n")
    edited = plan.make(conn, life.until(), load_brand(folder), "lina", life.channels)
    (flight,) = [one for one in edited.shown["flight"] if one["journey"] == "repurchase"]
    assert sum(group["people"] for group in flight["groups"]) == standing(conn, "repurchase") > 0
    plan.approve(conn, life.until(), edited.plan_id, "chen")
    plan.apply(conn, life.until(), edited.plan_id, "lina", life.channels)
    assert {row.version for row in versions(conn, "repurchase")} == {2}
    life.live(END - EDIT, TICK)
    assert conn.execute("select count(*) as n from tag where tag = '复购/已提醒'").fetchone().n > 0  # type: ignore[union-attr]

    # Afterwards: a replay of the days gives the live run back, and the effect is read.
    replayed = backtest(url, {}, life.since, life.since + timedelta(days=LAUNCH), tick=TICK)
    assert replayed.sent == behind.sent
    found = effect(conn, life.until(), "member_day", 14)
    arms = {row.arm: row.n for row in entered}
    assert (found.treated.people, found.control.people) == (arms["treated"], arms["holdout"])
    assert found.verdict.code == "too_few", "a few dozen people prove nothing, and it says so"
    somebody = conn.execute("select person_id from enrolment where arm = 'holdout' limit 1").fetchone()
    assert somebody is not None
    assert Reason.HOLDOUT.value in str(why(conn, somebody.person_id, life.until()))


def standing(conn: psycopg.Connection, journey: str) -> int:
    return len(versions(conn, journey))


def versions(conn: psycopg.Connection, journey: str) -> list:
    """Everybody who is on a journey now, with the version."""
    return conn.execute(
        "select e.version from enrolment e join (select distinct definition_id, name from definition) d "
        "on d.definition_id = e.journey_id where d.name = %s and e.state = 'active'",
        [journey],
    ).fetchall()
