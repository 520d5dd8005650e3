"""What a journey has changed: known effects are put into a pond and found again."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb

from ponds import NOON, TITLE
from shops import DAY, END, Shop
from yutang import journey, source
from yutang.brand import toml
from yutang.brand.pond import pond
from yutang.insight.experiment import effect, pond_effect
from yutang.insight.power import prospect
from yutang.insight.statistics import Cell, Pair, classic, cuped, difference
from yutang.model import YutangError, bucket_of

NOW = NOON + 60 * DAY


@pytest.fixture
def shop(conn: psycopg.Connection) -> Shop:
    return Shop(conn)


def spend(rng: np.random.Generator, n: int, share: float = 0.4) -> np.ndarray:
    return np.where(rng.random(n) < share, rng.lognormal(8, 0.5, n), 0).astype(int)


def cut(held: np.ndarray, y: np.ndarray, x: np.ndarray | None = None) -> Pair:
    return Pair(*(Cell.of(y[arm], None if x is None else x[arm]) for arm in (~held, held)))


def arms_of(held: np.ndarray) -> list[str]:
    return np.where(held, "holdout", "treated").tolist()


def test_a_known_effect_is_found_and_history_makes_it_clearer(conn: psycopg.Connection, shop: Shop) -> None:
    rng = np.random.default_rng(1)
    people, d = shop.people(3000), shop.journey(20)
    held = rng.random(3000) < 0.2
    before, base = spend(rng, 3000, 0.6), spend(rng, 3000, 0.2)
    after = base + before // 2 + np.where(held, 0, 400)
    shop.enter(d, people, arms_of(held))
    shop.buys(people, before, NOON - 20 * DAY)
    shop.buys(people, after, NOON + 3 * DAY)
    shop.buys(people, spend(rng, 3000), NOON + 29 * DAY)  # too late to count
    found = effect(conn, NOW, "wake")
    pair = cut(held, after, before)
    sales = found.readings["sales"]
    plain, adjusted = difference([pair]), cuped([pair])
    assert adjusted
    assert sales.plain.difference == pytest.approx(plain.difference, rel=1e-9)
    assert (sales.plain.interval.low, sales.plain.interval.high) == pytest.approx(
        (classic(plain).low, classic(plain).high), rel=1e-9
    )
    assert sales.adjusted
    assert sales.adjusted.figure.difference == pytest.approx(adjusted.estimate.difference, rel=1e-9)
    assert sales.adjusted.removed > 0.2
    assert sales.adjusted.figure.always.holds(400)
    assert sales.total == pytest.approx(plain.difference * (~held).sum())
    assert found.readings["margin"].plain.difference == pytest.approx(0.4 * plain.difference, rel=1e-3)
    assert found.readings["orders"].control == pytest.approx((after[held] > 0).mean())
    assert (found.verdict.code, found.primary) == ("better", "net")
    assert (found.treated.people, found.treated.seen, found.control.seen) == ((~held).sum(), (~held).sum(), held.sum())
    assert found.mismatch_p > 0.001
    assert "有效" in found.verdict.zh


def test_where_there_is_nothing_to_find_nothing_is_said(conn: psycopg.Connection, shop: Shop) -> None:
    rng = np.random.default_rng(2)
    people, d = shop.people(1500), shop.journey(20)
    held = rng.random(1500) < 0.2
    shop.enter(d, people, arms_of(held))
    shop.buys(people, spend(rng, 1500), NOON + DAY)
    found = effect(conn, NOW, "wake")
    assert found.verdict.code in ("unclear", "small")
    assert "还看不出差别" in found.verdict.zh
    assert found.readings["net"].adjusted is None, "nobody bought before"


def test_refunds_coupons_and_touches_come_off(conn: psycopg.Connection) -> None:
    shop = Shop(conn, cost_fen={"sandbox": 7})
    people, d = shop.people(400), shop.journey(50)
    held = np.arange(400) % 2 == 0
    shop.enter(d, people, arms_of(held))
    shop.buys(people, np.full(400, 1000), NOON)  # order number is of that day
    shop.buys(people, np.where(held, 0, 500), NOON + 40 * DAY, type="refunded")  # half comes back, after the window
    for person in people[~held][:100].tolist():
        touch = shop.reached(d, person)
        shop.redeemed(person, touch, 60, NOON + DAY, f"{person}-{NOON.date()}")
        shop.redeemed(person, touch, 900, NOON + DAY, f"{person}-{NOON.date()}", state="restored")
    found = effect(conn, NOW, "wake").readings
    assert found["sales"].plain.difference == pytest.approx(-500)
    assert found["orders"].plain.difference == 0, "half an order is an order"
    assert found["basket"].treated == pytest.approx(500)
    assert found["coupons"].treated == pytest.approx(30)
    assert found["touches"].treated == pytest.approx(3.5)
    assert found["margin"].treated == pytest.approx(200 + 30), "what was paid has the coupon off already"
    assert found["net"].treated == pytest.approx(200 - 3.5)
    assert found["net"].control == pytest.approx(400)


def test_a_gift_costs_what_it_costs_and_takes_nothing_off_the_order(conn: psycopg.Connection, shop: Shop) -> None:
    people, d = shop.people(400), shop.journey(50)
    gift = shop.define("offer", "spoon", {"sort": "gift"})
    held = np.arange(400) % 2 == 0
    shop.enter(d, people, arms_of(held))
    shop.buys(people, np.full(400, 1000), NOON)
    for n, person in enumerate(people[~held].tolist()):
        state = "done" if n % 2 else "conflict"  # a till that was offline gave it all the same
        shop.redeemed(
            person, shop.reached(d, person), 80, NOON + DAY, f"{person}-{NOON.date()}", state, gift.definition_id
        )
    found = effect(conn, NOW, "wake").readings
    assert (found["coupons"].treated, found["margin"].treated) == pytest.approx((80, 400))
    assert found["net"].plain.difference == pytest.approx(-80)


def test_a_coupon_of_another_journey_is_not_charged_to_this_one(conn: psycopg.Connection, shop: Shop) -> None:
    people, d, other = shop.people(400), shop.journey(50), shop.journey(0, "other")
    held = np.arange(400) % 2 == 0
    shop.enter(d, people, arms_of(held))
    shop.buys(people, np.full(400, 1000), NOON)
    for person in people[:200].tolist():
        shop.redeemed(person, shop.reached(other, person), 60, NOON + DAY, f"{person}-{NOON.date()}")
    found = effect(conn, NOW, "wake")
    assert found.readings["coupons"].treated == 0
    assert found.as_sent is None, "nobody was reached by this journey"


def test_a_declared_margin_stands_in_and_without_one_only_sales_are_judged(conn: psycopg.Connection) -> None:
    shop = Shop(conn, margin_percent=30)
    people, d = shop.people(400), shop.journey(50)
    held = np.arange(400) % 2 == 0
    shop.enter(d, people, arms_of(held))
    shop.buys(people, np.where(held, 700, 1000), NOON, margin=None)
    for person in people[~held].tolist():
        shop.redeemed(person, shop.reached(d, person), 100, NOON + DAY, f"{person}-{NOON.date()}")
    found = effect(conn, NOW, "wake")
    # Goods of 11.00 that cost 7.70 were sold for 10.00.
    assert found.readings["margin"].treated == pytest.approx(330)
    assert found.readings["net"].treated == pytest.approx(230)
    shop.settings()
    found = effect(conn, NOW, "wake")
    assert found.primary == "sales"
    assert "net" not in found.readings
    assert any("margin_percent" in note["zh"] for note in found.notes)


def test_the_margin_is_declared_in_the_ponds_own_file() -> None:
    text = 'name = "p"\ntime_zone = "Asia/Shanghai"\nmargin_percent = 35\n[title]\nzh = "塘"\nen = "Pond"\n'
    body, _ = pond(toml.load(text, "pond.toml"))
    assert body["margin_percent"] == 35


def test_the_first_entry_counts_once_and_who_is_held_out_by_the_pond_not_at_all(
    conn: psycopg.Connection, shop: Shop
) -> None:
    people, d = shop.people(400), shop.journey(50)
    held = np.arange(400) % 2 == 0
    shop.enter(d, people, arms_of(held))
    shop.enter(d, people[:50], arms_of(~held[:50]), NOON + 5 * DAY, cause="second")
    shop.buys(people, np.full(400, 1000), NOON + DAY)
    by_pond = shop.people(100)
    shop.enter(d, by_pond, ["global"] * 100)
    shop.buys(by_pond, np.full(100, 99_000), NOON + DAY)
    found = effect(conn, NOW, "wake")
    assert (found.treated.people, found.control.people, found.mixed) == (200, 200, 50)
    assert found.readings["sales"].treated == found.readings["sales"].control == 1000
    assert any("50" in note["zh"] for note in found.notes)


def test_a_merged_person_counts_once(conn: psycopg.Connection, shop: Shop) -> None:
    people, d = shop.people(500), shop.journey(50)
    held = np.arange(500) % 2 == 0
    shop.enter(d, people[:400], arms_of(held[:400]))
    # The last hundred are merged into treated and held out people of before, whose facts they carry from then on.
    shop.enter(d, people[400:], arms_of(held[400:]), NOON + 2 * DAY)
    conn.execute(
        """update person p set merged_into = m.winner from unnest(%s::bigint[], %s::bigint[]) m (loser, winner)
           where p.person_id = m.loser""",
        (people[400:].tolist(), people[:100].tolist()),
    )
    shop.buys(people[:400], np.full(400, 1000), NOON + 3 * DAY)
    touched = int(people[401])
    shop.reached(d, touched, at=NOON + 2 * DAY)
    found = effect(conn, NOW, "wake")
    assert (found.treated.people, found.control.people, found.mixed) == (200, 200, 0)
    assert found.readings["sales"].treated == 1000
    assert found.as_sent is None, "one person alone is no group"
    assert found.readings["touches"].treated == 0


def test_a_share_that_changed_on_the_way_is_kept_apart(conn: psycopg.Connection, shop: Shop) -> None:
    """In the strong month half were held out, in the weak one a tenth: thrown together, the holdout would look better."""
    rng = np.random.default_rng(3)
    d = shop.journey(10)
    weak, strong = shop.people(2000), shop.people(2000)
    held = rng.random(2000) < 0.1
    shop.enter(d, weak, arms_of(held))
    shop.buys(weak, np.where(rng.random(2000) < 0.5, 800, 200), NOON + DAY)
    conn.execute(
        "insert into definition select definition_id, 2, kind, name, %s, source, %s from definition where name = 'wake'",
        (Jsonb(shop.body(50)), NOON + 10 * DAY),
    )
    half = rng.random(2000) < 0.5
    shop.enter(d, strong, arms_of(half), NOON + 12 * DAY)
    shop.buys(strong, np.where(rng.random(2000) < 0.5, 8000, 2000), NOON + 13 * DAY)
    found = effect(conn, NOW, "wake")
    sales = found.readings["sales"]
    assert sales.plain.interval.holds(0)
    assert abs(sales.plain.difference) < 250
    assert found.mismatch_p > 0.001, "each time by its own share"
    assert found.uncompared == 0


def test_those_who_entered_without_a_holdout_are_named_and_left_out(conn: psycopg.Connection, shop: Shop) -> None:
    d = shop.journey(0)
    shop.enter(d, shop.people(300), ["treated"] * 300)
    assert effect(conn, NOW, "wake").verdict.code == "no_control"
    conn.execute(
        "insert into definition select definition_id, 2, kind, name, %s, source, %s from definition where name = 'wake'",
        (Jsonb(shop.body(50)), NOON + 10 * DAY),
    )
    people = shop.people(400)
    shop.enter(d, people, ["treated", "holdout"] * 200, NOON + 12 * DAY)
    shop.buys(people, np.full(400, 500), NOON + 13 * DAY)
    found = effect(conn, NOW, "wake")
    assert found.uncompared == 300
    assert found.readings["orders"].control == 1


def test_a_draw_that_went_wrong_is_not_judged(conn: psycopg.Connection, shop: Shop) -> None:
    people, d = shop.people(2000), shop.journey(10)
    shop.enter(d, people, arms_of(np.arange(2000) % 5 == 0))
    shop.buys(people, np.full(2000, 500), NOON + DAY)
    found = effect(conn, NOW, "wake")
    assert found.mismatch_p < 1e-6
    assert found.verdict.code == "mismatch"


def test_it_abstains_while_there_is_too_little_to_see(conn: psycopg.Connection, shop: Shop) -> None:
    people, d = shop.people(400), shop.journey(50)
    shop.enter(d, people, ["treated", "holdout"] * 200)
    early = effect(conn, NOON + 10 * DAY, "wake")
    assert (early.verdict.code, early.treated.seen, early.treated.people) == ("waiting", 0, 200)
    shop.buys(people[:19], np.full(19, 500), NOON + DAY)
    few = effect(conn, NOW, "wake")
    assert (few.verdict.code, few.readings) == ("too_few", {})
    shop.buys(people[50:60], np.full(10, 500), NOON + DAY)
    assert effect(conn, NOW, "wake").verdict.code in ("unclear", "small")
    with pytest.raises(YutangError, match="no journey"):
        effect(conn, NOW, "nothing")


def test_a_lucky_look_is_called_by_its_name(conn: psycopg.Connection, shop: Shop) -> None:
    """A difference of 2.4 standard errors: for one planned look that would do, for a look whenever one likes it does not."""
    people, d = shop.people(2000), shop.journey(50)
    held = np.arange(2000) % 2 == 0
    shop.enter(d, people, arms_of(held))
    y = np.where(np.arange(2000) // 2 % 4 == 0, 1000, 0)
    y = np.where(~held & (np.arange(2000) // 2 % 4 == 1) & (np.arange(2000) < 380), 1000, y)
    shop.buys(people, y, NOON + DAY)
    found = effect(conn, NOW, "wake")
    net = found.readings["net"].best
    assert not net.interval.holds(0)
    assert net.always.holds(0)
    assert found.verdict.code == "unclear"
    assert any("提前" in note["zh"] for note in found.notes)


def test_the_reached_are_shown_beside_and_said_not_to_be_causal(conn: psycopg.Connection, shop: Shop) -> None:
    """The journey does nothing at all, but it reaches only those who buy."""
    rng = np.random.default_rng(4)
    people, d = shop.people(1000), shop.journey(50)
    held = np.arange(1000) % 2 == 0
    y = spend(rng, 1000, 0.5)
    shop.enter(d, people, arms_of(held))
    shop.buys(people, y, NOON + DAY)
    for person in people[~held & (y > 0)].tolist():
        shop.reached(d, person)
    found = effect(conn, NOW, "wake")
    assert found.verdict.code in ("unclear", "small")
    assert found.as_sent
    assert found.as_sent.interval.low > 0
    assert found.as_sent.share == pytest.approx((y[~held] > 0).mean())
    assert "不是因果" in found.as_sent.warning["zh"]


def test_the_ways_of_a_split_are_compared_with_the_first(conn: psycopg.Connection, shop: Shop) -> None:
    ways = [{"name": n, "weight": w, "to": 1} for n, w in (("plain", 50), ("warm", 25), ("bold", 25))]
    d = shop.journey(20, program=[{"do": "split", "id": "tone", "ways": ways}, END])
    people = shop.people(1500)
    arms = np.where(np.arange(1500) % 5 == 0, "holdout", "treated")
    shop.enter(d, people, arms.tolist())
    took = np.array(["plain", "warm", "plain", "bold"])[np.arange(1500) // 5 % 4]
    with conn.cursor() as cursor:
        cursor.executemany(
            """insert into step (bucket, person_id, journey_id, cause, seq, step, outcome, at)
               values (%s, %s, %s, 'first', 1, 0, %s, %s)""",
            [
                (bucket_of(int(p)), int(p), d.definition_id, way, NOON + DAY)
                for p, way in zip(people, took, strict=True)
            ],
        )
    rng = np.random.default_rng(5)
    y = np.where(rng.random(1500) < 0.6, 1000, 0) + np.where(took == "warm", 600, 0)
    shop.buys(people, y, NOON + 2 * DAY)
    found = {split.treated.title["zh"]: split for split in effect(conn, NOW, "wake").splits}
    assert set(found) == {"warm", "bold"}
    asked = arms == "treated"
    pair = cut((took != "warm")[asked], y[asked])
    assert found["warm"].control.people == (asked & (took == "plain")).sum(), (
        "who is held out takes a way, and is not counted"
    )
    assert found["warm"].readings["sales"].treated == pytest.approx(pair.treated.mean)
    assert found["warm"].verdict.code == "better"
    assert found["bold"].verdict.code in ("unclear", "small")
    assert found["bold"].control.title["zh"] == "plain"
    assert found["warm"].mismatch_p > 0.001


def begin(conn: psycopg.Connection, at: datetime = NOON) -> None:
    conn.execute("insert into journey_state (journey_id, started_at) values (99, %s)", (at,))


def by_hash(conn: psycopg.Connection) -> dict[int, int]:
    rows = conn.execute(
        "select person_id, ('x' || substr(md5('global:' || person_id), 1, 7))::bit(28)::int % 10000 as n from person"
    )
    return {row.person_id: row.n for row in rows}


def test_the_whole_pond_against_those_it_never_speaks_to(conn: psycopg.Connection) -> None:
    shop = Shop(conn)
    shop.settings(holdout_percent=20)
    begin(conn)
    people = shop.people(4000)
    n = by_hash(conn)
    held = np.array([n[int(p)] < 2000 for p in people])
    rng = np.random.default_rng(6)
    x = spend(rng, 4000, 0.8)
    shop.buys(people, x, NOON - 20 * DAY)
    shop.buys(people, x + np.where(held, 0, 800), NOON + 20 * DAY)
    found = pond_effect(conn, NOW)
    assert found.control.people == held.sum()
    assert found.verdict.code == "better"
    adjusted = found.readings["sales"].adjusted
    assert adjusted
    assert adjusted.removed > 0.8
    assert adjusted.figure.always.holds(800)
    assert found.since == NOON
    assert pond_effect(conn, NOW, since=NOON + 30 * DAY).verdict.code == "too_few", "nothing was sold since"


def test_a_global_share_that_changed_leaves_out_those_who_were_on_both_sides(conn: psycopg.Connection) -> None:
    shop = Shop(conn)
    shop.settings(holdout_percent=10)
    conn.execute(
        """insert into definition select definition_id, version + 1, kind, name, body || '{"holdout_percent": 20}', source, %s
           from definition where kind = 'pond' order by version desc limit 1""",
        (NOON + 10 * DAY,),
    )
    begin(conn)
    people = shop.people(2000)
    shop.buys(people, np.full(2000, 100), NOON + DAY)
    n = by_hash(conn)
    found = pond_effect(conn, NOW)
    assert found.control.people == sum(n[int(p)] < 1000 for p in people)
    assert found.treated.people == sum(n[int(p)] >= 2000 for p in people)
    assert found.mismatch_p > 0.001
    assert any("比例改过" in note["zh"] for note in found.notes)
    assert pond_effect(conn, NOW, since=NOON + 11 * DAY).control.people == sum(n[int(p)] < 2000 for p in people)
    assert pond_effect(Shop(conn).conn, NOW, since=NOW - DAY).verdict.code == "no_control"


def test_the_pond_is_cut_as_the_journeys_cut_it(conn: psycopg.Connection) -> None:
    """The hash of the effect and the hash of the entry must be one: people are drawn once."""
    shop = Shop(conn)
    shop.settings(holdout_percent=30)
    people = shop.people(300)
    shop.message()
    body = journey.journey(
        source.load("title: {zh: 试, en: Try}\ntrigger: {event: registered}\nsteps: [{message: hello}]", "hello.yml")
    )
    shop.define("journey", "hello", body)
    journey.advance(conn, NOON)
    happened(conn, people, NOON)
    while journey.advance(conn, NOON + DAY).busy():
        pass
    entered = {r.person_id for r in conn.execute("select person_id from enrolment where arm = 'global'")}
    assert entered == {person for person, n in by_hash(conn).items() if n < 3000}
    assert pond_effect(conn, NOW).control.people == len(entered)


def test_who_was_held_out_by_the_journey_above_is_in_no_arm_of_the_one_below(
    conn: psycopg.Connection, shop: Shop
) -> None:
    above, d = shop.journey(20, "above"), shop.journey(50)
    people = shop.people(500)
    held = np.arange(500) % 2 == 0
    by_above = np.arange(500) < 100
    cause = f"journey:{above.definition_id}:journey:wake:first"
    shop.enter(above, people, arms_of(by_above))
    shop.enter(d, people, arms_of(held | by_above), cause=cause)
    shop.buys(people, np.where(by_above, 0, 1000), NOON + DAY)
    found = effect(conn, NOW, "wake")
    assert (found.treated.people, found.control.people) == (200, 200)
    assert found.readings["sales"].control == 1000


@pytest.mark.parametrize(
    ("trigger", "audience", "people", "known", "basis"),
    [
        ({"event": ["registered"], "where": {}}, None, 300, 500, "触发过"),
        ({"segment": "sleepers", "when": "entered"}, None, 350, 400, "人群"),
        ({"schedule": {"at": "10:00"}}, {"segment": "sleepers"}, 350, 400, "人群"),
        ({"called": True}, None, 1000, 1000, "仅供估计"),
    ],
)
def test_power_is_reckoned_from_what_such_people_did_before(
    conn: psycopg.Connection, shop: Shop, trigger: dict, audience: dict | None, people: int, known: int, basis: str
) -> None:
    everybody = shop.people(1000)
    segment = shop.define("segment", "sleepers", {"title": TITLE, "rule": {"tag": "asleep"}})
    for first, last, since, until in ((0, 350, -90, None), (350, 400, -90, 40), (400, 450, -90, -1)):
        stay(conn, everybody[first:last], segment.definition_id, since, until)
    happened(conn, everybody[:500], NOON + 20 * DAY)
    happened(conn, everybody[500:800], NOON + 40 * DAY)
    shop.buys(everybody, np.where(np.arange(1000) % 2 == 0, 1000, 0), NOON + 50 * DAY)
    shop.buys(everybody, np.where(np.arange(1000) % 4 == 0, 600, 0), NOON + 25 * DAY)
    shop.buys(everybody, np.where(np.arange(1000) % 2 == 0, 900, 0), NOON - DAY)
    body = shop.body(10) | {"trigger": trigger, "audience": audience}
    found = prospect(conn, NOW, "draft", body)
    assert (found.people, found.known) == (people, known)
    assert basis in found.basis["zh"]
    sales = found.bases["sales"]
    began_early = basis == "触发过"
    assert sales.mean == (150 if began_early else 500), "what they bought in the window after"
    n, deviation = people, sales.deviation
    planned = next(one for one in sales.smallest if one.share == 0.1)
    assert planned.once == pytest.approx(2.8016 * deviation / (n * 0.1 * 0.9) ** 0.5, rel=1e-3)
    assert planned.always > planned.once
    assert sales.removed > (0.2 if began_early else 0.8)
    assert found.verdict.code == "hardly"
    by_lift = {one.lift: one.once for one in sales.needed}
    assert by_lift[0.05] == pytest.approx(4 * by_lift[0.1], rel=1e-9)


def test_power_abstains_without_a_past_and_a_service_has_no_control(conn: psycopg.Connection, shop: Shop) -> None:
    shop.people(99)
    body = shop.body(10) | {"trigger": {"called": True}, "audience": None}
    found = prospect(conn, NOW, "draft", body)
    assert (found.verdict.code, found.bases) == ("too_few", {})
    with pytest.raises(YutangError, match="service"):
        prospect(conn, NOW, "draft", body | {"class": "service"})


def test_power_says_when_there_are_people_enough(conn: psycopg.Connection, shop: Shop) -> None:
    people = shop.people(3000)
    shop.buys(people, np.full(3000, 1000) + np.arange(3000) % 7, NOON + 50 * DAY)
    found = prospect(conn, NOW, "draft", shop.body(0) | {"trigger": {"called": True}, "audience": None})
    assert (found.verdict.code, found.share) == ("enough", 0.1)
    assert "对照 10%" in found.verdict.zh


def happened(conn: psycopg.Connection, people: np.ndarray, at: datetime) -> None:
    conn.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           select (p & 1023)::smallint, p, 'registered', %s, p, %s, 0, '{}' from unnest(%s::bigint[]) p""",
        (at, at.date(), people.tolist()),
    )


def stay(conn: psycopg.Connection, people: np.ndarray, segment: int, since: int, until: int | None) -> None:
    conn.execute(
        """insert into membership (bucket, person_id, segment_id, version, since, until)
           select (p & 1023)::smallint, p, %s, 1, %s, %s from unnest(%s::bigint[]) p""",
        (segment, NOON + since * DAY, None if until is None else NOON + until * DAY, people.tolist()),
    )
