"""The door as a route: bytes in, one answer out, after the commit that made the events durable."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, post

from yutang.ingest import Answer, Rejected
from yutang.model import Reason
from yutang.web.access import with_key
from yutang.web.api.spec import KEY, EventsOperation
from yutang.web.edge import edge_of


@post(
    "/v1/events",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=EventsOperation,
    summary="Take in events",
    tags=["events"],
)
async def post_events(request: Request) -> Response[Any]:
    """A JSON array of at most 1,000 events ``{"id","source","type","at","handles":{…},"props":{…}}``; see `/v1/schema/events`.

    Answers ``{"accepted","duplicate","rejected":[{"index","reason","detail"}]}``. When the body as a whole cannot be read the
    status is 400 or 413 and the one rejection has the index null. After 503 nothing was kept: send the same again.
    """
    edge = edge_of(request)
    answer = await edge.bell.wait(edge.writer.submit(await request.body()))
    edge.metrics.count(answer)
    whole = _refused_whole(answer)
    if whole is None:
        return Response(answer, media_type=MediaType.JSON)
    body = {"accepted": 0, "duplicate": 0, "rejected": [whole], "reason": whole.reason, "detail": whole.detail}
    return Response(body, status_code=413 if whole.reason is Reason.TOO_LARGE else 400, media_type=MediaType.JSON)


def _refused_whole(answer: Answer) -> Rejected | None:
    return next((refused for refused in answer.rejected if refused.index is None), None)
