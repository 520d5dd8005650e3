"""An offer in words: what its terms mean, a sentence each, in Chinese and English. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yutang.deliver.render import discount, yuan
from yutang.offer.definition import PLAIN

Words = dict[str, str]


def both(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}


def worth(body: Mapping[str, Any], pay_percent: int | None = None) -> Words:
    """What one is worth, short; of a ladder the rung where `pay_percent` is to be paid."""
    if body["sort"] == "gift":
        return both(f"礼品 {body['sku']}", f"gift {body['sku']}")
    if body["sort"] == "red_packet":
        least, most = body["least_fen"], body["most_fen"]
        zh = yuan(least) if least == most else f"{least / 100:g}–{yuan(most)}"
        return both(zh, f"¥{least / 100:g}" if least == most else f"¥{least / 100:g}–{most / 100:g}")
    minimum = (PLAIN | dict(body))["minimum_fen"]
    pay = body.get("pay_percent") if pay_percent is None else pay_percent
    zh = discount(pay, body.get("off_fen"), minimum, body.get("value_fen", 0))
    off = f"{100 - pay}% off" if pay is not None else f"¥{(body.get('off_fen') or 0) / 100:g} off"
    return both(zh, off + (f" from ¥{minimum / 100:g}" if minimum else ""))


def sentences(body: Mapping[str, Any]) -> list[Words]:
    """Every term that holds, the most important first."""
    body = PLAIN | dict(body)
    return [*_what(body), *_who(body), *_money(body), *_together(body), *_limits(body["limits"])]


def _what(body: Mapping[str, Any]) -> Iterator[Words]:
    if body["sort"] == "ladder":
        yield from _ladder(body)
    elif body["sort"] == "gift":
        how = both("到店领取", "picked up") if body["hand_over"] == "pick_up" else both("随订单发放", "with an order")
        yield both(f"礼品 {body['sku']}，{how['zh']}", f"gift {body['sku']}, {how['en']}")
    elif body["sort"] == "red_packet":
        said = worth(body)
        chance = body["least_fen"] != body["most_fen"]
        yield both(f"{'随机' if chance else ''}红包 {said['zh']}", f"a red packet of {said['en']}")
    else:
        yield worth(body)
    days = body["valid_days"]
    yield both(f"领到后 {days} 天内有效", f"valid for {days} days once given out")


def _ladder(body: Mapping[str, Any]) -> Iterator[Words]:
    down = "、".join(f"{pay / 10:g} 折" for pay in body["down"])
    up = "、".join(f"{pay / 10:g} 折" for pay in body["up"])
    yield both(
        f"沉默 {body['silence_days']} 天发第一张，之后每 {body['wait_days']} 天再降一档：{down}",
        f"after {body['silence_days']} days of silence the first, then every {body['wait_days']} days one more: "
        + ", ".join(f"pay {pay}%" for pay in body["down"]),
    )
    yield both(f"下单后逐档回升：{up}", "after each order one up: " + ", ".join(f"pay {pay}%" for pay in body["up"]))
    if body["again_days"] is not None:
        yield both(
            f"降到底 {body['again_days']} 天后从第一档再来",
            f"{body['again_days']} days after the last rung the first again",
        )
    if body["patience"]:
        yield both(
            f"连续 {body['patience']} 次等到发券才买的人，只给第一档",
            f"who bought only after a rung {body['patience']} times running gets the first rung and no deeper",
        )


def _who(body: Mapping[str, Any]) -> Iterator[Words]:
    if "per_person" in body:
        yield both(f"每人限 {body['per_person']:,} 份", f"at most {body['per_person']:,} for one person")
    if body.get("cool_down_days"):
        yield both(f"两张之间至少隔 {body['cool_down_days']} 天", f"at least {body['cool_down_days']} days between two")


def _money(body: Mapping[str, Any]) -> Iterator[Words]:
    stock, budget = body["stock"], body["budget_fen"]
    yield both("不限量", "no limit of stock") if stock is None else both(f"共 {stock:,} 份", f"{stock:,} in all")
    if budget is not None:
        yield both(f"预算 ¥{budget / 100:,.2f}", f"a budget of ¥{budget / 100:,.2f}")
    if body["margin_floor_percent"]:
        floor = body["margin_floor_percent"]
        yield both(
            f"所有券用完后，顾客至少付原价的 {floor}%", f"after all coupons at least {floor}% of the price is paid"
        )
    if body["margin_left_percent"] is not None:
        left = body["margin_left_percent"]
        yield both(f"所有券用完后，至少留 {left}% 毛利", f"after all coupons at least {left}% is left as margin")


def _together(body: Mapping[str, Any]) -> Iterator[Words]:
    if body["sort"] == "red_packet":
        return
    if not body["stackable"]:
        yield both("不与其他券同用", "stands alone on an order")
        return
    group, others = body["stack"], body["excludes"]
    zh = f"，同组「{group}」只用一张" if group else ""
    en = f", only one of the group '{group}'" if group else ""
    zh += f"，不与 {'、'.join(others)} 同用" if others else ""
    en += f", not with {', '.join(others)}" if others else ""
    yield both(f"可与其他券同用{zh}", f"may stand beside others{en}")


def _limits(limits: Mapping[str, Any]) -> Iterator[Words]:
    said = {
        "per_day": ("每人每天最多领 {n} 份", "at most {n} a day for one person"),
        "phone": ("同一手机号最多 {n} 份", "at most {n} for one phone number"),
        "device": ("同一设备最多 {n} 份", "at most {n} for one device"),
        "uses_per_day": ("每人每天最多用 {n} 次", "at most {n} uses a day by one person"),
    }
    for name, (zh, en) in said.items():
        if limits.get(name):
            yield both(zh.format(n=limits[name]), en.format(n=limits[name]))
    if speed := limits.get("velocity"):
        uses, minutes = speed["uses"], speed["minutes"]
        yield both(f"{minutes} 分钟内最多用 {uses} 次", f"at most {uses} uses within {minutes} minutes")
