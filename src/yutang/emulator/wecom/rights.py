"""What an app may ask about: members in its range, customers that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yutang.emulator import people
from yutang.emulator.errors import CityError
from yutang.emulator.people import Customer

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App


def able(city: City, app: App, userid: str) -> str:
    """The member's id, if the app may ask for his customers. Raises CityError 60111, 60011, 84074."""
    staff = people.staff_of(city, userid)
    if not app.sees(staff.userid):
        raise CityError(60011, f"userid {userid} is out of the app's visible range")
    if not staff.feature:
        raise CityError(84074, f"userid {userid}")
    return staff.userid


def known(city: City, external_userid: Any) -> Customer:
    """Raises CityError 41035, 40096."""
    if not external_userid:
        raise CityError(41035)
    customer = city.people.customers.get(external_userid)
    if customer is None:
        raise CityError(40096, f"external_userid {external_userid}")
    return customer
