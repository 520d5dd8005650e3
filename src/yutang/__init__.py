"""Yutang 鱼塘: one pool of the customers a brand owns, and journeys that serve each of them."""
