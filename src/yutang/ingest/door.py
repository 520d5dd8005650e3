"""What may enter: from the bytes of a call to rows for the database and refusals with a reason. No database here."""

from __future__ import annotations

import re
import shlex
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from yutang.handles import INVISIBLE, kind_of
from yutang.ingest import catalog, pack
from yutang.ingest.catalog import Key
from yutang.ingest.keys import Refusal, close
from yutang.ingest.shape import malformed, named, where
from yutang.ingest.split import Unsplittable, split
from yutang.model import Reason
from yutang.vault import Vault

MAX_EVENTS = 1_000
"""Events in one call."""
MAX_BODY = 5_000_000
"""Bytes of one call."""
MAX_EVENT = 64_000
"""Bytes of one event."""
MAX_DEPTH = 64
"""Brackets inside brackets of one event's props: more than any reader of events has to bear."""
AHEAD = 24 * 3600 * 1_000_000
"""Microseconds that a sender's clock may be ahead of ours."""

OURS = "yutang"
"""The source of events that Yutang itself records."""
_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_HIDDEN = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029{INVISIBLE}]")
_NOBODY = {"null", "undefined", "none", "nan", "(null)"}
"""What programs write where there is no value: as a handle it would make one person of everybody."""
_HIDES = (
    "含有换行、控制字符或看不见的字符，请去掉。 holds a line break or another character that nobody sees; remove it"
)
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Event(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An event as it is sent."""

    id: Key
    source: Name
    type: Name
    at: Annotated[datetime, Meta(tz=True)]
    handles: dict[str, str] = {}
    props: msgspec.Raw = msgspec.Raw(b"{}")


class Rejected(msgspec.Struct, frozen=True):
    """What was refused: the element's index (None: the whole body), the reason, and what is wrong, where, what to do."""

    index: int | None
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Refused:
    """A refusal with what is kept of it: the payload as it came, and the ids when they could be read."""

    answer: Rejected
    payload: bytes
    source: str | None = None
    source_id: str | None = None


@dataclass(frozen=True)
class Door:
    """The rules in force: registered sources, and the times (µs since 2000) between which an event may lie."""

    vault: Vault
    sources: frozenset[str]
    earliest: int
    latest: int


@dataclass
class Parsed:
    """What one call holds: rows for the database with the index each had, refusals, and the text of any element.

    `say` words a detail for the reader of the answer (an import names row and column).
    """

    payload: Callable[[int], bytes]
    say: Callable[[int, str], str] = lambda _, detail: detail
    rows: list[bytes] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def keep(self, index: int, row: bytes) -> None:
        self.rows.append(row)
        self.indexes.append(index)

    def refuse(self, index: int | None, refusal: Refusal, ids: tuple[str, str] | None = None) -> None:
        detail = refusal.detail if index is None else self.say(index, refusal.detail)
        answer = Rejected(index, refusal.reason, detail)
        self.refused.append(Refused(answer, self.payload(0 if index is None else index), *(ids or (None, None))))


_events = msgspec.json.Decoder(list[Event])
_event = msgspec.json.Decoder(Event)
_encode = msgspec.json.encode


def parse(door: Door, body: bytes) -> Parsed:
    """Read the body of a call (a JSON array, a byte order mark before it or not). Never raises on what was sent."""
    body = body.removeprefix(BOM_UTF8)
    if len(body) > MAX_BODY:
        return _refuse_all(
            body,
            Reason.TOO_LARGE,
            f"共 {len(body)} 字节，一次最多发 {MAX_BODY} 字节。 {len(body)} bytes; send at most {MAX_BODY} in one call",
        )
    try:
        if b"\\u0000" not in body:
            return _parse_events(door, body, _events.decode(body))
    except (ValueError, RecursionError):
        pass  # something is wrong with some event: look at each alone
    try:
        parts = split(body)
    except Unsplittable:
        return _unreadable(body)
    if len(parts) > MAX_EVENTS:
        return _too_many(body, len(parts))
    return parse_parts(door, parts)


def parse_parts(door: Door, parts: list[bytes]) -> Parsed:
    """Read the elements of a call one by one, each a JSON text."""
    parsed = Parsed(parts.__getitem__)
    for index, part in enumerate(parts):
        admit(door, parsed, index, part)
    return parsed


def admit(door: Door, parsed: Parsed, index: int, part: bytes) -> None:
    """Read one event and keep it, or refuse it."""
    event = None
    try:
        event = _decode(part)
        parsed.keep(index, _row(door, event))
    except Refusal as refusal:
        parsed.refuse(index, refusal, _ids(event) if event else None)


def _ids(event: Event) -> tuple[str, str]:
    return event.source, event.id


def _parse_events(door: Door, body: bytes, events: list[Event]) -> Parsed:
    """The usual case: the whole body has the right shape and was decoded at once."""
    if len(events) > MAX_EVENTS:
        return _too_many(body, len(events))
    parts: list[bytes] = []

    def payload(index: int) -> bytes:
        if not parts:
            parts.extend(split(body))
        return parts[index]

    parsed = Parsed(payload)
    for index, event in enumerate(events):
        try:
            parsed.keep(index, _row(door, event))
        except Refusal as refusal:
            parsed.refuse(index, refusal, _ids(event))
    return parsed


def _row(door: Door, event: Event) -> bytes:
    """The event as a row. Raises Refusal."""
    props = bytes(event.props)
    if len(props) > MAX_EVENT:
        raise _too_long(len(props))
    if wrong := _unfit(event) or _check(event.type, props):
        raise Refusal(Reason.BAD_SHAPE, wrong)
    if event.source not in door.sources:
        raise _unknown(event.source)
    at = pack.micros(event.at)
    if not door.earliest <= at <= door.latest:
        raise _time_refusal(door, at)
    keys, shown, secret = close(door.vault, event.handles)
    if wrong := _unmeant(shown):
        raise Refusal(Reason.BAD_SHAPE, wrong)
    sealed = _encode(secret) if secret else None
    row = pack.row(event.source, event.id, event.type, at, _encode(shown), keys, sealed, props)
    if len(row) > MAX_EVENT:
        raise _too_long(len(row))
    return row


def _unfit(event: Event) -> str | None:
    """What is wrong with the words that name an event: nobody could tell them from others by eye."""
    if _is_plain(event.id + event.source + event.type):
        return None
    for place, name in (("id", event.id), ("source", event.source), ("type", event.type)):
        if name.isspace():
            return f"event.{place}: 只有空白，请写明。 blank; write what it is"
        if _HIDDEN.search(name):
            return f"event.{place}: {_HIDES}"
    if event.type != event.type.strip():
        return "event.type: 首尾有空格，请去掉。 begins or ends with a blank; remove it"
    return None


def _unmeant(handles: dict[str, str]) -> str | None:
    """What is wrong with handles (the personal ones masked) that no system gives to anybody."""
    for full, value in handles.items():
        if value.isspace() or value.lower() in _NOBODY:
            return f"handles.{kind_of(full).name}: 没有值，请去掉这个标识，或写上真正的值。 says nobody; leave the handle out, or write its real value"
        if not _is_plain(full + value) and _HIDDEN.search(full + value):
            return f"handles.{kind_of(full).name}: {_HIDES}"
    return None


def _is_plain(text: str) -> bool:
    """Neither blanks nor anything that is not seen, as is usual: worth no closer look."""
    return text.isprintable() and " " not in text


def _unknown(source: str) -> Refusal:
    if source == OURS:
        detail = f"source: “{OURS}”是系统自己的来源，请换一个名称。 '{OURS}' is the system's own; give another name"
    else:
        command = f"yutang source add {shlex.quote(source)}"
        detail = (
            f"source: 来源“{source}”未登记或已停用，请先运行 {command} 登记（停用的也这样启用），或改正拼写。 "
            f"'{source}' is not registered, or closed; register it with: {command}; or mend the spelling"
        )
    return Refusal(Reason.UNKNOWN_SOURCE, detail)


def _too_long(size: int) -> Refusal:
    return Refusal(
        Reason.TOO_LARGE,
        f"这个事件有 {size} 字节或更多，最多保留 {MAX_EVENT} 字节。 "
        f"the event has {size} bytes or more; at most {MAX_EVENT} are kept",
    )


def _check(type: str, props: bytes) -> str | None:
    if len(props) > 2 * MAX_DEPTH and depth(props) > MAX_DEPTH:
        return f"props: 嵌套超过 {MAX_DEPTH} 层，请改成平铺的字段。 nested deeper than {MAX_DEPTH}; send flat fields"
    try:
        return catalog.check(type, props)
    except (ValueError, RecursionError) as error:
        raise broken(error, props) from None


def depth(text: bytes) -> int:
    """How deep brackets nest in valid JSON text; counts brackets inside strings only when there are many brackets at all."""
    if text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return 0
    deepest = level = 0
    for mark in re.sub(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[^\[\]{}]', b"", text, flags=re.DOTALL):
        level += 1 if mark in b"[{" else -1
        deepest = max(deepest, level)
    return deepest


def _decode(part: bytes) -> Event:
    if b"\\u0000" in part.replace(b"\\\\", b""):
        raise Refusal(Reason.BAD_ENCODING, "含有字符 U+0000，请删掉。 holds the character U+0000; remove it")
    try:
        return _event.decode(part)
    except (ValueError, RecursionError) as error:
        raise broken(error, part) from None


def broken(error: Exception, text: bytes) -> Refusal:
    """Why a text could not be read as an event."""
    if isinstance(error, UnicodeDecodeError) or text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return Refusal(
            Reason.BAD_ENCODING,
            "含有不是 UTF-8 的字节，请用 UTF-8 编码。 holds bytes that are not UTF-8; encode the text as UTF-8",
        )
    if isinstance(error, RecursionError):
        return Refusal(Reason.BAD_SHAPE, "嵌套太深，请改成平铺的字段。 nested too deeply; send flat fields")
    if isinstance(error, msgspec.ValidationError):
        return Refusal(Reason.BAD_SHAPE, _shape(named(str(error), text, {"$.handles": str, "$": Any})))
    if b"\0" in text:
        return Refusal(Reason.BAD_ENCODING, "含有 NUL 字节，请删掉。 holds a NUL byte; remove it")
    if _SURROGATE.search(text):
        return Refusal(
            Reason.BAD_ENCODING,
            "含有半个代理对，请把这个字符写成 UTF-8。 holds half a surrogate pair; write the character as UTF-8",
        )
    return Refusal(Reason.BAD_JSON, malformed(str(error), text))


def _shape(message: str) -> str:
    """The decoder's message; a name that came from outside is not repeated, for it may be personal data."""
    if message.startswith("Object contains unknown field"):
        return (
            "event: 除 id、source、type、at、handles、props 外还有别的字段，请放进 props。 "
            "holds a field besides id, source, type, at, handles, props; put it into props"
        )
    return where("event", message)


def _time_refusal(door: Door, at: int) -> Refusal:
    if at > door.latest:
        return Refusal(
            Reason.IN_FUTURE,
            "at: 时间比现在晚一天以上，请检查发送方的时钟和时区。 "
            "more than a day ahead; check the sender's clock and the UTC offset",
        )
    return Refusal(
        Reason.TOO_OLD,
        "at: 早于鱼塘的 `earliest`（可把这个日期提前），或属于只在数据湖里的时段（`[history] hot_days`），请去掉这个事件。 "
        "before the pond's `earliest` (move that date), or of a time that only the lake has (`[history] hot_days`); leave the event out",
    )


def _refuse_all(body: bytes, reason: Reason, detail: str) -> Parsed:
    parsed = Parsed(lambda _: body)
    parsed.refuse(None, Refusal(reason, detail))
    return parsed


def _too_many(body: bytes, count: int) -> Parsed:
    return _refuse_all(
        body,
        Reason.TOO_LARGE,
        f"共 {count} 个事件，一次最多发 {MAX_EVENTS} 个。 {count} events; send at most {MAX_EVENTS} in one call",
    )


def _unreadable(body: bytes) -> Parsed:
    """The whole body: not JSON at all, or not an array."""
    try:
        body.decode()
        found: Any = msgspec.json.decode(body)
    except (ValueError, RecursionError) as error:
        refusal = broken(error, body)
        reason = Reason.BAD_JSON if refusal.reason is Reason.BAD_SHAPE else refusal.reason
        return _refuse_all(body, reason, f"body: {refusal.detail}")
    zh, en = ("对象", "an object") if isinstance(found, dict) else ("单个值", "a single value")
    detail = f"body: 收到的是{zh}，请发一个由事件组成的 JSON 数组。 {en}; send a JSON array of events"
    return _refuse_all(body, Reason.BAD_SHAPE, detail)
