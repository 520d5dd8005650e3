"""The tasks of members of staff."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from yutang.channels import STAFF_TASKS
from yutang.model import YutangError
from yutang.web.access import with_key
from yutang.web.api.spec import KEY, DoneOperation
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem


class Done(msgspec.Struct, forbid_unknown_fields=True):
    """by: the member of staff who did it; without it whoever has the task."""

    by: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None


_done = msgspec.json.Decoder(Done)


@get("/v1/tasks", guards=[with_key], security=KEY, sync_to_thread=True, summary="Tasks of staff", tags=["tasks"])
def tasks(
    request: Request,
    staff: FromQuery[str | None] = None,
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    person: FromQuery[int | None] = None,
) -> Response[list[dict[str, Any]]]:
    """At most 200: the open ones first, by when they are due. ``state``: open, escalated, done, late or dropped."""
    edge = edge_of(request)
    if staff is not None and "\0" in staff:
        raise Problem(400, "staff: 含有 NUL 字符，请删掉。 holds a NUL character; remove it")
    with edge.pool.lend() as conn:
        try:
            found = STAFF_TASKS.tasks(
                conn,
                edge.clock(),
                staff=staff,
                states=None if in_state is None else [in_state],
                persons=None if person is None else [person],
            )
        except YutangError as error:
            raise Problem(400, str(error)) from None
    return Response([row._asdict() for row in found], media_type=MediaType.JSON)


@post(
    "/v1/tasks/{task_id:int}/done",
    guards=[with_key],
    status_code=200,
    security=KEY,
    operation_class=DoneOperation,
    summary="A task is done",
    tags=["tasks"],
)
async def task_done(request: Request, task_id: FromPath[int]) -> Response[dict[str, Any]]:
    """``{"by"?: member of staff}``. Saying it twice is harmless: ``{"task_id", "new": false}``."""
    body = await request.body()
    said = _done.decode(body) if body.strip() else Done()
    new = await sync_to_thread(_say, edge_of(request), task_id, said.by)
    return Response({"task_id": task_id, "new": new}, media_type=MediaType.JSON)


def _say(edge: Edge, task_id: int, by: str | None) -> bool:
    with edge.pool.lend() as conn:
        return STAFF_TASKS.done(conn, edge.clock(), task_id, by)
