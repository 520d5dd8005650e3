"""What handlers need to read their parameters and to answer in pages."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from yutang.emulator.errors import CityError

if TYPE_CHECKING:
    from yutang.emulator.city import City

Row = TypeVar("Row")
DAY = 86_400
CHINA = 8 * 3600
"""Seconds that China's days begin before those of UTC."""


def day_of(stamp: float) -> int:
    """Midnight in China of the day that holds the instant, in Unix seconds."""
    return int((stamp + CHINA) // DAY * DAY - CHINA)


def need(given: Mapping[str, Any], name: str, code: int = 40058) -> Any:
    """A parameter that must not be empty. Raises CityError(code)."""
    value = given.get(name)
    if value is None or value == "" or value == []:
        raise CityError(code, f"{name} is missing")
    return value


def listed(given: Mapping[str, Any], name: str, most: int, code: int = 40058) -> list[Any]:
    """A list parameter, empty when absent. Raises CityError(code) when it is longer than `most` or no list."""
    value = given.get(name) or []
    if not isinstance(value, list):
        raise CityError(40058, f"{name} should be a list")
    if len(value) > most:
        raise CityError(code, f"{name} has {len(value)} items, at most {most} are allowed")
    return value


def short(given: Mapping[str, Any], name: str, most: int, code: int = 40058) -> str:
    """A text parameter of at most so many characters."""
    value = given.get(name) or ""
    if not isinstance(value, str) or len(value) > most:
        raise CityError(code, f"{name} should be a text of at most {most} characters")
    return value


def number(given: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A whole number; texts of digits are taken, too."""
    try:
        return int(given.get(name, default) or 0)
    except (TypeError, ValueError) as error:
        raise CityError(40058, f"{name} should be a number") from error


def span(given: Mapping[str, Any], days: int, names: Sequence[str] = ("start_time", "end_time")) -> range:
    """The seconds asked for, both ends included. Raises CityError 40058 when it is longer than `days`."""
    start, end = number(given, names[0]), number(given, names[1])
    if not start <= end or end - start > days * DAY:
        raise CityError(40058, f"{names[0]} to {names[1]} should span at most {days} days")
    return range(start, end + 1)


def page(
    city: City, given: Mapping[str, Any], rows: Iterable[Row], most: int, default: int | None = None
) -> tuple[list[Row], str]:
    """The page behind the request's cursor, and the next cursor (empty at the end). A limit that is too high means the default."""
    rows = rows if isinstance(rows, list) else list(rows)
    limit = number(given, "limit")
    size = limit if 0 < limit <= most else default or most
    start = _place(city, str(given.get("cursor") or ""))
    found, end = rows[start : start + size], start + size
    if city.faults.moving_pages:
        more = start < len(rows)
        end -= 1 if more and size > 1 and end < len(rows) else 0
    else:
        more = end < len(rows)
    return found, _cursor(city, end) if more else ""


def _cursor(city: City, place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, city.stamp(), city.seed]).encode()).decode()


def _place(city: City, cursor: str) -> int:
    if not cursor:
        return 0
    try:
        place, at, seed = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, binascii.Error) as error:
        raise CityError(40058, "cursor is invalid") from error
    if seed != city.seed or at + city.settings.contacts.cursor_ttl_s < city.stamp():
        raise CityError(40058, "cursor has expired, begin again")
    return place
