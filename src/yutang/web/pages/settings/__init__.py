"""Users, keys, channels, the pond, what was done, the language."""

from yutang.web.pages.settings.page import ROUTES

__all__ = ["ROUTES"]
