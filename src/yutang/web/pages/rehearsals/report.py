"""The report of a rehearsal as the page shows it: made of the JSON that is kept, so that it reads alike whatever made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yutang.replay.page import word

Figure = Mapping[str, float]
Json = Mapping[str, Any]
MOST_BARS = 12


@dataclass(frozen=True)
class Told:
    """A report for a template: what it says, and how its figures are written."""

    json: Json
    words: Callable[[Mapping[str, str]], str]

    @property
    def whole(self) -> bool:
        return self.json["persons"] >= self.json["people"]

    def title(self, name: str, kind: str = "journey") -> str:
        found = self.json["titles"].get(kind, {}).get(name)
        return self.words(found) if found else name

    def word(self, name: str) -> str:
        """A state, arm or reason."""
        return self.words(word(name)) or name

    def sum(self, key: str) -> tuple[float, float]:
        """Of a list of counts by journey: of the journeys on trial, and of all."""
        return self._sum(self.json[key])

    @property
    def held(self) -> tuple[float, float]:
        return self._sum([one for one in self.json["verdicts"] if one["what"][1] != "send"])

    def _sum(self, rows: Sequence[Json]) -> tuple[float, float]:
        own = [one for one in rows if one["what"][0] in self.json["drafts"]]
        return _total(own), _total(rows)

    def most(self, rows: Sequence[Json]) -> float:
        """The largest, to draw bars against."""
        return max((one["figure"]["value"] for one in rows), default=0) or 1

    def per_person(self) -> list[tuple[str, Figure, float]]:
        """How many got how many touches, the many together at the end: (how many, figure, share of everybody)."""
        rows = sorted((int(n), figure) for n, figure in self.json["per_person"].items())
        few, many = rows[:MOST_BARS], rows[MOST_BARS:]
        found = [(str(n), figure) for n, figure in few]
        if many:
            together = {key: sum(figure[key] for _, figure in many) for key in ("value", "low", "high")}
            found.append((f"≥{many[0][0]}", together))
        people = self.json["people"] or 1
        return [(n, figure, figure["value"] / people) for n, figure in found]

    def chart(self, key: str) -> dict[str, Any] | None:
        """What happened by day, as a line for each journey; None where nothing did."""
        rows = self.json[key]
        days = sorted({day for one in rows for day in one["days"]})
        if not days:
            return None
        series = [
            {
                "name": self.title(one["what"][0]),
                "data": [round(one["days"].get(d, {"value": 0})["value"]) for d in days],
            }
            for one in rows
        ]
        return {"x": days, "series": series, "unit": ""}


def _total(rows: Sequence[Json]) -> float:
    return sum(one["figure"]["value"] for one in rows)


def number(value: float) -> str:
    """``1,234``; a small part of one keeps a digit."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.1f}"


def figure(found: Figure) -> str:
    """A figure, with its interval where it is not exact."""
    return number(found["value"]) + _bounds(found, number)


def money(found: Figure) -> str:
    """Fen as yuan."""
    return yuan(found["value"]) + _bounds(found, yuan)


def share(found: Figure) -> str:
    return f"{found['value']:.1%}" + _bounds(found, lambda value: f"{value:.1%}")


def yuan(fen: float) -> str:
    return f"¥{fen / 100:,.2f}"


def _bounds(found: Figure, said: Callable[[float], str]) -> str:
    return "" if found["low"] == found["high"] else f"（{said(found['low'])}–{said(found['high'])}）"
