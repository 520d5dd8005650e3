"""The one style sheet."""

from __future__ import annotations

from importlib import resources

from litestar import Response, get

CSS = (resources.files("yutang.web") / "static" / "yutang.css").read_text("utf-8")


@get("/static/yutang.css", sync_to_thread=False, include_in_schema=False)
def style() -> Response[str]:
    """Our own; nothing comes from anywhere else."""
    return Response(CSS, media_type="text/css", headers={"cache-control": "max-age=300"})
