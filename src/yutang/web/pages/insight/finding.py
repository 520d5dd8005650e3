"""What an answer has found, in one sentence: the title of its panel. Arithmetic over the answer's own rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from yutang.insight.questions import Answer
from yutang.insight.questions.cohorts import nth
from yutang.insight.questions.shape import share
from yutang.web.pages.insight.saying import Say, records
from yutang.web.pages.page import Page

LIVELY, ASLEEP, OUTSIDE = ("new", "growing", "mature"), ("dormant", "lost"), ("outside", "visitor")
WHOLE = ("funnel", "sales", "kfactor")
"""Questions that are told as one where nothing splits them."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Facts:
    """What a sentence is made of. rows, before: of the answer and of the one for the days before, by column."""

    say: Say
    answer: Answer
    rows: Rows
    before: Rows
    today: date

    @property
    def page(self) -> Page:
        return self.say.page


def finding(say: Say, answer: Answer, before: Answer | None, today: date) -> str | None:
    """One sentence; None where the rows tell nothing."""
    tell, rows = TELL.get(answer.question), records(answer)
    if rows and "who" in rows[0] and answer.question in WHOLE:
        tell = SPLIT.get(answer.question)
    if tell is None or not rows:
        return None
    return tell(Facts(say, answer, rows, records(before), today))


def _change(say: Say, now: float | None, then: float | None, points: bool = False) -> str:
    """Against the days before: points of a share, else a share of what was."""
    if now is None or not then:
        return ""
    by = now - then if points else now / then - 1
    least = 0.0005 if points else 0.005
    mark = "▲" if by >= least else "▼" if by <= -least else "±"
    size = f"{abs(by) * 100:.1f}" if points else f"{abs(by):.0%}"
    return say.page.text("f.points" if points else "f.change", mark=mark, by=size)


def _round(f: Facts, part: float | None) -> str:
    """A share in whole per cent; nearly all is not all."""
    return f.page.percent(part, 1 if part and (part < 0.01 or 0.99 < part < 1) else 0)


def _sum(rows: Rows, key: str) -> Any:
    return sum(row[key] or 0 for row in rows)


def _sales(f: Facts) -> str | None:
    """The last period that is over, against the one before it."""
    unit = f.answer.asked["unit"]
    over = [row for row in f.rows if nth(unit, date.fromisoformat(row["period"]), 1) <= f.today]
    if not over:
        return None
    last = over[-1]
    then = next(
        (row for row in over if nth(unit, date.fromisoformat(row["period"]), 1).isoformat() == last["period"]), None
    )
    return f.page.text(
        f"f.sales.{unit}", period=f.say.period(f.answer, last["period"]), sales=f.say.money(last["sales"]),
        change=_change(f.say, last["sales"], then and then["sales"]), again=_round(f, last["repurchase"]),
    )  # fmt: skip


def _funnel(f: Facts) -> str | None:
    """How many went all the way; where most were lost."""
    first, last = f.rows[0], f.rows[-1]
    if not first["people"]:
        return None
    lost = min(f.rows[1:], key=lambda row: 1 if row["of_before"] is None else row["of_before"])
    then = f.before[-1]["of_first"] if f.before else None
    values = {
        "within": _span(f.say, f.answer.asked["within"]), "share": f.page.percent(last["of_first"]), "n": f.page.number(first["people"]),
        "from": f.say.event(first["event"]), "to": f.say.event(last["event"]), "change": _change(f.say, last["of_first"], then, points=True),
        "lost": f.say.event(lost["event"]), "on": _round(f, lost["of_before"]),
    }  # fmt: skip
    if first["event"] == last["event"] == "ordered":
        return f.page.text("f.again", **values)
    return f.page.text("f.funnel" if len(f.rows) == 2 else "f.funnel_lost", **values)


def _funnels(f: Facts) -> str | None:
    """Of those told apart: who gets furthest, and who least far."""
    last = max(row["step"] for row in f.rows)
    ends = [row for row in f.rows if row["step"] == last and row["of_first"] is not None]
    if len(ends) < 2:
        return None
    best, least = (pick(ends, key=lambda row: row["of_first"]) for pick in (max, min))
    return f.page.text(
        "f.funnel_split", to=f.say.event(best["event"]), best=f.say.named(f.answer, "who", best["who"]), share=f.page.percent(best["of_first"]),
        least=f.say.named(f.answer, "who", least["who"]), lower=f.page.percent(least["of_first"]),
    )  # fmt: skip


def _span(say: Say, text: str) -> str:
    return say.page.text(f"f.span.{text[-1]}", n=int(text[:-1]))


def _retention(f: Facts) -> str | None:
    """Of all who have had the time: the share that came back in the first period, and in the last that most have reached."""
    unit, periods = f.answer.asked["unit"], [key for key in f.rows[0] if key.startswith("p") and key[1:].isdigit()]
    found = {n: back for n in range(1, len(periods)) if (back := _back(f.rows, n, unit, f.today))}
    if 1 not in found:
        return None
    late = max((n for n, (_, people) in found.items() if people * 2 >= found[1][1]), default=1)
    return f.page.text(
        f"f.retention.{unit}" if late > 1 else f"f.retention.{unit}.first", first=_round(f, found[1][0]),
        late=late, share=_round(f, found[late][0]), n=f.page.number(found[1][1]),
    )  # fmt: skip


def _back(rows: Rows, n: int, unit: str, today: date) -> tuple[float, int] | None:
    """(share that came back in period n, of how many): of the cohorts whose period n is over."""
    over = [
        row for row in rows if row[f"p{n}"] is not None and nth(unit, date.fromisoformat(row["cohort"]), n + 1) <= today
    ]
    people = _sum(over, "people")
    return (sum(row[f"p{n}"] * row["people"] for row in over) / people, people) if people else None


def _flow(f: Facts) -> str | None:
    """Who fell asleep, and who came back."""

    def moved(of: Rows, start: tuple[str, ...], end: tuple[str, ...]) -> int:
        return sum(row["people"] for row in of if row["from"] in start and row["to"] in end)

    gone, back = moved(f.rows, LIVELY, ASLEEP), moved(f.rows, ASLEEP, LIVELY)
    then = moved(f.before, LIVELY, ASLEEP) if f.before else None
    fresh = moved(f.rows, OUTSIDE, LIVELY)
    return f.page.text(
        "f.flow", gone=f.page.number(gone), change=_change(f.say, gone, then), back=f.page.number(back), fresh=f.page.number(fresh),
    )  # fmt: skip


def _ltv(f: Facts) -> str | None:
    """What one has brought by the age that at least half of all people have reached."""
    unit = f.answer.asked["unit"]
    periods = [key for key in f.rows[0] if key.startswith("p") and key[1:].isdigit()]
    people = _sum(f.rows, "people")
    found: dict[int, float] = {}
    for n in range(len(periods)):
        over = [
            row
            for row in f.rows
            if row[f"p{n}"] is not None and nth(unit, date.fromisoformat(row["cohort"]), n + 1) <= f.today
        ]
        if (reached := _sum(over, "people")) * 2 >= people and reached:
            found[n] = sum(row[f"p{n}"] * row["people"] for row in over) / reached
    if not found:
        return None
    late = max(found)
    return f.page.text(
        f"f.ltv.{unit}" if late else f"f.ltv.{unit}.first",
        n=late,
        value=f.say.money(found[late]),
        first=f.say.money(found[0]),
    )


def _coupons(f: Facts) -> str | None:
    issued, redeemed = _sum(f.rows, "issued"), _sum(f.rows, "redeemed")
    if not issued:
        return None
    then = share(_sum(f.before, "redeemed"), _sum(f.before, "issued")) if f.before else None
    large = [row for row in f.rows if row["issued"] >= 20] or f.rows
    best = max(large, key=lambda row: row["rate"] or 0)
    return f.page.text(
        "f.coupons" if len(f.rows) > 1 else "f.coupons.one", issued=f.page.number(issued), rate=f.page.percent(redeemed / issued),
        change=_change(f.say, redeemed / issued, then, points=True), best=f.say.named(f.answer, "offer", best["offer"]),
        best_rate=f.page.percent(best["rate"]),
    )  # fmt: skip


def _touches(f: Facts) -> str | None:
    sent, decided = _sum(f.rows, "sent"), _sum(f.rows, "decided")
    if not decided:
        return None
    answered = {key: _sum(f.rows, key) for key in ("opened", "clicked", "replied")}
    known = max(answered, key=lambda key: answered[key])
    change = _change(f.say, sent, _sum(f.before, "sent") if f.before else None)
    if not sent or not answered[known]:
        return f.page.text("f.touches.sent", sent=f.page.number(sent), change=change, out=_round(f, sent / decided))
    return f.page.text(
        f"f.touches.{known}", sent=f.page.number(sent), change=change, share=f.page.percent(answered[known] / sent)
    )


def _held(f: Facts) -> str | None:
    total, first = _sum(f.rows, "touches"), f.rows[0]
    return f.page.text(
        "f.held",
        n=f.page.number(total),
        why=f.page.words(first["said"]).rstrip("。."),
        share=_round(f, first["touches"] / total),
    )


def _attribution(f: Facts) -> str | None:
    touched = [row for row in f.rows if row["who"] is not None and row["orders_removal"]]
    total = _sum(f.rows, "orders_last")
    if not touched or not total:
        return None
    best = max(touched, key=lambda row: row["orders_removal"])
    return f.page.text(
        "f.attribution", who=f.say.named(f.answer, "who", best["who"]), orders=f"{best['orders_removal']:,.0f}",
        share=_round(f, best["orders_removal"] / total),
    )  # fmt: skip


def _cac(f: Facts) -> str | None:
    people = _sum(f.rows, "people")
    best = max(f.rows, key=lambda row: row["people"])
    if not people:
        return None
    paid = [row for row in f.rows if row["cac"] is not None]
    cost = _sum(paid, "cost") / _sum(paid, "people") if paid and _sum(paid, "people") else None
    values = {"n": f.page.number(people), "buyers": _round(f, _sum(f.rows, "buyers") / people),
              "who": f.say.named(f.answer, "who", best["who"]), "share": _round(f, best["people"] / people)}  # fmt: skip
    most = f.page.text("f.cac.most", **values) if len(f.rows) > 1 else ""
    if cost is not None:
        return f.page.text("f.cac.cost", cost=f.say.money(cost), most=most, **values)
    return f.page.text("f.cac", most=most, **values)


def _sessions(f: Facts) -> str | None:
    last = f.rows[-1]
    if not last["visits"]:
        return None
    then = f.before[-1]["visits"] if f.before else None
    return f.page.text(
        "f.sessions", n=f.page.number(last["visits"]), change=_change(f.say, last["visits"], then), views=f"{last['views_each']:.1f}",
        minutes=f"{(last['seconds'] or 0) / 60:.1f}",
    )  # fmt: skip


def _balance(f: Facts) -> str | None:
    here, came, went, active = (_sum(f.rows, key) for key in ("here", "came", "went", "active"))
    then = _sum(f.before, "active") if f.before else None
    return f.page.text(
        "f.balance", here=f.page.number(here), came=f.page.number(came), went=f.page.number(went),
        active=_round(f, share(active, here)), change=_change(f.say, active, then),
    )  # fmt: skip


def _kfactor(f: Facts) -> str | None:
    if f.rows[0]["k"] is None or not f.rows[0]["invites"]:
        return None
    return f.page.text(
        "f.kfactor",
        k=f"{f.rows[0]['k']:.2f}",
        each=f"{f.rows[0]['each']:.2f}",
        share=_round(f, f.rows[0]["conversion"]),
    )


TELL: dict[str, Callable[[Facts], str | None]] = {
    "sales": _sales,
    "funnel": _funnel,
    "retention": _retention,
    "flow": _flow,
    "ltv": _ltv,
    "coupons": _coupons,
    "touches": _touches,
    "held": _held,
    "attribution": _attribution,
    "cac": _cac,
    "sessions": _sessions,
    "balance": _balance,
    "kfactor": _kfactor,
}
SPLIT: dict[str, Callable[[Facts], str | None]] = {"funnel": _funnels}
