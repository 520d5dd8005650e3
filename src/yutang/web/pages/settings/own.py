"""Sentences that say the same in Chinese and then in English, as commands print them: the part for whoever reads the page."""

from __future__ import annotations

import re

_BOTH = re.compile(r"(?P<zh>.*[一-鿿][^。]*[。：])\s+(?P<en>[a-zA-Z`'(<].*)", re.DOTALL)


def own(text: str, language: str) -> str:
    """The part in this language; all of it where it cannot be told apart."""
    found = _BOTH.fullmatch(text)
    if found is None or re.search("[一-鿿]", found["en"]):
        return text
    return found[language]


_BROWSERS = (
    ("wxwork", "企业微信"),
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"))  # fmt: skip


def browser(agent: str) -> str:
    """What a browser calls itself, in two words; its beginning where it is no browser."""
    names = [next((word for mark, word in known if mark in agent), "") for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(filter(None, names)) or agent[:60] or "—"
