"""Who may become one person, event by event."""

from __future__ import annotations

from yutang.handles import BY_NAME
from yutang.identity.careful import Careful

SHOP = bytes([BY_NAME["shop"].code])


def card(n: int) -> bytes:
    """The key of a card of the n-th shop: nobody has a place that two of them could fill."""
    return SHOP + n.to_bytes(2, "big") + bytes(13)


def test_who_was_split_stays_apart_through_the_merges_of_both_sides() -> None:
    state = Careful([(card(n), n) for n in range(1, 7)], apart=[(4, 5)])
    state.take(1, [card(1), card(5)])
    state.take(2, [card(2), card(4)])
    assert [(merge.winner, merge.loser) for merge in state.outcome.merges] == [(1, 5), (2, 4)]
    state.take(3, [card(1), card(2)])
    assert state.outcome.conflicts == [(3, 1, 2)]
    state.take(4, [card(2), card(6)])
    assert state.find(6) == 2, "others may still join them"
