"""The door as a route: bytes in, one answer out, after the commit that made the events durable.

The route is plain ASGI: what the framework does for a handler of its own would cost each event a tenth more.
"""

from __future__ import annotations

import msgspec
from litestar import MediaType, asgi
from litestar.connection import ASGIConnection
from litestar.exceptions import ClientException, MethodNotAllowedException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from yutang.ingest import Answer, Rejected
from yutang.model import Reason
from yutang.web.access import with_key
from yutang.web.edge import edge_of
from yutang.web.problems import Problem, too_large

PATH = "/v1/events"
MAX_BODY = 20_000_000
"""Bytes that are read of any request. A body between the door's own limit and this one is refused by name, and kept."""


@asgi(PATH, guards=[with_key], copy_scope=False)
async def post_events(scope: Scope, receive: Receive, send: Send) -> None:
    """A JSON array of at most 1,000 events ``{"id","source","type","at","handles":{…},"props":{…}}``; see `/v1/schema/events`.

    Answers ``{"accepted","duplicate","rejected":[{"index","reason","detail"}]}``. When the body as a whole cannot be read the
    status is 400 or 413 and the one rejection has the index null. After 503 nothing was kept: send the same again.
    """
    if scope["method"] != "POST":
        raise MethodNotAllowedException
    edge = edge_of(ASGIConnection(scope))
    answer = await edge.bell.wait(edge.writer.submit(await _body(receive)))
    edge.metrics.count(answer)
    whole = _refused_whole(answer)
    body = answer if whole is None else _said_whole(whole)
    status = 200 if whole is None else 413 if whole.reason is Reason.TOO_LARGE else 400
    respond = ASGIResponse(body=msgspec.json.encode(body), media_type=MediaType.JSON, status_code=status)
    await respond(scope, receive, send)


async def _body(receive: Receive) -> bytes:
    """The bytes of the request. Raises when there are too many of them, or the caller is gone."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientException("the caller went away")
        parts.append(message["body"])
        size += len(parts[-1])
        more = message["more_body"]
        if size > MAX_BODY:
            raise Problem(413, too_large(MAX_BODY))
    return b"".join(parts)


def _refused_whole(answer: Answer) -> Rejected | None:
    return next((refused for refused in answer.rejected if refused.index is None), None)


def _said_whole(whole: Rejected) -> dict[str, object]:
    return {"accepted": 0, "duplicate": 0, "rejected": [whole], "reason": whole.reason, "detail": whole.detail}
