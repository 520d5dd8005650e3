"""pond.toml: the settings of a pond, checked and brought into one form."""

from __future__ import annotations

import re
from typing import Any

from yutang.clock import zones
from yutang.definitions import POND
from yutang.handles import BY_NAME, kind_of
from yutang.model import halves
from yutang.source import MOST, Node, Said, meant, nearest, suggest

_ALIKE = 0.85
"""How like a channel or a place another name must be to be taken for a slip."""
_IN_CHINA = {
    "beijing", "peking", "tianjin", "chongqing", "harbin", "shenyang", "dalian", "jinan", "qingdao", "nanjing", "suzhou", "hangzhou",
    "ningbo", "hefei", "fuzhou", "xiamen", "nanchang", "wuhan", "changsha", "guangzhou", "shenzhen", "chengdu", "kunming", "xian",
    "zhengzhou", "china", "中国", "北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "重庆", "cst", "utc+8", "gmt+8", "+08:00",
}  # fmt: skip
"""What people write for the one time zone of China, which is called after Shanghai."""
SHORTEST_HISTORY = 90
"""Days for which PostgreSQL keeps every event, whatever a brand says."""
HIGHEST_CUT = {"recency_days": MOST, "frequency": MOST, "monetary_fen": 10**15}
CONSENT = ("assumed", "required")
BY_HAND = {"group": {"zh": "社群群发", "en": "Posts to groups"}, "moments": {"zh": "朋友圈", "en": "Moments"}}
"""What staff do by hand, beside the channels: it has points and a cost, and nobody consents to it."""


def pond(root: Node) -> tuple[dict[str, Any], dict[str, str]]:
    """The body of the pond's definition, and the titles of its sources by name. Raises SourceError."""
    keys = root.mapping(known=POND, required=("name", "title", "time_zone"))
    sources = _sources(keys["sources"]) if "sources" in keys else {}
    body = POND | {"sources": sorted(sources)}
    for name in keys.keys() - {"sources"}:
        body[name] = _PARTS[name](keys[name])
    for name in keys.keys() & {"price", "cost_fen", "reach"}:
        _channels(body, keys[name])
    if "price" in keys:
        _affordable(body, keys["price"])
    return body, sources


def _sources(node: Node) -> dict[str, str]:
    for name, title in node.mapping().items():
        if not name.strip():
            raise title.misnamed("来源要有名字，例如“app”。", "a source has a name; write for example 'app'")
    return {name: title.text() for name, title in node.mapping().items()}


def _title(node: Node) -> dict[str, str]:
    keys = node.mapping(known=("zh", "en"), required=("zh", "en"))
    return {language: text.text() for language, text in keys.items()}


def _zone(node: Node) -> str:
    if node.text() not in zones():
        near = _zone_meant(node.text())
        fix = meant(near) if near else Said("例如 Asia/Shanghai。", "write for example Asia/Shanghai")
        raise node.fail(f"不认识的时区“{node.value}”，{fix.zh}", f"unknown time zone '{node.value}'; {fix.en}")
    return node.text()


def _zone_meant(text: str) -> str | None:
    """By its place alone: the part of the world before it is what people get wrong, or leave out."""
    place = text.replace(" ", "_").rpartition("/")[2].casefold()
    if place in _IN_CHINA:
        return "Asia/Shanghai"
    by_place = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(zones())}
    near = nearest(place, by_place, _ALIKE)
    return near and by_place[near]


def _rfm(node: Node) -> dict[str, Any]:
    keys = node.mapping(known=POND["rfm"])
    return POND["rfm"] | {name: _cuts(item, HIGHEST_CUT[name]) for name, item in keys.items()}


def _cuts(node: Node, most: int) -> list[int]:
    found = [item.whole(0, most) for item in node.items()]
    if len(found) != 4 or sorted(set(found)) != found:
        raise node.fail(
            "请写四个递增的数，把顾客分成 1 到 5 分，例如 [7, 30, 90, 180]。",
            "four rising numbers cut people into scores 1 to 5; write for example [7, 30, 90, 180]",
        )
    return found


def _life(node: Node) -> dict[str, int]:
    body = POND["life"] | {name: item.whole(1, MOST) for name, item in node.mapping(known=POND["life"]).items()}
    for low, high in (("growing_orders", "mature_orders"), ("dormant_days", "lost_days")):
        if body[low] >= body[high]:
            raise node.fail(
                f"{low}（{body[low]}）必须小于 {high}（{body[high]}）。",
                f"{low} ({body[low]}) must be less than {high} ({body[high]})",
            )
    return body


def _budget(node: Node) -> dict[str, int | None]:
    keys = node.mapping(known=POND["budget"])
    return POND["budget"] | {name: item.whole(int(name == "window_days"), 1000) for name, item in keys.items()}


def _points(node: Node) -> dict[str, int]:
    return {name: item.whole(0, 1000) for name, item in node.mapping().items()}


def _fen(node: Node) -> dict[str, int]:
    return {name: item.whole(0) for name, item in node.mapping().items()}


def _channels(body: dict[str, Any], node: Node) -> None:
    """Refuses a channel that there is not: what is said of it would hold for nobody, and the right one's be forgotten."""
    known = {*POND["consent"], *body["consent"], *BY_HAND}
    for name, said in node.mapping().items():
        if name not in known:
            fix = suggest(name, known)
            raise said.misnamed(f"没有名为“{name}”的渠道，{fix.zh}", f"there is no channel '{name}'; {fix.en}")


def _affordable(body: dict[str, Any], node: Node) -> None:
    """Refuses a price that no allowance could ever pay: what it holds back would wait for ever."""
    allowed = body["budget"]
    classes = [allowed["marketing"], allowed["companion"]]
    limits = [allowed["total"], None if None in classes else max(classes)]
    for name, price in body["price"].items():
        for most in limits:
            if most is not None and price > most:
                raise node.mapping()[name].fail(
                    f"“{name}”一次触达要 {price} 点，而 [budget] 每人最多 {most} 点：请调低前者或调高后者。",
                    f"a touch by '{name}' takes {price} points, and the [budget] gives nobody more than {most}; lower one or raise the other",
                )


def _quiet(node: Node) -> dict[str, Any]:
    keys = node.mapping(known=POND["quiet"])
    times = {name: _time(keys[name]) for name in ("from", "to") if name in keys}
    days = [item.date() for item in keys["holidays"].items()] if "holidays" in keys else []
    return POND["quiet"] | times | {"holidays": sorted(set(days))}


def _time(node: Node) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", node.text()):
        found = node.describe()
        raise node.fail(
            f'{found.zh}不是时间，请写成例如 "22:00"。', f'{found.en} is not a time of day; write for example "22:00"'
        )
    return node.text()


def _consent(node: Node) -> dict[str, str]:
    """Also names the channels that a brand has made itself, so only what is nearly one of ours can be told for a slip."""
    for name, item in node.mapping().items():
        near = None if name in POND["consent"] else nearest(name, POND["consent"], _ALIKE)
        if near:
            raise item.misnamed(
                f"没有名为“{name}”的渠道，是不是想写“{near}”？", f"there is no channel '{name}'; did you mean '{near}'?"
            )
    return {name: item.choice(CONSENT) for name, item in node.mapping().items()}


def _reach(node: Node) -> dict[str, str]:
    return POND["reach"] | {name: _handle(item) for name, item in node.mapping().items()}


def _handle(node: Node) -> str:
    """A family of handles; ``openid`` is enough, as any of a person's will do."""
    if node.text() in BY_NAME:
        return node.text()
    try:
        return kind_of(node.text()).name
    except ValueError as error:
        raise node.fail(*halves(str(error))) from None


def _approval(node: Node) -> dict[str, bool]:
    keys = node.mapping(known=POND["approval"])
    return POND["approval"] | {name: item.flag() for name, item in keys.items()}


def _history(node: Node) -> dict[str, int]:
    """A window of a rule may reach a year back, and a journey may run as long."""
    keys = node.mapping(known=POND["history"])
    return POND["history"] | {name: item.whole(SHORTEST_HISTORY, 36600) for name, item in keys.items()}


def _recommend(node: Node) -> dict[str, Any]:
    keys = node.mapping(known=POND["recommend"])
    lists = {
        name: sorted({_named(item) for item in keys[name].items()})
        for name in ("never", "never_categories")
        if name in keys
    }
    days = {"not_again_days": keys["not_again_days"].whole(0, 3660)} if "not_again_days" in keys else {}
    return POND["recommend"] | lists | days


def _named(node: Node) -> str:
    """An id as order lines write it: a number there is a text here."""
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        raise node.fail(
            f'{node.value} 是数字，请加引号："{node.value}"。',
            f'{node.value} is a number; put it in quotes: "{node.value}"',
        )
    return node.text()


_PARTS = {
    "name": Node.text,
    "title": _title,
    "time_zone": _zone,
    "earliest": Node.date,
    "rfm": _rfm,
    "life": _life,
    "budget": _budget,
    "price": _points,
    "cost_fen": _fen,
    "quiet": _quiet,
    "consent": _consent,
    "reach": _reach,
    "holdout_percent": Node.percent,
    "margin_percent": Node.percent,
    "approval": _approval,
    "history": _history,
    "recommend": _recommend,
}
