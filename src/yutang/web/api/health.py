"""Is it alive, and how is it doing."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
import psycopg
from litestar import MediaType, Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST

from yutang.model import YutangError
from yutang.web.access import machine_or_look
from yutang.web.edge import Edge, edge_of

STUCK_SECONDS = 300.0
"""A pass that takes longer means that the loop hangs."""


FAILING = 3
"""After so many passes that failed, one after the other, nobody is served; the log says why."""


SILENT_SECONDS = 3.0
"""A database that says nothing for so long is down, whatever it is doing: whoever asks for health waits no longer."""


@get("/healthz", summary="Health", tags=["operations"])
async def healthz(request: Request) -> Response[dict[str, Any]]:
    """200 when the database answers and the loop of this process runs; 503 with what is wrong otherwise."""
    edge, database = edge_of(request), "down"
    with anyio.move_on_after(SILENT_SECONDS):
        database = await anyio.to_thread.run_sync(_database, edge, abandon_on_cancel=True)
    since = edge.metrics.since_beat()
    failing = edge.metrics.failures >= FAILING
    loop = "none" if since is None else "stuck" if since > STUCK_SECONDS else "failing" if failing else "running"
    ok = database == "up" and loop in ("none", "running")
    return Response({"ok": ok, "database": database, "loop": loop}, status_code=200 if ok else 503)


@get("/metrics", guards=[machine_or_look], sync_to_thread=True, media_type=MediaType.TEXT, include_in_schema=False)
def metrics(request: Request) -> Response[bytes]:
    """Figures in the text form of Prometheus."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return Response(edge.metrics.text(conn, edge.clock()), headers={"content-type": CONTENT_TYPE_LATEST})


def _database(edge: Edge) -> str:
    try:
        with edge.pool.lend() as conn:
            conn.execute("select 1")
        return "up"
    except (psycopg.Error, YutangError):
        return "down"
