"""A draft on recorded events, against what arithmetic says; scratch schemas that come and go; figures from a sample."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from commands import Run
from replays import seen, sums
from yutang import definitions, ingest, worker
from yutang.channels.contract import Allowance
from yutang.channels.sandbox.send import Sandbox
from yutang.db.connect import connect
from yutang.journey import journey
from yutang.model import YutangError
from yutang.replay import Asked, backtest, dry_run, hands, play, scratch, sweep
from yutang.replay.copying import portions, sampled
from yutang.replay.room import make_sure
from yutang.replay.run import silent
from yutang.replay.ticks import parse_tick
from yutang.segment import language
from yutang.source import load
from yutang.vault import Vault

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = datetime(2026, 3, 1, tzinfo=ZONE)
PEOPLE, DAYS = 60, 24
TITLE = {"zh": "试", "en": "Test"}
COUPON = {
    "sort": "coupon", "title": TITLE, "pay_percent": None, "off_fen": 500, "minimum_fen": 0, "valid_days": 7, "per_person": 1,
    "stackable": False, "value_fen": 500, "stock": None, "budget_fen": None,
}  # fmt: skip
DRAFT = """
title: {zh: 关怀, en: Care}
trigger: {event: registered}
goal: {event: ordered}
steps:
  - wait: {days: 2}
  - offer: five
  - message: care
  - wait: {days: 3}
"""


def drafts(text: str = DRAFT, **more: Any) -> dict[str, Any]:
    message = {"title": TITLE, "subject": "你好", "body": "{{ person.name }}，欢迎", "channel": "sandbox"}
    return {
        "journey": {"care": journey(load(text, "care.yml"))},
        "message": {"care": message},
        "offer": {"five": COUPON},
    } | more


@pytest.fixture
def past(conn: psycopg.Connection) -> list[tuple[int, int | None]]:
    """Somebody registers in the morning of a day and may order some days later: (day, days until the order) of each.
    The pond heard of it every evening; nothing was ever sent."""
    dice = random.Random(4)
    people = [(dice.randrange(DAYS), dice.choice([None, 1, 3, 6])) for _ in range(PEOPLE)]
    events: list[list[dict[str, Any]]] = [[] for _ in range(DAYS + 10)]
    for n, (day, wait) in enumerate(people):
        events[day].append(_event(n, "registered", FIRST + timedelta(days=day, hours=9), {}))
        if wait is not None:
            order = {"order_id": f"o{n}", "amount_fen": 1000}
            events[day + wait].append(_event(n, "ordered", FIRST + timedelta(days=day + wait, hours=9), order))
    definitions.publish(conn, FIRST, "pond", "pond", {"holdout_percent": 0}, "test")
    ingest.add_source(conn, FIRST, "shop", "Shop")
    for day, some in enumerate(events[:DAYS]):
        evening = FIRST + timedelta(days=day, hours=20)
        ingest.record(conn, Vault(b"x" * 32), evening, some)
    worker.settle(conn, evening, {"sandbox": Sandbox()})
    return people


def _event(n: int, type: str, at: datetime, props: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"{type}{n}",
        "source": "shop",
        "type": type,
        "at": at.isoformat(),
        "handles": {"shop:s": str(n)},
        "props": props,
    }


def counts(rows: list[Any]) -> dict[tuple[str, ...], float]:
    return {one.what: one.figure.value for one in rows}


def test_a_draft_does_in_the_past_what_arithmetic_says(
    conn: psycopg.Connection, url: str, past: list[tuple[int, int | None]]
) -> None:
    """From the fifth day on: who registered later enters; two evenings later a coupon goes out, unless an order came before."""
    begun, end, before = 5, DAYS, sums(conn)
    report = backtest(
        url, drafts(), FIRST + timedelta(days=begun), FIRST + timedelta(days=end), tick=parse_tick("20:00")
    )
    came = [(day, wait) for day, wait in past if day >= begun]
    told = [(day, wait) for day, wait in came if day + 2 < end and (wait is None or wait > 2)]
    assert counts(report.entries) == {("care", "treated"): len(came)}
    assert counts(report.sent) == {("care", "sandbox"): len(told)}
    days = report.entries_per_day[0].days
    assert {day.day - 1: n.value for day, n in days.items()} == {d: sum(c[0] == d for c in came) for d, _ in came}
    assert report.per_person[1].value == len(told)
    assert report.per_person[0].value == PEOPLE - len(told)
    assert (report.coupons[0].issued.value, report.coupons[0].worth_fen.value) == (len(told), 500 * len(told))
    assert 0 <= report.liability.p10_fen < report.liability.p50_fen < report.liability.p90_fen <= 500 * len(told)
    lines = {step.step: {one.outcome: one.figure.value for one in step.outcomes} for step in report.steps}
    assert lines["message:care"] == {"said": len(told)}
    assert report.steps[0].outcomes[0].outcome == "waited"
    assert report.steps[0].outcomes[0].figure.value == len(told)
    assert report.anyway is not None
    judged = [(day, wait) for day, wait in came if day < end - report.anyway.days]
    assert (report.anyway.entered.value, report.anyway.untouched.value) == (len(judged), len(judged))
    assert report.anyway.share is None, "so few people say nothing"
    assert "不足 30 个" in report.html()
    assert report.anyway.bought.value == sum(wait is not None for _, wait in judged)
    assert sums(conn) == before


REMIND = "title: {zh: 提醒, en: Remind}\ntrigger: {event: viewed}\nsteps:\n  - message: care\n"
THANK = "title: {zh: 致谢, en: Thank}\ntrigger: {event: ordered}\nsteps:\n  - message: care\n"


def test_whom_the_past_touched_says_nothing_of_who_would_have_bought(conn: psycopg.Connection, url: str) -> None:
    """Eighty register. Forty are reminded and order; of the others every second one orders too. Whoever orders is thanked."""
    definitions.publish(conn, FIRST, "pond", "pond", {"holdout_percent": 0}, "test")
    definitions.publish(conn, FIRST, "message", "care", drafts()["message"]["care"], "test")
    for name, text in (("remind", REMIND), ("thank", THANK)):
        definitions.publish(conn, FIRST, "journey", name, journey(load(text, "live.yml")), "test")
    ingest.add_source(conn, FIRST, "shop", "Shop")
    came, later = FIRST + timedelta(days=1, hours=9), FIRST + timedelta(days=3, hours=9)
    events = [_event(n, "registered", came, {}) for n in range(80)]
    events += [_event(n, "viewed", came, {"item": "latte"}) for n in range(40)]
    orders = [
        _event(n, "ordered", later, {"order_id": f"o{n}", "amount_fen": 1000}) for n in (*range(40), *range(40, 80, 2))
    ]
    for at, some in ((came, events), (later, orders)):
        ingest.record(conn, Vault(b"x" * 32), at + timedelta(hours=1), some)
        worker.settle(conn, at + timedelta(hours=1), {"sandbox": Sandbox()})
    assert conn.execute("select count(*) as n from touch where verdict = 'send'").fetchone().n == 100
    found = backtest(url, drafts(), FIRST, FIRST + timedelta(days=20), tick=parse_tick("20:00")).anyway
    assert found is not None
    assert (found.entered.value, found.untouched.value, found.bought.value) == (80, 40, 20)
    assert found.share is not None
    assert found.share.value == 0.5


def test_a_draft_meets_the_journeys_in_service(
    conn: psycopg.Connection, url: str, past: list[tuple[int, int | None]]
) -> None:
    """Both want to speak on the same evening, and the budget has one point: the dearer one is heard, the other waits and says for whom."""
    other = "title: {zh: 在线, en: Live}\ntrigger: {event: registered}\nvalue_fen: 900\nsteps:\n  - wait: {days: 2}\n  - message: care\n"
    budget = {"holdout_percent": 0, "budget": definitions.POND["budget"] | {"marketing": 1}}
    definitions.publish(conn, FIRST, "pond", "pond", budget, "test")
    definitions.publish(conn, FIRST, "message", "care", drafts()["message"]["care"], "test")
    definitions.publish(conn, FIRST, "journey", "live", journey(load(other, "live.yml")), "test")
    found = backtest(url, drafts(), FIRST, FIRST + timedelta(days=DAYS), tick=parse_tick("20:00"))
    met = counts(found.collisions)
    both = sum(day + 2 < DAYS and (wait is None or wait > 2) for day, wait in past)
    assert met["care", "live", "outbid"] == both
    alone = backtest(url, drafts(), FIRST, FIRST + timedelta(days=DAYS), tick=parse_tick("20:00"), alone=True)
    assert alone.collisions == []
    assert counts(alone.sent) == {("care", "sandbox"): both}


def test_a_dry_run_looks_ahead_and_touches_nothing(
    conn: psycopg.Connection, url: str, past: list[tuple[int, int | None]]
) -> None:
    """Everybody who has never ordered enters on the first look, and nobody answers."""
    silent = language.segment(load("title: {zh: 静, en: Silent}\nrule: {count: ordered, exactly: 0}\n", "silent.yml"))
    text = DRAFT.replace("trigger: {event: registered}", "trigger: {segment: silent}")
    before, now = sums(conn), FIRST + timedelta(days=DAYS, hours=9)
    report = dry_run(url, drafts(text, segment={"silent": silent}), now, 10, tick=parse_tick("1h"))
    quiet = sum(wait is None or day + wait >= DAYS for day, wait in past)
    assert counts(report.entries) == {("care", "treated"): quiet}
    assert counts(report.sent) == {("care", "sandbox"): quiet}
    assert set(report.sent_per_day[0].days) == {(now + timedelta(days=2)).date()}
    assert counts(report.ends) == {("care", "done", ""): quiet}
    assert sums(conn) == before
    # The clock goes from one instant at which something is due to the next.
    assert report.passes < 20


@pytest.mark.usefixtures("past")
def test_today_is_replayed_until_now(url: str) -> None:
    """What was to happen this evening is not told as if it had."""
    today = (FIRST + timedelta(days=5)).date()
    now, only = datetime.combine(today, datetime.min.time(), ZONE) + timedelta(hours=19), Asked(["care"], today, today)
    report = play(url, now, "backtest", only, drafts(), ZONE, {}, silent)
    assert (report.until, report.entries) == (now, [])
    with pytest.raises(YutangError, match="has not come yet"):
        play(url, now - timedelta(days=1), "backtest", only, drafts(), ZONE, {}, silent)


class Daily(Sandbox):
    """A sandbox that allows each person one message a day."""

    def allowances(self, _conn: psycopg.Connection, day: date) -> list[Allowance]:
        return [Allowance("message", "person", 1, day, day)]


@pytest.mark.usefixtures("past")
def test_a_report_speaks_of_the_days_of_its_time_zone(url: str) -> None:
    """Whoever asks at midnight in Shanghai asks on the new day there, and not on the one of London."""
    now = datetime(2026, 3, 25, tzinfo=ZONE).astimezone(UTC)
    report = dry_run(url, drafts(), now, 3, tick=parse_tick("1d"), channels={"sandbox": Daily()})
    assert report.to_json()["since"] == "2026-03-25T00:00:00+08:00"
    assert "2026-03-25 00:00 – 2026-03-28 00:00 · Asia/Shanghai" in report.html()
    assert [(one.first, one.last) for one in report.quotas] == [(date(2026, 3, 25), date(2026, 3, 28))]


def test_what_a_killed_run_left_is_dropped_and_a_living_one_stays(conn: psycopg.Connection, url: str) -> None:
    with scratch(url, "living") as living:
        conn.execute("create schema replay_dead")
        conn.execute("comment on schema replay_dead is 'Yutang replay of 1 0.5'")
        conn.execute("create schema replay_of_mine")
        assert sweep(url) == ["replay_dead"]
        assert living.conn.execute("select count(*) as n from person").fetchone().n == 0
    left = conn.execute("select nspname from pg_namespace where nspname like 'replay%'").fetchall()
    conn.execute("drop schema replay_of_mine")
    assert [row.nspname for row in left] == ["replay_of_mine"]


@pytest.mark.usefixtures("past")
def test_an_interrupted_run_leaves_nothing(conn: psycopg.Connection, url: str) -> None:
    def stop(_now: datetime, _share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backtest(url, drafts(), FIRST, FIRST + timedelta(days=9), watch=stop)
    assert conn.execute("select nspname from pg_namespace where nspname like 'replay%'").fetchall() == []


def test_a_scratch_pond_has_names_of_its_own(conn: psycopg.Connection, url: str) -> None:
    """What is written and drawn there is not seen here, and the other way round."""
    conn.execute("insert into person (bucket, person_id, created_at) values (1, 1, '2026-01-01 00:00+00')")
    with scratch(url) as made:
        made.conn.execute("select nextval('touch_id')")
        assert made.conn.execute("select count(*) as n from person").fetchone().n == 0
        # An open transaction of the live pond holds up its own readers of news, and not those of the scratch pond.
        with connect(url) as other, other.transaction():
            mine = other.execute("select pg_current_xact_id()::text as xid").fetchone().xid
            made.conn.execute("insert into person (bucket, person_id, created_at) values (2, 2, '2026-01-01 00:00+00')")
            question = f"select pg_snapshot_xmin(pg_current_snapshot()) > '{mine}'::xid8 as beyond"
            assert [who.execute(question).fetchone().beyond for who in (made.conn, conn)] == [True, False]
    assert conn.execute("select is_called from touch_id").fetchone().is_called is False


def test_a_sample_grows_and_keeps_who_was_in_it() -> None:
    def buckets(share: float) -> set[int]:
        return {n for part in portions(sampled(share), 5_000_000) for n in range(part.lo, part.hi + 1)}

    small, large = buckets(0.01), buckets(0.1)
    assert (len(small), len(large), len(buckets(1.0))) == (10, 102, 1024)
    assert small < large
    assert max(part.hi - part.lo for part in portions(sampled(1.0), 50_000_000)) == 2


def test_no_room_is_said_before_anything_is_written(conn: psycopg.Connection) -> None:
    with pytest.raises(YutangError, match="take a sample"):
        make_sure(conn, 10**18)
    make_sure(conn, 1)


def test_nothing_to_replay_is_an_error(url: str) -> None:
    with pytest.raises(YutangError, match="must be before"):
        backtest(url, {}, FIRST, FIRST)
    with pytest.raises(YutangError, match="nobody"):
        dry_run(url, {}, FIRST)


@pytest.mark.usefixtures("past")
def test_the_page_stands_alone_and_escapes_what_people_wrote(url: str) -> None:
    text = DRAFT.replace("zh: 关怀", 'zh: "<script>关怀</script>"')
    report = backtest(url, drafts(text), FIRST, FIRST + timedelta(days=5), tick=parse_tick("20:00"), share=0.6)
    page = report.html()
    assert "&lt;script&gt;关怀&lt;/script&gt;" in page
    assert not re.search(r"<script|<link|https?://|src=", page)
    assert "回测" in page
    assert 'name="viewport"' in page
    assert "95%" in page
    found = json.loads(json.dumps(report.to_json()))
    assert found["drafts"] == ["care"]
    assert found["persons"] < found["people"] == PEOPLE


def test_several_hands_find_what_one_finds(
    url: str, past: list[tuple[int, int | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each hand plays other people; together they are everybody. Where something can run out, there is one hand."""
    monkeypatch.setattr(hands.os, "cpu_count", lambda: 3)
    asked = (url, drafts(), FIRST, FIRST + timedelta(days=9))
    one = backtest(*asked, tick=parse_tick("20:00")).to_json()
    monkeypatch.setattr(hands, "ENOUGH", 1)
    with seen("yutang.replay.backtest", pictures := []):
        three = backtest(*asked, tick=parse_tick("20:00")).to_json()
    assert three["passes"] > one["passes"]
    assert len(pictures[0]["profile"]) == sum(day < 9 for day, _ in past)
    for name in one.keys() - {"passes"}:
        assert three[name] == one[name], name
    short = {"offer": {"five": COUPON | {"stock": 3}}}
    limited = backtest(url, drafts() | short, FIRST, FIRST + timedelta(days=9), tick=parse_tick("20:00"))
    assert limited.coupons[0].issued.value == 3
    assert limited.passes == one["passes"]


@pytest.mark.usefixtures("past")
def test_when_one_hand_fails_the_others_stop(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(hands, "ENOUGH", 1)

    def fail(_now: datetime, share: float) -> None:
        if share:
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        backtest(url, drafts(), FIRST, FIRST + timedelta(days=20), tick=parse_tick("20:00"), watch=fail)
    assert conn.execute("select nspname from pg_namespace where nspname like 'replay%'").fetchall() == []


@pytest.mark.usefixtures("past")
def test_the_commands_write_what_the_functions_find(yutang: Run, tmp_path: Path) -> None:
    days = ("--from", "2026-03-01", "--to", "2026-03-06", "--tick", "10:00,20:00")
    done = yutang("backtest", "welcome", "--brand", "luckin", *days, "--html", str(tmp_path / "r.html"), "--json")
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["kind"], found["drafts"], found["people"]) == ("backtest", ["welcome"], PEOPLE)
    assert sum(one["figure"]["value"] for one in found["entries"]) > 0
    assert "新客欢迎" in (tmp_path / "r.html").read_text("utf-8")
    ahead = yutang("dryrun", "welcome", "--brand", "luckin", "--days", "2", "--sample", "50%")
    assert "P50" in ahead.stdout
    for wrong, hint in (("--sample", "x"), ("--tick", "x"), ("--brand", "nowhere")):
        refused = yutang("backtest", "welcome", "--brand", "luckin", *days, wrong, hint, code=2)
        assert f"'{hint}'" in refused.stderr
    for change in (("--from", "2026-03-07"), ("--to", "2199-01-01")):
        assert change[1] in yutang("backtest", "welcome", "--brand", "luckin", *days, *change, code=2).stderr
    assert "known are none" in yutang("dryrun", "welcome", code=2).stderr
