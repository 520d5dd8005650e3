"""Who enters a journey, when, and how often: by what happens, by the clock, by the day, by the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest

from walks import DAY, HOUR, NOON, Walk, retire_all
from yutang import journey, worker
from yutang.db.connect import connect
from yutang.ingest import catalog
from yutang.journey import schedule
from yutang.model import Only, bucket_of

SOON = "steps: [{message: hello}]"
LATER = "steps: [{wait: {days: 30}}, {message: hello}]"
AT_TEN = "audience: {tag: vip}\ntrigger: {schedule: {at: '10:00'}}\n"
TEN = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
"""Ten o'clock in Shanghai, the morning after NOON."""
MOVE = "update enrolment set state = 'done', due_at = null, ended_at = entered_at where person_id = %s"


@pytest.fixture
def walk(conn) -> Walk:
    return Walk(conn)


def vip(walk: Walk) -> int:
    person = walk.known()
    walk.tag(person, "vip")
    return person


def causes(walk: Walk, person: int) -> list[str]:
    return [run.cause for run in walk.runs(person)]


def test_one_of_several_events_is_enough_and_the_run_knows_what_it_said(walk):
    walk.start(f"trigger: {{event: [ordered, refunded], where: {{store: S1}}}}\n{SOON}")
    people = [walk.person() for _ in range(3)]
    first = walk.happened(people[0], "ordered", store="S1", amount_fen=7)
    walk.happened(people[1], "refunded", store="S1")
    walk.happened(people[2], "ordered", store="S2")
    walk.advance()
    assert [len(walk.runs(person)) for person in people] == [1, 1, 0]
    assert walk.runs(people[0])[0].cause == f"event:{first}"
    assert walk.runs(people[0])[0].about == {"store": "S1", "amount_fen": 7}


def test_leaving_a_segment_begins_a_run_but_being_merged_away_does_not(walk):
    sleepers = walk.segment()
    walk.start(f"trigger: {{left: sleepers}}\n{SOON}")
    gone, merged, stays = (walk.person() for _ in range(3))
    for person in (gone, merged, stays):
        walk.comes_in(person, sleepers)
    walk.advance()
    assert not walk.runs(gone)
    walk.conn.execute("update person set merged_into = %s where person_id = %s", (gone, merged))
    for person in (gone, merged):
        walk.goes_out(person, NOON + DAY)
    walk.advance(NOON + DAY)
    walk.advance(NOON + DAY)
    assert (causes(walk, gone), causes(walk, merged), causes(walk, stays)) == (
        ["left:2026-03-03T04:00:00.000000"], [], [],
    )  # fmt: skip


def test_a_schedule_fires_once_at_each_of_its_times_for_its_audience(walk):
    walk.start(f"{AT_TEN}reentry: always\n{SOON}")
    inside, outside = vip(walk), walk.known()
    walk.advance(NOON)
    assert not walk.runs(inside)
    for hours in (-1, 0, 0, 1, 23, 24):
        walk.advance(TEN + hours * HOUR)
    assert causes(walk, inside) == ["schedule:2026-03-03T02:00", "schedule:2026-03-04T02:00"]
    assert not walk.runs(outside)
    assert [(f.fires_at, f.state, f.entered) for f in walk.firings()] == [(TEN, "fired", 1), (TEN + DAY, "fired", 1)]


def test_an_idle_loop_wakes_for_a_schedule_and_rests_again(walk):
    walk.start(f"{AT_TEN}{LATER}")
    person = vip(walk)
    worker.settle(walk.conn, NOON, {})
    assert "journey" not in worker.due_stages(walk.conn, TEN - HOUR, {})
    assert "journey" in worker.due_stages(walk.conn, TEN, {})
    worker.run_once(walk.conn, TEN, {}, due=worker.due_stages(walk.conn, TEN, {}))
    assert len(walk.runs(person)) == 1
    worker.settle(walk.conn, TEN, {})
    assert "journey" not in worker.due_stages(walk.conn, TEN, {})
    retire_all(walk)
    walk.advance(TEN)
    assert "journey" not in worker.due_stages(walk.conn, TEN + DAY, {})


def test_what_was_missed_fires_late_and_what_is_too_old_is_passed_over(walk):
    """Down for ten days: of the ten firings the last three still fire, each once, the others are seen to have been passed over."""
    walk.start(f"{AT_TEN}reentry: each_time\nmax_age_days: 3\n{LATER}")
    person = vip(walk)
    walk.advance(NOON)
    back = TEN + 9 * DAY + HOUR
    walk.advance(back)
    walk.advance(back)
    states = (
        [(f.fires_at - TEN).days for f in walk.firings() if f.state == "fired"],
        [f.state for f in walk.firings()].count("passed_over"),
    )
    assert states == ([7, 8, 9], 7)
    assert len(walk.runs(person)) == 3


def test_a_clock_that_jumps_ahead_and_back_fires_each_time_once(walk):
    walk.start(f"{AT_TEN}reentry: each_time\n{LATER}")
    person = vip(walk)
    walk.advance(NOON)
    walk.advance(TEN + 40 * DAY)
    ahead = len(walk.runs(person))
    for n in range(4):
        walk.advance(TEN + n * DAY - HOUR)
        walk.advance(TEN + n * DAY)
    fired = [f for f in walk.firings() if f.state == "fired"]
    assert len(walk.runs(person)) == ahead + 4 == len(fired)
    assert len({run.cause for run in walk.runs(person)}) == len(fired)


def test_a_firing_that_breaks_off_goes_on_where_it_was(walk, monkeypatch):
    """The process dies between two parts of a firing: everybody still enters once."""
    walk.start(f"{AT_TEN}{LATER}")
    people = [vip(walk) for _ in range(40)]
    low, high = people[0], vip_in(walk, 700)
    walk.advance(NOON)
    holding, parts = schedule.segment.holding, []

    def dies(conn, rule, now, only):
        parts.append(only)
        if only.lo == 256 and len(parts) < 4:
            raise ConnectionError
        return holding(conn, rule, now, only)

    monkeypatch.setattr(schedule.segment, "holding", dies)
    with pytest.raises(ConnectionError):
        walk.advance(TEN)
    assert (len(walk.runs(low)), len(walk.runs(high))) == (1, 0)
    assert "journey" in worker.due_stages(walk.conn, TEN, {})
    walk.advance(TEN + HOUR)
    assert (len(walk.runs(low)), len(walk.runs(high))) == (1, 1)
    assert [part.lo for part in parts].count(0) == 1
    assert [(f.state, f.entered) for f in walk.firings()] == [("fired", 41)]
    assert {run.cause for person in (low, high) for run in walk.runs(person)} == {"schedule:2026-03-03T02:00"}


def vip_in(walk: Walk, bucket: int) -> int:
    """A vip whose bucket is this one."""
    walk.conn.execute("select setval('person_id', %s)", (2048 + bucket - 1,))
    person = vip(walk)
    assert bucket_of(person) == bucket
    return person


def test_a_new_version_keeps_what_the_clock_owes_unless_its_times_are_others(walk):
    walk.start(f"{AT_TEN}reentry: each_time\n{LATER}")
    person = vip(walk)
    walk.advance(NOON)
    walk.start(f"{AT_TEN}reentry: each_time\n{SOON}")
    walk.advance(TEN + HOUR)
    assert causes(walk, person) == ["schedule:2026-03-03T02:00"]
    walk.start(f"{AT_TEN.replace('10:00', '18:00')}reentry: each_time\n{SOON}")
    walk.advance(TEN + DAY + HOUR)
    assert causes(walk, person) == ["schedule:2026-03-03T02:00"]
    assert walk.firings()[-1].state == "passed_over"
    walk.advance(TEN + DAY + 8 * HOUR)
    assert causes(walk, person)[-1] == "schedule:2026-03-04T10:00"


def test_a_date_that_comes_once_fires_once_also_when_it_is_found_late(walk):
    walk.start(
        f"audience: {{tag: vip}}\ntrigger: {{schedule: {{at: '10:00', dates: [2026-03-04]}}}}\nreentry: always\n{SOON}"
    )
    person = vip(walk)
    walk.advance(NOON)
    for hours in (26, 26, 50, 24 * 400):
        walk.advance(TEN + hours * HOUR)
    assert causes(walk, person) == ["schedule:2026-03-04T02:00"]
    assert walk.conn.execute("select due_at from journey_schedule").fetchone().due_at is None


def test_a_brand_that_moves_to_another_zone_fires_by_its_new_clocks(walk):
    walk.start(f"{AT_TEN}reentry: always\n{SOON}")
    person = vip(walk)
    walk.advance(NOON)
    walk.settings(holdout_percent=0, time_zone="Europe/Berlin")
    for hours in (-1, 0, 7, 24):
        walk.advance(TEN + hours * HOUR)
    assert causes(walk, person) == ["schedule:2026-03-03T09:00"]


def test_two_workers_let_a_firing_happen_once(walk, url):
    walk.start(f"{AT_TEN}reentry: each_time\n{LATER}")
    people = [vip(walk) for _ in range(30)]
    walk.advance(NOON)
    ready = Barrier(2)

    def work() -> None:
        with connect(url) as conn:
            ready.wait()
            for _ in range(3):
                journey.advance(conn, TEN)

    workers = [Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    walk.advance(TEN)
    assert [len(walk.runs(person)) for person in people] == [1] * 30
    assert [(f.state, f.entered) for f in walk.firings()] == [("fired", 30)]


def test_the_fast_path_lets_no_schedule_fire(walk):
    walk.start(f"{AT_TEN}{SOON}")
    person = vip(walk)
    walk.advance(NOON)
    walk.advance(TEN, Only(persons=(person,)))
    assert not walk.runs(person)


def test_member_day_is_the_thirteenth_of_every_month(walk):
    walk.start(f"audience: {{tag: vip}}\ntrigger: {{member_day: 13}}\nreentry: always\n{SOON}")
    person = vip(walk)
    for day in range(75):
        walk.advance(TEN + day * DAY)
    assert causes(walk, person) == [f"schedule:2026-{month}-13T02:00" for month in ("03", "04", "05")]


def test_a_birthday_is_kept_on_its_day_in_the_brands_time(walk):
    walk.start(f"trigger: {{anniversary: {{of: birthday}}}}\nreentry: always\n{SOON}")
    born = {
        "march": walk.known(birthday="1990-03-05"),
        "day": walk.known(birthday="03-05"),
        "other": walk.known(birthday="1990-03-06"),
        "baby": walk.known(birthday="2026-03-05"),
        "odd": walk.known(birthday="spring"),
        "number": walk.known(birthday=305),
    }
    for day in range(3):
        walk.advance(TEN + day * DAY)
    entered = {name for name, person in born.items() if walk.runs(person)}
    assert entered == {"march", "day"}
    assert walk.runs(born["march"])[0].about == {"date": "1990-03-05", "years": 36}
    assert walk.runs(born["march"])[0].entered_at == TEN + 2 * DAY


def test_29_february_is_kept_every_year(walk):
    walk.start(f"trigger: {{anniversary: {{of: birthday, days_before: 7}}}}\nreentry: always\n{SOON}")
    person = walk.known(birthday="2000-02-29")
    walk.advance(NOON)
    for year, day in ((2027, 21), (2028, 21), (2028, 22)):
        walk.advance(datetime(year, 2, day, 1, 0, tzinfo=UTC))
        walk.advance(datetime(year, 2, day, 2, 0, tzinfo=UTC))
    assert [run.entered_at.date().isoformat() for run in walk.runs(person)] == ["2027-02-21", "2028-02-22"]


def test_the_anniversary_of_the_first_order_begins_a_year_later(walk):
    walk.start(f"trigger: {{anniversary: {{of: {{event: ordered}}}}}}\n{SOON}")
    old, new = walk.known(), walk.known()
    for person, first in ((old, TEN - 364 * DAY), (new, TEN + DAY - HOUR)):
        walk.conn.execute(
            "insert into tally (bucket, person_id, type, n, amount, first_at, last_at) values (%s, %s, 'ordered', 1, 1, %s, %s)",
            (bucket_of(person), person, first, first),
        )
    for day in range(3):
        walk.advance(TEN + day * DAY)
    assert (len(walk.runs(old)), len(walk.runs(new))) == (1, 0)
    assert walk.runs(old)[0].about == {"date": "2025-03-04", "years": 1}


BUND, HONGQIAO = (31.2400, 121.4900), (31.1979, 121.3363)


def stores(walk: Walk) -> None:
    for name, (lat, lon) in {"bund": BUND, "hongqiao": HONGQIAO}.items():
        walk.define("store", name, {"title": {"zh": name, "en": name}, "lat": lat, "lon": lon})


@pytest.mark.parametrize(
    ("store", "expected"), [("any", ["bund", "hongqiao", None, None]), ("hongqiao", [None, "hongqiao", None, None])]
)
def test_whoever_comes_near_a_store_is_told_which(walk, store, expected):
    stores(walk)
    walk.start(f"trigger: {{near: {{store: {store}, within_m: 800}}}}\n{SOON}")
    places = [
        {"lat": BUND[0] + 0.005, "lon": BUND[1]},
        {"lat": HONGQIAO[0], "lon": HONGQIAO[1] + 0.005},
        {"lat": BUND[0] + 0.008, "lon": BUND[1]},
        {"lat": BUND[0], "lon": BUND[1], "accuracy_m": 2_000},
    ]
    people = [walk.person() for _ in places]
    for person, place in zip(people, places, strict=True):
        walk.happened(person, "located", **place)
    walk.advance()
    abouts = [walk.runs(person)[0].about if walk.runs(person) else {} for person in people]
    assert [about.get("store") for about in abouts] == expected
    assert all(about["title"] == about["store"] for about in abouts if about)
    if store == "any":
        # A two-hundredth of a degree of latitude, and of longitude at 31 degrees north.
        assert [about["distance_m"] for about in abouts[:2]] == [556, 476]


def test_a_place_is_a_place_on_the_globe():
    assert catalog.check("located", b'{"lat": 31, "lon": 121.4, "accuracy_m": 20}') is None
    for wrong in (b'{"lat": 91, "lon": 0}', b'{"lat": 1, "lon": -180.5}', b'{"lat": 1}', b'{"lat": "31", "lon": 121}'):
        assert catalog.check("located", wrong)


def test_a_journey_that_is_only_called_never_begins_by_itself(walk):
    walk.start(f"trigger: {{called: true}}\n{SOON}")
    person = vip(walk)
    walk.happened(person, "ordered")
    walk.advance(TEN)
    assert not walk.runs(person)


def test_each_time_is_a_run_for_every_cause_also_side_by_side(walk):
    walk.start("trigger: {event: ordered}\nreentry: each_time\nsteps: [{wait: {days: 3}}, {message: hello}]")
    person = walk.person()
    for n in range(3):
        walk.happened(person, "ordered", NOON + n * HOUR, order_id=str(n))
    walk.advance(NOON + 2 * HOUR)
    walk.advance(NOON + 2 * HOUR)
    walk.happened(person, "ordered", NOON + DAY, order_id="9")
    walk.advance(NOON + DAY)
    assert [run.about["order_id"] for run in walk.runs(person)] == ["0", "1", "2", "9"]
    walk.advance(NOON + 4 * DAY)
    assert walk.said(person) == ["hello"] * 4


def test_one_at_a_time_the_run_under_way_goes_on(walk):
    walk.start(f"trigger: {{event: ordered}}\nreentry: always\n{LATER}")
    person = walk.person()
    first = walk.happened(person, "ordered", NOON)
    walk.happened(person, "ordered", NOON + HOUR)
    walk.advance(NOON + HOUR)
    assert causes(walk, person) == [f"event:{first}"]
    walk.conn.execute(MOVE, (person,))
    third = walk.happened(person, "ordered", NOON + DAY)
    walk.advance(NOON + DAY)
    assert causes(walk, person) == [f"event:{first}", f"event:{third}"]


def test_a_run_beside_others_is_not_let_in_after_the_rule_has_changed(walk):
    walk.start(f"trigger: {{event: ordered}}\nreentry: each_time\n{LATER}")
    person = walk.person()
    for n in range(2):
        walk.happened(person, "ordered", NOON + n * HOUR)
    walk.advance(NOON + HOUR)
    walk.start(f"trigger: {{event: ordered}}\nreentry: always\n{LATER}")
    walk.happened(person, "ordered", NOON + DAY)
    walk.advance(NOON + DAY)
    assert len(walk.runs(person)) == 2


def test_the_global_holdout_lies_under_the_journeys_own(walk):
    """Both are kept with the run, and whoever is held out of everything is so in every journey."""
    walk.settings(holdout_percent=20)
    for name in ("one", "two"):
        walk.start(f"trigger: {{event: ordered}}\nholdout_percent: 30\n{SOON}", name)
    people = [walk.person() for _ in range(150)]
    for person in people:
        walk.happened(person, "ordered")
    walk.advance(NOON + timedelta(minutes=1))
    arms = {person: [run.arm for run in walk.runs(person)] for person in people}
    everywhere = [person for person, found in arms.items() if "global" in found]
    assert 15 <= len(everywhere) <= 50
    assert all(arms[person] == ["global", "global"] for person in everywhere)
    own = [found for found in arms.values() if found.count("holdout") == 1]
    assert own, "the two journeys hold different people out"
    assert all(walk.said(person) for person in everywhere), "they walk along"
