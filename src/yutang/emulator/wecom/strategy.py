"""Tags of rule groups (``st…``): the corp tags' shapes, under a strategy_id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import need, number
from yutang.emulator.wecom import tags

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App


def listing(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/get_strategy_tag_list; without strategy_id those of all rule groups."""
    return tags.listing(city, app, given, number(given, "strategy_id"))


def add(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/add_strategy_tag."""
    return tags.add(city, app, given, int(need(given, "strategy_id")))
