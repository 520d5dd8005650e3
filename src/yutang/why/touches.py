"""The touches of a person: what was proposed, judged, sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from yutang.why import words
from yutang.why.book import Book, grouped
from yutang.why.chain import Attempt, Coupon, Happening, Touch, Use, Verdict, Words


def happening(row: Any) -> Happening:
    """A person's event as it is told."""
    return Happening(row.event_id, row.type, words.event_title(row.type), row.at, row.amount, row.props)


def touches(book: Book, coupons: dict[str, Coupon]) -> list[tuple[Any, Touch]]:
    """(row, touch) in the order in which they were proposed."""
    rows = book.rows("touches")
    answers = grouped(book.rows("answers"), lambda row: row.touch_id)
    journeys = {row.touch_id: row.journey_id for row in rows}
    return [(row, _touch(book, row, journeys, answers.get(str(row.touch_id), []), coupons)) for row in rows]


def coupons(book: Book) -> dict[str, Coupon]:
    """Every coupon of the person, by code."""
    uses = grouped(book.rows("uses"), lambda row: row.code)
    return {row.code: _coupon(book, row, uses.get(row.code, [])) for row in book.rows("coupons")}


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
    return Use(row.at, row.state, row.reason, said, row.order_id, row.discount_fen)


def _touch(book: Book, row: Any, journeys: dict[int, int], answers: list[Any], coupons: dict[str, Coupon]) -> Touch:
    verdicts = [_verdict(book, entry, journeys) for entry in row.verdicts]
    attempt = _attempt(row)
    return Touch(
        touch_id=row.touch_id,
        journey=book.name(row.journey_id, row.version),
        message=book.name(row.message_id, row.message_version),
        title=book.title(row.message_id, row.message_version),
        channel=row.channel,
        offer=book.name(row.offer_id) if row.offer_id is not None else None,
        rung=row.rung or None,
        value_fen=row.value_fen,
        at=row.at,
        deadline=row.deadline,
        verdicts=verdicts,
        attempt=attempt,
        follow_ups=[happening(answer) for answer in answers],
        coupon=coupons.get(row.coupon) if row.coupon else None,
        words=_summary(verdicts, attempt),
    )


def _verdict(book: Book, entry: dict[str, Any], journeys: dict[int, int]) -> Verdict:
    verdict, lost_to = entry["verdict"], entry.get("lost_to")
    said = words.add(words.VERDICTS[verdict], words.reason(entry.get("reason")))
    winner = _winner(book, lost_to, journeys.get(lost_to)) if lost_to is not None else None
    return Verdict(
        datetime.fromisoformat(entry["at"]), verdict, entry.get("reason"), said, entry.get("sent_before"), winner
    )


def _winner(book: Book, touch_id: int, journey_id: int | None) -> dict[str, Any]:
    """Who got the slot instead."""
    if journey_id is None:
        return {"touch_id": touch_id, "journey": None, "title": words.both(f"触达 {touch_id}", f"touch {touch_id}")}
    return {"touch_id": touch_id, "journey": book.name(journey_id), "title": book.title(journey_id)}


def _attempt(row: Any) -> Attempt | None:
    if row.attempt_state is None:
        return None
    return Attempt(
        channel=row.attempt_channel,
        state=row.attempt_state,
        words=words.add(words.ATTEMPTS[row.attempt_state], words.reason(row.attempt_reason)),
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
