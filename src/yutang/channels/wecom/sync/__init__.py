"""A walk through everything that WeCom shows: see `walk`."""

from yutang.channels.wecom.sync.walk import Progress, begin, due, progress, step

__all__ = ["Progress", "begin", "due", "progress", "step"]
