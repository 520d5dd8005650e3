"""Hearing: a batch of callbacks becomes relations, welcomes, errands and facts. No network, and the same again changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psycopg

from yutang.channels.contract import Fact, Raw
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.wecom import codes, contacts, directory, groups, queue
from yutang.channels.wecom.changes import CONTACT, GROUP, LINK, STAFF, TAG, Change, parse
from yutang.channels.wecom.queue import Errand
from yutang.channels.wecom.relations import SETTLED, Added, By, Ended, Happened, Pair
from yutang.channels.wecom.who import handles, lock, unionids
from yutang.db.queries import Queries

sql = Queries(__package__)

WELCOME = timedelta(seconds=20)
"""How long a welcome code lives, from the callback's CreateTime on."""
ADDS = ("add_external_contact", "add_half_external_contact")
ENDS = ("del_external_contact", "del_follow_user")
FAILURES = {"customer_refused": "refused", "customer_limit_exceed": "full"}


def hear(conn: psycopg.Connection, now: datetime, account: Account, raws: Sequence[Raw]) -> None:
    """Interpret callbacks, in any order and any number of times, in the caller's transaction.

    What the platform must be asked about waits as errands; what is known at once is told at once.
    """
    found = [(change.at, raw.event_id, change) for raw in raws if (change := parse(raw.text)) is not None]
    by_event: dict[str, list[Change]] = defaultdict(list)
    for _, _, change in sorted(found, key=lambda one: one[:2]):
        by_event[change.event].append(change)
    if by_event:
        lock(conn, account)
    for event, hear_them in _EARS.items():
        if event in by_event:
            hear_them(conn, now, account, by_event[event])


def _contacts(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:
    _transfers_failed(conn, account, [c for c in changes if c.type == "transfer_fail"])
    _welcomes(conn, account, [c for c in changes if c.type in ADDS and c.text("WelcomeCode")])
    happened: dict[Pair, list[Happened]] = defaultdict(list)
    for change in changes:
        if one := _happened(change):
            happened[_pair(change)].append(one)
    contacts.keep(conn, now, account, happened)
    queue.add(conn, account.source, now, [Errand("contact", _pair(c)[0], _read_at(c, now)) for c in changes])
    codes.dress(conn, now, account, [(_pair(c), c.text("State")) for c in changes if c.type in ADDS])


def _pair(change: Change) -> Pair:
    return change.text("ExternalUserID"), change.text("UserID")


def _happened(change: Change) -> Happened | None:
    if change.type in ADDS:
        return Added(change.at, change.text("State"), half=change.type == ADDS[1])
    return Ended(change.at, _by(change)) if change.type in ENDS else None


def _by(change: Change) -> By:
    if change.type == "del_follow_user":
        return "customer"
    return "transfer" if change.text("Source") == "DELETE_BY_TRANSFER" else "staff"


def _read_at(change: Change, now: datetime) -> datetime:
    """A reading that is to confirm an end waits until the platform shows it everywhere."""
    return max(now, change.at + SETTLED) if change.type in ENDS else now


def _welcomes(conn: psycopg.Connection, account: Account, changes: Sequence[Change]) -> None:
    if changes:
        sql.keep_welcomes(
            conn,
            account=account.source,
            externals=[c.text("ExternalUserID") for c in changes],
            users=[c.text("UserID") for c in changes],
            codes=[c.text("WelcomeCode") for c in changes],
            states=[c.text("State") for c in changes],
            ats=[c.at for c in changes],
            expires=[c.at + WELCOME for c in changes],
        )


def _transfers_failed(conn: psycopg.Connection, account: Account, changes: Sequence[Change]) -> None:
    if changes:
        sql.transfer_failed(
            conn,
            account=account.source,
            externals=[c.text("ExternalUserID") for c in changes],
            takeovers=[c.text("UserID") for c in changes],
            states=[FAILURES.get(c.text("FailReason"), "failed") for c in changes],
            ats=[c.at for c in changes],
        )


def _groups(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:
    groups.hear(conn, now, account, changes)


def _tags(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:  # noqa: ARG001
    """Which tag it was does not matter: the whole list is one call."""
    queue.add(conn, account.source, now, [Errand("tags", "", now)])


def _staff(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:
    directory.hear(conn, now, account, changes)


def _chats(conn: psycopg.Connection, now: datetime, account: Account, changes: Sequence[Change]) -> None:  # noqa: ARG001
    """The customer of an acquisition link has spoken for the first time; what he said is not shown."""
    known = unionids(conn, account, [c.text("ExternalUserID") for c in changes])
    facts = [
        Fact(
            f"chat:{c.text('UserID')}:{c.text('ExternalUserID')}:{int(c.at.timestamp())}",
            "message_received",
            c.at,
            handles(account, c.text("ExternalUserID"), known.get(c.text("ExternalUserID"))),
            {"channel": account.channel, "kind": "start_chat"},
        )
        for c in changes
    ]
    news.tell(conn, account.channel, facts)


_EARS: dict[str, Callable[[psycopg.Connection, datetime, Account, Sequence[Change]], None]] = {
    STAFF: _staff,
    CONTACT: _contacts,
    GROUP: _groups,
    TAG: _tags,
    LINK: _chats,
}
