"""Answers as pictures: lines, bars, or a table whose cells are the darker the more there is. Each can be read aloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from yutang.insight.questions import Answer
from yutang.insight.questions.cohorts import nth
from yutang.insight.questions.flow import STAGES
from yutang.web.pages.insight.saying import Say, records

LINES = 5
"""Lines that can still be told apart."""
ROWS = 60
"""As many bars, or rows of cells, are drawn at most; the table below has them all."""


@dataclass(frozen=True)
class Bar:
    """share: of the longest; said: its figure; more: what else there is to say."""

    label: str
    share: float
    said: str
    more: str = ""


@dataclass(frozen=True)
class Cell:
    """shade: 0…9, None for what is not there yet."""

    said: str = ""
    shade: int | None = None


@dataclass(frozen=True)
class Picture:
    """Of one kind: chart (what ``data-chart`` takes, with its table beside it), bars in groups, or cells under heads.
    over: only what is over is drawn."""

    chart: dict[str, Any] | None = None
    over: bool = False
    bars: Sequence[tuple[str, Sequence[Bar]]] = ()
    heads: Sequence[str] = ()
    cells: Sequence[tuple[str, Sequence[Cell]]] = field(default=())


def picture(say: Say, answer: Answer, today: date, most: int = ROWS) -> Picture | None:
    """The picture of an answer, with at most so many bars or rows; None where there is nothing to draw."""
    if answer.question == "sales":
        answer = _over(answer, today)
    draw = DRAW.get(answer.question)
    found = draw(say, answer, most) if draw and answer.rows else None
    return replace(found, over=answer.question == "sales") if found else None


def _over(answer: Answer, today: date) -> Answer:
    """Without the period that is not over yet, which would look like a fall."""
    unit = answer.asked["unit"]
    over = [row for row in answer.rows if nth(unit, date.fromisoformat(row[0]), 1) <= today]
    return replace(answer, rows=over) if over else answer


def _shade(value: float | None, top: float) -> int | None:
    return None if value is None else min(int(9 * value / top), 9) if top else 0


def _line(x: list[str], series: list[tuple[str, list[Any]]], unit: str) -> Picture:
    named = [{"name": name, "data": data} for name, data in series[:LINES]]
    return Picture(chart={"x": x, "series": named, "unit": unit})


def _sales(say: Say, answer: Answer, _: int) -> Picture:
    """Sales to new and to returning buyers; where split, of the largest."""
    rows, periods = records(answer), sorted({row["period"] for row in records(answer)})
    x, unit = [say.period(answer, period) for period in periods], say.page.text("unit.yuan")
    if "who" not in rows[0]:
        by = {row["period"]: row for row in rows}
        old = [round((by[p]["sales"] - by[p]["sales_new"]) / 100) for p in periods]
        new = [round(by[p]["sales_new"] / 100) for p in periods]
        return _line(x, [(say.page.text("line.returning"), old), (say.page.text("line.new"), new)], unit)
    totals: dict[Any, int] = {}
    for row in rows:
        totals[row["who"]] = totals.get(row["who"], 0) + row["sales"]
    largest = sorted(totals, key=lambda who: -totals[who])[:LINES]
    at = {(row["period"], row["who"]): round(row["sales"] / 100) for row in rows}
    return _line(x, [(say.named(answer, "who", who), [at.get((p, who), 0) for p in periods]) for who in largest], unit)


def _funnel(say: Say, answer: Answer, most: int) -> Picture:
    """Steps under each other, a group for each split."""
    groups: dict[str, list[Bar]] = {}
    for row in records(answer):
        more = (
            ""
            if row["step"] == 1 or row["of_before"] is None
            else say.page.text("of_before", share=say.page.percent(row["of_before"]))
        )
        said = f"{say.page.number(row['people'])} · {say.page.percent(row['of_first'])}"
        group = groups.setdefault(say.named(answer, "who", row["who"]) if "who" in row else "", [])
        group.append(Bar(f"{row['step']} {say.event(row['event'])}", row["of_first"] or 0, said, more))
    return Picture(bars=list(groups.items())[: max(1, most // 6)])


def _cohorts(say: Say, answer: Answer, most: int) -> Picture:
    """A row for each cohort, the newest first; periods that nobody has reached are left out."""
    places = [n for n, column in enumerate(answer.columns) if column.key.startswith("p") and column.key[1:].isdigit()]
    places = [n for n in places if any(row[n] is not None for row in answer.rows)]
    top = max((row[n] for row in answer.rows for n in places if row[n] is not None), default=0)
    money = answer.question == "ltv"

    def cell(value: float | None) -> Cell:
        return (
            Cell()
            if value is None
            else Cell(say.money(value) if money else say.page.percent(value, 0), _shade(value, top))
        )

    size = answer.columns[1]
    heads = [
        say.page.words(answer.columns[0].title),
        say.page.words(size.title),
        *(say.page.words(answer.columns[n].title) for n in places),
    ]
    cells = [
        (say.period(answer, row[0]), [Cell(say.page.number(row[1])), *(cell(row[n]) for n in places)])
        for row in list(reversed(answer.rows))[:most]
    ]
    return Picture(heads=heads, cells=cells)


def _flow(say: Say, answer: Answer, _: int) -> Picture:
    """From which stage (a row) to which (a column), with the share of those who began there."""
    moved = {(row["from"], row["to"]): row for row in records(answer)}
    starts = [stage for stage in STAGES if any(a == stage for a, _ in moved)]
    ends = [stage for stage in STAGES if any(b == stage for _, b in moved)]

    def cell(start: str, end: str) -> Cell:
        row = moved.get((start, end))
        return (
            Cell()
            if row is None
            else Cell(f"{row['people']:,} · {say.page.percent(row['share'], 0)}", _shade(row["share"], 1))
        )

    heads = [say.page.text("from_to"), *(say.page.words(STAGES[end]) for end in ends)]
    return Picture(
        heads=heads, cells=[(say.page.words(STAGES[start]), [cell(start, end) for end in ends]) for start in starts]
    )


def _ranked(
    label: str, value: str, more: Callable[[Say, dict[str, Any]], str]
) -> Callable[[Say, Answer, int], Picture]:
    """Bars of one column, the longest first."""

    def draw(say: Say, answer: Answer, most: int) -> Picture:
        kinds = {column.key: column for column in answer.columns}
        rows = sorted(records(answer), key=lambda row: -(row[value] or 0))[:most]
        top = max((row[value] or 0 for row in rows), default=0) or 1
        bars = [
            Bar(say.cell(answer, kinds[label], row[label]), max(row[value] or 0, 0) / top, say.cell(answer, kinds[value], row[value]),
                more(say, row))
            for row in rows
        ]  # fmt: skip
        return Picture(bars=[("", bars)])

    return draw


def _touches(say: Say, answer: Answer, most: int) -> Picture:
    """By the hour as a line, else as bars."""
    if answer.asked.get("by") == "hour":
        sent = {int(row["who"]): row["sent"] for row in records(answer) if row["who"] is not None}
        return _line(
            [f"{h:02d}" for h in range(24)],
            [(say.page.text("line.sent"), [sent.get(h, 0) for h in range(24)])],
            "",
        )
    return _ranked("who", "sent", _rates)(say, answer, most)


def _rates(say: Say, row: dict[str, Any]) -> str:
    return say.page.text(
        "more.rates", opened=say.page.percent(row["open_rate"]), clicked=say.page.percent(row["click_rate"]), replied=say.page.percent(row["reply_rate"])
    )  # fmt: skip


def _redeemed(say: Say, row: dict[str, Any]) -> str:
    return say.page.text(
        "more.redeemed", redeemed=say.page.number(row["redeemed"]), issued=say.page.number(row["issued"])
    )


def _people(say: Say, row: dict[str, Any]) -> str:
    return say.page.text("more.people", n=say.page.number(row["people"]))


def _won(say: Say, row: dict[str, Any]) -> str:
    cost = "" if row["cac"] is None else say.page.text("more.cac", cac=say.money(row["cac"]))
    return say.page.text("more.buyers", n=say.page.number(row["buyers"])) + cost


def _moved(say: Say, row: dict[str, Any]) -> str:
    return say.page.text(
        "more.moved",
        came=say.page.number(row["came"]),
        went=say.page.number(row["went"]),
        sales=say.money(row["sales"]),
    )


def _paths(say: Say, row: dict[str, Any]) -> str:
    return say.page.text(
        "more.models", first=f"{row['orders_first'] or 0:,.0f}", last=f"{row['orders_last'] or 0:,.0f}"
    )


def _depth(say: Say, answer: Answer, _: int) -> Picture:
    rows = records(answer)[:-1]
    bars = [Bar(say.page.text("views", n=row["depth"]), row["share"] or 0, say.page.percent(row["share"]),
                say.page.text("more.visits", n=say.page.number(row["visits"]))) for row in rows]  # fmt: skip
    return Picture(bars=[("", bars)])


DRAW: dict[str, Callable[[Say, Answer, int], Picture]] = {
    "sales": _sales,
    "funnel": _funnel,
    "retention": _cohorts,
    "ltv": _cohorts,
    "flow": _flow,
    "coupons": _ranked("offer", "rate", _redeemed),
    "touches": _touches,
    "held": _ranked("said", "touches", _people),
    "attribution": _ranked("who", "orders_removal", _paths),
    "cac": _ranked("who", "people", _won),
    "sessions": _depth,
    "balance": _ranked("who", "here", _moved),
}
