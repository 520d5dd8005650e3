"""Whether to speak: one judge over every channel, journey and cap."""

from yutang.decide.judge import judge
from yutang.decide.reach import heads
from yutang.decide.undone import freed, reopen

__all__ = ["freed", "heads", "judge", "reopen"]
