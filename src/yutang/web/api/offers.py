"""Offers as managers see them, as JSON: what `yutang offer` shows."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath

from yutang import definitions, offer
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import edge_of


@get(
    "/v1/offers", guards=[with_key], security=KEY, sync_to_thread=True, summary="The offers in service", tags=["offers"]
)
def list_offers(request: Request) -> list[dict[str, Any]]:
    """``{"offer","sort","title","version"}`` each."""
    with edge_of(request).pool.lend() as conn:
        return [
            {"offer": d.name, "sort": d.body["sort"], "title": d.body["title"], "version": d.version}
            for d in definitions.all_current(conn, "offer")
        ]


@get(
    "/v1/offers/{name:str}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="One offer: stock, coupons, refusals, liability, who waits",
    tags=["offers"],
)
def show_offer(request: Request, name: FromPath[str]) -> dict[str, Any]:
    """Terms, stock, the lives of its coupons by rung, refusals by reason, the liability, and of a ladder who stands where."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return offer.show(conn, edge.clock(), name)


@get(
    "/v1/liability",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What open coupons will cost, as a distribution",
    tags=["offers"],
)
def show_liability(request: Request) -> dict[str, Any]:
    """All offers together and each with each rung: face value, expectation, P10, P50, P90, in fen."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return offer.liability(conn, edge.clock()).to_json()
