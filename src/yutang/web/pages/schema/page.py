"""The registry of events, as a page."""

from __future__ import annotations

from litestar import Request, Response

from yutang.ingest.catalog import CATALOG
from yutang.web.api.schema import as_json
from yutang.web.pages.page import Page
from yutang.web.routes import look


@look("/schema", "look")
def schema(request: Request) -> Response[bytes]:
    """Known types with their fields."""
    return Page(request).show("schema/page.html", types=[as_json(known) for known in CATALOG])
