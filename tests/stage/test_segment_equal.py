"""Four ways to the same memberships: the incremental state, the full check, the compiled SQL, and plain Python."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from unit.naive_rules import (
    BIRTHDAYS,
    CITIES,
    EVENTS,
    JOURNEYS,
    OFFERS,
    STAGES,
    TAGS,
    Naive,
    Someone,
    some_condition,
    some_rule,
)
from yutang import definitions, source
from yutang.segment import slices
from yutang.segment.compile import compile, persons
from yutang.segment.language import Rule, from_json, parse
from yutang.segment.operators import OPERATORS
from yutang.segment.preview import preview
from yutang.segment.refresh import check_all, refresh

START = datetime(2026, 2, 20, 3, 30, tzinfo=UTC)
PEOPLE = 25


def people(count: int) -> range:
    """Ids spread over the buckets."""
    return range(1, 1 + 37 * count, 37)


def bucket(person: int) -> int:
    return person & 1023


class World:
    """A small pond, kept in Python and written to the tables that the stages before would have written."""

    def __init__(
        self, conn: psycopg.Connection, dice: random.Random, zone: str, segments: int, things: int = 8, back: int = 40
    ) -> None:
        """things: at most so many happen to each person; back: over so many days."""
        self.conn, self.dice, self.zone, self.back, self.now = conn, dice, zone, back, START
        self.number = 0
        self.people = {person: Someone() for person in people(PEOPLE)}
        definitions.publish(conn, START, "pond", "pond", {"time_zone": zone}, "test")
        self.offers = {
            name: definitions.publish(conn, START, "offer", name, {}, "test").definition_id for name in OFFERS
        }
        self.offers[""] = 0
        self.journeys = {
            name: definitions.publish(conn, START, "journey", name, {}, "test").definition_id for name in JOURNEYS
        }
        self.rules: dict[str, Rule] = {}
        for n in range(segments):
            self.rules[f"s{n}"] = some_rule(dice, list(self.rules))
            body = {"title": {"zh": "段", "en": "s"}, "rule": self.rules[f"s{n}"].to_json()}
            definitions.publish(conn, START, "segment", f"s{n}", body, "test")
        for person in self.people:
            for _ in range(dice.randint(0, things)):
                self.happens(person)
            self.write(person)

    def some_time(self) -> datetime:
        """Mostly in the past; sometimes at an exact midnight, sometimes a little ahead."""
        at = self.now - timedelta(minutes=self.dice.randint(-1500, self.back * 1440))
        return at.replace(hour=16, minute=0) if self.dice.random() < 0.1 else at

    def some_end(self) -> datetime | None:
        return self.dice.choice([None, self.now + timedelta(hours=self.dice.randint(-50, 200))])

    def happens(self, person: int) -> None:
        """One random thing happens to a person; a coupon of no offer is another system's."""
        dice, who = self.dice, self.people[person]
        kind = dice.choice(
            ["event"] * 6
            + [
                "trait",
                "tag",
                "untag",
                "consent",
                "portrait",
                "coupon",
                "redeem",
                "ladder",
                "journey",
                "send",
                "foretell",
            ]
        )
        if kind == "event":
            props = {"store": dice.choice(["S1", "S2"]), "big": dice.choice([True, False, 1])}
            who.events.append((dice.choice(EVENTS), self.some_time(), dice.choice([0, 500, 1500]), props))
        elif kind == "trait":
            name, values = dice.choice([("city", CITIES), ("age", (18, 30, 30.5, "old")), ("birthday", BIRTHDAYS)])
            who.traits[name] = dice.choice(values)
        elif kind == "tag":
            who.tags[dice.choice(TAGS)] = (self.some_time(), self.some_end())
        elif kind == "untag":
            who.tags.pop(dice.choice(TAGS), None)
        elif kind == "consent":
            who.consents[dice.choice(["email", "sandbox", "*"])] = (self.some_time(), dice.random() < 0.5)
        elif kind == "portrait":
            who.scores = {name: dice.randint(1, 5) for name in ("recency", "frequency", "monetary")}
            who.stage = dice.choice(STAGES)
        elif kind == "coupon":
            who.coupons.append(
                (dice.choice([*OFFERS, ""]), dice.choice(["issued", "issued", "redeemed", "expired"]), self.some_end())
            )
        elif kind == "redeem" and who.coupons:
            who.redemptions.append((dice.choice(who.coupons)[0], dice.choice(["done", "restored", "refused"])))
        elif kind == "ladder":
            who.ladders["silent"] = (dice.choice(["down", "up"]), dice.randint(0, 3))
        elif kind == "journey":
            journey, state = dice.choice(JOURNEYS), dice.choice(["active", "done", "exited"])
            if state == "active":  # nobody is in the same journey twice at a time
                who.enrolments = [enrolled for enrolled in who.enrolments if enrolled != (journey, "active")]
            who.enrolments.append((journey, state))
        elif kind == "foretell":
            away = (self.now + timedelta(days=dice.randint(-20, 40))).date() - date(2000, 1, 1)
            who.foretold = {
                "p_alive": dice.choice([0.1, 0.3, 0.5, 0.9]),
                "value_90d": dice.choice([0.0, 1000.0, 2500.5]),
            }
            who.foretold |= {"next_order_day": float(away.days)} if dice.random() < 0.7 else {}
            who.foretold |= {"next_order_day:奶粉": float(away.days - 3)} if dice.random() < 0.7 else {}
        elif kind == "send":
            who.sends.append(self.some_time())

    def insert(self, table: str, person: int, **values: Any) -> None:
        columns = {"bucket": bucket(person), "person_id": person, **values}
        marks = ", ".join(["%s"] * len(columns))
        self.conn.execute(f"insert into {table} ({', '.join(columns)}) values ({marks})", list(columns.values()))

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def write(self, person: int) -> None:
        """Write all that is known of a person, anew."""
        who = self.people[person]
        tables = (
            "person_event",
            "tally",
            "trait",
            "tag",
            "consent",
            "coupon",
            "redemption",
            "ladder",
            "enrolment",
            "touch",
            "prediction",
            "profile",
        )
        with self.conn.transaction():
            for table in tables:
                self.conn.execute(f"delete from {table} where person_id = %s", (person,))
            self.write_events(person, who)
            for name, value in who.traits.items():
                self.insert("trait", person, name=name, value=Jsonb(value), at=self.now, event_id=self.next_number())
            for tag, (at, ends) in who.tags.items():
                self.insert("tag", person, tag=tag, at=at, expires_at=ends, event_id=self.next_number())
            for channel, (at, given) in who.consents.items():
                self.insert("consent", person, channel=channel, given=given, at=at, event_id=self.next_number())
            for name, value in who.foretold.items():
                self.insert("prediction", person, name=name, value=value, at=self.now, model_id=1)
            self.write_offers(person, who)
            scores = who.scores or {"recency": 1, "frequency": 1, "monetary": 1}
            who.scores = scores
            self.insert("profile", person, **scores, life_stage=who.stage, refreshed_at=self.now)
            self.conn.execute(
                """insert into segment_due values (%s, %s, '2000-01-01')
                   on conflict (bucket, person_id) do update set recompute_at = excluded.recompute_at""",
                (bucket(person), person),
            )

    def write_events(self, person: int, who: Someone) -> None:
        for kind, at, amount, props in who.events:
            day = Naive(at, self.zone, {}).today
            self.insert(
                "person_event",
                person,
                type=kind,
                at=at,
                event_id=self.next_number(),
                day=day,
                amount=amount,
                props=Jsonb(props),
            )
        self.conn.execute(
            """insert into tally
               select bucket, person_id, type, sum(n), sum(amount), min(first_at), max(last_at), array_agg(day order by day),
                      array_agg(n order by day), case when bool_or(amount <> 0) then array_agg(amount order by day) else '{}' end
               from (select bucket, person_id, type, day, count(*) as n, sum(amount) as amount, min(at) as first_at, max(at) as last_at
                     from person_event where person_id = %s group by 1, 2, 3, 4) cell
               group by 1, 2, 3""",
            (person,),
        )

    def write_offers(self, person: int, who: Someone) -> None:
        codes: dict[str, str] = {}
        for n, (offer, state, ends) in enumerate(who.coupons):
            codes[offer] = f"{person}-{n}"
            self.insert(
                "coupon",
                person,
                code=codes[offer],
                origin_id=person,
                definition_id=self.offers[offer],
                state=state,
                value_fen=1,
                issued_at=START,
                valid_from=START,
                expires_at=ends,
            )
        for n, (offer, state) in enumerate(who.redemptions):
            self.insert(
                "redemption",
                person,
                request_id=str(n),
                code=codes[offer],
                origin_id=person,
                amount_fen=1,
                discount_fen=0,
                state=state,
                at=START,
            )
        for offer, (side, rung) in who.ladders.items():
            self.insert(
                "ladder",
                person,
                definition_id=self.offers[offer],
                version=1,
                origin_id=person,
                side=side,
                rung=rung,
                move=1,
                moved_at=START,
                anchor_at=START,
            )
        for n, (journey, state) in enumerate(who.enrolments):
            self.insert(
                "enrolment",
                person,
                journey_id=self.journeys[journey],
                cause=str(n),
                version=1,
                arm="treated",
                state=state,
                step=0,
                entered_at=START,
                stepped_at=START,
            )
        for n, at in enumerate(who.sends):
            self.insert(
                "touch", person, journey_id=1, cause="", step=0, move=n, touch_id=n, version=1, arm="treated", channel="sandbox",
                message_id=1, message_version=1, value_fen=0, at=at, deadline=at, verdict="send", judged_at=at,
            )  # fmt: skip

    def settle(self) -> None:
        """Run the stage until it rests, then note in Python what should have happened."""
        for _ in range(50):
            if not refresh(self.conn, self.now).busy():
                break
        else:
            pytest.fail("the stage never rests")
        wanted = self.wanted()
        for name, ids in wanted.items():
            for person, who in self.people.items():
                if person in ids:
                    who.ended[name] = None
                elif who.ended.get(name, START) is None:
                    who.ended[name] = self.now

    def wanted(self) -> dict[str, set[int]]:
        naive = Naive(self.now, self.zone, self.rules)
        return {
            name: {person for person, who in self.people.items() if naive.holds(rule, who)}
            for name, rule in self.rules.items()
        }

    def kept(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {name: set() for name in self.rules}
        for name, person in self.conn.execute(
            """select d.name, m.person_id from membership m
               join definition d on d.definition_id = m.segment_id where m.until is null"""
        ):
            found[name].add(person)
        return found

    def check(self) -> None:
        """All four agree."""
        wanted, kept = self.wanted(), self.kept()
        for name, rule in self.rules.items():
            told = rule.to_json()
            assert kept[name] == wanted[name], (name, told, self.now)
            assert self.by_sql(rule) == wanted[name], (name, told, self.now)
            assert preview(self.conn, rule, self.now)["size"] == len(wanted[name]), (name, told)
        full = check_all(self.conn, self.now)
        assert (full["entered"], full["left"]) == (0, 0)

    def by_sql(self, rule: Rule) -> set[int]:
        found = persons(rule)
        rows = self.conn.execute(found.text, found.params | {"now": self.now, "zone": self.zone})  # type: ignore[arg-type]
        return {row.person_id for row in rows}


@pytest.mark.parametrize(
    ("seed", "zone"), [(1, "Asia/Shanghai"), (2, "Asia/Shanghai"), (3, "America/New_York"), (4, "Asia/Shanghai")]
)
def test_all_evaluators_agree_as_time_passes_and_things_happen(conn: psycopg.Connection, seed: int, zone: str) -> None:
    dice = random.Random(seed)
    world = World(conn, dice, zone, segments=25)
    world.settle()
    world.check()
    for _ in range(6):
        world.now += timedelta(minutes=dice.choice([1, 90, 1440, 5000, 20000]))
        for person in dice.sample(sorted(world.people), 4):
            for _ in range(dice.randint(1, 3)):
                world.happens(person)
            world.write(person)
        world.settle()
        world.check()


def test_a_pond_that_is_larger_than_memory_is_decided_in_parts(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "AT_ONCE", 5)
    world = World(conn, random.Random(7), "Asia/Shanghai", segments=25)
    conn.execute("analyze profile")
    assert len(list(slices.slices(conn))) == PEOPLE // 5 + 2
    world.settle()
    world.check()


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_time_alone_changes_memberships_exactly_when_it_was_foretold(conn: psycopg.Connection, seed: int) -> None:
    """Nothing changes before the earliest due instant, for anybody; at it, the stage decides anew and is right."""
    world = World(conn, random.Random(seed), "America/New_York", segments=25, things=30, back=12)
    world.settle()
    changes = 0
    for _ in range(25):
        row = conn.execute("select min(recompute_at) as at from segment_due").fetchone()
        if row is None or row.at is None:
            break
        before = world.wanted()
        assert row.at > world.now
        world.now = row.at - timedelta(microseconds=1)
        assert world.wanted() == before, "a change was not foretold"
        world.now = row.at
        world.settle()
        assert world.kept() == world.wanted()
        changes += world.wanted() != before
    assert changes > 3


def test_every_operator_agrees_for_everybody(conn: psycopg.Connection) -> None:
    """Each operator, many times with random values: SQL and arrays against plain Python, and both answers occur."""
    dice = random.Random(99)
    world = World(conn, dice, "Asia/Shanghai", segments=2)
    world.settle()
    naive = Naive(world.now, world.zone, world.rules)
    answers: dict[str, set[bool]] = {}
    for _ in range(700):
        rule = from_json(some_condition(dice, list(world.rules)))
        wanted = {person for person, who in world.people.items() if naive.holds(rule, who)}
        assert world.by_sql(rule) == wanted, rule.to_json()
        assert preview(conn, rule, world.now)["size"] == len(wanted), rule.to_json()
        answers.setdefault(rule.operator, set()).update({bool(wanted), len(wanted) < PEOPLE})
    assert answers.keys() == {operator.key for operator in OPERATORS}
    one_sided = {key for key, seen in answers.items() if seen != {True, False} and seen != {True}}
    assert not one_sided


def test_every_operator_compiles_to_a_statement_that_prepares(conn: psycopg.Connection) -> None:
    for operator in OPERATORS:
        found = compile(parse(source.load(operator.example, operator.key)))
        names = [*found.params, "now", "zone"]
        text = f"select {found.text} from profile p" % {name: f"${n + 1}" for n, name in enumerate(names)}
        conn.execute(f"prepare one as {text}")  # type: ignore[arg-type]
        conn.execute("deallocate one")
