"""When to speak: people walk through versioned journeys; what they come to is a touch, which `decide` then judges."""

from yutang.journey.advance import advance
from yutang.journey.definition import journey
from yutang.journey.lines import judged

__all__ = ["advance", "journey", "judged"]
