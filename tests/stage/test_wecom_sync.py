"""Walks through WeCom: the first one, killed and resumed; the nightly one against whatever callbacks did not tell."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cities import START, VAULT
from wecoms import Mirror, mirrored, truth
from yutang.channels.wecom import errands, reading, sync
from yutang.db.connect import connect
from yutang.emulator import friends

GUIDES = tuple(f"guide{n:02}" for n in range(1, 21))


class Killed(BaseException):
    """As if the process had been killed here."""


def populate(mirror: Mirror, number: int) -> None:
    """Contacts of long standing, of whom no callback ever told."""
    for n in range(number):
        customer = mirror.city.add_customer()
        friends.befriend(mirror.city, customer, GUIDES[n % len(GUIDES)], add_way=1, silent=True)
    mirror.city.advance(3600)
    mirror.told()


def test_ten_thousand_contacts_killed_and_resumed(
    conn: psycopg.Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mirrored(conn, synced=False, staff=GUIDES) as mirror:
        populate(mirror, 10_000)
        group = mirror.city.makes_group("guide01", "老客群")
        mirror.city.joins(next(iter(mirror.city.people.customers.values())), group.chat_id)
        mirror.told()
        pages, kept = 0, reading.page

        def page(*args: Any) -> int:
            nonlocal pages
            pages += 1
            done = kept(*args)
            if pages in (7, 31):
                raise Killed
            return done

        monkeypatch.setattr(reading, "page", page)
        for _ in range(2):
            with connect(url) as mirror.conn, pytest.raises(Killed):
                mirror.tend()
            mirror.city.advance(130)
        mirror.conn = conn
        progress = sync.progress(conn, mirror.account)
        assert progress is not None
        assert (progress.phase, progress.done, progress.total) == ("contacts", 2900, 10_000), (
            "30 pages, less the killed one"
        )

        for _ in range(20):
            mirror.tend()
            mirror.city.advance(60)
        assert mirror.pairs() == truth(mirror)
        assert len(mirror.pairs()) == len(mirror.of("contact_added")) == 10_000
        assert len(mirror.of("profile_updated")) == 10_000
        assert pages == 102, "a killed page is read again, and no other"
        assert len(mirror.of("group_joined")) == 1
        progress = sync.progress(conn, mirror.account)
        assert progress is not None
        assert (progress.ended_at is not None, progress.done, progress.total) == (True, 10_001, 10_001)
        assert not mirror.of("contact_lost")


def test_the_night_repairs_what_was_lost_and_late_callbacks_change_nothing(conn: psycopg.Connection) -> None:
    with mirrored(conn, staff=GUIDES) as mirror:
        old, gone, moved, new = (mirror.city.add_customer() for _ in range(4))
        for customer in (old, gone, moved):
            mirror.city.befriends(customer, "guide01")
        mirror.catch_up()
        mirror.city.advance(600)
        mirror.city.deletes(gone, "guide01")
        mirror.city.befriends(new, "guide02")
        mirror.city.deletes(moved, "guide01")
        mirror.city.advance(600)
        mirror.city.befriends(moved, "guide01")
        late = mirror.told()
        assert mirror.pairs() != truth(mirror)

        mirror.city.advance(24 * 3600)
        mirror.tend()
        assert mirror.pairs() == truth(mirror)
        (lost,) = mirror.of("contact_lost", gone)
        assert lost.props == {"staff": "guide01", "by": "unknown", "channel": "wecom"}
        assert len(mirror.of("contact_added", new)) == 1
        assert [len(mirror.of(type, moved)) for type in ("contact_added", "contact_lost")] == [2, 1]
        before = dict(mirror.facts)
        mirror.hear(late)
        mirror.pass_time(120)
        assert mirror.facts.keys() == before.keys(), "what the night has told, a late callback does not tell again"
        assert mirror.pairs() == truth(mirror)
        assert mirror.rows("select state from wecom_relation where external_userid = %s", gone.external_userid)[
            0
        ].state == ("lost_by_customer"), "but it says who it was"


def test_once_a_night_and_not_beside_another(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        account = mirror.account
        assert sync.due(conn, START, account) is None
        assert sync.due(conn, START + timedelta(hours=14, minutes=59), account) is None
        at_three = START + timedelta(hours=15)
        assert sync.due(conn, at_three, account) == "nightly"
        assert sync.begin(conn, at_three, account, "nightly")
        assert not sync.begin(conn, at_three, account, "full")
        assert sync.due(conn, at_three, account) is None


def test_a_cursor_that_grew_too_old_begins_its_part_anew(conn: psycopg.Connection) -> None:
    with mirrored(conn, synced=False, staff=GUIDES) as mirror:
        populate(mirror, 450)
        while (progress := sync.progress(conn, mirror.account)) is None or progress.done < 200:
            mirror.tend_once(1)
        mirror.city.advance(24 * 3600 * 3)
        for _ in range(6):
            mirror.tend()
            mirror.city.advance(90)
        assert mirror.pairs() == truth(mirror)
        assert len(mirror.of("contact_added")) == 450


def test_no_walk_takes_a_leavers_customers_for_lost(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        fish = mirror.city.add_customer()
        mirror.city.befriends(fish, "guide01")
        mirror.catch_up()
        mirror.city.advance(600)
        mirror.city.resigns("guide01")
        mirror.told()
        mirror.city.advance(24 * 3600)
        mirror.tend()
        assert mirror.rows("select state from wecom_staff where userid = 'guide01'")[0].state == "left"
        assert mirror.of("contact_lost") == [], "he waits for an heir"


def test_workers_beside_each_other_tell_everything_once(conn: psycopg.Connection, url: str) -> None:
    with mirrored(conn, synced=False, staff=GUIDES) as mirror:
        populate(mirror, 600)
        sync.begin(conn, mirror.city.now(), mirror.account, "full")
        fresh = [mirror.city.add_customer() for _ in range(60)]
        for n, customer in enumerate(fresh):
            mirror.city.befriends(customer, GUIDES[n % len(GUIDES)])
        raws = mirror.told()

        def work() -> int:
            with connect(url) as own:
                return sum(errands.tend(own, VAULT, mirror.account, mirror.city.now, 7) for _ in range(40))

        with ThreadPoolExecutor(3) as pool:
            working = [pool.submit(work) for _ in range(2)]
            for n in range(0, len(raws), 10):
                mirror.hear(raws[n : n + 20])
            assert all(one.result() for one in working)
        mirror.pass_time(300)
        assert mirror.pairs() == truth(mirror)
        assert len(mirror.of("contact_added")) == 660
        assert len(mirror.rows("select from channel_call where path like '%%batch/get_by_user'")) == 7, (
            "no step is taken twice"
        )
        assert mirror.rows("select from wecom_errand") == []


ACTS = st.lists(
    st.tuples(st.sampled_from(["add", "leave", "drop", "wait"]), st.integers(0, 2), st.integers(0, 1)), max_size=12
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, data=st.data())
def test_whatever_is_lost_doubled_or_turned_round_the_city_is_what_counts(
    conn: psycopg.Connection, acts: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    """Callbacks in any order, in batches, doubled or lost; after a night both sides agree, and each fact was told once."""
    with mirrored(conn) as mirror:
        people = [mirror.city.add_customer() for _ in range(3)]
        for act, who, staff in acts:
            {
                "add": lambda c, s: mirror.city.befriends(c, s),
                "leave": lambda c, s: mirror.city.deletes(c, s),
                "drop": lambda c, s: mirror.city.staff_deletes(s, c),
                "wait": lambda *_: mirror.city.advance(400),
            }[act](people[who], f"guide0{staff + 1}")
            mirror.city.advance(1)
        told = mirror.told()
        kept = [raw for raw in told if data.draw(st.booleans(), "kept")]
        heard = data.draw(st.permutations(kept + [raw for raw in kept if data.draw(st.booleans(), "doubled")]))
        for part in (heard[: len(heard) // 2], heard[len(heard) // 2 :]):
            mirror.hear(part)
            mirror.tend()
        mirror.pass_time(120)
        mirror.city.advance(24 * 3600)
        mirror.tend()
        mirror.pass_time(60)
        assert mirror.pairs() == truth(mirror)
        facts = set(mirror.facts)
        mirror.hear(told)
        mirror.pass_time(120)
        assert mirror.pairs() == truth(mirror)
        balanced(mirror)
        if len(kept) == len(told):
            assert set(mirror.facts) == facts, "what was heard before is no news"
        for table in (
            "wecom_relation",
            "wecom_contact",
            "wecom_errand",
            "wecom_sync",
            "wecom_staff",
            "wecom_tag",
            "channel_news",
        ):
            conn.execute(f"delete from {table}")  # type: ignore[arg-type]


def balanced(mirror: Mirror) -> None:
    """Whoever is with somebody was told to have come at least as often as to have left, and oftener by one at most."""
    now = mirror.pairs()
    ends: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    for fact in mirror.facts.values():
        if fact.type in ("contact_added", "contact_lost"):
            external = next(v for k, v in fact.handles.items() if k.startswith("external_userid"))
            ends.setdefault((external, fact.props["staff"]), []).append((fact.at, fact.type))
    for pair, found in ends.items():
        if pair in now:
            assert any(type == "contact_added" for _, type in found)
        assert len(set(found)) == len(found)
