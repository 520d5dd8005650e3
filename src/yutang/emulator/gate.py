"""The platforms' gate: finds who calls and what for, counts, and answers with an errcode, always as HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yutang.emulator import account_calls, miniprogram
from yutang.emulator.endpoint import GET, Endpoint, Table
from yutang.emulator.errors import CityError
from yutang.emulator.tokens import CUSTOMER_SERVICE, MINIPROGRAM, OFFICIAL_ACCOUNT, WECOM, App
from yutang.emulator.wecom import table

if TYPE_CHECKING:
    from yutang.emulator.city import City

TABLES: dict[str, Table] = {
    WECOM: table.PATHS,
    OFFICIAL_ACCOUNT: account_calls.PATHS,
    MINIPROGRAM: miniprogram.PATHS,
    CUSTOMER_SERVICE: table.KF_PATHS,
}
"""By the kind of account. A path may stand in several: the access token tells which one is meant."""
ALWAYS = {"access_token", "debug"}


@dataclass
class Call:
    """One request. `form`: the fields of a multipart form, files as `Upload`."""

    verb: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""
    form: Mapping[str, Any] = field(default_factory=dict)
    address: str = "127.0.0.1"


class NoSuchPath(Exception):
    """No platform has such an interface."""


@dataclass
class Answer:
    """What goes out: JSON, or the bytes of a file."""

    body: dict[str, Any] | bytes
    status: int = 200


def answer(city: City, call: Call) -> Answer:
    """Do what the call asks. Calls of one city come one after the other."""
    with city.lock:
        city.settle()
        try:
            endpoint, app = _find(city, call)
            found = endpoint.handler(city, app, _given(city, endpoint, call))
        except CityError as error:
            return Answer(error.body(city.stamp(), _number(city)))
        except NoSuchPath as error:
            return Answer({"errcode": 404, "errmsg": str(error)}, 404)
    return Answer({"errcode": 0, "errmsg": "ok"} | found if isinstance(found, dict) else found)


def _number(city: City) -> int:
    return city.dice("hints").randrange(1, 100)


def _find(city: City, call: Call) -> tuple[Endpoint, App | None]:
    """Raises CityError, or NoSuchPath."""
    able = {kind: paths[call.path] for kind, paths in TABLES.items() if call.path in paths}
    if not able:
        raise NoSuchPath(f"没有哪个平台有路径 {call.path!r}。 no platform has the path {call.path!r}")
    if free := next((one for one in able.values() if one.free), None):
        _check_verb(free, call)
        city.limits.count(city, "", call.path)
        return free, None
    app = city.tokens.app_of(city, call.query.get("access_token", ""))
    if app.kind not in able:
        raise CityError(48002, f"{app.kind} has no such interface")
    _check_verb(able[app.kind], call)
    _check_app(city, app, call)
    return able[app.kind], app


def _check_verb(endpoint: Endpoint, call: Call) -> None:
    if call.verb != endpoint.verb:
        raise CityError(43001 if endpoint.verb == GET else 43002)


def _check_app(city: City, app: App, call: Call) -> None:
    if app.ips is not None and call.address not in app.ips:
        raise CityError(60020)
    if call.path in app.closed:
        raise CityError(48002)
    city.limits.count(city, app.id, call.path)
    if city.dice("busy").random() < city.faults.busy_rate:
        raise CityError(-1)


def _given(city: City, endpoint: Endpoint, call: Call) -> dict[str, Any]:
    given: dict[str, Any] = {name: value for name, value in call.query.items() if name not in ALWAYS} | dict(call.form)
    if endpoint.verb != GET and not call.form:
        given |= _json(city, call.body)
    if city.settings.strict and (unknown := set(given) - endpoint.knows):
        raise CityError(40058, f"strict: {call.path} does not know {', '.join(sorted(unknown))}")
    return given


def _json(city: City, body: bytes) -> dict[str, Any]:
    if not body:
        raise CityError(44002)
    if city.settings.strict and b"\\u" in body:
        raise CityError(40033)
    try:
        found = json.loads(body)
    except ValueError as error:
        raise CityError(40058, "Warning: wrong json format.") from error
    if not isinstance(found, dict):
        raise CityError(40058, "Warning: wrong json format.")
    return found
