"""A second opinion on questions: one person at a time, in plain Python, from the sentences of the catalogue.

`check` asks a lake, whatever its engine, and compares; `ASKED` are the questions as they are asked of every pond.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lakes import ZONE, Event, Order, Person, Pond, Touch, day_of
from yutang.insight.questions import ask, question
from yutang.insight.questions.params import Attribute, Step
from yutang.insight.questions.params import asked as read
from yutang.insight.questions.shape import Asked, Lake
from yutang.why.words import reason

TODAY = date(2026, 3, 1)
"""A first of the month, before the last of what happens in a random pond."""
OLD = {"since": "2025-12-01"}
ASKED: tuple[tuple[str, dict[str, str]], ...] = (
    ("funnel", {"steps": "viewed,cart,ordered", "within": "30d"}),
    ("funnel", {"steps": "viewed,viewed,ordered", "within": "10d", "by": "store"}),
    ("funnel", {"steps": "viewed,ordered,viewed", "within": "11d", "by": "trait:city"}),
    ("funnel", {"steps": "viewed[ms>=10],ordered[store!=徐家汇;ms<=20]", "within": "70d", "by": "first:store"}),
    ("funnel", {"steps": "registered,ordered[store=O'Hare]", "within": "20m", "since": "2026-01-10", "until": "2026-02-10"}),
    ("retention", {"unit": "week"}),
    ("retention", {"begin": "viewed", "again": "any", "unit": "month", "periods": "3"}),
    ("retention", {"begin": "registered", "again": "viewed,cart", "since": "2026-01-08", "until": "2026-02-10"}),
    ("flow", {"since": "2026-01-31", "dormant_days": "10", "lost_days": "30", "mature_orders": "3"}),
    ("ltv", {}),
    ("ltv", {"first": "created", "unit": "week", "since": "2026-01-05", "until": "2026-02-15"}),
    ("sales", {}),
    ("sales", {"unit": "week", "by": "store", "since": "2026-01-20"}),
    ("coupons", {}),
    ("coupons", {"since": "2026-01-10", "until": "2026-02-10", "days": "10d"}),
    ("touches", {}),
    ("touches", {"by": "hour", "since": "2026-01-10", "until": "2026-02-20"}),
    ("touches", {"by": "message"}),
    ("held", OLD),
    ("attribution", {}),
    ("attribution", {"by": "message", "within": "10d", "since": "2026-01-15", "until": "2026-02-20"}),
    ("cac", {"costs": "wecom=100,pos=0", "margin_percent": "30"}),
    ("cac", {"by": "month", "costs": "2026-01=1000000000"}),
    ("sessions", {"since": "2026-01-01"}),
    ("sessions", {"since": "2026-01-01", "gap": "20m", "types": "viewed,cart"}),
    ("balance", {"since": "2026-01-15", "until": "2026-02-20"}),
    ("balance", {"by": "owner", "since": "2026-01-15"}),
    ("kfactor", {}),
    ("kfactor", {"by": "code", "since": "2026-01-15", "until": "2026-02-20"}),
)  # fmt: skip


def check(lake: Lake, pond: Pond, name: str, given: dict[str, str], today: date = TODAY) -> None:
    """The lake's answer is the naive one, row for row."""
    asked, _ = read(name, question(name).params, given, today, ZONE)
    assert ask(lake, name, today, ZONE, given).rows == alike(NAIVE[name](pond, asked)), (name, given)


def alike(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows that compare as equal when their floats are so to nine digits."""
    return [[pytest.approx(cell, rel=1e-9) if isinstance(cell, float) else cell for cell in row] for row in rows]


# what everybody looks at


def within(day: date, a: Asked) -> bool:
    return a["since"] <= day <= a["until"]


def by_person(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(row)
    return found


def current(pond: Pond) -> dict[int, Person]:
    return {p.person_id: p for p in pond.persons if p.valid_to is None}


def as_text(value: Any) -> str | None:
    """A JSON value as text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def net(order: Order) -> int:
    return order.amount - (order.refunded or 0)


def ratio(part: float | None, all: float) -> float | None:
    return part / all if all and part is not None else None


def last_none(text: str | None) -> tuple[bool, str]:
    return text is None, text or ""


def period(day: date, unit: str) -> date:
    return date.fromordinal(day.toordinal() - day.isoweekday() + 1) if unit == "week" else date(day.year, day.month, 1)


def after(first: date, n: int, unit: str) -> date:
    """When the n-th period after `first` begins, found by walking."""
    for _ in range(n):
        first = period(first + timedelta(days=7 if unit == "week" else 32), unit)
    return first


def periods(first: date, last: date, unit: str) -> int:
    """How many periods lie between; what lies before counts as none."""
    n = 0
    while after(period(first, unit), n + 1, unit) <= last:
        n += 1
    return n


def of_person(who: Person | None, by: Attribute) -> str | None:
    if who is None:
        return None
    return as_text(who.traits.get(by.name)) if by.kind == "trait" else getattr(who, by.name)


# funnel


def is_step(event: Event, step: Step) -> bool:
    return event.type == step.type and all(passes(as_text(event.props.get(t.key)), t.op, t.value) for t in step.tests)


def passes(said: str | None, op: str, value: Any) -> bool:
    if op in ("=", "!="):
        return (said == value) == (op == "=")
    left = number(said)
    return (
        left is not None
        and {
            ">": left > value,
            "<": left < value,
            ">=": left >= value,
            "<=": left <= value,
        }[op]
    )


def deepest(events: list[Event], steps: tuple[Step, ...], chain: list[Event], span: timedelta) -> int:
    """The longest chain that goes on from this one, by trying all."""
    n = len(chain)
    if n == len(steps):
        return n
    later = steps[n].type in {s.type for s in steps[:n]}
    fits = [
        e
        for e in events
        if is_step(e, steps[n])
        and (e.at > chain[-1].at if later else e.at >= chain[-1].at)
        and e.at - chain[0].at <= span
    ]
    moments = {e.at: e for e in fits}
    return max([deepest(events, steps, [*chain, e], span) for e in moments.values()], default=n)


def funnel(pond: Pond, a: Asked) -> list[list[Any]]:
    steps, by, who = a["steps"], a["by"], current(pond)
    reached: dict[str | None, Counter[int]] = defaultdict(Counter)
    for person, events in by_person(pond.events).items():
        begun = [e for e in events if is_step(e, steps[0]) and within(e.day, a)]
        if not begun:
            continue
        level = max(deepest(events, steps, [e], a["within"]) for e in begun)
        split = None
        if by and by.kind == "first":
            split = as_text(min(begun, key=lambda e: (e.at, e.event_id)).props.get(by.name))
        elif by:
            split = of_person(who.get(person), by)
        reached[split].update(range(level))
    found = []
    for split in sorted(reached, key=last_none) if by or reached else [None]:
        counts = [reached[split][n] for n in range(len(steps))]
        for n, step in enumerate(steps):
            before = counts[max(n - 1, 0)]
            line = [n + 1, step.text, counts[n], ratio(counts[n], counts[0]), ratio(counts[n], before)]
            found.append([split, *line] if by else line)
    return found


# cohorts


def retention(pond: Pond, a: Asked) -> list[list[Any]]:
    unit, sizes, back = a["unit"], Counter[date](), Counter[tuple[date, int]]()
    for events in by_person(pond.events).values():
        first = min((e for e in events if e.type == a["begin"]), key=lambda e: e.at, default=None)
        if first is None or not within(first.day, a):
            continue
        sizes[period(first.day, unit)] += 1
        counts = [e for e in events if a["again"] == ("any",) or e.type in a["again"]]
        ages = {periods(first.day, e.day, unit) for e in counts if e.at > first.at and e.day <= TODAY}
        back.update((period(first.day, unit), n) for n in ages)
    return [
        [c.isoformat(), n, *[
            back[c, k] / n if after(c, k, unit) <= TODAY else None for k in range(a["periods"] + 1)
        ]]
        for c, n in sorted(sizes.items())
    ]  # fmt: skip


def ltv(pond: Pond, a: Asked) -> list[list[Any]]:
    unit, orders = a["unit"], by_person(pond.orders)
    if a["first"] == "order":
        born = {person: min(o.day for o in mine) for person, mine in orders.items()}
    else:
        born = {p.person_id: day_of(p.created_at) for p in current(pond).values()}
    people: dict[date, list[int]] = defaultdict(list)
    for person, day in born.items():
        if within(day, a):
            people[period(day, unit)].append(person)
    found = []
    for cohort, mine in sorted(people.items()):
        line: list[float | None] = []
        for n in range(a["periods"] + 1):
            brought = [
                net(o) for p in mine for o in orders.get(p, []) if periods(born[p], o.day, unit) <= n and o.day <= TODAY
            ]
            line.append(sum(brought) / len(mine) if after(cohort, n, unit) <= TODAY else None)
        found.append([cohort.isoformat(), len(mine), *line])
    return found


STAGES = ("outside", "visitor", "new", "growing", "mature", "dormant", "lost")
TITLES = dict(
    zip(
        STAGES,
        (
            ("尚未入塘", "not in the pond yet"), ("未购", "no order yet"), ("新客", "new"), ("成长", "growing"),
            ("成熟", "mature"), ("沉睡", "dormant"), ("流失", "lost"),
        ),
        strict=True,
    )
)  # fmt: skip


def flow(pond: Pond, a: Asked) -> list[list[Any]]:
    orders, who = by_person(pond.orders), current(pond)

    def stage(person: int, day: date) -> str:
        mine = sorted(o.day for o in orders.get(person, []) if o.day <= day)
        born = min([day_of(who[person].created_at)] * (person in who) + [o.day for o in orders.get(person, [])])
        if born > day:
            return "outside"
        if not mine:
            return "visitor"
        quiet = (day - mine[-1]).days
        if quiet >= a["dormant_days"]:
            return "lost" if quiet >= a["lost_days"] else "dormant"
        return "mature" if len(mine) >= a["mature_orders"] else "growing" if len(mine) >= a["growing_orders"] else "new"

    moves = Counter(
        (stage(p, a["since"]), stage(p, a["until"])) for p in {*orders, *who} if stage(p, a["until"]) != "outside"
    )
    begun = Counter[str]()
    for (before, _), n in moves.items():
        begun[before] += n

    def words(name: str) -> dict[str, str]:
        return {"zh": TITLES[name][0], "en": TITLES[name][1]}

    return [
        [b, words(b), c, words(c), moves[b, c], moves[b, c] / begun[b]] for b in STAGES for c in STAGES if moves[b, c]
    ]


def sales(pond: Pond, a: Asked) -> list[list[Any]]:
    cells: dict[Any, dict[int, list[Order]]] = defaultdict(lambda: defaultdict(list))
    first = {person: min(o.day for o in mine) for person, mine in by_person(pond.orders).items()}
    for o in pond.orders:
        if within(o.day, a):
            who = getattr(o, a["by"]) if a["by"] else None
            cells[period(o.day, a["unit"]), who][o.person_id].append(o)
    found = []
    for at, who in sorted(cells, key=lambda k: (k[0], last_none(k[1]))):
        people = cells[at, who]
        new = {p for p in people if period(first[p], a["unit"]) == at}
        again = {p for p in people if p not in new or len(people[p]) > 1}
        of_all, of_new = (sum(net(o) for p in group for o in people[p]) for group in (people, new))
        orders = sum(len(mine) for mine in people.values())
        found.append(
            [at.isoformat(), *([who] if a["by"] else []), orders, len(people), len(new), len(people) - len(new), len(again),
             len(again) / len(people), of_all, of_new, ratio(of_all - of_new, of_all), of_all / orders]
        )  # fmt: skip
    return found


# touches


def coupons(pond: Pond, a: Asked) -> list[list[Any]]:
    orders, events = by_person(pond.orders), by_person(pond.events)
    had: dict[str, list[tuple[int, int, int, int, int]]] = defaultdict(list)
    for person, mine in events.items():
        issued = [e for e in mine if e.type == "coupon_issued" and within(e.day, a)]
        used = [e for e in mine if e.type == "coupon_redeemed" and a["since"] <= e.day <= TODAY]
        for offer in {e.props["offer"] for e in issued}:
            codes = {e.props["code"] for e in issued if e.props["offer"] == offer}
            first = min(e.day for e in issued if e.props["offer"] == offer)
            taken = [e for e in used if e.props["code"] in codes]
            past = [o for o in orders.get(person, []) if o.day <= TODAY]
            bought, values = [(o.day - first).days for o in past], [net(o) for o in past]
            days = a["days"].days
            later = sum(v for d, v in zip(bought, values, strict=True) if 0 <= d < days)
            sooner = sum(v for d, v in zip(bought, values, strict=True) if -days <= d < 0)
            uses = len({e.props["code"] for e in taken})
            had[offer].append((len(codes), uses, sum(e.amount or 0 for e in taken), later, sooner))
    found = []
    for offer, rows in sorted(had.items()):
        took, rest = [r for r in rows if r[1]], [r for r in rows if not r[1]]
        means = [sum(r[n] for r in g) / len(g) if g else None for n in (3, 4) for g in (took, rest)]
        lift = means[0] - means[2] - (means[1] - means[3]) if took and rest else None
        sums = [sum(r[n] for r in rows) for n in range(3)]
        found.append([offer, *sums[:2], sums[1] / sums[0], len(rows), len(took), sums[2], *means, lift])
    return found


def touch_label(touch: Touch, by: str) -> Any:
    if by == "hour":
        return (touch.sent_at or touch.decided_at).astimezone(ZoneInfo(ZONE)).hour
    return getattr(touch, by)


def touches(pond: Pond, a: Asked) -> list[list[Any]]:
    answers = {
        (e.type, e.person_id, e.props["touch_id"])
        for e in pond.events
        if "touch_id" in e.props and a["since"] <= e.day <= TODAY
    }
    groups: dict[Any, list[Touch]] = defaultdict(list)
    for t in pond.touches:
        if within(t.day, a):
            groups[touch_label(t, a["by"])].append(t)
    found = []
    for who in sorted(groups, key=lambda w: (w is None, w or ("" if isinstance(w, str) or w is None else 0))):
        mine = groups[who]
        sent = [t for t in mine if t.sent_at]
        came = [
            sum((f"message_{kind}", t.person_id, t.touch_id) in answers for t in sent)
            for kind in ("opened", "clicked", "replied")
        ]
        found.append(
            [str(who) if isinstance(who, int) else who, len({t.person_id for t in mine}), len(mine), len(sent),
             sum(t.state == "failed" for t in mine), sum(t.verdict == "hold" for t in mine),
             sum(t.verdict == "no" for t in mine), *came, *[ratio(n, len(sent)) for n in came]]
        )  # fmt: skip
    return found


def held(pond: Pond, a: Asked) -> list[list[Any]]:
    why: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for t in pond.touches:
        if within(t.day, a) and t.verdict != "send":
            why[t.verdict, t.reason].append(t.person_id)
    rows = sorted(why.items(), key=lambda r: (-len(r[1]), r[0][0], r[0][1] or ""))
    return [[verdict, r, reason(r), len(people), len(set(people))] for (verdict, r), people in rows]


# attribution


def paths_of(pond: Pond, a: Asked) -> list[tuple[list[str], Order | None]]:
    """Every path, one person after the other: its labels, and the order that ended it."""
    early, found = a["since"] - timedelta(days=a["within"].days + 1), []
    sent = by_person(t for t in pond.touches if t.sent_at and early <= day_of(t.sent_at) <= a["until"])
    orders = by_person(o for o in pond.orders if early <= o.day <= a["until"])
    for person in {*sent, *orders}:
        left = sorted(sent.get(person, []), key=lambda t: (t.sent_at, t.touch_id))
        ends: list[Order | None] = [*sorted(orders.get(person, []), key=lambda o: (o.at, o.event_id)), None]
        for end in ends:
            mine = [t for t in left if end is None or t.sent_at <= end.at]
            left = left[len(mine) :]
            moment = end.at if end else mine[-1].sent_at if mine else None
            if moment is None or day_of(moment) < a["since"]:
                continue
            near = [getattr(t, a["by"]) or "–" for t in mine if moment - t.sent_at <= a["within"]]
            found.append((near, end))
    return found


def arrives(paths: list[tuple[list[str], Order | None]], removed: str | None) -> float:
    """The chance of a walk to an order, by letting the mass flow until none is left."""
    moves: dict[str, Counter[str]] = defaultdict(Counter)
    for labels, end in paths:
        if labels:
            stops = ["(start)", *labels, "(order)" if end else "(nothing)"]
            for here, there in pairwise(stops):
                moves[here][there] += 1
    mass, arrived = {"(start)": 1.0}, 0.0
    for _ in range(3000):
        coming: dict[str, float] = defaultdict(float)
        for here, weight in mass.items():
            for there, n in moves[here].items():
                coming[there] += weight * n / moves[here].total()
        arrived += coming.pop("(order)", 0.0)
        mass = {k: v for k, v in coming.items() if k not in ("(nothing)", removed)}
    return arrived


def attribution(pond: Pond, a: Asked) -> list[list[Any]]:
    paths = paths_of(pond, a)
    won = [(labels, end) for labels, end in paths if end and labels]
    labels = {one for path, _ in paths for one in path}
    base = arrives(paths, None)
    effect = {one: 1 - arrives(paths, one) / base if base else 0.0 for one in labels}
    all_orders, all_sales = float(len(won)), float(sum(net(end) for _, end in won))
    rows = []
    for one in labels:
        cell: list[float] = []
        for value, all_value in ((lambda _: 1, all_orders), (net, all_sales)):
            cell += [
                float(sum(value(end) for path, end in won if path[0] == one)),
                float(sum(value(end) for path, end in won if path[-1] == one)),
                sum(value(end) * path.count(one) / len(path) for path, end in won),
                all_value * effect[one] / sum(effect.values()) if base else 0.0,
            ]
        rows.append([one, sum(one in path for path, _ in paths), *cell])
    rows.sort(key=lambda r: (-round(r[5], 9), r[0]))
    alone = [end for path, end in paths if end and not path]
    return [*rows, [None, 0, *[len(alone)] * 4, *[sum(map(net, alone))] * 4]]


# people


def cac(pond: Pond, a: Asked) -> list[list[Any]]:
    orders, groups = by_person(pond.orders), defaultdict(list)
    columns = {"source": "first_source", "code": "first_code", "store": "store", "owner": "owner"}
    for p in current(pond).values():
        day = day_of(p.created_at)
        if within(day, a):
            who = f"{day:%Y-%m}" if a["by"] == "month" else getattr(p, columns[a["by"]])
            groups[who].append((p.person_id, day))
    found = []
    for who in sorted(groups, key=last_none):
        mine, margin = groups[who], a["margin_percent"] / 100
        bought = [(periods(d, o.day, "month"), net(o)) for p, d in mine for o in orders.get(p, []) if o.day <= TODAY]
        buyers = sum(any(o.day <= TODAY for o in orders.get(p, [])) for p, _ in mine)
        cost, total = (a["costs"] or {}).get(who), sum(v for _, v in bought)
        back = None
        if cost is not None:
            ages = range(max((n for n, _ in bought), default=0) + 1)
            back = next((n for n in ages if margin * sum(v for m, v in bought if m <= n) >= cost), None)
        found.append(
            [who, len(mine), buyers, cost, ratio(cost, len(mine)), ratio(cost, buyers), total, total * margin,
             total * margin / cost if cost else None, back]
        )  # fmt: skip
    return found


def sessions(pond: Pond, a: Asked) -> list[list[Any]]:
    visits: list[list[datetime]] = []
    seen = by_person(e for e in pond.events if e.type in a["types"] and within(e.day, a))
    for mine in seen.values():
        last = None
        for at in sorted(e.at for e in mine):
            if last is None or at - last > a["gap"]:
                visits.append([])
            visits[-1].append(at)
            last = at
    bands = {"1": (1, 1), "2": (2, 2), "3-5": (3, 5), "6-10": (6, 10), "11+": (11, 10**9), "all": (1, 10**9)}
    found = []
    for band, (low, high) in bands.items():
        mine = [v for v in visits if low <= len(v) <= high]
        views, spent = sum(map(len, mine)), sum(((v[-1] - v[0]) / timedelta(seconds=1) for v in mine), 0.0)
        line = [len(mine), ratio(len(mine), len(visits)), views, ratio(views, len(mine)), ratio(spent, len(mine))]
        of_all = band == "all"
        found.append([band, len(seen) if of_all else None, *line, ratio(len(mine), len(seen)) if of_all else None])
    return found


DOES = {
    "registered", "ordered", "viewed", "coupon_redeemed", "message_received", "message_opened", "message_clicked",
    "message_replied", "contact_added", "group_joined", "followed", "scanned", "grant_given", "located",
}  # fmt: skip


def balance(pond: Pond, a: Asked) -> list[list[Any]]:
    events, orders, groups = by_person(pond.events), by_person(pond.orders), defaultdict(list)
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    for p in current(pond).values():
        born = day_of(p.created_at)
        if born > a["until"]:
            continue
        past = [e for e in events.get(p.person_id, []) if e.day <= a["until"]]
        left = max((e.at for e in past if e.type in ("contact_lost", "unfollowed")), default=long_ago)
        back = max((e.at for e in past if e.type in ("contact_added", "followed")), default=long_ago)
        bought = [o for o in orders.get(p.person_id, []) if within(o.day, a)]
        groups[getattr(p, a["by"])].append(
            (left <= back, born >= a["since"], left > back and day_of(left) >= a["since"],
             any(e.type in DOES and within(e.day, a) for e in past), bool(bought), sum(map(net, bought)))
        )  # fmt: skip
    found = []
    for who in sorted(groups, key=last_none):
        sums = [sum(row[n] for row in groups[who]) for n in range(6)]
        found.append([who, *sums, ratio(sums[3], sums[0])])
    return found


def kfactor(pond: Pond, a: Asked) -> list[list[Any]]:
    who = current(pond)
    here = {p.person_id for p in who.values() if day_of(p.created_at) <= a["until"]}
    counts: dict[int, Counter[str]] = {person: Counter() for person in here}
    for e in pond.events:
        if e.type in (a["invited"], a["joined"]) and within(e.day, a):
            counts.setdefault(e.person_id, Counter())[e.type] += 1
    groups: dict[str | None, list[Counter[str]]] = defaultdict(list)
    for person, mine in counts.items():
        groups[of_person(who.get(person), a["by"]) if a["by"] else None].append(mine)
    found = []
    for split in sorted(groups, key=last_none):
        people = groups[split]
        sent, came = (sum(c[a[kind]] for c in people) for kind in ("invited", "joined"))
        inviters = sum(c[a["invited"]] > 0 for c in people)
        line = [len(people), inviters, sent, came, sent / len(people), ratio(came, sent), came / len(people)]
        found.append([split, *line] if a["by"] else line)
    return found


NAIVE: dict[str, Callable[[Pond, Asked], list[list[Any]]]] = {
    "funnel": funnel, "retention": retention, "flow": flow, "ltv": ltv, "sales": sales, "coupons": coupons,
    "touches": touches, "held": held, "attribution": attribution, "cac": cac, "sessions": sessions, "balance": balance,
    "kfactor": kfactor,
}  # fmt: skip
"""The naive evaluator of each question."""
