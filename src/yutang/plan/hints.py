"""What the readers of a plan are warned of: what is surely not meant in the brand, and what the change takes from people in flight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg

from yutang.brand.hints import Hint
from yutang.db.queries import Queries
from yutang.journey.edit import FINISH_OLD
from yutang.plan.book import Moves
from yutang.plan.diff import Change
from yutang.plan.parts import Bodies

sql = Queries(__package__)
Warned = dict[str, str]
"""``{"at", "zh", "en"}``; at: FILE:LINE:COLUMN, or the journey."""


def hints(conn: psycopg.Connection, found: Sequence[Hint], changes: Sequence[Change], moves: Moves, old: Bodies) -> list[Warned]:  # fmt: skip
    """Events that the pond has had are nobody's slip."""
    seen = {row.name for row in sql.seen_events(conn)} if any(hint.event for hint in found) else set()
    of_files = [{"at": str(one.position), **one.said._asdict()} for one in found if one.event not in seen]
    return [*of_files, *_cut_short(changes, moves, old)]


def _cut_short(changes: Sequence[Change], moves: Moves, old: Bodies) -> Iterator[Warned]:
    """Who finishes on an old version passes over a message that goes out of service with the same change."""
    gone = {change.name for change in changes if (change.kind, change.sort) == ("message", "retired")}
    for journey, places in moves.items():
        told = {line.get("message") for line in old["journey", journey]["program"]}
        for message in sorted(gone & told) if FINISH_OLD in places.values() else ():
            yield {
                "at": f"journeys/{journey}.yml",
                "zh": f"走完旧版的人（{FINISH_OLD}）不会收到消息“{message}”，它在同一次改动里下线：请留下这条消息，或让他们去新版。",
                "en": f"who finishes the old version ({FINISH_OLD}) will not get the message '{message}', which is retired in the same "
                "change; keep it, or move them to the new version",
            }
