"""Who is it? Events become facts about persons; persons that turn out to be one are joined, with evidence, and can be split."""

from yutang.identity.cases import cases
from yutang.identity.join import join
from yutang.identity.resolve import resolve, resolve_events
from yutang.identity.split import canonical, split

__all__ = ["canonical", "cases", "join", "resolve", "resolve_events", "split"]
