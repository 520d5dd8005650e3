"""Contacts and their relations in our tables: what happened goes in, facts come out, each once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from yutang.channels.contract import Fact
from yutang.channels.platform import news
from yutang.channels.platform.account import Account
from yutang.channels.wecom import codes, tags
from yutang.channels.wecom.relations import WAYS, Happened, Pair, Relation, Seen, Turn, fold
from yutang.channels.wecom.who import clean, handles, lock, unionids
from yutang.db.queries import Queries

sql = Queries(__package__)
GENDERS = {1: "male", 2: "female"}
PERSONAL = 2
"""The platform's kind of tag that belongs to one member of staff alone."""


@dataclass(frozen=True)
class Contact:
    """A customer as the API shows him. `gender` as the platform numbers it; `unionid` empty when it is not shown."""

    external_userid: str
    name: str = ""
    avatar: str = ""
    type: int | None = None
    gender: int | None = None
    unionid: str = ""


def contact_of(raw: Mapping[str, Any]) -> Contact:
    """From ``external_contact`` of an answer."""
    return Contact(
        clean(raw["external_userid"]),
        clean(raw.get("name")),
        clean(raw.get("avatar")),
        _number(raw.get("type")),
        _number(raw.get("gender")),
        clean(raw.get("unionid")),
    )


def seen_of(raw: Mapping[str, Any], asked: datetime, run: int | None = None) -> Seen:
    """From one entry of ``follow_user``, or the ``follow_info`` of a bulk reading, where tags are ids alone."""
    shown = raw.get("tags") or []
    ids = [tag["tag_id"] for tag in shown if tag.get("tag_id")] if "tag_id" not in raw else raw["tag_id"] or []
    personal = None if "tag_id" in raw else tuple(clean(t.get("tag_name")) for t in shown if t.get("type") == PERSONAL)
    return Seen(
        at=datetime.fromtimestamp(int(raw.get("createtime") or 0), UTC),
        asked=asked,
        state_param=clean(raw.get("state")),
        add_way=_number(raw.get("add_way")),
        remark=clean(raw.get("remark")),
        description=clean(raw.get("description")),
        tags=tuple(sorted(map(clean, ids))),
        personal_tags=personal,
        run=run,
    )


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def keep(
    conn: psycopg.Connection,
    now: datetime,
    account: Account,
    happened: Mapping[Pair, Sequence[Happened]],
    contacts: Sequence[Contact] = (),
) -> set[Pair]:
    """Fold what happened into the rows and tell the facts, in the caller's transaction.

    Returns the pairs whose reading came too soon after a callback to be believed: read them again.
    """
    lock(conn, account)
    _keep_contacts(conn, now, account, contacts)
    rows = _rows(conn, account, list(happened))
    folded = {pair: fold(pair, rows.get(pair), happened[pair]) for pair in sorted(happened)}
    _keep_relations(conn, account, [f.relation for pair, f in folded.items() if f.relation != rows.get(pair)])
    tell(conn, now, account, sorted((turn for f in folded.values() for turn in f.turns), key=lambda turn: turn.at))
    if contacts:
        tags.tell(conn, now, account, [contact.external_userid for contact in contacts])
    return {pair for pair, f in folded.items() if f.unsettled}


def _rows(conn: psycopg.Connection, account: Account, pairs: list[Pair]) -> dict[Pair, Relation]:
    found = sql.relations(conn, account=account.source, externals=[p[0] for p in pairs], users=[p[1] for p in pairs])
    return {(row.external_userid, row.userid): _relation(row) for row in found}


def _relation(row: Any) -> Relation:
    values = {f.name: getattr(row, f.name) for f in fields(Relation)}
    return Relation(**values | {name: tuple(values[name]) for name in ("tags", "personal_tags")})


def _keep_relations(conn: psycopg.Connection, account: Account, relations: list[Relation]) -> None:
    if relations:
        sql.keep_relations(conn, account=account.source, rows=Jsonb([_plain(r) for r in relations]))


def _plain(relation: Relation) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(relation).items()}


def tell(conn: psycopg.Connection, now: datetime, account: Account, turns: Sequence[Turn]) -> None:
    """The facts behind the turns: added, lost, or, where somebody hands contacts over, moved."""
    if not turns:
        return
    externals = sorted({turn.relation.external_userid for turn in turns})
    moves = {
        (m.external_userid, m.takeover): m
        for m in sql.moves(conn, account=account.source, externals=externals, now=now)
    }
    leaving = {(m.external_userid, m.handover) for m in moves.values()}
    plain, moved = [], []
    for turn in turns:
        pair = (turn.relation.external_userid, turn.relation.userid)
        move = moves.get(pair)
        if turn.type == "contact_added" and move is not None and turn.at >= move.begun_at:
            moved.append((move, turn.at))
        elif not (turn.by == "transfer" and pair in leaving):
            plain.append(turn)
    known = unionids(conn, account, externals)
    news.tell(conn, account.channel, _facts(conn, account, plain, known))
    # Also whoever came by a code and was never called back.
    came = [turn.relation for turn in plain if turn.type == "contact_added"]
    codes.dress(conn, now, account, [((one.external_userid, one.userid), one.state_param) for one in came])
    tell_moved(conn, now, account, moved)


def _facts(conn: psycopg.Connection, account: Account, turns: Sequence[Turn], known: Mapping[str, str]) -> list[Fact]:
    states = sorted({turn.relation.state_param for turn in turns} - {""})
    codes = {row.state: row for row in sql.codes_of_states(conn, account=account.source, states=states)}
    return [
        Fact(
            _key(turn),
            turn.type,
            turn.at,
            handles(account, turn.relation.external_userid, known.get(turn.relation.external_userid)),
            {"channel": account.channel}
            | (
                _lost(turn)
                if turn.type == "contact_lost"
                else _added(turn.relation, codes.get(turn.relation.state_param))
            ),
        )
        for turn in turns
    ]


def _key(turn: Turn) -> str:
    """Natural ids, so that whoever finds it out, a callback or a reading, tells the same fact."""
    word = "add" if turn.type == "contact_added" else "lost"
    return f"{word}:{turn.relation.userid}:{turn.relation.external_userid}:{int(turn.at.timestamp())}"


def _lost(turn: Turn) -> dict[str, Any]:
    return {"staff": turn.relation.userid, "by": turn.by}


def _added(relation: Relation, code: Any) -> dict[str, Any]:
    way = "qr" if code and relation.add_way is None else WAYS.get(relation.add_way, "") if relation.add_way else ""
    props = {"staff": relation.userid, "code": code and code.name, "state": relation.state_param,
             "store": code and code.store, "way": way}  # fmt: skip
    return {name: value for name, value in props.items() if value}


def tell_moved(
    conn: psycopg.Connection, now: datetime, account: Account, moved: Sequence[tuple[Any, datetime]]
) -> None:
    """Tell handings-over that were not told yet; each a row of ``moves`` and the time."""
    if not moved:
        return
    ats = {(m.external_userid, m.handover, m.takeover, m.begun_at): at for m, at in moved}
    fresh = sql.moved(
        conn, account=account.source, now=now, externals=[k[0] for k in ats], handovers=[k[1] for k in ats],
        takeovers=[k[2] for k in ats], begun=[k[3] for k in ats],
    ).fetchall()  # fmt: skip
    known = unionids(conn, account, [row.external_userid for row in fresh])
    facts = [
        Fact(
            f"moved:{row.handover}:{row.takeover}:{row.external_userid}:{int(row.begun_at.timestamp())}",
            "contact_moved",
            ats[row.external_userid, row.handover, row.takeover, row.begun_at],
            handles(account, row.external_userid, known.get(row.external_userid)),
            {"staff": row.takeover, "before": row.handover, "channel": account.channel},
        )
        for row in fresh
    ]
    news.tell(conn, account.channel, facts)


def _keep_contacts(conn: psycopg.Connection, now: datetime, account: Account, contacts: Sequence[Contact]) -> None:
    """Write what the API shows, and tell what is new about a person."""
    if not contacts:
        return
    unique = {contact.external_userid: contact for contact in contacts}
    rows = [asdict(unique[key]) for key in sorted(unique)]
    changed = sql.keep_contacts(conn, account=account.source, rows=Jsonb(rows), now=now).fetchall()
    facts = [
        Fact(
            f"profile:{row.external_userid}:{row.version}",
            "profile_updated",
            now,
            handles(account, row.external_userid, row.unionid),
            {"traits": _traits(row)},
        )
        for row in changed
    ]
    news.tell(conn, account.channel, facts)


def _traits(row: Any) -> dict[str, str]:
    said = {"name": row.name, "gender": GENDERS.get(row.gender, "")}
    return {name: value for name, value in said.items() if value}
