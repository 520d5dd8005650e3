"""The report as a page of its own: no script, no network, Chinese first."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, Template

from yutang.predict import words
from yutang.predict.report import Report

SIDE, EDGE, BOTTOM = 100.0, 8.0, 102.0
"""The reliability diagram: its side, its left edge and its bottom, in the units of its view."""


def page(report: Report) -> str:
    """HTML; whatever comes from people or files is escaped."""
    return _template().render(r=report)


def measures(result: dict[str, Any]) -> list[str]:
    """The measures that a candidate of this kind has, in the order in which they are shown."""
    return [name for name in words.COLUMNS if name in _figures(result)]


def figure(result: dict[str, Any], name: str) -> str:
    return _written(_figures(result)[name], name)


def passed(metrics: dict[str, Any], name: str) -> str:
    return _written(metrics.get(name), name)


def near(metrics: dict[str, Any], who: str) -> str:
    """Hits within three days of the clock that speaks (``chosen``) or of the best baseline."""
    found = next((one for one in metrics.get("results", ()) if one["name"] == metrics[who]), None)
    return _written(found["punctuality"]["near"] if found else None, "near")


def diagram(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Where the dots lie; both axes have one scale, so what is right lies on the diagonal."""
    most = max(max(part["predicted"], part["real"]) for part in parts) or 1.0
    dots = [(EDGE + SIDE * part["predicted"] / most, BOTTOM - SIDE * part["real"] / most) for part in parts]
    return {"dots": [(round(x, 1), round(y, 1)) for x, y in dots], "most": f"{most:,.2f}"}


def _figures(result: dict[str, Any]) -> dict[str, Any]:
    return result.get("accuracy") or result["punctuality"]


def _written(value: float | None, name: str) -> str:
    if value is None:
        return "–"
    return (
        f"{value:+.1%}"
        if name == "bias"
        else f"{value:.1%}"
        if name in ("near", "week", "in_window")
        else f"{value:,.3f}"
    )


@cache
def _template() -> Template:
    made = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    tools: dict[str, Any] = {
        "measures": measures, "figure": figure, "passed": passed, "diagram": diagram, "near": near, "verdict": words.verdict, "columns": words.COLUMNS,
        "states": words.STATES, "untrained": words.UNTRAINED, "never_by_mae": words.NEVER_BY_MAE,
    }  # fmt: skip
    made.globals.update(tools)
    return made.from_string((resources.files(__package__) / "templates" / "report.html").read_text("utf-8"))
