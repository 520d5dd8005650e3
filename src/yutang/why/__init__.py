"""Why: for one person, the chain behind every touch, and behind every touch that did not happen."""

from yutang.why.chain import Chain
from yutang.why.find import find
from yutang.why.tell import why

__all__ = ["Chain", "find", "why"]
