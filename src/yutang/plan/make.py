"""make → approve → apply: what a plan shows, who may bring it into service, and the change itself in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from yutang import brand as brands
from yutang import definitions
from yutang.brand import Brand, drafts
from yutang.channels.contract import Channel
from yutang.journey import edit
from yutang.model import Reason, YutangError
from yutang.plan import book, diff, flight, quota, show, words
from yutang.plan.book import Base, Plan, PlanRefused, Text
from yutang.plan.diff import Change
from yutang.plan.flight import Flight
from yutang.plan.hints import hints
from yutang.plan.parts import POND, Bodies, bodies_of, brand_of, reach
from yutang.plan.words import Titles, told

Channels = Mapping[str, Channel]
Rehearse = Callable[[Brand, Sequence[str]], dict[str, Any]]
"""A dry run of a brand, told which journeys would not be as they are: its report as JSON."""


@dataclass(frozen=True)
class Service:
    """What is in service."""

    bodies: Bodies
    base: Base


@dataclass(frozen=True)
class Draft:
    """What a plan would say and show, before anybody keeps it."""

    text: Text
    changes: list[Change]
    shown: dict[str, Any]
    flights: list[Flight]

    @property
    def fresh(self) -> list[str]:
        """The journeys that would not be as they are, or name what would not."""
        return sorted(_fresh(self.text.bodies, self.changes))


def in_service(conn: psycopg.Connection) -> Service:
    found = [d for kind in words.KINDS for d in definitions.all_current(conn, kind)]
    return Service(
        {(d.kind, d.name): d.body for d in found}, {f"{d.kind}/{d.name}": [d.definition_id, d.version] for d in found}
    )


def look(
    conn: psycopg.Connection,
    now: datetime,
    brand: Brand,
    channels: Channels,
    moves: Sequence[str] = (),
    *,
    guess: bool = False,
) -> Draft:
    """What would change with this brand; nothing is written. `moves`: see `flight.read_moves`. guess: it is still to be asked
    where people go.

    Raises PlanRefused when nothing would, or when it is not said where people go; YutangError for a move that cannot be.
    """
    service, new = in_service(conn), bodies_of(brand)
    found = diff.changes(service.bodies, new)
    if not found:
        raise PlanRefused(Reason.UNCHANGED, Reason.UNCHANGED.both)
    chosen = flight.read_moves(moves, found, service.bodies, new)
    titled = Titles(service.bodies, new)
    flights = (flight.guessed if guess else flight.flights)(conn, found, new, chosen)
    shown = {
        "changes": [told(change, titled) for change in found],
        "flight": [one.to_json(titled) for one in flights] + list(flight.comings(conn, now, found, new)),
        "quota": show.quota(_calendar(conn, now, new, channels, found), _fresh(new, found)),
        "hints": hints(conn, brand.hints, found, chosen, service.bodies),
        "dry_run": None,
    }
    return Draft(
        Text(brand.name, new, brand.sources, service.base, chosen, brand.files, drafts.publication_id(conn)),
        found,
        shown,
        flights,
    )


def make(
    conn: psycopg.Connection,
    now: datetime,
    brand: Brand,
    by: str,
    channels: Channels,
    *,
    moves: Sequence[str] = (),
    rehearse: Rehearse | None = None,
    key: str | None = None,
    reverts: int | None = None,
) -> Plan:
    """Keep a plan for this brand. `rehearse`: its dry run; `key`: one of a key is made once. Raises what `look` raises."""
    maker = _name(by)
    once = book.Once(
        key,
        book.digest(Text(brand.name, bodies_of(brand), brand.sources, {}, {}, {}, None).digest, list(moves), reverts),
    )
    if (kept := book.by_key(conn, once)) is not None:
        return kept
    draft = look(conn, now, brand, channels, moves)
    if rehearse is not None:
        draft.shown["dry_run"] = rehearse(brand, draft.fresh)
    return book.add(conn, now, draft.text, maker, draft.shown, once, reverts)


def revert(
    conn: psycopg.Connection,
    now: datetime,
    plan_id: int,
    by: str,
    channels: Channels,
    *,
    moves: Sequence[str] = (),
    rehearse: Rehearse | None = None,
    key: str | None = None,
) -> Plan:
    """Make a plan that leads back to what was in service before this one was applied. Raises PlanRefused, YutangError."""
    was = way_back(conn, plan_id)
    return make(conn, now, was, by, channels, moves=moves, rehearse=rehearse, key=key, reverts=plan_id)


def way_back(conn: psycopg.Connection, plan_id: int) -> Brand:
    """The brand as it was in service before this plan was applied. Raises PlanRefused, YutangError."""
    with conn.transaction():
        _, text = book.hold(conn, plan_id, ("applied",))
    before = {tuple(name.split("/", 1)): definitions.at_version(conn, *at).body for name, at in text.base.items()}
    if not before:
        raise YutangError(
            f"计划 {plan_id} 之前没有线上内容。 nothing was in service before plan {plan_id}; there is no way back"
        )
    files = {} if text.published is None else drafts.published(conn, text.published)
    return brand_of(before, {}, files)  # type: ignore[arg-type]


def outdated(conn: psycopg.Connection, plan_id: int) -> list[str]:
    """What is in service otherwise than it was when the plan was made, ``kind/name``; nothing: it can be applied as it stands."""
    return _moved(in_service(conn).base, book.text(conn, plan_id).base)


def approve(conn: psycopg.Connection, now: datetime, plan_id: int, by: str) -> Plan:
    """Somebody else than its maker agrees. Raises PlanRefused."""
    with conn.transaction():
        plan, _ = book.hold(conn, plan_id, ("draft",))
        if _name(by).casefold() == plan.by.casefold():
            raise PlanRefused(
                Reason.OWN_PLAN,
                f"计划 {plan_id} 是 {plan.by} 自己做的，须由另一个人批准。 plan {plan_id} was made by {plan.by}, so another person "
                "must approve it",
            )
        book.bring(conn, now, plan_id, "approved", _name(by))
    return book.found(conn, plan_id)


def refuse(conn: psycopg.Connection, now: datetime, plan_id: int, by: str, why: str = "") -> Plan:
    """Somebody does not want it; it ends here. Raises PlanRefused."""
    with conn.transaction():
        book.hold(conn, plan_id, ("draft", "approved"))
        book.bring(conn, now, plan_id, "refused", _name(by), why)
    return book.found(conn, plan_id)


def apply(conn: psycopg.Connection, now: datetime, plan_id: int, by: str, channels: Channels) -> Plan:
    """Bring a plan into service, with everybody in flight, whole or not at all.

    Raises PlanRefused: not approved, outdated (the plan is marked so), no room for a campaign, nobody said where people go.
    """
    try:
        with conn.transaction():
            stale = _apply(conn, now, plan_id, _name(by), channels)
    except BaseException:
        definitions.forget(conn)
        raise
    if stale is not None:
        raise stale
    return book.found(conn, plan_id)


def _apply(
    conn: psycopg.Connection, now: datetime, plan_id: int, by: str, channels: Channels
) -> PlanRefused | None:  # fmt: skip
    """What makes the plan outdated, if anything does; that is written down, unlike what else is refused."""
    plan, text = book.hold(conn, plan_id, ("draft", "approved"))
    definitions.hold(conn)
    if plan.state == "draft" and is_approval_required(conn):
        raise PlanRefused(
            Reason.NOT_APPROVED,
            f"计划 {plan_id} 还没有人批准：另一个人运行 yutang brand approve {plan_id}。 plan {plan_id} waits for another person's "
            f"`yutang brand approve {plan_id}`",
        )
    service = in_service(conn)
    if service.base != text.base:
        return _outdated(conn, now, plan_id, by, service.base, text.base)
    _bring_into_service(conn, now, service, text, channels)
    book.bring(conn, now, plan_id, "applied", by)
    return None


def _bring_into_service(
    conn: psycopg.Connection, now: datetime, service: Service, text: Text, channels: Channels
) -> None:
    changes = diff.changes(service.bodies, text.bodies)
    show.check_room(_calendar(conn, now, text.bodies, channels, changes), _fresh(text.bodies, changes))
    moving = flight.flights(conn, changes, text.bodies, text.moves)
    brands.publish(conn, now, brand_of(text.bodies, text.sources, text.files))
    for one in moving:
        new = definitions.current(conn, "journey", one.journey.name)
        assert new is not None
        edit.apply(conn, now, new.definition_id, new.version, one.groups)


def _outdated(
    conn: psycopg.Connection, now: datetime, plan_id: int, by: str, is_now: Base, was: Base
) -> PlanRefused:  # fmt: skip
    names = ", ".join(_moved(is_now, was))
    book.bring(conn, now, plan_id, "outdated", by, names)
    return PlanRefused(
        Reason.OUTDATED,
        f"计划 {plan_id} 之后线上内容又变了（{names}），请重新做计划。 what is in service has changed since plan {plan_id} was made "
        f"({names}); make the plan anew",
    )


def _moved(is_now: Base, was: Base) -> list[str]:
    return sorted(name for name in is_now.keys() | was.keys() if is_now.get(name) != was.get(name))


def publish(conn: psycopg.Connection, now: datetime, brand: Brand) -> dict[str, int]:
    """Put a brand into service without a plan. Raises PlanRefused where that needs another person's approval.

    Returns how many definitions of each kind are in service. People in flight finish on the version that they are on.
    """
    with conn.transaction():
        definitions.hold(conn)
        changes = diff.changes(in_service(conn).bodies, bodies_of(brand))
        sends = [f"{change.kind}/{change.name}" for change in changes if change.sends]
        if sends and is_approval_required(conn):
            raise PlanRefused(
                Reason.NOT_APPROVED,
                f"改动影响发送（{'、'.join(sends)}），需要另一个人批准：用 yutang brand plan。 this changes what is sent "
                f"({', '.join(sends)}), so another person must approve it: use `yutang brand plan`",
            )
        return brands.publish(conn, now, brand)


def begin_with(conn: psycopg.Connection, now: datetime, brand: Brand) -> bool:
    """`publish`, for a program that starts with a folder. False: the folder is as it was when it came into service once, and what came
    after it stays. Raises PlanRefused."""
    if drafts.superseded(conn, brand.files):
        return False
    publish(conn, now, brand)
    return True


def is_approval_required(conn: psycopg.Connection) -> bool:
    """By the pond in service: a plan that would lift the rule is still under it."""
    return definitions.pond(conn)["approval"]["required"]


def _calendar(
    conn: psycopg.Connection, now: datetime, bodies: Bodies, channels: Channels, changes: Sequence[Change]
) -> quota.Calendar:
    begin, end = quota.horizon(now, bodies[POND]["time_zone"])
    return quota.calendar(conn, now, bodies, channels, begin, end, _fresh(bodies, changes))


def _fresh(bodies: Bodies, changes: Sequence[Change]) -> set[str]:
    """The journeys that are not as they were, or name what is not."""
    changed = {change.key for change in changes}
    return {
        name for kind, name in bodies if kind == "journey" and not changed.isdisjoint(reach(bodies, [(kind, name)]))
    }  # fmt: skip


def _name(by: str) -> str:
    if not by.strip():
        raise YutangError("写明是谁（--as 姓名）。 say who you are (--as NAME)")
    return by.strip()
