"""Control by another process: what people do, the clock, the faults and the state, as JSON under /city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import segno
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import Body, PathParameter, QueryParameter

from yutang.emulator.errors import CityError
from yutang.emulator.shop import ShopError
from yutang.emulator.wecom.media import Media

if TYPE_CHECKING:
    from yutang.emulator.city import City

Asked = Request[Any, Any, State]
Name = Annotated[str, PathParameter()]
Fields = Annotated[dict[str, Any], Body()]
ACTIONS = frozenset(
    [
        "account",
        "accepts",
        "add_customer",
        "add_department",
        "add_kf",
        "add_staff",
        "advance",
        "answers",
        "befriends",
        "buys",
        "call_back",
        "chats",
        "deletes",
        "deliver",
        "dissolves",
        "follows",
        "grants",
        "group_says",
        "inbox",
        "joins",
        "leaves",
        "logs_in",
        "makes_group",
        "notices",
        "refuses",
        "registers",
        "relation",
        "removes",
        "renames_group",
        "replies",
        "resigns",
        "revoke_tokens",
        "says",
        "scan",
        "sees_moment",
        "staff_deletes",
        "staff_edits",
        "staff_sends",
        "taps",
        "tasks",
        "unfollows",
    ]
)
"""The City's methods that may be called by name; customers are given by external_userid."""


def act(city: City, action: str, given: Mapping[str, Any]) -> Any:
    """Call one method. Raises LookupError, TypeError or ValueError when it is unknown or its parameters are wrong."""
    if action not in ACTIONS:
        raise LookupError(
            f"没有动作 {action!r}，可用：{'、'.join(sorted(ACTIONS))}。 "
            f"there is no action {action!r}; known are {', '.join(sorted(ACTIONS))}"
        )
    given = dict(given)
    if "customer" in given:
        given["customer"] = city.customer(given["customer"])
    if given.get("customers") is not None:
        given["customers"] = [city.customer(one) for one in given["customers"]]
    return getattr(city, action)(**given)


def change(target: Any, given: Mapping[str, Any], path: str = "") -> None:
    """Set fields of a dataclass, nested ones by objects. Raises LookupError for a field that is not there, ValueError for a wrong value."""
    known = {field.name for field in fields(target)}
    for name, value in given.items():
        if name not in known:
            raise LookupError(
                f"没有 {path}{name}，可用：{'、'.join(sorted(known))}。 "
                f"there is no {path}{name}; known are {', '.join(sorted(known))}"
            )
        before = getattr(target, name)
        if is_dataclass(before):
            change(before, value, f"{path}{name}.")
        elif isinstance(before, set | tuple):
            setattr(target, name, type(before)(value))
        elif isinstance(value, bool) is isinstance(before, bool) and isinstance(value, int | float):
            setattr(target, name, value)
        else:
            raise ValueError(
                f"{path}{name} 应写成 {before!r} 这样的值，而不是 {value!r}。 "
                f"{path}{name} should be like {before!r}, not {value!r}"
            )


def state(city: City) -> dict[str, Any]:
    """The city in figures, its faults and settings."""
    with city.lock:
        calls = city.callbacks
        return {
            "now": city.now(), "seed": city.seed, "corp_id": city.corp_id, "manual": city.manual,
            "staff": list(city.people.staff.values()), "customers": len(city.people.customers),
            "callbacks": {"waiting": len(calls.queue), "sent": calls.sent, "failed": calls.failed, "lost": calls.lost},
            "most_per_minute": dict(city.limits.most), "most_at_once": dict(city.limits.most_at_once),
            "faults": city.faults, "settings": city.settings,
        }  # fmt: skip


def _json(found: Any, status: int = 200) -> Response[bytes]:
    return Response(msgspec.json.encode(found), status_code=status, media_type="application/json; charset=utf-8")


@get("/city/state", sync_to_thread=True)
def read(request: Asked) -> Response[bytes]:
    return _json(state(request.app.state.city))


@post("/city/do/{action:str}", status_code=200, sync_to_thread=True)
def do(request: Asked, action: Name, data: Fields) -> Response[bytes]:
    """POST /city/do/scan {"customer": "wm…", "code": "…"} → {"result": …}; 400 with {"error": …}."""
    try:
        return _json({"result": act(request.app.state.city, action, data)})
    except (LookupError, TypeError, ValueError, CityError, ShopError) as error:
        return _json({"error": str(error)}, 400)


@post("/city/faults", status_code=200, sync_to_thread=True)
def set_faults(request: Asked, data: Fields) -> Response[bytes]:
    """POST /city/faults {"busy_rate": 0.1}; what is not named stays."""
    return _change(request.app.state.city, "faults", data)


@post("/city/settings", status_code=200, sync_to_thread=True)
def set_settings(request: Asked, data: Fields) -> Response[bytes]:
    """POST /city/settings {"mass": {"cap": 4, "cap_days": 30}}; what is not named stays."""
    return _change(request.app.state.city, "settings", data)


def _change(city: City, name: str, data: Mapping[str, Any]) -> Response[bytes]:
    try:
        with city.lock:
            change(getattr(city, name), data)
            return _json(getattr(city, name))
    except (LookupError, TypeError, ValueError) as error:
        return _json({"error": str(error)}, 400)


@get("/city/people", sync_to_thread=True)
def people(request: Asked, after: Annotated[int, QueryParameter()] = 0) -> Response[bytes]:
    """A thousand customers from number `after` on: number, name and external_userid."""
    city: City = request.app.state.city
    with city.lock:
        found = [one for one in city.people.customers.values() if one.number > after][:1000]
        rows = [{"number": one.number, "name": one.name, "external_userid": one.external_userid} for one in found]
    return _json({"customers": rows})


@get("/city/pictures/{name:str}", sync_to_thread=True)
def picture(request: Asked, name: Name) -> Response[bytes]:
    """A picture that media/uploadimg has taken."""
    stored = request.app.state.city.part(Media).pictures.get(name)
    if stored is None:
        return _json({"error": "there is no such picture"}, 404)
    kind = "image/png" if stored.name.lower().endswith(".png") else "image/jpeg"
    return Response(stored.data, media_type=kind)


@get("/city/qr/{name:str}", sync_to_thread=False)
def code(request: Asked, name: Name) -> Response[bytes]:
    """The picture of a live code; it says its own address, by which the phone page scans."""
    return _code(f"{request.app.state.city.address}/city/qr/{name}")


@get("/cgi-bin/showqrcode", sync_to_thread=False)
def scene_picture(ticket: Annotated[str, QueryParameter()]) -> Response[bytes]:
    """The picture of an official account's scene code."""
    return _code(ticket or "-")


def _code(content: str) -> Response[bytes]:
    picture = BytesIO()
    segno.make(content, micro=False).save(picture, kind="png", scale=12)
    return Response(picture.getvalue(), media_type="image/png")


@get("/city/avatars/{name:str}", sync_to_thread=False)
def drawing(name: Name) -> Response[str]:
    """Stands for a face."""
    return _drawn(name)


def _drawn(name: str) -> Response[str]:
    bits = [(ord(name[i % len(name)]) * (i + 7)) % 5 < 2 for i in range(81)]
    cells = "".join(f'<path d="M{i % 9} {i // 9}h1v1h-1z"/>' for i, on in enumerate(bits) if on)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 11 11"><path fill="#fff" d="M-1-1h11v11h-11z"/>{cells}</svg>'
    return Response(svg, media_type="image/svg+xml")


ROUTES = [read, do, set_faults, set_settings, people, picture, code, scene_picture, drawing]
