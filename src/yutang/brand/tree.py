"""A YAML file as a tree that an editor may change: comments, quotes and the order of keys stay as people wrote them."""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 120
    yaml.preserve_quotes = True
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def read(text: str) -> CommentedMap:
    """The tree of a file that is a mapping; an empty one of an empty file."""
    return _yaml().load(text) or CommentedMap()


def write(tree: Any) -> str:
    """The text of a tree."""
    out = StringIO()
    _yaml().dump(tree, out)
    return out.getvalue()
