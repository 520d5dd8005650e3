"""What can be owed: coupons, red packets and gifts with stock and budget, and the ladder that knows which one a person is to get next."""

from yutang.offer.advance import advance
from yutang.offer.counter import RedeemCounter
from yutang.offer.coupon import Granted, Wanted, issue, issue_batch, open_batch, take_back
from yutang.offer.redemption import check, confirm, redeem, release
from yutang.offer.report import conflicts, liability, liability_of, show, totals
from yutang.offer.till import Redeem, Redeemed

__all__ = [
    "Granted",
    "Redeem",
    "RedeemCounter",
    "Redeemed",
    "Wanted",
    "advance",
    "check",
    "confirm",
    "conflicts",
    "issue",
    "issue_batch",
    "liability",
    "liability_of",
    "open_batch",
    "redeem",
    "release",
    "show",
    "take_back",
    "totals",
]
