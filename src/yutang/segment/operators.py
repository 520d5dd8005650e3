"""Every question a rule can ask about a person: one row each. Parser, compiler, evaluator, sentences and the reference page read it."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("visitor", "new", "growing", "mature", "dormant", "lost")
SCORES = ("recency", "frequency", "monetary")
SIDES = ("down", "up")
PREDICTIONS = {
    "orders_90d": ("未来 90 天预计下单天数", "days with orders expected in the next 90 days"),
    "p_order_90d": ("未来 90 天会下单的概率", "probability of an order in the next 90 days"),
    "p_alive": ("仍是顾客的概率", "probability of still being a customer"),
    "value_90d": ("未来 90 天预计消费（分）", "sales expected in the next 90 days (fen)"),
    "margin_90d": ("未来 90 天预计毛利（分）", "margin expected in the next 90 days (fen)"),
    "churn_90d": (
        "未来 90 天不再下单的概率（近 90 天下过单的人）",
        "probability of no order in the next 90 days (of people who ordered in the last 90)",
    ),
    "lead_30d": (
        "未来 30 天下首单的概率（还没下过单的人）",
        "probability of a first order within 30 days (of people who never ordered)",
    ),
    "best_hour": (
        "最常在的时刻（0–23 点，由此起 3 小时）",
        "hour that begins the three in which they are most likely there (0–23)",
    ),
    "reach": ("最好的渠道上 72 小时内应答的概率", "probability of answering within 72 hours on the best channel"),
    "p_redeem": ("下一张券会用掉的概率", "probability of using the next coupon"),
}
"""Numbers that `predict` foretells of people, in Chinese and English."""
PREDICTED_DAYS = {"next_order_day": ("预计下次下单日", "day on which the next order is expected")}
"""Days that it foretells, kept as days since 2000-01-01; of one category of goods as ``next_order_day:CATEGORY``."""


@dataclass(frozen=True)
class Operator:
    """One question.

    head: the key (and ``word``: its fixed value) that names the family; mark: the second key that picks this row in it.
    params: type of each further key; options: those that may be left out. feature: what is looked up (`compile` holds
    its SQL, `evaluate` its arrays); test: how it is compared. zh, en: the sentence, with the keys in braces.
    """

    key: str
    head: str
    params: dict[str, str]
    feature: str
    test: str
    zh: str
    en: str
    example: str
    mark: str | None = None
    word: str | None = None
    options: tuple[str, ...] = ()


WINDOW = {"days": "days", "from_days": "days", "to_days": "whole", "where": "filter"}
WINDOWED = ("days", "from_days", "to_days", "where")
"""``days: 30`` = the last 30 business days with today; ``from_days: 60, to_days: 30`` = from 60 to 30 days ago."""


def _attribute(test: str, kind: str, zh: str, en: str, value: str) -> Operator:
    params = {"attribute": "name", test: kind}
    example = f"{{attribute: {value}}}"
    return Operator(f"attribute.{test}", "attribute", params, "attribute", test, zh, en, example, mark=test)


def _measured(head: str, test: str, kind: str, zh: str, en: str, example: str, where: bool = True) -> Operator:
    options = WINDOWED if where else WINDOWED[:3]
    params = {head: "name", test: kind} | {name: WINDOW[name] for name in options}
    return Operator(f"{head}.{test}", head, params, head, test, zh, en, example, mark=test, options=options)


def _flag(key: str, head: str, kind: str, feature: str, test: str, zh: str, en: str, example: str) -> Operator:
    return Operator(key, head, {head: kind}, feature, test, zh, en, example)


OPERATORS: tuple[Operator, ...] = (
    # what is known of the person
    _attribute("is", "scalar", "属性「{attribute}」是 {is}", "attribute '{attribute}' is {is}", "city, is: 上海"),
    _attribute("is_not", "scalar", "属性「{attribute}」已知且不是 {is_not}", "attribute '{attribute}' is known and is not {is_not}", "city, is_not: 上海"),
    _attribute("in", "scalars", "属性「{attribute}」是 {in} 之一", "attribute '{attribute}' is one of {in}", "city, in: [上海, 杭州]"),
    _attribute("not_in", "scalars", "属性「{attribute}」已知且不在 {not_in} 中", "attribute '{attribute}' is known and none of {not_in}", "city, not_in: [上海, 杭州]"),
    _attribute("contains", "text", "属性「{attribute}」包含 {contains}", "attribute '{attribute}' contains {contains}", "name, contains: 王"),
    _attribute("starts_with", "text", "属性「{attribute}」以 {starts_with} 开头", "attribute '{attribute}' starts with {starts_with}", "name, starts_with: 王"),
    _attribute("more_than", "number", "属性「{attribute}」大于 {more_than}", "attribute '{attribute}' is more than {more_than}", "age, more_than: 30"),
    _attribute("less_than", "number", "属性「{attribute}」小于 {less_than}", "attribute '{attribute}' is less than {less_than}", "age, less_than: 30"),
    _attribute("at_least", "number", "属性「{attribute}」不小于 {at_least}", "attribute '{attribute}' is at least {at_least}", "age, at_least: 18"),
    _attribute("at_most", "number", "属性「{attribute}」不大于 {at_most}", "attribute '{attribute}' is at most {at_most}", "age, at_most: 60"),
    _attribute("between", "numbers", "属性「{attribute}」在 {between} 之间（含两端）", "attribute '{attribute}' lies between {between}, ends included", "age, between: [18, 35]"),
    _attribute("before", "date", "属性「{attribute}」早于 {before}", "attribute '{attribute}' is before {before}", "birthday, before: 2000-01-01"),
    _attribute("after", "date", "属性「{attribute}」晚于 {after}", "attribute '{attribute}' is after {after}", "birthday, after: 1999-12-31"),
    _flag("known", "known", "name", "attribute", "known", "属性「{known}」已知", "attribute '{known}' is known", "{known: birthday}"),
    _flag("unknown", "unknown", "name", "attribute", "unknown", "属性「{unknown}」未知", "attribute '{unknown}' is not known", "{unknown: birthday}"),
    Operator("anniversary", "anniversary", {"anniversary": "name", "within_days": "year"}, "attribute", "anniversary",
             "「{anniversary}」周年日在 {within_days} 天内（含今天）", "the anniversary of '{anniversary}' falls within {within_days} days, today included",
             "{anniversary: birthday, within_days: 7}"),
    # tags and consent
    _flag("tag", "tag", "name", "tag", "holds", "有标签「{tag}」", "has the tag '{tag}'", "{tag: vip}"),
    Operator("tag.for_days", "tag", {"tag": "name", "for_days": "days"}, "tag", "for_days",
             "标签「{tag}」已打上至少 {for_days} 天", "has had the tag '{tag}' for at least {for_days} days", "{tag: vip, for_days: 30}", mark="for_days"),
    _flag("no_tag", "no_tag", "name", "tag", "lacks", "没有标签「{no_tag}」", "does not have the tag '{no_tag}'", "{no_tag: vip}"),
    _flag("consent", "consent", "name", "consent", "given", "同意「{consent}」触达", "has consented to '{consent}'", "{consent: email}"),
    _flag("withdrawn", "withdrawn", "name", "consent", "withdrawn", "已撤回「{withdrawn}」的同意", "has withdrawn consent to '{withdrawn}'", "{withdrawn: email}"),
    # other segments
    _flag("segment", "segment", "segment", "segment", "in_now", "在人群「{segment}」中", "is in the segment '{segment}'", "{segment: loyal}"),
    Operator("segment.within_days", "segment", {"segment": "segment", "within_days": "days"}, "segment", "was_in",
             "最近 {within_days} 天内曾在人群「{segment}」中", "was in the segment '{segment}' in the last {within_days} days",
             "{segment: loyal, within_days: 30}", mark="within_days"),
    # how often, how much
    _measured("count", "at_least", "whole", "{window}「{count}」{where}至少 {at_least} 次", "'{count}'{where} at least {at_least} times {window}", "{count: ordered, at_least: 3, days: 90}"),
    _measured("count", "at_most", "whole", "{window}「{count}」{where}至多 {at_most} 次", "'{count}'{where} at most {at_most} times {window}", "{count: ordered, at_most: 1}"),
    _measured("count", "exactly", "whole", "{window}「{count}」{where}恰好 {exactly} 次", "'{count}'{where} exactly {exactly} times {window}", "{count: ordered, exactly: 1}"),
    _measured("count", "between", "wholes", "{window}「{count}」{where}次数在 {between} 之间", "'{count}'{where} between {between} times {window}", "{count: ordered, between: [2, 5], from_days: 60, to_days: 30}"),
    Operator("none", "none", {"none": "name", **WINDOW}, "none", "none", "{window}没有「{none}」{where}", "no '{none}'{where} {window}", "{none: ordered, days: 30}", options=WINDOWED),
    _measured("sum", "at_least", "fen", "{window}「{sum}」{where}金额合计至少 {at_least} 元", "the amounts of '{sum}'{where} come to at least {at_least} yuan {window}", "{sum: ordered, at_least: 50000, days: 90}"),
    _measured("sum", "at_most", "fen", "{window}「{sum}」{where}金额合计至多 {at_most} 元", "the amounts of '{sum}'{where} come to at most {at_most} yuan {window}", "{sum: ordered, at_most: 9900}"),
    _measured("average", "at_least", "fen", "{window}「{average}」{where}平均金额至少 {at_least} 元", "the mean amount of '{average}'{where} is at least {at_least} yuan {window}", "{average: ordered, at_least: 3000}"),
    _measured("average", "at_most", "fen", "{window}「{average}」{where}平均金额至多 {at_most} 元", "the mean amount of '{average}'{where} is at most {at_most} yuan {window}", "{average: ordered, at_most: 2000, days: 365}"),
    _measured("active_days", "at_least", "whole", "{window}有「{active_days}」的天数至少 {at_least} 天", "days with '{active_days}': at least {at_least} {window}", "{active_days: viewed, at_least: 5, days: 30}", where=False),
    _measured("active_days", "at_most", "whole", "{window}有「{active_days}」的天数至多 {at_most} 天", "days with '{active_days}': at most {at_most} {window}", "{active_days: viewed, at_most: 1, days: 30}", where=False),
    # how long ago
    Operator("last.within_days", "last", {"last": "name", "within_days": "days"}, "last", "within_days", "最近一次「{last}」在 {within_days} 天内", "the last '{last}' was within {within_days} days", "{last: ordered, within_days: 30}", mark="within_days"),
    Operator("last.more_than_days", "last", {"last": "name", "more_than_days": "days"}, "last", "more_than_days", "最近一次「{last}」在 {more_than_days} 天以前", "the last '{last}' was {more_than_days} days ago or earlier", "{last: ordered, more_than_days: 60}", mark="more_than_days"),
    Operator("first.within_days", "first", {"first": "name", "within_days": "days"}, "first", "within_days", "第一次「{first}」在 {within_days} 天内", "the first '{first}' was within {within_days} days", "{first: registered, within_days: 7}", mark="within_days"),
    Operator("first.more_than_days", "first", {"first": "name", "more_than_days": "days"}, "first", "more_than_days", "第一次「{first}」在 {more_than_days} 天以前", "the first '{first}' was {more_than_days} days ago or earlier", "{first: registered, more_than_days: 30}", mark="more_than_days"),
    # one thing after another
    Operator("sequence.then", "sequence", {"sequence": "name", "then": "name", "within_days": "days", "days": "days"}, "sequence", "then", "{window}「{sequence}」之后 {within_days} 天内有「{then}」", "'{sequence}' followed by '{then}' within {within_days} days {window}", "{sequence: viewed, then: ordered, within_days: 3}", mark="then", options=("days",)),
    Operator("sequence.then_not", "sequence", {"sequence": "name", "then_not": "name", "within_days": "days", "days": "days"}, "sequence", "then_not", "{window}「{sequence}」之后 {within_days} 天内没有「{then_not}」", "'{sequence}' not followed by '{then_not}' within {within_days} days {window}", "{sequence: viewed, then_not: ordered, within_days: 3}", mark="then_not", options=("days",)),
    # portrait
    Operator("score.at_least", "score", {"score": "score", "at_least": "rank"}, "score", "at_least", "RFM「{score}」分不低于 {at_least}", "the RFM score '{score}' is at least {at_least}", "{score: recency, at_least: 4}", mark="at_least"),
    Operator("score.at_most", "score", {"score": "score", "at_most": "rank"}, "score", "at_most", "RFM「{score}」分不高于 {at_most}", "the RFM score '{score}' is at most {at_most}", "{score: recency, at_most: 2}", mark="at_most"),
    _flag("life_stage", "life_stage", "stages", "life_stage", "one_of", "生命周期阶段是 {life_stage}", "the life-cycle stage is {life_stage}", "{life_stage: [dormant, lost]}"),
    # what is foretold; of whom nothing is foretold, nothing of this holds
    Operator("predicted.at_least", "predicted", {"predicted": "prediction", "at_least": "number"}, "predicted", "at_least", "预测「{predicted}」不小于 {at_least}", "the prediction '{predicted}' is at least {at_least}", "{predicted: p_order_90d, at_least: 0.5}", mark="at_least"),
    Operator("predicted.at_most", "predicted", {"predicted": "prediction", "at_most": "number"}, "predicted", "at_most", "预测「{predicted}」不大于 {at_most}", "the prediction '{predicted}' is at most {at_most}", "{predicted: p_alive, at_most: 0.3}", mark="at_most"),
    Operator("predicted.within_days", "predicted", {"predicted": "predicted_day", "within_days": "year", "category": "text"}, "predicted", "day_within", "预测「{predicted}」{category}在 {within_days} 天内（含今天）", "the prediction '{predicted}'{category} falls within {within_days} days, today included", "{predicted: next_order_day, within_days: 7}", mark="within_days", options=("category",)),
    Operator("predicted.passed_days", "predicted", {"predicted": "predicted_day", "passed_days": "year", "category": "text"}, "predicted", "day_passed", "预测「{predicted}」{category}已过去至少 {passed_days} 天", "the prediction '{predicted}'{category} passed at least {passed_days} days ago", "{predicted: next_order_day, passed_days: 14}", mark="passed_days", options=("category",)),
    # coupons and ladders
    Operator("coupon.held", "coupon", {"coupon": "word", "offer": "offer"}, "coupon", "held", "持有未过期的券{offer}", "holds a live coupon{offer}", "{coupon: held, offer: welcome}", word="held", options=("offer",)),
    Operator("coupon.expiring", "coupon", {"coupon": "word", "offer": "offer", "within_days": "days"}, "coupon", "expiring", "持有的券{offer}将在 {within_days} 天内过期", "holds a coupon{offer} that expires within {within_days} days", "{coupon: expiring, offer: welcome, within_days: 3}", word="expiring", options=("offer",)),
    Operator("coupon.redeemed", "coupon", {"coupon": "word", "offer": "offer", "at_least": "whole"}, "redeemed", "at_least", "核销券{offer}至少 {at_least} 次", "has redeemed a coupon{offer} at least {at_least} times", "{coupon: redeemed, offer: welcome, at_least: 1}", word="redeemed", options=("offer",)),
    Operator("coupon.never_redeemed", "coupon", {"coupon": "word", "offer": "offer"}, "redeemed", "none", "从未核销券{offer}", "has never redeemed a coupon{offer}", "{coupon: never_redeemed}", word="never_redeemed", options=("offer",)),
    Operator("ladder.side", "ladder", {"ladder": "offer", "side": "side"}, "ladder", "side", "在阶梯「{ladder}」的{side}侧", "stands on the {side} side of the ladder '{ladder}'", "{ladder: silent, side: down}", mark="side"),
    Operator("ladder.rung_at_least", "ladder", {"ladder": "offer", "rung_at_least": "whole"}, "ladder", "rung_at_least", "在阶梯「{ladder}」第 {rung_at_least} 档或更后", "stands on rung {rung_at_least} of the ladder '{ladder}' or beyond", "{ladder: silent, rung_at_least: 2}", mark="rung_at_least"),
    Operator("ladder.rung_at_most", "ladder", {"ladder": "offer", "rung_at_most": "whole"}, "ladder", "rung_at_most", "在阶梯「{ladder}」第 {rung_at_most} 档或更前", "stands on rung {rung_at_most} of the ladder '{ladder}' or before", "{ladder: silent, rung_at_most: 1}", mark="rung_at_most"),
    # journeys and touches
    _flag("in_journey", "in_journey", "journey", "journey", "active", "正在旅程「{in_journey}」中", "is in the journey '{in_journey}'", "{in_journey: welcome}"),
    _flag("finished_journey", "finished_journey", "journey", "journey", "done", "走完过旅程「{finished_journey}」", "has finished the journey '{finished_journey}'", "{finished_journey: welcome}"),
    _flag("never_in_journey", "never_in_journey", "journey", "journey", "never", "从未进入旅程「{never_in_journey}」", "has never entered the journey '{never_in_journey}'", "{never_in_journey: welcome}"),
    Operator("touched_at_least", "touched_at_least", {"touched_at_least": "whole", "days": "days"}, "touches", "at_least", "最近 {days} 天内被触达至少 {touched_at_least} 次", "was sent at least {touched_at_least} messages in the last {days} days", "{touched_at_least: 3, days: 7}"),
    Operator("touched_at_most", "touched_at_most", {"touched_at_most": "whole", "days": "days"}, "touches", "at_most", "最近 {days} 天内被触达至多 {touched_at_most} 次", "was sent at most {touched_at_most} messages in the last {days} days", "{touched_at_most: 0, days: 7}"),
)  # fmt: skip

BY_KEY = {operator.key: operator for operator in OPERATORS}
HEADS = tuple(dict.fromkeys(operator.head for operator in OPERATORS))
_HEADS = {
    "attribute": "trait", "known": "trait", "unknown": "trait", "anniversary": "trait",
    "tag": "tag", "no_tag": "tag", "consent": "channel", "withdrawn": "channel",
}  # fmt: skip
"""What a name under a head names, where it is no event."""


def role_of(operator: Operator, name: str) -> str:
    """What the text under a key names: event, trait, tag, channel, segment, coupon, ladder, journey."""
    kind = operator.params[name]
    if kind == "offer":
        return "ladder" if operator.head == "ladder" else "coupon"
    return _HEADS.get(operator.head, "event") if kind == "name" else kind
