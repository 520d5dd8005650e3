"""A shop's events: as arrays for the reference, as the bodies of calls for the door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from yutang.bench.words import NOW

TYPES = ("registered", "tagged", "ordered", "viewed")
SHARES = (0.05, 0.02, 0.2, 0.73)
PER_CALL = 100
REPEATED = 100
"""Of so many calls, one is sent a second time, as after a lost answer."""
SPAN = 60 * 86_400
"""Seconds over which the events lie, up to now."""
_PROPS = (
    '{{"channel":"mini-program","store":"shanghai-{n:06d}","campaign":"spring-{n:06d}-new-friends"}}',
    '{{"tag":"t0","by":"rule-{n:08d}","note":"bought with a friend in a store of the inner ring, {n:08d}"}}',
    '{{"order_id":"o{n:08d}","amount_fen":{amount},"items":[{{"product":"latte","quantity":1,"amount_fen":{amount}}}]}}',
    '{{"page":"/menu/seasonal/latte-{n:08d}","ms":{amount},"from":"moments","device":"phone"}}',
)


@dataclass(frozen=True)
class Traffic:
    """One element per event: person (from 0), kind (index in TYPES), seconds before NOW, amount in fen."""

    person: np.ndarray
    kind: np.ndarray
    ago: np.ndarray
    amount: np.ndarray

    @property
    def persons(self) -> int:
        return int(self.person.max()) + 1


def draw(events: int, seed: int = 1) -> Traffic:
    """Twenty events per person on average."""
    dice = np.random.default_rng(seed)
    return Traffic(
        dice.integers(0, max(2, events // 20), events),
        dice.choice(len(TYPES), events, p=SHARES),
        dice.integers(1, SPAN, events),
        dice.integers(500, 9_000, events),
    )


def bodies(traffic: Traffic, now: datetime = NOW) -> Iterator[bytes]:
    """JSON arrays of 100 events, about 250 bytes each."""
    at = np.datetime64(now.replace(tzinfo=None), "s") - traffic.ago.astype("m8[s]")
    rows = zip(
        traffic.person.tolist(), traffic.kind.tolist(), at.astype(str).tolist(), traffic.amount.tolist(), strict=True
    )
    call: list[str] = []
    for n, row in enumerate(rows):
        call.append(_event(n, *row))
        if len(call) == PER_CALL:
            yield f"[{','.join(call)}]".encode()
            call = []
    if call:
        yield f"[{','.join(call)}]".encode()


def _event(n: int, person: int, kind: int, at: str, amount: int) -> str:
    props = _PROPS[kind].format(n=n, amount=amount)
    return (
        f'{{"id":"bench-{n:09d}","source":"shop","type":"{TYPES[kind]}","at":"{at}+00:00",'
        f'"handles":{{"shop:tmall":"member-{person:08d}"}},"props":{props}}}'
    )
