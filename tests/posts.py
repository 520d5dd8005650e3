"""For tests of channels: what the city calls back, as the callback stage would hand it over; and letters."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from yutang.channels.contract import Answer, Fact, Letter, Raw
from yutang.channels.platform.callback import time_of
from yutang.emulator import City
from yutang.handles import kind_of, normal
from yutang.ingest import catalog

NOWHERE = "http://127.0.0.1:9/"
_numbers = itertools.count(1)


def listen(city: City, kind: str) -> None:
    """Callbacks of this kind of account are kept for `called_back`."""
    city.app(kind).callback_url = NOWHERE


def called_back(city: City, kind: str) -> list[Raw]:
    """What has come due, in the order of delivery, with the faults that are on; each once."""
    due = []
    with city.lock:
        queue = city.callbacks.queue
        others = [post for post in queue if post.app.kind != kind or post.due > city.now().timestamp()]
        due = [heapq.heappop(queue) for _ in range(len(queue))]
        due = [post for post in due if post not in others]
        queue[:] = others
        heapq.heapify(queue)
    return [raw(post.plain, city.now()) for post in due]


def raw(plain: bytes, now: datetime) -> Raw:
    return Raw(next(_numbers), plain.decode(), time_of(plain, now), now)


def letter(touch: int, address: str, body: str = "今天有新品", *attachments: Mapping[str, Any]) -> Letter:
    return Letter(touch, 1000 + touch, address, "", body, {"message": "hello", "tries": 1}, attachments)


def sound(news: Sequence[Answer | Fact]) -> None:
    """The door would take these facts: known types with right props, handles of known kinds, keys that tell them apart."""
    facts = [one for one in news if isinstance(one, Fact)]
    assert facts
    for fact in facts:
        assert fact.type in catalog.BY_NAME
        assert catalog.check(fact.type, msgspec.json.encode(fact.props)) is None, fact
        assert 0 < len(fact.key) <= 200
        for full, value in fact.handles.items():
            normal(kind_of(full), value)
    assert len({fact.key for fact in facts}) == len(facts)
