"""Who belongs where, now: the rule language, its two evaluators, and memberships kept fresh."""

from yutang.segment.matching import matching
from yutang.segment.refresh import refresh

__all__ = ["matching", "refresh"]
