"""What a person wishes: read from what is known, compared with a form, and said as events by the door."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang import decide, definitions, profile
from yutang.clock import zones
from yutang.db.queries import Queries
from yutang.identity.resolve import resolve_events
from yutang.ingest.record import OURS, follow_up
from yutang.model import Only, bucket_of
from yutang.profile.portrait import card

sql = Queries(__package__)

CLASSES = ("marketing", "companion")
CAPS = (1, 2, 3)
"""How many messages within the pond's window a person may choose as the most."""
CAP, ZONE, QUIET = "contact_cap", "time_zone", "quiet_hours"
"""The traits that carry a person's own limits; `decide` and `deliver` read them."""
_QUIET = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d")

Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Wishes:
    """channels, classes: whether each is wanted; only those that the page shows. cap, zone, quiet: None: as the brand has it."""

    channels: Mapping[str, bool]
    classes: Mapping[str, bool]
    cap: int | None
    zone: str | None
    quiet: str | None
    stopped: bool = False

    def form(self) -> dict[str, str]:
        """The fields of a form that wishes exactly this."""
        shown = {f"shown.{name}": "1" for name in self.channels}
        wanted = {f"channel.{name}": "1" for name, yes in self.channels.items() if yes}
        kinds = {f"class.{name}": "1" for name, yes in self.classes.items() if yes}
        begin, _, end = (self.quiet or "-").partition("-")
        limits = {"cap": str(self.cap or ""), "zone": self.zone or "", "from": begin, "to": end}
        return shown | wanted | kinds | limits


def read(conn: psycopg.Connection, person_id: int) -> Wishes:
    """What is known by now."""
    known, pond = card(conn, person_id), definitions.pond(conn)
    said = {name: word["given"] for name, word in known["consent"].items()}
    traits = {name: trait["value"] for name, trait in known["traits"].items()}
    cap = traits.get(CAP)
    return Wishes(
        channels={name: _wanted(name, said, pond) for name in _reachable(conn, person_id, pond, said)},
        classes={name: said.get(f"class:{name}", True) for name in CLASSES},
        cap=cap if isinstance(cap, int) and not isinstance(cap, bool) else None,
        zone=traits.get(ZONE),
        quiet=_hours(traits.get(QUIET)),
        stopped=not said.get("*", True),
    )


def _wanted(channel: str, said: Mapping[str, bool], pond: Mapping[str, Any]) -> bool:
    return said.get(channel, said.get("*", pond["consent"][channel] == "assumed"))


def _reachable(
    conn: psycopg.Connection, person_id: int, pond: Mapping[str, Any], said: Mapping[str, bool]
) -> list[str]:
    """The channels that the brand's messages use, or that the person has spoken of, and by which the person can be reached."""
    used = {d.body["channel"] for d in definitions.all_current(conn, "message")}
    for d in definitions.all_current(conn, "journey"):
        used |= {name for line in d.body["program"] for name in line.get("channels") or ()}
    theirs, needed = [row.head for row in sql.heads(conn, person=person_id)], decide.heads(conn, pond["reach"])
    return sorted(
        name
        for name in pond["consent"]
        if name in used | set(said) and (name not in needed or any(head.startswith(needed[name]) for head in theirs))
    )


def _hours(value: Any) -> str | None:
    return value if isinstance(value, str) and _QUIET.fullmatch(value) else None


def from_form(form: Mapping[str, str], usual: Mapping[str, str]) -> Wishes:
    """What a form wishes; whatever it says that cannot be is taken as the brand's own setting.

    usual: the brand's quiet hours, for whoever has chosen one end of them alone.
    """
    shown = [name.removeprefix("shown.") for name in form if name.startswith("shown.")]
    cap, zone, ends = form.get("cap", ""), form.get("zone", ""), [form.get("from", ""), form.get("to", "")]
    quiet = f"{ends[0] or usual['from']}-{ends[1] or usual['to']}" if any(ends) else None
    return Wishes(
        channels={name: f"channel.{name}" in form for name in shown},
        classes={name: f"class.{name}" in form for name in CLASSES},
        cap=int(cap) if cap in map(str, CAPS) else None,
        zone=zone if zone in zones() else None,
        quiet=_hours(quiet),
    )


def changes(now_is: Wishes, wanted: Wishes) -> list[Event]:
    """The events that make the one of the other; of channels only those that both know."""
    found: list[Event] = []
    for what, before, after in (
        ("channel", now_is.channels, wanted.channels),
        ("class", now_is.classes, wanted.classes),
    ):
        found += [
            (_consent(yes), {what: name}) for name, yes in after.items() if name in before and before[name] != yes
        ]
    traits = {
        name: after
        for name, before, after in (
            (CAP, now_is.cap, wanted.cap),
            (ZONE, now_is.zone, wanted.zone),
            (QUIET, now_is.quiet, wanted.quiet),
        )
        if before != after
    }
    return found + ([("profile_updated", {"traits": traits})] if traits else [])


def stop(channel: str = "*") -> list[Event]:
    """Nothing more by this channel; by none at all."""
    return [(_consent(False), {"channel": channel})]


def _consent(given: bool) -> str:
    return "consent_given" if given else "consent_withdrawn"


def save(conn: psycopg.Connection, now: datetime, person_id: int, events: list[Event]) -> None:
    """By the door, and at once into the profile: whoever has said stop is not written to a moment later."""
    saying = secrets.token_hex(8)
    keys = [f"preference:{saying}:{n}" for n in range(len(events))]
    follow_up(conn, now, [(key, type, person_id, now, props) for key, (type, props) in zip(keys, events, strict=True)])
    entered = [row.event_id for row in sql.entered(conn, source=OURS, keys=keys)]
    resolve_events(conn, now, entered)
    profile.refresh(conn, now, Only(persons=(person_id,)))


def arrival(conn: psycopg.Connection, person_id: int) -> list[Any]:
    """How the person came, oldest first: rows (type, at, store)."""
    return sorted(sql.arrival(conn, bucket=bucket_of(person_id), person=person_id), key=lambda row: row.at)
