"""Page: what coupons a person has. Its routes are in `yutang.web.wallet`."""
