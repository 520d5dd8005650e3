"""When to speak: people walk through versioned journeys; what they come to is a touch, which `decide` then judges."""

from yutang.journey.advance import advance
from yutang.journey.definition import journey

__all__ = ["advance", "journey"]
