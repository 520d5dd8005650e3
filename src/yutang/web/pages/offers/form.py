"""Between an entry of offers.yml and the form: yuan are typed, fen are stored; what was not touched stays as it was written."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from yutang.web.forms import text_of, texts_of
from yutang.web.pages.offers.fields import Field, fields_of

Typed = dict[str, Any]
"""What stands in the form: texts by field; `down`, `up`, `excludes` are lists of texts."""
Errors = dict[str, str]
"""What is wrong with a field: the key of a phrase, by field."""
SIDES = ("down", "up")


def empty(sort: str) -> Typed:
    """A form of a sort before anybody has typed; a ladder begins with two rungs on each side."""
    typed = shown({"sort": sort})
    return typed | ({"down": ["9", "8"], "up": ["8.5", "9.5"]} if sort == "ladder" else {})


def shown(entry: Mapping[str, Any]) -> Typed:
    """An entry as the form shows it."""
    sort = str(entry.get("sort", "coupon"))
    title = entry.get("title") if isinstance(entry.get("title"), Mapping) else {}
    typed: Typed = {"sort": sort, "title_zh": _text(title.get("zh")), "title_en": _text(title.get("en"))}
    typed |= {field.name: _show(field, _get(entry, field.path), sort) for field in fields_of(sort)}
    stack = entry.get("stack")
    together = entry.get("stackable", stack is not None)
    excludes = entry.get("excludes")
    return (
        typed
        | {"together": "with" if together else "alone", "stack": _text(stack)}
        | {"excludes": [str(one) for one in excludes] if isinstance(excludes, list) else []}
        | _discount_shown(entry)
        | _amount_shown(entry.get("amount_fen"))
        | {side: [_tenths(pay) for pay in entry.get(side) or []] for side in SIDES}
    )


def typed_of(data: Mapping[str, Any], sort: str) -> Typed:
    """What a form has sent."""
    names = ["title_zh", "title_en", "together", "stack", "mode", "pay", "off", "amount_from", "amount_to"]
    typed: Typed = {name: text_of(data, name) for name in [*names, *(field.name for field in fields_of(sort))]}
    lists = {name: [one.strip() for one in texts_of(data, name)] for name in (*SIDES, "excludes")}
    return typed | {"sort": sort} | lists


def write(entry: CommentedMap, typed: Typed) -> Errors:
    """Bring what was typed into the entry; returns what could not be read, and leaves that as it was."""
    sort, errors = typed["sort"], Errors()
    entry.setdefault("sort", sort)
    _write_title(entry, typed, errors)
    if sort == "coupon":
        _write_discount(entry, typed, errors)
    if sort == "red_packet":
        _write_amount(entry, typed, errors)
    if sort == "ladder":
        for side in SIDES:
            _write_rungs(entry, side, typed[side], errors)
    for field in fields_of(sort):
        _write_field(entry, field, typed[field.name], sort, errors)
    if sort != "red_packet":
        _write_together(entry, typed)
    if sort == "coupon" and typed["mode"] == "pay" and not typed["value"]:
        errors["value"] = "wrong.value"
    return errors


def move(typed: Typed, do: str) -> Typed:
    """The form with a rung added (``add:down``), taken away (``cut:down:1``), or moved (``up:down:1``, ``later:down:0``)."""
    what, side, at = [*do.split(":"), "", ""][:3]
    if side not in SIDES:
        return typed
    rungs, n = list(typed[side]), int(at) if at.isdigit() else 0
    if what == "add":
        rungs.append("")
    elif what == "cut" and n < len(rungs):
        del rungs[n]
    elif what == "later" and n + 1 < len(rungs):
        rungs[n], rungs[n + 1] = rungs[n + 1], rungs[n]
    elif what == "sooner" and 0 < n < len(rungs):
        rungs[n], rungs[n - 1] = rungs[n - 1], rungs[n]
    return typed | {side: rungs}


def fen(text: str) -> int | None:
    """Fen of an amount typed in yuan; None where it is none."""
    plain = text.strip().removeprefix("¥").removesuffix("元").replace(",", "").replace("，", "").strip()
    whole, dot, part = plain.partition(".")
    if not _digits(whole, 13) or (dot and not _digits(part, 2)):
        return None
    return int(Decimal(plain) * 100)


def percent(text: str) -> int | None:
    """The percent to pay of 折: 8.5 is 85."""
    whole, dot, part = text.strip().removesuffix("折").strip().partition(".")
    if not _digits(whole, 2) or (dot and not _digits(part, 1)):
        return None
    found = int(whole) * 10 + int(part or 0)
    return found if found <= 100 else None


def yuan(amount: Any) -> str:
    """Fen as one types them: 12.5, 300."""
    return f"{amount / 100:.2f}".removesuffix(".00") if isinstance(amount, int) else _text(amount)


def _digits(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _tenths(pay: Any) -> str:
    return f"{pay / 10:g}" if isinstance(pay, int) else _text(pay)


def _get(entry: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        entry = entry.get(key) if isinstance(entry, Mapping) else None
    return entry


def _show(field: Field, value: Any, sort: str) -> str:
    value = field.default_of(sort) if value is None else value
    return yuan(value) if field.kind == "yuan" and value is not None else _text(value)


def _discount_shown(entry: Mapping[str, Any]) -> Typed:
    kind, amount = _discount(entry.get("discount"))
    return {
        "mode": kind,
        "pay": _tenths(amount) if kind == "pay" and amount is not None else "",
        "off": yuan(amount) if kind == "off" else "",
    }


def _discount(raw: Any) -> tuple[str, Any]:
    """("pay", percent to pay) or ("off", fen), whichever of the three ways it is written in."""
    raw = raw if isinstance(raw, Mapping) else {}
    if isinstance(raw.get("percent"), int):
        return "pay", 100 - raw["percent"]
    return ("off", raw["off_fen"]) if "off_fen" in raw else ("pay", raw.get("pay_percent"))


def _amount_shown(raw: Any) -> Typed:
    ends = raw if isinstance(raw, Mapping) else {"from": raw, "to": raw}
    return {"amount_from": yuan(ends.get("from")), "amount_to": yuan(ends.get("to"))}


def _write_title(entry: CommentedMap, typed: Typed, errors: Errors) -> None:
    if not typed["title_zh"]:
        errors["title_zh"] = "wrong.needed"
        return
    title = {"zh": typed["title_zh"], "en": typed["title_en"] or typed["title_zh"]}
    if not isinstance(entry.get("title"), Mapping):
        entry["title"] = flow(title)
    for language, words in title.items():
        if entry["title"].get(language) != words:
            entry["title"][language] = words


def _write_discount(entry: CommentedMap, typed: Typed, errors: Errors) -> None:
    kind = "off" if typed["mode"] == "off" else "pay"
    amount = fen(typed["off"]) if kind == "off" else percent(typed["pay"])
    if amount is None or (kind == "off" and amount < 1) or (kind == "pay" and amount > 99):
        errors[kind] = "wrong.yuan" if kind == "off" else "wrong.tenths"
    elif _discount(entry.get("discount")) != (kind, amount):
        entry["discount"] = flow({"off_fen" if kind == "off" else "pay_percent": amount})


def _write_amount(entry: CommentedMap, typed: Typed, errors: Errors) -> None:
    least, most = fen(typed["amount_from"]), fen(typed["amount_to"] or typed["amount_from"])
    if not least:
        errors["amount_from"] = "wrong.yuan"
    elif not most or most < least:
        errors["amount_to"] = "wrong.order"
    elif _ends(entry.get("amount_fen")) != (least, most):
        entry["amount_fen"] = least if least == most else flow({"from": least, "to": most})


def _ends(raw: Any) -> tuple[Any, Any]:
    return (raw.get("from"), raw.get("to")) if isinstance(raw, Mapping) else (raw, raw)


def _write_rungs(entry: CommentedMap, side: str, typed: list[str], errors: Errors) -> None:
    found = [percent(text) for text in typed]
    if not found:
        errors[side] = "wrong.rungs"
    elif None in found or 0 in found:
        errors[side] = "wrong.tenths"
    elif list(entry.get(side) or []) != found:
        entry[side] = CommentedSeq(found)
        entry[side].fa.set_flow_style()


def _write_field(entry: CommentedMap, field: Field, text: str, sort: str, errors: Errors) -> None:
    value = _read(field, text)
    if text and value is None:
        errors[field.name] = f"wrong.{field.kind}"
    elif not text and sort in field.required:
        errors[field.name] = "wrong.needed"
    elif isinstance(value, int) and not field.low <= value <= field.high:
        errors[field.name] = "wrong.range"
    else:
        was = _get(entry, field.path)
        if was is not None and value is None:
            _take(entry, field.path)
        elif value is not None and value != was and not (was is None and value == field.default_of(sort)):
            _put(entry, field.path, value)


def _read(field: Field, text: str) -> Any:
    if not text:
        return None
    if field.kind == "yuan":
        return fen(text)
    if field.kind == "whole":
        plain = text.replace(",", "")
        return int(plain) if _digits(plain, 15) else None
    return text if field.kind == "text" or text in field.options else None


def _put(entry: CommentedMap, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(entry.get(key), Mapping):
            entry[key] = flow({})
        entry = entry[key]
    entry[path[-1]] = value


def _take(entry: CommentedMap, path: tuple[str, ...]) -> None:
    """Take a key away, and what is empty without it."""
    parent = _get(entry, path[:-1]) if path[:-1] else entry
    del parent[path[-1]]
    if not parent and len(path) > 1:
        _take(entry, path[:-1])


def _write_together(entry: CommentedMap, typed: Typed) -> None:
    wanted = typed["together"] == "with"
    stack = typed["stack"] if wanted else ""
    excludes = [name for name in typed["excludes"] if name] if wanted else []
    if wanted and not stack and not entry.get("stackable"):
        entry["stackable"] = True
    if not wanted and entry.get("stackable"):
        del entry["stackable"]
    for key, value in (("stack", stack), ("excludes", excludes)):
        if value and entry.get(key) != value:
            entry[key] = flow_list(value) if isinstance(value, list) else value
        elif not value and key in entry:
            del entry[key]


def flow(values: Mapping[str, Any]) -> CommentedMap:
    """A mapping that is written on one line."""
    found = CommentedMap(values)
    found.fa.set_flow_style()
    return found


def flow_list(values: list[Any]) -> CommentedSeq:
    """A list that is written on one line."""
    found = CommentedSeq(values)
    found.fa.set_flow_style()
    return found
