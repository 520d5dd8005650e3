"""What can be owed: coupons with stock and budget, and the ladder that knows which one a person is to get next."""

from yutang.offer.advance import advance
from yutang.offer.counter import RedeemCounter
from yutang.offer.coupon import Granted, Redeem, Redeemed, Wanted, issue, issue_batch, liability, open_batch, redeem

__all__ = [
    "Granted",
    "Redeem",
    "RedeemCounter",
    "Redeemed",
    "Wanted",
    "advance",
    "issue",
    "issue_batch",
    "liability",
    "open_batch",
    "redeem",
]
