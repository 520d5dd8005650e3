"""A person's own page: what the brand may send, and when. Opened by a signed link, without a login."""

from yutang.web.preference.routes import ROUTES

__all__ = ["ROUTES"]
