"""The catalogue of goods, and what a person is likely to buy next, as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request, get, put
from litestar.concurrency import sync_to_thread
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import FromPath

from yutang import product
from yutang.identity import canonical
from yutang.predict.products.told import List, products
from yutang.product import MOST, Product, Put
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem

_rows = msgspec.json.Decoder(list[dict[str, Any]])


def _field(kind: OpenAPIType, description: str) -> Schema:
    return Schema(type=kind, description=description)


ROW = Schema(
    type=OpenAPIType.OBJECT,
    required=["id"],
    properties={
        "id": _field(OpenAPIType.STRING, "The product as order lines name it."),
        "title": _field(OpenAPIType.STRING, "What it is called; a new product needs one."),
        "price_fen": _field(OpenAPIType.INTEGER, "Its price in fen; null: not told."),
        "stock": _field(OpenAPIType.INTEGER, "How many there are; null: nobody counts it. At 0 it is told to nobody."),
        "on_sale": _field(OpenAPIType.BOOLEAN, "false: it is told to nobody."),
        "category": _field(OpenAPIType.STRING, "Its category."),
        "picture": _field(OpenAPIType.STRING, "The address of a picture."),
        "url": _field(OpenAPIType.STRING, "Where it can be bought."),
    },
)


@dataclass
class ProductsOperation(Operation):
    """Rows of the catalogue."""

    def __post_init__(self) -> None:
        rows = Schema(type=OpenAPIType.ARRAY, items=ROW, max_items=MOST)
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=rows)}, required=True)


@put(
    "/v1/products",
    guards=[with_key],
    security=KEY,
    operation_class=ProductsOperation,
    summary="Put products into the catalogue, or change them",
    tags=["products"],
)
async def put_products(request: Request) -> Put:
    """At most 1,000 rows. A row changes what it names and nothing else: ``[{"id": "A1", "stock": 0}]`` takes a product out of every list at once.

    Answers ``{"added","changed","same","rejected":[{"index","detail"}]}``; the rows that are right are taken.
    """
    rows, edge = _rows.decode(await request.body()), edge_of(request)
    if len(rows) > MOST:
        raise Problem(
            413,
            f"共 {len(rows)} 件商品，一次最多发 {MOST:,} 件。 {len(rows)} products; send at most {MOST:,} in one call",
        )

    def work(edge: Edge) -> Put:
        with edge.pool.lend() as conn:
            return product.put(conn, edge.clock(), rows)

    return await sync_to_thread(work, edge)


@get(
    "/v1/products/{product_id:str}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="One product of the catalogue",
    tags=["products"],
)
def show_product(request: Request, product_id: FromPath[str]) -> Product:
    """As it is now."""
    with edge_of(request).pool.lend() as conn:
        found = product.find(conn, product_id)
    if found is None:
        raise Problem(
            404,
            f"商品目录里没有“{product_id}”，请用 PUT /v1/products 加入。 "
            f"no product '{product_id}' in the catalogue; put it there with PUT /v1/products",
        )
    return found


@get(
    "/v1/persons/{person_id:int}/products",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What a person is likely to buy next",
    tags=["persons"],
)
def show_products(request: Request, person_id: FromPath[int]) -> List:
    """At most ten, the likeliest first, of what is on sale and in stock now; empty where nothing can be said."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return products(conn, canonical(conn, person_id), edge.clock())
