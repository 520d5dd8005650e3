"""Scores: how likely a person is to leave, to order for the first time, to use a coupon; each with the facts that moved it."""
