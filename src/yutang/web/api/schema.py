"""The registry of events as data."""

from __future__ import annotations

from typing import Any

from litestar import get

from yutang.ingest.catalog import CATALOG, TYPES, EventType
from yutang.why.chain import Words


@get("/v1/schema/events", sync_to_thread=False, summary="Known event types and their fields", tags=["events"])
def event_schema() -> list[dict[str, Any]]:
    """Unknown types and extra fields are stored as well. It holds no data of anybody, so it is open."""
    return [as_json(known) for known in CATALOG]


def as_json(known: EventType) -> dict[str, Any]:
    """One type of event."""
    fields = [
        {
            "name": f.name,
            "required": f.required,
            "type": f.type,
            "form": _words(*TYPES[f.type][1:]),
            "meaning": _words(f.zh, f.en),
        }
        for f in known.fields
    ]
    return {"type": known.name, "title": _words(known.zh, known.en), "fields": fields}


def _words(zh: str, en: str) -> Words:
    return {"zh": zh, "en": en}
