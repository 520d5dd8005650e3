"""What a message asks for beyond the person's own traits: each such thing is looked up or made only for the people whose message says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import nodes

from yutang.deliver.template import environment, undeclared

PRODUCTS, FORETOLD, RUN, WALLET = "products", "predictions", "run", "wallet"
_VARIABLES = frozenset((PRODUCTS, RUN, WALLET))


def asks(body: Mapping[str, Any]) -> frozenset[str]:
    """Which of the four a message asks for: in its subject, its words, or what goes with them."""
    return frozenset().union(*(asked_in(text) for text in templates(body)))


@lru_cache(maxsize=4096)
def asked_in(template: str) -> frozenset[str]:
    """Which of the four a template asks for. It has compiled before, when its message was loaded."""
    if not any(name in template for name in (*_VARIABLES, FORETOLD)):
        return frozenset()
    tree = environment.parse(template)
    parts = {str(node.attr) for node in tree.find_all(nodes.Getattr)}
    parts |= {str(node.arg.value) for node in tree.find_all(nodes.Getitem) if isinstance(node.arg, nodes.Const)}
    return frozenset((_VARIABLES & undeclared(tree)) | ({FORETOLD} & parts))


def templates(body: Mapping[str, Any]) -> Iterator[str]:
    """All that a message says: its subject, its words, and what goes with them."""
    return _texts([body["subject"], body["body"], body.get("attachments", [])])


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping | list):
        for item in part.values() if isinstance(part, Mapping) else part:
            yield from _texts(item)
