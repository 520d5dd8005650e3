"""Reading contacts at the platform: one by one, when something is said to have happened, or a page of many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from yutang.channels.platform.calls import PlatformError
from yutang.channels.wecom import contacts, queue
from yutang.channels.wecom.desk import Desk
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.relations import SETTLED, Happened, Missing, Pair
from yutang.channels.wecom.who import clean
from yutang.db.queries import Queries

sql = Queries(__package__)

GONE = (84061, 84084, 40096)
PAUSES = (timedelta(seconds=1), timedelta(seconds=5), SETTLED)
"""The platform may know of a relation some seconds after its callback."""


def contact(desk: Desk, errand: Errand) -> None:
    """Errand ``contact``: read a contact and all who follow him. Again, later, while the platform lags behind a callback."""
    if read(desk, errand.key) and errand.tries <= len(PAUSES):
        raise queue.Again(desk.clock() + PAUSES[errand.tries - 1])


def read(desk: Desk, external_userid: str, run: int | None = None) -> set[Pair]:
    """Read one contact into our tables; returns the pairs of which the platform may not know yet."""
    asked = desk.clock()
    try:
        answer = desk.wecom.contact(external_userid)
    except PlatformError as error:
        if error.code not in GONE:
            raise
        answer = {}
    return _keep(desk, external_userid, answer, asked, run)


def _keep(desk: Desk, external_userid: str, answer: Mapping[str, Any], asked: datetime, run: int | None) -> set[Pair]:
    shown: dict[Pair, list[Happened]] = {
        (external_userid, clean(raw["userid"])): [contacts.seen_of(raw, asked, run)]
        for raw in answer.get("follow_user") or []
    }
    found = [contacts.contact_of(answer["external_contact"])] if answer.get("external_contact") else []
    with desk.conn.transaction():
        contacts.lock(desk.conn, desk.account)
        rows = sql.followers(desk.conn, account=desk.source, externals=[external_userid])
        missing = {(row.external_userid, row.userid) for row in rows} - set(shown)
        gone: dict[Pair, list[Happened]] = {pair: [Missing(asked)] for pair in missing}
        _learn_tags(desk, answer)
        unsettled = contacts.keep(desk.conn, asked, desk.account, shown | gone, found)
        _again(desk, unsettled if run else (), asked)
        return unsettled


def _learn_tags(desk: Desk, answer: Mapping[str, Any]) -> None:
    """Tags that are in no list that we have read yet; here they come with their names."""
    shown = [t for raw in answer.get("follow_user") or [] for t in raw.get("tags") or [] if t.get("tag_id")]
    if shown:
        sql.learn_tags(
            desk.conn, account=desk.source, ids=[clean(t["tag_id"]) for t in shown],
            groups=[clean(t.get("group_name")) for t in shown], names=[clean(t.get("tag_name")) for t in shown],
        )  # fmt: skip


def _again(desk: Desk, pairs: Collection[Pair], asked: datetime) -> None:
    """A walk does not wait for what the platform may not know yet; an errand does."""
    queue.add(desk.conn, desk.source, asked, [Errand("contact", external, asked + SETTLED) for external, _ in pairs])


def page(desk: Desk, rows: Sequence[Mapping[str, Any]], asked: datetime, run: int) -> int:
    """Keep a page of a walk, one row per relation, in the caller's transaction.

    Returns how many relations this walk had not shown before.
    """
    happened: dict[Pair, list[Happened]] = defaultdict(list)
    found = {}
    for row in rows:
        person, info = contacts.contact_of(row["external_contact"]), row["follow_info"]
        found[person.external_userid] = person
        happened[person.external_userid, clean(info["userid"])] = [contacts.seen_of(info, asked, run)]
    contacts.lock(desk.conn, desk.account)
    pairs = list(happened)
    before = sql.seen_before(
        desk.conn, account=desk.source, run=run, externals=[p[0] for p in pairs], users=[p[1] for p in pairs]
    ).fetchone()
    _again(desk, contacts.keep(desk.conn, asked, desk.account, happened, list(found.values())), asked)
    ids = sorted({tag for seen in happened.values() for tag in seen[0].tags})
    if sql.unknown_tags(desk.conn, account=desk.source, ids=ids).fetchone():
        queue.add(desk.conn, desk.source, asked, [Errand("tags", "", asked)])
    return len(pairs) - (before.n if before else 0)
