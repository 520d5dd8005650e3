"""What an experiment is told in: names of measures, verdicts and notes, in Chinese and English."""

from __future__ import annotations

from yutang.why.chain import Words
from yutang.why.words import both

MEASURES: dict[str, tuple[Words, str]] = {
    "net": (both("每人净毛利（扣优惠和触达成本）", "net margin per person, less offers and touches"), "fen"),
    "margin": (both("每人毛利（未扣本旅程的券）", "margin per person, before the journey's coupons"), "fen"),
    "coupons": (both("每人优惠成本（券、红包、赠品，实际核销）", "offers per person, really redeemed"), "fen"),
    "touches": (both("每人触达成本", "cost of touches per person"), "fen"),
    "sales": (both("每人销售额（已减退款）", "sales per person, after refunds"), "fen"),
    "orders": (both("每人订单数", "orders per person"), "orders"),
    "buyers": (both("下单人数占比", "share of people who ordered"), "share"),
    "basket": (both("每单金额", "value of an order"), "fen"),
}
"""Title and unit of each measure, in the order in which they are shown."""

AS_SENT = both(
    "实际收到消息的人与对照组相比：不是因果，能收到消息的人本来就不一样",
    "those really reached against the control: not causal, as people who can be reached differ anyway",
)
CONTROL, TREATED = both("对照组", "holdout"), both("触达组", "treated")
POND = both("全塘：所有旅程合起来", "the whole pond: all journeys together")
MARGIN_UNTOLD = both(
    "有订单没有带毛利，只看销售额：让订单带 margin_fen，或在 pond.toml 写 margin_percent",
    "some orders came without their margin, so only sales are judged: send margin_fen with orders, or write margin_percent in pond.toml",
)
SHARE_CHANGED = both(
    "全局对照比例改过：两边都待过的人不参与比较",
    "the share of the global holdout changed: people who were on both sides are not compared",
)
PEOPLE, DAYS = both("人", "people"), both("天", "days")
PEEKING = both(
    "95% 单次区间已不含 0，但那只在事先定好、只看一次时才算数；随时可看的区间还含 0，请勿提前宣布",
    "the interval for one planned look excludes 0, but it counts only if one looks once; the one that is right at every look still holds 0",
)


def money(fen: float) -> str:
    return f"{'-' if fen < 0 else ''}¥{abs(fen) / 100:,.2f}"


def amount(value: float, unit: str) -> str:
    """A figure in its unit: fen, a share of people, or orders."""
    if unit == "fen":
        return money(value)
    return f"{value:.2%}" if unit == "share" else f"{value:,.4f}"


def no_control() -> Words:
    return both(
        "没有对照组，看不出增量：在旅程里写 holdout_percent（例如 10）",
        "nobody is held out, so nothing can be told: write holdout_percent in the journey, for example 10",
    )


def nobody_yet(days: int | None) -> Words:
    return both(
        f"还没有人看满 {days} 天" if days else "还没有可比较的人",
        f"nobody has been seen for {days} days yet" if days else "there is nobody to compare yet",
    )


def too_few(people: int, buyers: int, least_people: int, least_buyers: int) -> Words:
    return both(
        f"数据太少，不下结论：每组至少要 {least_people} 人看满时间、两组合计 {least_buyers} 位买家；现在较小一组 {people} 人，合计 {buyers} 位买家",
        f"too little data to say anything: each arm needs {least_people} people seen to the end, and both together {least_buyers} buyers; "
        f"now {people} in the smaller arm, and {buyers} buyers",
    )


def mismatch(p: float) -> Words:
    return both(
        f"分组人数与设定比例不符（p={p:.1g}），结果不可信：先查谁漏记或多记了",
        f"the arms are not of the sizes that were drawn (p={p:.1g}), so nothing here can be trusted: find out who is missing or counted twice",
    )


def found(difference: float, low: float, high: float, unit: str) -> Words:
    """The always-valid interval lies on one side of nothing."""
    by, ends = amount(abs(difference), unit), f"{amount(low, unit)} … {amount(high, unit)}"
    if difference > 0:
        return both(
            f"有效：每人多 {by}（随时可看的 95% 区间 {ends}）",
            f"it helps: {by} more per person (95% interval that is right at every look: {ends})",
        )
    return both(
        f"有害：每人少 {by}（随时可看的 95% 区间 {ends}）",
        f"it harms: {by} less per person (95% interval that is right at every look: {ends})",
    )


def unclear(more: float, of: Words, low: float, high: float, unit: str) -> Words:
    """Nothing can be seen yet. more: how much is still to be seen if the difference is what it looks like; `of` people, or days."""
    ends = f"{amount(low, unit)} … {amount(high, unit)}"
    return both(
        f"还看不出差别：若差别真如眼下所见，再等约 {more:,.0f} {of['zh']}（区间 {ends}）",
        f"no difference can be seen yet: if it is what it looks like now, wait for about {more:,.0f} more {of['en']} (interval {ends})",
    )


def small(low: float, high: float, unit: str) -> Words:
    """Nothing can be seen, and waiting will not help."""
    ends = f"{amount(low, unit)} … {amount(high, unit)}"
    return both(
        f"还看不出差别；即使有，每人也在 {ends} 之内，再等下去也难分辨",
        f"no difference can be seen; if there is one it lies within {ends} per person, and waiting will hardly tell",
    )


def mixed(n: int) -> Words:
    return both(
        f"{n:,} 人后来以另一组身份再次进入或被合并，按第一次的组算",
        f"{n:,} people entered again, or were merged, in the other arm; the first entry counts",
    )


def uncompared(n: int) -> Words:
    return both(
        f"{n:,} 人进入时没有（或几乎没有）对照组，不参与比较",
        f"{n:,} people entered when nobody (or hardly anybody) was held out; they are not compared",
    )


NOBODY = both("眼下没有人会进入", "nobody would enter now")
FROM_EVENTS = both(
    "上一个窗口里触发过的人，此后做了什么", "those who did what begins it one window ago, and what they did afterwards"
)
FROM_SEGMENT = both(
    "一个窗口前就在人群里的人，此后做了什么",
    "those who were in the segment one window ago, and what they did afterwards",
)
FROM_POND = both(
    "全塘的人在上一个窗口里做了什么（这个旅程的人或许不同，仅供估计）",
    "what everybody in the pond did in the last window (the people of this journey may differ: a guess)",
)


def prospect(share: float, people: int, effect: float, lift: float | None, unit: str) -> Words:
    """What can be seen with so many people."""
    part = f"（{lift:.0%}）" if lift is not None else ""
    by = f" ({lift:.0%})" if lift is not None else ""
    return both(
        f"{people:,} 人、对照 {share:.0%}：能看出每人 {amount(effect, unit)}{part} 以上的差别",
        f"{people:,} people, {share:.0%} held out: a difference of {amount(effect, unit)}{by} per person or more can be seen",
    )


def hardly(share: float, people: int, effect: float, lift: float | None, unit: str) -> Words:
    """What can be seen is more than any journey brings."""
    said = prospect(share, people, effect, lift, unit)
    return both(
        f"{said['zh']}；一般旅程没有这么大的效果，多半看不出来：加大对照、放宽人群或等更久",
        f"{said['en']}; few journeys bring as much, so most likely nothing will be seen: hold more out, widen the audience or wait longer",
    )


def too_little_past(people: int, buyers: int, least_people: int, least_buyers: int) -> Words:
    return both(
        f"可参照的人太少，算不出来：需要 {least_people} 人、{least_buyers} 位买家，现有 {people} 人、{buyers} 位买家",
        f"too few people to reckon from: it takes {least_people}, {least_buyers} of them buyers; there are {people}, with {buyers} buyers",
    )
