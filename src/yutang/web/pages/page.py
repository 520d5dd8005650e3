"""What every page shares: language, numbers and times as people read them, and the frame around the content."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode
from zoneinfo import ZoneInfo

import psycopg
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from yutang import channels, definitions
from yutang.users import Right
from yutang.web.access import Visitor
from yutang.web.edge import edge_of
from yutang.web.pages.areas import AREAS, Area
from yutang.web.pages.static import asset
from yutang.web.pages.text import TEXT

LANGUAGES = ("zh", "en")
COOKIE = "lang"
TOLD = "told"
"""The cookie that carries what has just been done to the next page."""
WORTH_PACKING = 1_000

Texts = Mapping[str, tuple[str, str]]
"""A catalogue: phrases by key, each (Chinese, English)."""

_templates = Environment(
    loader=PackageLoader("yutang.web", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Page:
    """One request for a page; `show` answers it. `texts`: the page's own catalogue, besides the one that all share."""

    def __init__(self, request: Request, time_zone: str = "Asia/Shanghai", texts: Texts | None = None) -> None:
        self.request = request
        self.zone = ZoneInfo(time_zone)
        self.texts: Texts = TEXT | dict(texts or {})
        asked = request.query_params.get("lang") or request.cookies.get(COOKIE)
        self.language = asked if asked in LANGUAGES else LANGUAGES[0]
        self.visitor: Visitor | None = getattr(request.state, "visitor", None)

    @classmethod
    def of(cls, request: Request, conn: psycopg.Connection, texts: Texts | None = None) -> Page:
        """A page whose times are the pond's."""
        return cls(request, definitions.pond(conn)["time_zone"], texts)

    def show(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response[bytes]:
        """The template of the page with these values; what it shows of people is not kept by the browser."""
        html = self.render(template, **values).encode()
        packed = "gzip" in self.request.headers.get("accept-encoding", "") and len(html) > WORTH_PACKING
        return Response(
            gzip.compress(html, 5) if packed else html,
            status_code=status,
            media_type=MediaType.HTML,
            cookies=self._cookies(),
            headers={
                "cache-control": "no-store",
                **({"content-encoding": "gzip"} if packed else {}),
                **(headers or {}),
            },
        )

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a template, whole page or fragment."""
        return _templates.get_template(template).render(
            t=self.text,
            w=self.words,
            channel_name=self.channel_name,
            yuan=self.yuan,
            number=self.number,
            percent=self.percent,
            when=self.when,
            day=self.day,
            value=self.value,
            can=self.can,
            here=self.here,
            asset=asset,
            visitor=self.visitor,
            areas=self._areas(),
            told=self._told(),
            world=edge_of(self.request).world,
            lang=self.language,
            other=self._other(),
            path=self.request.url.path,
            **values,
        )

    def can(self, right: Right) -> bool:
        """May whoever looks do this?"""
        return self.visitor is not None and self.visitor.can(right)

    def text(self, key: str, **values: Any) -> str:
        """A phrase of the interface."""
        zh, en = self.texts[key]
        return (zh if self.language == "zh" else en).format(**values)

    def words(self, words: Mapping[str, str]) -> str:
        """A sentence that comes in both languages."""
        return words[self.language]

    def channel_name(self, channel: str) -> str:
        """What the brand's own people call a channel."""
        return self.words(dict(zip(LANGUAGES, channels.called(channel), strict=True)))

    @staticmethod
    def number(value: float) -> str:
        return f"{value:,}"

    @staticmethod
    def percent(share: float | None, digits: int = 1) -> str:
        """A share between 0 and 1."""
        return "—" if share is None else f"{share * 100:.{digits}f}%"

    @staticmethod
    def yuan(fen: int) -> str:
        return f"¥{fen / 100:,.2f}"

    def when(self, at: datetime | None, seconds: bool = False) -> str:
        """An instant on the pond's clock."""
        return self._at(at, "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")

    def day(self, at: datetime | None) -> str:
        """The pond's day of an instant."""
        return self._at(at, "%Y-%m-%d")

    def _at(self, at: datetime | None, form: str) -> str:
        return "—" if at is None else at.astimezone(self.zone).strftime(form)

    @staticmethod
    def value(value: Any) -> str:
        """A value of any JSON kind, short."""
        text = (
            "—"
            if value is None
            else value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False, default=str)
        )
        return text if len(text) <= 120 else text[:117] + "…"

    def here(self, **change: Any) -> str:
        """This page with other parameters; None takes one away: ``here(after=None, sort="spent")``."""
        query = {name: value for name, value in self.request.query_params.items() if name != "lang"} | change
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        return f"?{urlencode(kept)}" if kept else self.request.url.path

    def _areas(self) -> list[list[Area]]:
        """What whoever looks may see of the menu."""
        found = [[a for a in group if not a.rights or any(map(self.can, a.rights))] for group in AREAS]
        return [group for group in found if group] if self.visitor else []

    def _told(self) -> dict[str, str] | None:
        """What has just been done, said once: ``{"zh", "en", "undo"?}``."""
        try:
            said = json.loads(unquote(self.request.cookies.get(TOLD, "null")))
        except ValueError:
            return None
        return said if isinstance(said, dict) and {"zh", "en"} <= said.keys() else None

    def _cookies(self) -> list[Cookie]:
        keep = [Cookie(COOKIE, "/", self.language, samesite="lax", httponly=True)]
        gone = [Cookie(TOLD, "/", "", max_age=0, samesite="lax", httponly=True)]
        return (keep if "lang" in self.request.query_params else []) + (
            gone if TOLD in self.request.cookies else []
        )  # fmt: skip

    def _other(self) -> dict[str, str]:
        """The link to this page in the other language."""
        language = "en" if self.language == "zh" else "zh"
        query = {name: value for name, value in self.request.query_params.items() if name != "lang"} | {
            "lang": language
        }
        return {
            "href": f"?{urlencode(query)}",
            "label": "English" if language == "en" else "中文",
            "lang": "en" if language == "en" else "zh-CN",
        }


def done(to: str, zh: str, en: str, undo: str | None = None) -> Redirect:
    """On to a page, which says once what has been done; `undo`: the path of ours that a button there posts to."""
    said = {"zh": zh, "en": en} | ({"undo": undo} if undo else {})
    cookie = Cookie(TOLD, "/", quote(json.dumps(said, ensure_ascii=False)), max_age=60, samesite="lax", httponly=True)
    return Redirect(to, status_code=303, cookies=[cookie], headers={"cache-control": "no-store"})
