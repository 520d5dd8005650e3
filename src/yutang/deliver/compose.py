"""From claimed attempts to letters: address, words, coupon. What cannot become a letter gets its result here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import psycopg
from cryptography.exceptions import InvalidTag

from yutang import definitions
from yutang.channels.contract import STAFF, Channel, Letter, Result
from yutang.clock import business_day
from yutang.db.queries import Queries
from yutang.deliver import wallet
from yutang.deliver.asks import RUN, WALLET, asks
from yutang.deliver.backoff import MOST_TRIES
from yutang.deliver.foretold import Foretold, foretold
from yutang.deliver.preference import links
from yutang.deliver.quiet import chosen, quiet_until
from yutang.deliver.render import CannotRender, discount, render, render_all, variables, yuan
from yutang.deliver.tell import Names, names_of
from yutang.deliver.terms import terms
from yutang.handles import kind_of
from yutang.model import Reason, halves
from yutang.vault import open_vault

sql = Queries(__package__)
Version = tuple[int, int]
"""A definition and its version."""
GONE = Result.failed("这条触达已不存在。 its touch is gone")


class Unsendable(Exception):
    """This attempt cannot become a letter; it carries the result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


class Claimed(NamedTuple):
    """The attempts of one claim, column by column; the n-th of each belong together."""

    persons: list[int]
    touches: list[int]
    tries: list[int]
    rounds: list[int]


@dataclass(frozen=True)
class Composed:
    """letters: to hand over. results: by touch id, of those that cannot be one. names: see `tell.Names`."""

    letters: list[Letter]
    results: dict[int, Result]
    names: Names


@dataclass(frozen=True)
class Batch:
    """What the letters of a batch share. asked: by message, see `asks`. page, purse: a person's preference page and wallet.
    runs: by touch id, what the run is about, where the message speaks of it."""

    now: datetime
    channel: Channel
    pond: Mapping[str, Any]
    messages: Mapping[Version, definitions.Definition | None]
    offers: Mapping[Version, definitions.Definition | None]
    asked: Mapping[Version, frozenset[str]]
    expected: Foretold
    runs: Mapping[int, Mapping[str, Any]]
    page: Callable[[int], str | None]
    purse: Callable[[int], str | None]
    quiet_until: Callable[[str, str | None], datetime | None]


def compose(conn: psycopg.Connection, now: datetime, channel: Channel, claimed: Claimed) -> Composed:
    """What becomes of claimed attempts before anything is sent. Reads only.

    It looks at the people once the claim is committed: whoever said no before then and was not stopped (see `stop`) is seen here.
    """
    rows = sql.facts(conn, handle=channel.handle, **_in_force(conn, channel), **claimed._asdict()).fetchall()
    batch, names = _batch(conn, now, channel, rows), names_of(conn, rows)
    letters, results = [], dict.fromkeys(set(claimed.touches) - names.keys(), GONE)
    for row in rows:
        try:
            letters.append(_letter(batch, row))
        except Unsendable as error:
            results[row.touch_id] = error.result
    return Composed(letters, results, names)


def _in_force(conn: psycopg.Connection, channel: Channel) -> dict[str, Any]:
    """What may have changed since the touches were judged: what went out of service, and whether consent must have been given."""
    return {
        "retired": definitions.retired(conn, "journey", "message"),
        "required": definitions.pond(conn)["consent"].get(channel.name) == "required",
    }


def _batch(conn: psycopg.Connection, now: datetime, channel: Channel, rows: Sequence[Any]) -> Batch:
    pond = definitions.pond(conn)
    messages = _named(conn, {(row.message_id, row.message_version) for row in rows})
    asked = {key: asks(message.body) for key, message in messages.items() if message is not None}
    asking = [(row, what) for row in rows if (what := asked.get((row.message_id, row.message_version)))]
    return Batch(
        now=now,
        channel=channel,
        pond=pond,
        messages=messages,
        offers=_named(conn, {(row.offer_id, row.offer_version) for row in rows if row.code}),
        asked=asked,
        expected=foretold(conn, now, pond, [(row.person_id, what) for row, what in asking]),
        runs=_runs(conn, [row for row, what in asking if RUN in what]),
        page=links(now),
        purse=wallet.links(now),
        quiet_until=cache(lambda zone, own: quiet_until(now, zone, chosen(pond["quiet"], own))),
    )


def _named(conn: psycopg.Connection, keys: set[Version]) -> dict[Version, definitions.Definition | None]:
    """The versions that the touches or coupons name; a batch has few."""
    return {key: definitions.find(conn, *key) for key in keys}


def _runs(conn: psycopg.Connection, rows: Sequence[Any]) -> dict[int, Mapping[str, Any]]:
    if not rows:
        return {}
    found = sql.runs(conn, persons=[row.person_id for row in rows], touches=[row.touch_id for row in rows])
    return {row.touch_id: row.about for row in found}


def _letter(batch: Batch, row: Any) -> Letter:
    """Raises Unsendable."""
    message = _sendable(batch, row)
    address, page = _address(batch.channel, row), batch.page(row.person_id)
    values = _values(batch, row, page)
    try:
        subject, body = render(message.body["subject"], message.body["body"], values)
        attachments = render_all(message.body.get("attachments", []), values)
    except CannotRender as error:
        zh, en = halves(str(error))
        detail = f"消息 {message.name}：{zh} message {message.name}: {en}"
        raise Unsendable(Result.failed(detail, Reason.CANNOT_RENDER)) from error
    meta = {"message": message.name, "tries": row.tries, "deadline": row.deadline}
    if page is not None and row.kind != "service":
        meta["unsubscribe"] = f"{page}/{batch.channel.name}"
    if batch.channel.name == STAFF:
        meta["task"] = terms(batch.now, message.body.get("task"), batch.pond["time_zone"], batch.pond["quiet"])
    return Letter(row.touch_id, row.person_id, address, subject, body, meta, attachments)


def _sendable(batch: Batch, row: Any) -> definitions.Definition:
    """The message, if it may go out now. Raises Unsendable."""
    if row.tries > MOST_TRIES:
        # Every worker that claimed it died with it in hand.
        raise Unsendable(
            Result.failed(
                "工作进程还没报告结果就退出了。 its workers ended before they could say what happened", Reason.GAVE_UP
            )
        )
    if row.deadline < batch.now:
        raise Unsendable(Result.failed("发出之前已过期限。 its deadline passed on the way out", Reason.TOO_LATE))
    message = batch.messages[row.message_id, row.message_version]
    if message is None:
        raise Unsendable(Result.failed("这条消息已不存在。 its message is gone", Reason.RETIRED))
    if row.stop is not None:
        raise Unsendable(Result.failed("发出之前被拦下。 stopped on the way out", Reason(row.stop)))
    if row.kind != "service" and (until := _quiet_until(batch, row.traits or {})) is not None:
        raise Unsendable(Result.wait(until, Reason.QUIET_HOURS))
    return message


def _quiet_until(batch: Batch, traits: Mapping[str, Any]) -> datetime | None:
    own = traits.get("quiet_hours")
    return batch.quiet_until(traits.get("time_zone") or batch.pond["time_zone"], own if isinstance(own, str) else None)


def _values(batch: Batch, row: Any, page: str | None) -> dict[str, Any]:
    """What the words see. The wallet's address is made only for those that ask."""
    coupon = _coupon(batch.pond, row, batch.offers[row.offer_id, row.offer_version]) if row.code else None
    title = {"title": batch.pond["title"]["zh"]}
    values = variables(row.traits, coupon, title, batch.runs.get(row.touch_id), *batch.expected.of(row.person_id))
    if page is not None:
        values["preferences"] = page
        if WALLET in batch.asked[row.message_id, row.message_version]:
            values["wallet"] = batch.purse(row.person_id)
    return values


def _address(channel: Channel, row: Any) -> str:
    """Plain text from here on. Raises Unsendable."""
    if channel.handle is None:
        return str(row.person_id)
    personal = kind_of(channel.handle).personal
    kept = row.sealed if personal else row.value
    if kept is None:
        raise Unsendable(
            Result.failed(
                f"顾客没有 {channel.handle} 这种标识。 no handle of kind '{channel.handle}'", Reason.NO_ADDRESS
            )
        )
    return _unsealed(kept) if personal else kept


def _unsealed(sealed: str) -> str:
    try:
        return open_vault().unseal_text(sealed)
    except (InvalidTag, ValueError) as error:
        # The operator's mistake: the letter waits until the secret is right.
        raise Unsendable(
            Result.retry(
                "地址是用另一把密钥加密的，请检查 YUTANG_SECRET。 "
                "the address was sealed under another secret (YUTANG_SECRET)"
            )
        ) from error


def _coupon(pond: Mapping[str, Any], row: Any, offer: definitions.Definition | None) -> dict[str, Any]:
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
