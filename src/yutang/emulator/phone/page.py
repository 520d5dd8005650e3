"""What the phone's pages share: who holds the phone, the frame, notes after an act, and the way back from a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import Body, FromPath
from litestar.response import Redirect

from yutang.emulator.errors import CityError
from yutang.emulator.habits import CHINA
from yutang.emulator.shop import ShopError
from yutang.emulator.wecom.media import Media

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer, Staff

Asked: TypeAlias = Request[Any, Any, State]
Who: TypeAlias = FromPath[str]
Form: TypeAlias = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]

_templates = Environment(
    loader=PackageLoader("yutang.emulator.phone", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass
class Notes:
    """One line for the holder of a phone, shown on the next page and then gone."""

    by_holder: dict[str, str] = field(default_factory=dict)


def city_of(request: Asked) -> City:
    return request.app.state.city


def customer_of(request: Asked, who: str) -> Customer:
    """Raises NotFoundException."""
    try:
        return city_of(request).customer(who)
    except KeyError as error:
        raise NotFoundException("没有这位顾客。 There is no such customer.") from error


def staff_of(request: Asked, who: str) -> Staff:
    """Raises NotFoundException."""
    if found := city_of(request).people.staff.get(who):
        return found
    raise NotFoundException("没有这位员工。 There is no such member of staff.")


def show(
    request: Asked, template: str, title: tuple[str, str], holder: str = "", back: str = "", **values: Any
) -> Response[str]:
    """The page; `title` in Chinese and English; `back` is the address of the arrow."""
    note = city_of(request).part(Notes).by_holder.pop(holder, "")
    html = _templates.get_template(template).render(
        title=title, back=back, note=note, live="live" in request.query_params, **values
    )
    return Response(html, media_type=MediaType.HTML)


def act(request: Asked, holder: str, deed: Callable[[], object], to: str, done: str = "") -> Redirect:
    """Do what a form asks for, and go on to another page; what went wrong is told there.

    Raises PermissionDeniedException when another site's page sent the form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDeniedException("这个表单是别的网站发来的。 another site sent this form")
    try:
        deed()
        note = done
    except (LookupError, CityError, ShopError, ValueError) as error:
        note = f"没有成功：{error} That did not work."
    if note:
        city_of(request).part(Notes).by_holder[holder] = note
    return Redirect(to, status_code=303)


def clock(at: datetime) -> str:
    """An instant on the city's clock."""
    return at.astimezone(CHINA).strftime("%m-%d %H:%M")


def yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"


def pieces_of(city: City, attachments: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Attachments as cards: kind, title, detail, url (opened in a new tab), picture, words."""
    return [_piece(city, one) for one in attachments]


_WORDS = {
    "link": "链接 Link",
    "miniprogram": "小程序 Mini-program",
    "miniprogrampage": "小程序 Mini-program",
    "image": "图片 Image",
    "video": "视频 Video",
    "voice": "语音 Voice",
    "file": "文件 File",
}


def _piece(city: City, one: Mapping[str, Any]) -> dict[str, str]:
    kind = str(one.get("msgtype", ""))
    body: Mapping[str, Any] = one.get(kind) or {}
    url = str(body.get("url") or "")
    media = str(body.get("media_id") or "")
    detail = body.get("desc") or body.get("description") or body.get("page") or body.get("pagepath") or media
    return {
        "kind": "miniprogram" if kind == "miniprogrampage" else kind,
        "title": str(body.get("title") or _WORDS.get(kind, kind)),
        "detail": str(detail)[:80],
        "url": url if url.startswith(("https://", "http://")) else "",
        "picture": _picture(city, kind, media),
        "words": _WORDS.get(kind, kind),
    }


def _picture(city: City, kind: str, media_id: str) -> str:
    """The address of an uploaded picture that the city still has."""
    return f"/phone/media/{media_id}" if kind == "image" and media_id in city.part(Media).stored else ""
