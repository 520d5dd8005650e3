"""T5, the ladder tick: everybody due at once moves one rung, is proposed one touch, judged, and given one coupon."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from yutang import decide, journey, offer
from yutang.bench import floors, words
from yutang.bench.house import House
from yutang.bench.meter import Meter
from yutang.bench.report import Figures, differences
from yutang.bench.words import NOW
from yutang.db.connect import connect
from yutang.db.queries import Queries

sql = Queries(__package__)
STAGES = (offer.advance, journey.advance, decide.judge)


def tick(house: House, scale: float) -> Iterator[Figures]:
    """A step is one person's rung."""
    count = round(1_000_000 * scale)
    with house.database() as url, connect(url) as conn:
        _stand(conn, count)
        with Meter(house, url) as meter:
            rounds = _settle(conn)
        found = sql.ladder_checked(conn, now=NOW).fetchone()
    assert found is not None
    expected = {name: (value, 1 if name == "most_against_cap" else count) for name, value in found._asdict().items()}
    floor = floors.guarded_update(house, count)
    yield Figures("T5", "steps", count, meter, floor, 40_000, 60_000, differences(expected), extra={"rounds": rounds})


def _stand(conn: psycopg.Connection, count: int) -> None:
    """`count` persons on the ladder's journey, for whom the first rung is due."""
    ladder = words.offer(conn, words.LADDER)
    words.message(conn)
    walk = words.walk(conn, "wake_up", {"event": "registered"}, {"ladder": "wake_up", "message": "hello"})
    _settle(conn)
    sql.people(conn, now=NOW, count=count)
    sql.stand_on_ladder(conn, now=NOW, offer=ladder.definition_id)
    sql.walk_journey(conn, now=NOW, journey=walk.definition_id)
    sql.caught_up(conn)
    conn.execute("vacuum (analyze)")


def _settle(conn: psycopg.Connection) -> int:
    """Pass after pass over the three stages until nothing is due; returns how many."""
    rounds = 1
    while sum(stage(conn, NOW).busy() for stage in STAGES):
        rounds += 1
    return rounds
