"""Reading the cells of a file: text, amounts, times. Each raises ValueError with the fix when a cell is not what it should be."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

_LOOSE_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
)


_NO_AMOUNT = "不是金额，请写元，例如 12.50。 not an amount; write yuan such as 12.50"


def empty(cell: Any) -> bool:
    """Nothing, blank text, or NaN, as tables of numbers write nothing."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def text(cell: Any) -> str:
    """A cell as text. Spreadsheets make numbers of long ids and keep only fifteen digits of them."""
    if isinstance(cell, float) and abs(cell) >= 10**15:
        raise ValueError(
            "数字太长，表格只保留了前 15 位；请把这一列设为文本格式后重新粘贴。 "
            "a number of which the spreadsheet kept fifteen digits; format the column as text and paste it again"
        )
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, float):
        raise ValueError(
            "这里应是文本，却是小数；请把这一列设为文本格式。 a fraction where text belongs; format the column as text"
        )
    if isinstance(cell, dict | list):
        raise ValueError("这里应是文本，却是列表或对象。 a list or object where text belongs")
    return str(cell).strip().removeprefix("'")


def json_object(cell: Any) -> dict[str, Any]:
    """A JSON object, as such or as text."""
    try:
        found = msgspec.json.decode(cell) if isinstance(cell, str) else cell
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("不是 JSON 对象。 not a JSON object")
    return found


def free(cell: Any) -> Any:
    """A cell of an unknown column: numbers, truths and text stay what they are."""
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and not isfinite(cell):
        return str(cell)
    if isinstance(cell, list):
        return [part if isinstance(part, list) else free(part) for part in cell]
    return cell if isinstance(cell, str | int | float | bool | dict | None) else str(cell)


def _fen(cell: Any) -> int:
    """Yuan to fen, exactly."""
    if isinstance(cell, bool | list | dict | date):
        raise ValueError(_NO_AMOUNT)
    plain = re.sub(r"[\s,，¥￥元]", "", str(round(cell, 6) if isinstance(cell, float) else cell))
    try:
        fen = Decimal(plain) * 100
    except InvalidOperation:
        raise ValueError(_NO_AMOUNT) from None
    if not fen.is_finite() or abs(fen) > 10**18 or fen != fen.to_integral_value():
        raise ValueError(
            "金额最多两位小数；请写元，例如 12.50，或映射到 amount_fen。 "
            "an amount has at most two decimals; write yuan such as 12.50, or map it to amount_fen"
        )
    return int(fen)


def whole(cell: Any) -> int:
    """A whole number of at most eighteen digits."""
    plain = text(cell)
    if not re.fullmatch(r"-?[0-9]{1,18}", plain):
        raise ValueError("不是整数。 not a whole number")
    return int(plain)


def number(cell: Any) -> int | float:
    """A number, with a point or without one."""
    if isinstance(cell, float) and isfinite(cell):
        return cell
    plain = text(cell)
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", plain):
        raise ValueError("不是数字。 not a number")
    return float(plain) if "." in plain else int(plain)


def _codes(cell: Any) -> list[str]:
    if isinstance(cell, list):
        return list(dict.fromkeys(code for part in cell for code in _codes(part)))
    return re.split(r"[\s,，;；、|]+", text(cell))


def _day(cell: Any) -> str:
    return cell.strftime("%Y-%m-%d") if isinstance(cell, date) else text(cell)


CELLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "amount": ("amount_fen", _fen),
    "amount_fen": ("amount_fen", whole),
    "discount": ("discount_fen", _fen),
    "discount_fen": ("discount_fen", whole),
    "margin": ("margin_fen", _fen),
    "margin_fen": ("margin_fen", whole),
    "quantity": ("quantity", number),
    "coupon_codes": ("coupon_codes", _codes),
    "birthday": ("birthday", _day),
}


def instant(cell: Any, zone: ZoneInfo) -> datetime:
    """An instant; a time without a zone is read in `zone`."""
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime.combine(cell, time())
    else:
        found = _parsed(text(cell))
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("时间超出日历范围。 a time outside the calendar") from None


def _parsed(plain: str) -> datetime:
    if not plain.isdigit():
        try:
            return datetime.fromisoformat(plain)
        except ValueError:
            if match := _LOOSE_TIME.fullmatch(plain):
                return datetime(*[int(part or 0) for part in match.groups()])
    raise ValueError("不是时间，请写成例如 2026-01-31 09:30:00。 not a time; write for example 2026-01-31 09:30:00")
