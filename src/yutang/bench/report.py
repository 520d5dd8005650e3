"""One line of figures per task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yutang.bench.meter import Meter


@dataclass(frozen=True)
class Figures:
    """What one task found.

    items: what the rate counts (`unit` names them). floor: items per CPU-second of the least work that could do it.
    must, moonshot: the targets, in `measure` ("per_cpu_second" or "per_second"). wrong: how the result differs from the
    reference; empty when it is right.
    """

    task: str
    unit: str
    items: int
    meter: Meter
    floor: float | None
    must: float
    moonshot: float
    wrong: str
    measure: str = "per_cpu_second"
    extra: dict[str, Any] = field(default_factory=dict)

    def line(self) -> dict[str, Any]:
        """The JSON object that is printed."""
        cpu = self.meter.cpu
        rate = self.items / cpu if cpu else None
        return {
            "task": self.task,
            "size": self.items,
            "unit": self.unit,
            "seconds": round(self.meter.seconds, 3),
            "cpu_seconds": _round(cpu, 3),
            "client_cpu_seconds": round(self.meter.client_cpu, 3),
            "per_cpu_second": _round(rate, 0),
            "per_second": round(self.items / self.meter.seconds),
            "peak_rss_mb": round(self.meter.peak_mb, 1),
            "sql_per_item": None if self.meter.sql is None else round(self.meter.sql / self.items, 5),
            "floor": _round(self.floor, 0),
            "ratio_to_floor": None if rate is None or self.floor is None else float(f"{rate / self.floor:.3g}"),
            "must": self.must,
            "moonshot": self.moonshot,
            "measure": self.measure,
            "checked": not self.wrong,
            **({"wrong": self.wrong} if self.wrong else {}),
            **self.extra,
        }


def differences(pairs: dict[str, tuple[Any, Any]]) -> str:
    """What is not as it should be, from ``{name: (found, expected)}``; empty when all agree."""
    return "; ".join(
        f"{name}: {found}, not {expected}" for name, (found, expected) in pairs.items() if found != expected
    )


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) if digits else round(value)
