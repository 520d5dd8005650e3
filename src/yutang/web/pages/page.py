"""What every page shares: language, numbers and times as people read them, and the frame around the content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie

from yutang.web.pages.text import TEXT

LANGUAGES = ("zh", "en")
COOKIE = "lang"

_templates = Environment(
    loader=PackageLoader("yutang.web", "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Page:
    """One request for a page; `show` answers it."""

    def __init__(self, request: Request, time_zone: str = "Asia/Shanghai") -> None:
        self.request = request
        self.zone = ZoneInfo(time_zone)
        asked = request.query_params.get("lang") or request.cookies.get(COOKIE)
        self.language = asked if asked in LANGUAGES else LANGUAGES[0]

    def show(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response[str]:
        """The template of the page with these values; what it shows of people is not kept by the browser."""
        helpers = {
            "t": self.text,
            "w": self.words,
            "yuan": self.yuan,
            "number": self.number,
            "when": self.when,
            "value": self.value,
        }
        html = _templates.get_template(template).render(
            **helpers, **values, lang=self.language, other=self._other(), path=self.request.url.path
        )
        keep = (
            [Cookie(key=COOKIE, value=self.language, path="/", samesite="lax", httponly=True)]
            if "lang" in self.request.query_params
            else []
        )
        return Response(
            html,
            status_code=status,
            media_type=MediaType.HTML,
            cookies=keep,
            headers={"cache-control": "no-store", **(headers or {})},
        )

    def text(self, key: str, **values: Any) -> str:
        """A phrase of the interface."""
        zh, en = TEXT[key]
        return (zh if self.language == "zh" else en).format(**values)

    def words(self, words: Mapping[str, str]) -> str:
        """A sentence that comes in both languages."""
        return words[self.language]

    @staticmethod
    def number(value: float) -> str:
        return f"{value:,}"

    @staticmethod
    def yuan(fen: int) -> str:
        return f"¥{fen / 100:,.2f}"

    def when(self, at: datetime | None, seconds: bool = False) -> str:
        """An instant on the pond's clock."""
        return (
            "—"
            if at is None
            else at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
        )

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
