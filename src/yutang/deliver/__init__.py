"""Deliver: the only stage that talks to the network, and the ear that opens the loop.

`send` claims and commits, sends, then records; `receive` makes events of what channels have heard and learned.
"""

from yutang.deliver.again import AGAIN, again
from yutang.deliver.mirror import mirror_again
from yutang.deliver.receive import listen, receive
from yutang.deliver.send import send

__all__ = ["AGAIN", "again", "listen", "mirror_again", "receive", "send"]
