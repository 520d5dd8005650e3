"""Red packets: how an amount of money is shared out by chance, to the last fen. Pure."""

from __future__ import annotations

from collections.abc import Callable


def split(
    left_fen: int, packets: int | None, least: int, most: int, count: int, chance: Callable[[int, int], int]
) -> list[int]:
    """The next `count` packets, in fen: fewer where the money or the packets end before.

    left_fen: what may still be given; packets: how many are still to share it (None: as many as it lasts for). With a
    number of packets each is drawn around what is left for each on average, between `least` and `most`, so that the last
    one takes exactly the rest. `chance(low, high)` draws a whole number, both ends included.
    """
    found: list[int] = []
    while len(found) < count and packets != 0 and left_fen >= least:
        fen = chance(least, min(most, left_fen)) if packets is None else _share(left_fen, packets, least, most, chance)
        found.append(fen)
        left_fen -= fen
        packets = packets and packets - 1
    return found


def _share(left_fen: int, packets: int, least: int, most: int, chance: Callable[[int, int], int]) -> int:
    """One packet of several. Never so large that the others would go short of `least`, nor so small that they could not
    take the rest; within that up to twice the average, which keeps the average the same for early and late ones."""
    low = max(least, left_fen - (packets - 1) * most)
    high = min(most, left_fen - (packets - 1) * least, max(low, 2 * left_fen // packets - least))
    return chance(low, high) if low <= high else min(low, most)
