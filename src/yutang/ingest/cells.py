"""Reading the cells of a file: text, amounts, times. Each raises ValueError with the fix when a cell is not what it should be."""

from __future__ import annotations

import re
import unicodedata
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
_LOOSE_DAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?|(\d{4})(\d{2})(\d{2})")
_DAY = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
_SHORTENED = re.compile(r"-?\d\.\d+E\+\d{2}")
_AS_TEXT = re.compile(r'="(.*)"', re.DOTALL)
"""How exports keep spreadsheets from making numbers of ids."""

_NO_AMOUNT = "不是金额，请写元，例如 12.50。 not an amount; write yuan such as 12.50"
_NO_TIME = "不是时间，请写成例如 2026-01-31 09:30:00。 not a time; write for example 2026-01-31 09:30:00"
_NO_SUCH_TIME = (
    "没有这个日期或时刻，请写成例如 2026-01-31 09:30:00。 no such day or time; write for example 2026-01-31 09:30:00"
)
_A_NUMBER = (
    "是数字，不是时间，请把这一列设为日期格式，或写成例如 2026-01-31 09:30:00。 "
    "a number, no time; format the column as dates, or write for example 2026-01-31 09:30:00"
)
_NO_DAY = (
    "不是日期，或没有这一天，请写成例如 1990-03-05，年份不详写 03-05。 "
    "no date, or no such day; write for example 1990-03-05, or 03-05 where the year is not known"
)
NOT_FINITE = (
    "是 NaN 或无穷大，不是数字，请写成例如 12.50，没有就留空。 "
    "NaN or infinite, which is no number; write for example 12.50, or leave the cell empty"
)


def empty(cell: Any) -> bool:
    """Nothing, blank text, or NaN, as tables of numbers write nothing."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def text(cell: Any) -> str:
    """A cell as text. Spreadsheets make numbers of long ids and keep only fifteen digits of them."""
    if isinstance(cell, float) and not isfinite(cell):
        raise ValueError(NOT_FINITE)
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
    plain = str(cell).strip().removeprefix("'")
    if _SHORTENED.fullmatch(plain):
        raise ValueError(
            "是被表格缩写的数字，后几位已丢失；请把这一列设为文本格式后重新粘贴。 "
            "a number that a spreadsheet has shortened, its last digits are lost; format the column as text and paste it again"
        )
    marked = _AS_TEXT.fullmatch(plain)
    return marked[1].strip() if marked else plain


def json_object(cell: Any) -> dict[str, Any]:
    """A JSON object, as such or as text."""
    try:
        found = msgspec.json.decode(cell) if isinstance(cell, str) else cell
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError('不是 JSON 对象，请写成 {"名称": "值"}。 not a JSON object; write {"NAME": "value"}')
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
    try:
        fen = Decimal(_plain_amount(str(round(cell, 6) if isinstance(cell, float) else cell))) * 100
    except InvalidOperation:
        raise ValueError(_NO_AMOUNT) from None
    if not fen.is_finite():
        raise ValueError(NOT_FINITE)
    if abs(fen) > 10**18:
        raise ValueError("金额太大，请检查单位和小数点。 too large an amount; check its unit and decimal point")
    if fen != fen.to_integral_value():
        raise ValueError(
            "金额最多两位小数；请写元，例如 12.50，或映射到 amount_fen。 "
            "an amount has at most two decimals; write yuan such as 12.50, or map it to amount_fen"
        )
    return int(fen)


def _plain_amount(said: str) -> str:
    """Without the sign of the currency, and without commas between thousands; a comma elsewhere may be a decimal point."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", said)).removesuffix("元").replace("¥", "", 1)
    if set(plain) & {",", "_"} and re.fullmatch(r"[-+.,_\d]+", plain) and not _THOUSANDS.fullmatch(plain):
        raise ValueError(
            "逗号只能分隔千位，小数点请写“.”，例如 1,234.50。 "
            "commas part thousands only; write the decimal point as in 1,234.50"
        )
    return plain.replace(",", "")


def whole(cell: Any) -> int:
    """A whole number of at most eighteen digits."""
    plain = unicodedata.normalize("NFKC", text(cell))
    if not re.fullmatch(r"-?[0-9]{1,18}", plain):
        raise ValueError("不是整数，请写成例如 12。 not a whole number; write for example 12")
    return int(plain)


def number(cell: Any) -> int | float:
    """A number, with a point or without one."""
    if isinstance(cell, float) and isfinite(cell):
        return cell
    plain = unicodedata.normalize("NFKC", text(cell))
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,9})?", plain):
        raise ValueError("不是数字。 not a number")
    return float(plain) if "." in plain else int(plain)


def _codes(cell: Any) -> list[str]:
    if isinstance(cell, list):
        return list(dict.fromkeys(code for part in cell for code in _codes(part)))
    return re.split(r"[\s,，;；、|]+", text(cell))


def _day(cell: Any) -> str:
    """A day as ``1990-03-05``, or ``03-05`` where the year is not known."""
    if isinstance(cell, date):
        return cell.isoformat()[:10]
    if isinstance(cell, float) and not cell.is_integer():
        raise ValueError(_NO_DAY)
    found = _LOOSE_DAY.fullmatch(unicodedata.normalize("NFKC", text(cell)))
    if found is None:
        raise ValueError(_NO_DAY)
    year, month, day = found.groups()[3:] if found[4] else found.groups()[:3]
    said = f"{year}-{month:0>2}-{day:0>2}" if year else f"{month:0>2}-{day:0>2}"
    if not is_day(said):
        raise ValueError(_NO_DAY)
    return said


def is_day(said: str) -> bool:
    """Is it a day of the calendar, as ``1990-03-05`` or ``03-05``?"""
    found = _DAY.fullmatch(said)
    try:
        return found is not None and bool(date(int(found[1] or 2000), int(found[2]), int(found[3])))
    except ValueError:
        return False


CELLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "amount": ("amount_fen", _fen),
    "amount_fen": ("amount_fen", whole),
    "discount": ("discount_fen", _fen),
    "discount_fen": ("discount_fen", whole),
    "refund": ("refund_fen", _fen),
    "refund_fen": ("refund_fen", whole),
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
    elif isinstance(cell, int | float):
        raise ValueError(_A_NUMBER)
    else:
        found = _parsed(text(cell))
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise ValueError("时间超出日历范围。 a time outside the calendar") from None


def _parsed(plain: str) -> datetime:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", plain):
        raise ValueError(_A_NUMBER)
    try:
        return datetime.fromisoformat(plain)
    except ValueError:
        match = _LOOSE_TIME.fullmatch(plain)
    if match is None:
        raise ValueError(_NO_TIME)
    try:
        return datetime(*[int(part or 0) for part in match.groups()])
    except ValueError:
        raise ValueError(_NO_SUCH_TIME) from None
