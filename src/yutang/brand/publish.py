"""From a brand to its definitions in the database: new versions for what changed, retirement for what is gone."""

from __future__ import annotations

from datetime import datetime

import psycopg

from yutang import definitions
from yutang.brand import drafts
from yutang.brand.folder import Body, Brand
from yutang.ingest import add_source, close_sources


def publish(conn: psycopg.Connection, now: datetime, brand: Brand) -> dict[str, int]:
    """Put the brand into service, whole or not at all; sources that it names no more are closed. Returns how many definitions of each kind are in service."""
    with conn.transaction():
        close_sources(conn, now, sorted(set(definitions.pond(conn)["sources"]) - set(brand.sources)))
        for name, title in brand.sources.items():
            add_source(conn, now, name, title)
        drafts.keep(conn, now, brand)
        return {kind: _put(conn, now, kind, bodies) for kind, bodies in kinds(brand).items()}


def kinds(brand: Brand) -> dict[str, dict[str, Body]]:
    """The definitions of a brand by kind and name, in the order of publishing."""
    return {
        "pond": {"pond": brand.pond},
        "segment": brand.segments,
        "offer": brand.offers,
        "message": brand.messages,
        "journey": brand.journeys,
        "store": brand.stores,
    }


def _put(conn: psycopg.Connection, now: datetime, kind: str, bodies: dict[str, Body]) -> int:
    for name, body in bodies.items():
        definitions.publish(conn, now, kind, name, body, _file(kind, name))
    definitions.retire(conn, now, kind, list(bodies))
    return len(bodies)


def _file(kind: str, name: str) -> str:
    """The file of a brand's folder in which a definition is written."""
    if kind == "message":
        return f"messages/{name}.md"
    return {"pond": "pond.toml", "offer": "offers.yml", "store": "stores.yml"}.get(kind, f"{kind}s/{name}.yml")
