"""Whether to speak: one judge over every channel, journey and cap."""

from yutang.decide.judge import judge

__all__ = ["judge"]
