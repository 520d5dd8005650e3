"""What pages load besides their HTML: our style sheet and script, and the libraries that the build put beside them."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib import resources

from litestar import Response, get
from litestar.params import FromPath

from yutang.web.problems import Problem

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_ROOT = resources.files("yutang.web") / "static"


@get("/static/{file:path}", sync_to_thread=True, include_in_schema=False)
def static(file: FromPath[str]) -> Response[bytes]:
    """A file by its name; addresses carry a hash of the content, so browsers may keep it."""
    content = _content(str(file).lstrip("/"))
    if content is None:
        raise Problem(404, f"没有文件 {file}。 there is no file {file}")
    kind = TYPES[str(file).rpartition(".")[2]]
    return Response(content, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})


@cache
def asset(name: str) -> str:
    """The address of a file: ``asset("yutang.css")``."""
    content = _content(name)
    return f"/static/{name}?v={blake2b(content or b'', digest_size=6).hexdigest()}"


@cache
def _content(name: str) -> bytes | None:
    folder, _, last = name.rpartition("/")
    if folder not in ("", "vendor") or last.rpartition(".")[2] not in TYPES:
        return None
    file = _ROOT / name
    return file.read_bytes() if file.is_file() else None
