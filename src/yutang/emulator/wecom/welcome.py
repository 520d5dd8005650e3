"""Welcome messages: a code that lives twenty seconds and works once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator.asked import need
from yutang.emulator.errors import CityError
from yutang.emulator.people import Relation, receives
from yutang.emulator.wecom import attachments

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App


@dataclass
class Code:
    """One welcome code; used: somebody has sent with it."""

    userid: str
    external_userid: str
    expires_at: float
    used: bool = False


@dataclass
class Welcomes:
    """configured: staff for whom the console already has a welcome, so that no code is given."""

    codes: dict[str, Code] = field(default_factory=dict)
    configured: set[str] = field(default_factory=set)


def issue(city: City, relation: Relation) -> str:
    """A new code for a new contact; empty for users of other corps, and where a welcome has been or will be given."""
    kept = city.part(Welcomes)
    wecom_user = city.people.customers[relation.external_userid].kind == 2
    if wecom_user or relation.welcome_given or relation.userid in kept.configured:
        return ""
    code, ends = city.new_id("WC"), city.now().timestamp() + city.settings.welcome.ttl_s
    kept.codes[code] = Code(relation.userid, relation.external_userid, ends)
    return code


def send(city: City, app: App, given: dict[str, Any]) -> dict[str, Any]:
    """POST externalcontact/send_welcome_msg."""
    code = city.part(Welcomes).codes.get(need(given, "welcome_code", 41049))
    if code is None:
        raise CityError(41050)
    if code.used:
        raise CityError(41051)
    if code.expires_at < city.now().timestamp():
        raise CityError(41050, "welcome_code has expired")
    if not app.sees(code.userid):
        raise CityError(60011)
    customer = city.people.customers[code.external_userid]
    limits = city.settings.welcome
    text, extra = attachments.content(city, given, limits.attachments, limits.text_bytes)
    code.used = True
    if relation := city.people.relation(code.userid, code.external_userid):
        relation.welcome_given = True
    receives(city, customer, "welcome", code.userid, text.replace("%NICKNAME%", customer.name), extra)
    return {}
