"""The first page: whose phone; the style sheet; uploaded pictures."""

from __future__ import annotations

from importlib import resources
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect

from yutang.emulator.people import ACTIVE
from yutang.emulator.phone.page import Asked, Form, Who, act, city_of, show
from yutang.emulator.wecom.media import Media
from yutang.emulator.wecom.tasks import UNSENT

CSS = (resources.files("yutang.emulator.phone") / "phone.css").read_text("utf-8")
SHOWN = 60
"""Customers on the first page; the newest come first."""


@get("/", sync_to_thread=True)
def start(request: Asked) -> Response[str]:
    """Everybody who can be played."""
    city = city_of(request)
    with city.lock:
        newest = list(city.people.customers.values())[::-1]
        customers = [
            {"href": f"/phone/c/{one.external_userid}", "name": one.name, "latest": _latest(one.inbox)}
            for one in newest[:SHOWN]
        ]
        staff = [_member(city, one) for one in city.people.staff.values()]
    more = max(0, len(newest) - SHOWN)
    return show(request, "start.html", ("小城手机", "City phone"), customers=customers, staff=staff, more=more)


def _latest(inbox: list[Any]) -> str:
    return inbox[-1].text[:40] if inbox else "还没有消息 no messages yet"


def _member(city: Any, staff: Any) -> dict[str, str]:
    waiting = sum(task.status == UNSENT for task in city.tasks(staff.userid)) if staff.status == ACTIVE else 0
    count = len(city.people.customers_of(staff.userid))
    state = "已离职 left" if staff.status != ACTIVE else f"{count} 位客户 customers"
    return {
        "href": f"/phone/s/{staff.userid}",
        "name": staff.name,
        "latest": state,
        "aside": f"{waiting} 待办" if waiting else "",
    }


@post("/customers", sync_to_thread=True)
def add_customer(request: Asked, data: Form) -> Redirect:
    """A new customer, and their phone."""
    name = data.get("name", "").strip()[:20]
    if not name:
        return Redirect("/phone", status_code=303)
    made = []
    act(request, "", lambda: made.append(city_of(request).add_customer(name)), "/phone")
    return Redirect(f"/phone/c/{made[0].external_userid}/scan", status_code=303)


@get("/phone.css", sync_to_thread=False)
def style() -> Response[str]:
    return Response(CSS, media_type="text/css")


@get("/media/{media_id:str}", sync_to_thread=True)
def media(request: Asked, media_id: Who) -> Response[bytes]:
    """A picture that was uploaded to the city."""
    stored = city_of(request).part(Media).stored.get(media_id)
    if stored is None or stored.kind != "image":
        raise NotFoundException
    kind = "image/png" if stored.data.startswith(b"\x89PNG") else "image/jpeg"
    return Response(stored.data, media_type=kind)


ROUTES: list[HTTPRouteHandler] = [start, add_customer, style, media]
