"""Deliver: the only stage that talks to the network. It claims and commits, sends, then records."""

from yutang.deliver.send import send

__all__ = ["send"]
