"""The registry of events, as a page: one of the parts of the data area."""

from __future__ import annotations

from litestar import Request, Response

from yutang.ingest.catalog import CATALOG
from yutang.web.api.schema import as_json
from yutang.web.pages.data.page import tabs
from yutang.web.pages.data.text import TEXT
from yutang.web.pages.page import Page
from yutang.web.routes import look


@look("/schema", "look", "data")
def schema(request: Request) -> Response[bytes]:
    """Known types with their fields."""
    page = Page(request, texts=TEXT)
    return page.show("schema/page.html", tabs_=tabs(page), types=[as_json(known) for known in CATALOG])
