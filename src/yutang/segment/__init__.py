"""Who belongs where, now: the rule language, its two evaluators, and memberships kept fresh."""

from yutang.segment.matching import holding, matching
from yutang.segment.refresh import refresh

__all__ = ["holding", "matching", "refresh"]
