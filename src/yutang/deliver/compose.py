"""From claimed attempts to letters: address, words, coupon. What cannot become a letter gets its result here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag

from yutang import definitions
from yutang.channels.contract import STAFF, Channel, Letter, Result
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver import wallet
from yutang.deliver.backoff import MOST_TRIES
from yutang.deliver.foretold import Foretold, asks, foretold
from yutang.deliver.preference import links
from yutang.deliver.quiet import chosen, quiet_until
from yutang.deliver.render import CannotRender, discount, render, render_all, variables, yuan
from yutang.deliver.terms import terms
from yutang.handles import kind_of
from yutang.model import Reason
from yutang.vault import open_vault

sql = Queries(__package__)
NOTHING: frozenset[str] = frozenset()


class Unsendable(Exception):
    """This attempt cannot become a letter; it carries the result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


def compose(
    conn: psycopg.Connection, now: datetime, channel: Channel, claimed: Sequence[Any]
) -> tuple[list[Letter], dict[int, Result]]:
    """The letters to hand over, and by touch id the results of those that cannot be one. Reads only."""
    letters, results = [], {row.touch_id: Result.failed("its touch is gone") for row in claimed}
    rows, pond = _facts(conn, channel, claimed), definitions.pond(conn)
    messages = _named(conn, {(row.message_id, row.message_version) for row in rows})
    offers = _named(conn, {(row.offer_id, row.offer_version) for row in rows if row.code})
    preferences, wallets = links(now), wallet.links(now)
    said = {key: asks(message.body) for key, message in messages.items() if message is not None}
    expected = foretold(
        conn, now, pond, [(row.person_id, said.get((row.message_id, row.message_version), NOTHING)) for row in rows]
    )
    for row in rows:
        try:
            message = messages[row.message_id, row.message_version]
            pages = preferences(row.person_id), wallets(row.person_id)
            coupon = _coupon(pond, row, offers[row.offer_id, row.offer_version]) if row.code else None
            letters.append(_letter(now, channel, pond, message, row, coupon, pages, expected))
            del results[row.touch_id]
        except Unsendable as error:
            results[row.touch_id] = error.result
    return letters, results


def _facts(conn: psycopg.Connection, channel: Channel, claimed: Sequence[Any]) -> list[Any]:
    return sql.facts(
        conn,
        handle=channel.handle,
        buckets=[row.bucket for row in claimed],
        persons=[row.person_id for row in claimed],
        touches=[row.touch_id for row in claimed],
        tries=[row.tries for row in claimed],
    ).fetchall()


def _named(
    conn: psycopg.Connection, keys: set[tuple[int, int]]
) -> dict[tuple[int, int], definitions.Definition | None]:
    """The versions that the touches or coupons name; a batch has few."""
    return {key: definitions.find(conn, *key) for key in keys}


def _letter(
    now: datetime,
    channel: Channel,
    pond: dict[str, Any],
    message: definitions.Definition | None,
    row: Any,
    coupon: dict[str, Any] | None,
    pages: tuple[str | None, str | None],
    expected: Foretold,
) -> Letter:
    """`pages`: the addresses of the person's preference page and wallet. Raises Unsendable."""
    if row.tries > MOST_TRIES:
        # Every worker that claimed it died with it in hand.
        raise Unsendable(Result.failed("its workers ended before they could say what happened", Reason.GAVE_UP))
    if row.deadline < now:
        raise Unsendable(Result.failed("its deadline passed on the way out", Reason.TOO_LATE))
    if message is None:
        raise Unsendable(Result.failed("its message is gone", Reason.RETIRED))
    if row.stop is not None:
        raise Unsendable(Result.failed("stopped on the way out", Reason(row.stop)))
    if row.kind != "service" and (until := _quiet_until(now, pond, row)) is not None:
        raise Unsendable(Result.wait(until, Reason.QUIET_HOURS))
    address, (page, purse) = _address(channel, row), pages
    values = variables(row.traits, coupon, {"title": pond["title"]["zh"]}, row.about, *expected.of(row.person_id))
    if page is not None:
        values |= {"preferences": page, "wallet": purse}
    try:
        subject, body = render(message.body["subject"], message.body["body"], values)
        attachments = render_all(message.body.get("attachments", []), values)
    except CannotRender as error:
        raise Unsendable(Result.failed(f"message {message.name}: {error}")) from error
    meta = {"message": message.name, "tries": row.tries, "deadline": row.deadline}
    if page is not None and row.kind != "service":
        meta["unsubscribe"] = f"{page}/{channel.name}"
    if channel.name == STAFF:
        meta["task"] = terms(now, message.body.get("task"), pond["time_zone"], pond["quiet"])
    return Letter(row.touch_id, row.person_id, address, subject, body, meta, attachments)


def _quiet_until(now: datetime, pond: dict[str, Any], row: Any) -> datetime | None:
    traits = row.traits or {}
    return quiet_until(
        now, traits.get("time_zone") or pond["time_zone"], chosen(pond["quiet"], traits.get("quiet_hours"))
    )


def _address(channel: Channel, row: Any) -> str:
    """Plain text from here on. Raises Unsendable."""
    if channel.handle is None:
        return str(row.person_id)
    personal = kind_of(channel.handle).personal
    kept = row.sealed if personal else row.value
    if kept is None:
        raise Unsendable(Result.failed(f"no handle of kind '{channel.handle}'", Reason.NO_ADDRESS))
    return _unsealed(kept) if personal else kept


def _unsealed(sealed: str) -> str:
    try:
        return open_vault().unseal_text(sealed)
    except (InvalidTag, ValueError) as error:
        # The operator's mistake: the letter waits until the secret is right.
        raise Unsendable(Result.retry("the address was sealed under another secret (YUTANG_SECRET)")) from error


def _coupon(pond: dict[str, Any], row: Any, offer: definitions.Definition | None) -> dict[str, Any]:
    """What the words may say of the coupon: its code, its worth, and the last day on which it can be used."""
    expires = row.expires_at and business_day(row.expires_at - timedelta(seconds=1), pond["time_zone"]).isoformat()
    body = offer.body if offer else {}
    if body.get("sort") == "gift":
        worth = body["title"]["zh"]
    elif body.get("sort") == "red_packet":
        worth = f"{yuan(row.value_fen)}红包"
    else:
        worth = discount(row.pay_percent, row.off_fen, row.minimum_fen, row.value_fen)
    return {"code": row.code, "discount": worth, "expires": expires}
