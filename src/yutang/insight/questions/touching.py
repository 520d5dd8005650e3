"""Touches: what was said over which channel, what came back, and why the rest was not said."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from yutang.insight.questions import params
from yutang.insight.questions.shape import Asked, Param, Parts, Question, Table, column, share
from yutang.insight.questions.tree import build
from yutang.why.words import both, reason

BY = ("channel", "journey", "message", "hour", "arm")
ANSWERS = {"opened": "message_opened", "clicked": "message_clicked", "replied": "message_replied"}
COUNTS = ("decided", "sent", "failed", "held", "refused", *ANSWERS)


def label(by: str, zone: str, dialect: str) -> exp.Expression:
    """The text that touches are told apart by."""
    if by == "hour":
        return build("cast(y_hour(coalesce(sent_at, decided_at), :zone) as varchar)", dialect, zone=zone)
    return exp.column(by)


_ANSWERED = ", ".join(
    f"max(case when type = '{type}' then 1 else 0 end) as has_{name}" for name, type in ANSWERS.items()
)
_MAP = f"""select t.person_id, t.who, count(*) as n_decided, sum(t.is_sent) as n_sent,
        sum(case when t.verdict = 'hold' then 1 else 0 end) as n_held, sum(case when t.verdict = 'no' then 1 else 0 end) as n_refused,
        sum(case when t.state = 'failed' then 1 else 0 end) as n_failed,
        {", ".join(f"sum(t.is_sent * coalesce(a.has_{name}, 0)) as n_{name}" for name in ANSWERS)}
    from (select person_id, cast(touch_id as double) as number, :label as who, verdict, state,
            case when sent_at is null then 0 else 1 end as is_sent
        from touches where day between :since and :until) as t
    left join (select person_id, y_number(y_text(props, 'touch_id')) as number, {_ANSWERED}
        from events where type in :answers and day between :since and :today
        group by person_id, y_number(y_text(props, 'touch_id'))) as a
        on a.person_id = t.person_id and a.number = t.number
    group by t.person_id, t.who"""
_AGGREGATE = (
    f"select who, count(*) as people, {', '.join(f'sum(n_{name}) as {name}' for name in COUNTS)} from map group by who"
)


def _build(asked: Asked, dialect: str) -> Parts:
    map = build(
        _MAP, dialect, label=label(asked["by"], asked.zone, dialect), since=asked["since"], until=asked["until"],
        today=asked.today, answers=list(ANSWERS.values()),
    )  # fmt: skip
    return Parts(map, build(_AGGREGATE, dialect))


def _finish(rows: list[Any], asked: Asked) -> Table:
    hours = asked["by"] == "hour"
    rows = sorted(rows, key=lambda r: (r.who is None, int(r.who) if hours else r.who or ""))
    found = []
    for row in rows:
        counts = {name: int(getattr(row, name)) for name in COUNTS}
        rates = [share(counts[name], counts["sent"]) for name in ANSWERS]
        found.append([row.who, int(row.people), *counts.values(), *rates])
    return Table([column("who", *BY_TITLE[asked["by"]], "text"), *_COLUMNS], found)


BY_TITLE = {
    "channel": ("渠道", "channel"),
    "journey": ("旅程", "journey"),
    "message": ("消息", "message"),
    "hour": ("几点", "hour"),
    "arm": ("组", "arm"),
}
_COLUMNS = [
    column("people", "人数", "people"),
    column("decided", "裁决", "decided", "count"),
    column("sent", "发出", "sent", "count"),
    column("failed", "失败", "failed", "count"),
    column("held", "暂缓", "held", "count"),
    column("refused", "不发", "refused", "count"),
    column("opened", "打开", "opened", "count"),
    column("clicked", "点击", "clicked", "count"),
    column("replied", "回复", "answered", "count"),
    column("open_rate", "打开率", "opened of sent", "share"),
    column("click_rate", "点击率", "clicked of sent", "share"),
    column("reply_rate", "回复率", "answered of sent", "share"),
]

TOUCHES = Question(
    "touches",
    both("触点效果", "touches and answers"),
    both(
        "每个渠道（旅程、消息、钟点）裁决了多少触达，发出多少，其中被打开、点击、回复的各有多少。",
        "How many touches of each channel, journey, message or hour were decided and sent, and how many of these were opened, clicked and "
        "answered.",
    ),
    (Param("by", "choice", "channel", "按什么拆分", "what to tell them apart by", BY), params.SINCE, params.UNTIL),
    _build,
    _finish,
)


def _build_held(asked: Asked, dialect: str) -> Parts:
    text = """select person_id, verdict, coalesce(reason, '') as why, count(*) as n from touches
        where day between :since and :until and verdict <> 'send' group by person_id, verdict, coalesce(reason, '')"""
    map = build(text, dialect, since=asked["since"], until=asked["until"])
    agg = "select verdict, why, count(*) as people, sum(n) as touches from map group by verdict, why"
    return Parts(map, build(agg, dialect))


def _finish_held(rows: list[Any], _asked: Asked) -> Table:
    """The most frequent reason first."""
    rows = sorted(rows, key=lambda r: (-int(r.touches), r.verdict, r.why))
    found = [[r.verdict, r.why or None, reason(r.why or None), int(r.touches), int(r.people)] for r in rows]
    columns = [
        column("verdict", "裁决", "verdict", "text"), column("reason", "原因", "reason", "text"),
        column("said", "说明", "in words", "words"), column("touches", "触达", "touches", "count"),
        column("people", "人数", "people"),
    ]  # fmt: skip
    return Table(columns, found)


HELD = Question(
    "held",
    both("未发原因", "reasons held"),
    both(
        "没有发出的触达各因为什么原因，涉及多少次、多少人。",
        "Why touches were held or refused: how many, and how many people, for each reason.",
    ),
    (params.SINCE, params.UNTIL),
    _build_held,
    _finish_held,
)
