"""The touches of a person: what was proposed, judged, sent and answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from yutang.channels.contract import STAFF
from yutang.why import words
from yutang.why.book import Book, grouped
from yutang.why.chain import Attempt, Coupon, Happening, Refused, Touch, Use, Verdict, Words


def happening(row: Any) -> Happening:
    """A person's event as it is told."""
    return Happening(row.event_id, row.type, words.event_title(row.type), row.at, row.amount, row.props)


def _answer(row: Any) -> Happening:
    """With why it came to nothing, where it says so; a task is not sent, but done."""
    found, why = happening(row), row.props.get("reason")
    state = found.type.removeprefix("message_")
    if row.props.get("channel") == STAFF and state in words.TASKS:
        return replace(found, title=words.attempt(STAFF, state, why))
    return replace(found, title=words.add(found.title, words.reason(why)))


def touches(book: Book, coupons: dict[str, Coupon]) -> list[tuple[Any, Touch]]:
    """(row, touch) in the order in which they were proposed."""
    rows = book.rows("touches")
    answers = grouped(book.rows("answers"), lambda row: row.touch_id)
    by_id = {row.touch_id: row for row in rows}
    return [(row, _touch(book, row, by_id, answers.get(str(row.touch_id), []), coupons)) for row in rows]


def coupons(book: Book) -> dict[str, Coupon]:
    """Every coupon of the person, by code."""
    uses = grouped(book.rows("uses"), lambda row: row.code)
    return {row.code: _coupon(book, row, uses.get(row.code, [])) for row in book.rows("coupons")}


def refused(book: Book) -> list[Refused]:
    """What the person did not get, where neither a touch nor a coupon tells of it."""
    return [
        Refused(
            at=row.at,
            offer=book.name(row.definition_id) if row.definition_id else None,
            title=book.title(row.definition_id)
            if row.definition_id
            else words.both(f"券码 {row.code}", f"code {row.code}"),
            code=row.code,
            reason=row.reason,
            words=words.reason(row.reason),
        )
        for row in book.rows("refused")
    ]


def _coupon(book: Book, row: Any, uses: list[Any]) -> Coupon:
    return Coupon(
        code=row.code,
        offer=book.name(row.definition_id) if row.definition_id else None,
        title=book.title(row.definition_id)
        if row.definition_id
        else words.both("其他系统的券", "another system's coupon"),
        rung=row.rung or None,
        state=row.state,
        value_fen=row.value_fen,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        uses=[_use(use) for use in uses],
    )


def _use(row: Any) -> Use:
    said = words.add(words.USES[row.state], words.reason(row.reason))
    if row.against:
        said = words.both(f"{said['zh']}（{row.against}）", f"{said['en']} ({row.against})")
    return Use(row.at, row.state, row.reason, said, row.order_id, row.discount_fen)


def _touch(book: Book, row: Any, by_id: dict[int, Any], answers: list[Any], coupons: dict[str, Coupon]) -> Touch:
    verdicts = [_verdict(book, row, entry, by_id) for entry in row.verdicts]
    attempt = _attempt(row)
    return Touch(
        touch_id=row.touch_id,
        journey=book.name(row.journey_id, row.version),
        message=book.name(row.message_id, row.message_version),
        title=book.title(row.message_id, row.message_version),
        kind=row.kind,
        channel=row.channel,
        price=row.price,
        offer=book.name(row.offer_id) if row.offer_id is not None else None,
        rung=row.rung or None,
        value_fen=row.value_fen,
        at=row.at,
        deadline=row.deadline,
        verdicts=verdicts,
        attempt=attempt,
        follow_ups=[_answer(row) for row in answers],
        coupon=coupons.get(row.coupon) if row.coupon else None,
        words=_summary(verdicts, attempt),
        worth=words.worth(row.worth) if row.worth else None,
    )


def _verdict(book: Book, own: Any, entry: dict[str, Any], by_id: dict[int, Any]) -> Verdict:
    verdict, lost_to = entry["verdict"], entry.get("lost_to")
    why, theirs = words.reason(entry.get("reason")), by_id.get(lost_to)
    winner = _winner(book, lost_to, theirs) if lost_to is not None else None
    if winner and theirs is not None:
        service = theirs.kind == "service" != own.kind
        why = words.outbid(winner["message"], theirs.value_fen, entry.get("value_fen", 0), service)
    said = words.add(words.VERDICTS[verdict], why)
    return Verdict(datetime.fromisoformat(entry["at"]), verdict, entry.get("reason"), said, entry.get("spent"), winner)


def _winner(book: Book, touch_id: int, row: Any | None) -> dict[str, Any]:
    """Who got the points instead: its journey and message, and what it was worth."""
    if row is None:
        return {"touch_id": touch_id, "journey": None, "title": words.both(f"触达 {touch_id}", f"touch {touch_id}")}
    journey, message = book.title(row.journey_id), book.title(row.message_id, row.message_version)
    found = {"touch_id": touch_id, "journey": book.name(row.journey_id), "title": journey}
    return found | {"message": message, "value_fen": row.value_fen}


def _attempt(row: Any) -> Attempt | None:
    if row.attempt_state is None:
        return None
    return Attempt(
        channel=row.attempt_channel,
        state=row.attempt_state,
        words=words.attempt(row.attempt_channel, row.attempt_state, row.attempt_reason),
        tries=row.tries,
        at=row.attempt_at,
        retry_at=row.attempt_retry_at if row.attempt_state in ("waiting", "claimed") else None,
        reason=row.attempt_reason,
        detail=row.attempt_detail or None,
    )


def _summary(verdicts: list[Verdict], attempt: Attempt | None) -> Words:
    """What became of the touch, in a few words."""
    if attempt is not None:
        return attempt.words
    return verdicts[-1].words if verdicts else words.both("等待裁决", "not judged yet")
