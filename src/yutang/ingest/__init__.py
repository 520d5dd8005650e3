"""The door: every event enters here, once, or is refused with a reason."""

from yutang.ingest.door import MAX_BODY, MAX_EVENTS, Rejected
from yutang.ingest.raw import CALLBACK, keep_raw
from yutang.ingest.record import Answer, add_source, close_sources, follow_up, record, sources

__all__ = [
    "CALLBACK",
    "MAX_BODY",
    "MAX_EVENTS",
    "Answer",
    "Rejected",
    "add_source",
    "close_sources",
    "follow_up",
    "keep_raw",
    "record",
    "sources",
]
