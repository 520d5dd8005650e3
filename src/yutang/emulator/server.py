"""The city's HTTP: one route for all platforms' interfaces, one for control, pages for people."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Litestar, MediaType, Request, Response, route
from litestar.datastructures import State, UploadFile
from litestar.params import PathParameter
from litestar.types import ControllerRouterHandler

from yutang.emulator import control, gate, login, phone, sms
from yutang.emulator.wecom.media import Upload

if TYPE_CHECKING:
    from yutang.emulator.city import City

MAX_BODY = 30_000_000
PAGES: list[ControllerRouterHandler] = [*control.ROUTES, *login.ROUTES, *phone.ROUTES, *sms.ROUTES]
"""What people and tests open, beside the platforms' own interfaces."""


def create(city: City) -> Litestar:
    """The application of one city."""
    return Litestar(
        route_handlers=[platforms, *PAGES],
        state=State({"city": city}),
        request_max_body_size=MAX_BODY,
        openapi_config=None,
        logging_config=None,
    )


@route("/{path:path}", http_method=["GET", "POST"], status_code=200)
async def platforms(request: Request[Any, Any, State], path: Annotated[str, PathParameter()]) -> Response[Any]:
    """Any interface of any platform, with the faults that are on."""
    city: City = request.app.state.city
    path = path.strip("/")
    try:
        city.limits.enter(city, path)
        if city.faults.slow_answers_s:
            await asyncio.sleep(city.faults.slow_answers_s)
        if _chance(city, city.faults.bad_gateway_rate):
            return _bad_gateway()
        found = gate.answer(city, await _call(request, path))
    except gate.CityError as error:
        found = gate.Answer(error.body(city.stamp(), 1))
    finally:
        city.limits.leave(path)
    if _chance(city, city.faults.lost_answers):
        return _bad_gateway()
    return _response(found)


def _chance(city: City, rate: float) -> bool:
    return rate > 0 and city.dice("gateway").random() < rate


def _bad_gateway() -> Response[Any]:
    return Response(b"<html>502 Bad Gateway</html>", status_code=502, media_type=MediaType.HTML)


def _response(found: gate.Answer) -> Response[Any]:
    if isinstance(found.body, bytes):
        return Response(found.body, status_code=found.status, media_type="application/octet-stream")
    text = json.dumps(found.body, ensure_ascii=False).encode()
    return Response(text, status_code=found.status, media_type="application/json; charset=utf-8")


async def _call(request: Request[Any, Any, State], path: str) -> gate.Call:
    query, address = dict(request.query_params), request.client.host if request.client else ""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        form = {name: await _part(value) for name, value in (await request.form()).items()}
        return gate.Call(request.method, path, query, form=form, address=address)
    return gate.Call(request.method, path, query, await request.body(), address=address)


async def _part(value: Any) -> Any:
    if isinstance(value, UploadFile):
        return Upload(value.filename, await value.read())
    return value
