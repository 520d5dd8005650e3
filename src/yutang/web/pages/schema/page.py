"""The registry of events, as a page."""

from __future__ import annotations

from litestar import Request, Response, get

from yutang.ingest.catalog import CATALOG
from yutang.web.access import local_or_key
from yutang.web.api.schema import as_json
from yutang.web.pages.page import Page


@get("/schema", guards=[local_or_key], sync_to_thread=False, include_in_schema=False)
def schema(request: Request) -> Response[str]:
    """Known types with their fields."""
    return Page(request).show("schema/page.html", types=[as_json(known) for known in CATALOG])
