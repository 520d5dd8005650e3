"""The tabs that tell one thing each: orders, coupons, consent, tasks, identity."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yutang import channels
from yutang.channels import STAFF_TASKS
from yutang.handles import BY_NAME
from yutang.identity import cases
from yutang.web.pages.person.subject import Subject, sql
from yutang.web.pages.person.timeline import END, place_of
from yutang.web.pages.persons.called import called
from yutang.why import words
from yutang.why.book import sql as why_sql
from yutang.why.touches import coupons as coupons_of
from yutang.why.touches import happening
from yutang.why.words import both

PAGE = 50
CLASSES = ("marketing", "companion")
HISTORY = ("consent_given", "consent_withdrawn")


def orders(subject: Subject) -> dict[str, Any]:
    """Orders and refunds, the newest first."""
    rows = _events(subject, ("ordered", "refunded"))
    shown = rows[:PAGE]
    following = f"{shown[-1].at.isoformat()}~{shown[-1].event_id}" if len(rows) > PAGE else None
    return {"orders": shown, "before": following, "later": "before" in subject.request.query_params}


def _events(subject: Subject, types: tuple[str, ...]) -> list[Any]:
    before: tuple[datetime, int] = place_of(subject.request.query_params.get("before", ""))
    rows = sql.events(
        subject.conn, subject.only, types=list(types), but=None, before=before[0], event=before[1], limit=PAGE + 1
    )
    return [happening(row) for row in rows]


def coupons(subject: Subject) -> dict[str, Any]:
    """Every coupon, the newest first."""
    found = coupons_of(subject.book).values()
    return {"coupons": sorted(found, key=lambda coupon: coupon.issued_at, reverse=True)[: 4 * PAGE]}


def consent(subject: Subject) -> dict[str, Any]:
    """What may be sent by each channel, why, and what was said in the past."""
    known = subject.card["consent"]
    codes = {row.code for row in sql.kinds(subject.conn, persons=subject.members)}
    rows = sql.events(subject.conn, subject.only, types=list(HISTORY), but=None, before=END, event=0, limit=PAGE)
    return {
        "channels": [_channel(subject, name, known, codes) for name in sorted(subject.pond["consent"])],
        "classes": [(name, known[f"class:{name}"]) for name in CLASSES if f"class:{name}" in known],
        "all_word": known.get("*"),
        "history": [happening(row) for row in rows],
    }


def _channel(subject: Subject, name: str, known: dict[str, Any], codes: set[int]) -> dict[str, Any]:
    """The latest word on one channel; without a word, what the pond takes silence for."""
    word = known.get(name) or known.get("*")
    usual = subject.pond["consent"][name]
    kind = BY_NAME.get(subject.pond["reach"].get(name, ""))
    return {
        "name": name,
        "title": both(*channels.called(name)),
        "yes": word["given"] if word else usual == "assumed",
        "word": ("given" if word["given"] else "withdrawn") if word else usual,
        "at": word and word["at"],
        "address": None if kind is None else kind.code in codes,
    }


def tasks(subject: Subject) -> dict[str, Any]:
    """What staff are, or were, to do for this person."""
    return {"tasks": STAFF_TASKS.tasks(subject.conn, subject.now, persons=subject.members, most=PAGE)}


def identity(subject: Subject) -> dict[str, Any]:
    """What the person is called outside, since when and by which event; with whom he was merged, and with whom he was not."""
    handles = why_sql.handles(subject.conn, persons=subject.members).fetchall()
    merges = why_sql.merges(subject.conn, persons=subject.members).fetchall()
    seen = [row.event_id for row in (*handles, *merges)]
    return {
        "called": called,
        "handles": handles,
        "merges": merges,
        "evidence": {
            row.event_id: (words.event_title(row.type), row) for row in sql.evidence(subject.conn, events=seen)
        },
        "apart": [row.person_id for row in sql.apart(subject.conn, persons=subject.members)],
        "cases": [(case, words.event_title(case.type)) for case in cases(subject.conn, subject.members)],
        "can_split": any(merge.undone_at is None for merge in merges),
    }
