"""What a form of a page of ours sends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from litestar.enums import RequestEncodingType
from litestar.params import Body

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
"""The fields of an ordinary form; one that was sent several times is a list."""
Upload = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
"""The fields of a form with files."""

_OURS = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f]{0,500}")


def text_of(form: Mapping[str, Any], name: str, *, strip: bool = True) -> str:
    """A field as text, the last one where it came several times; empty when it is missing."""
    value = form.get(name, "")
    value = value[-1] if isinstance(value, list) and value else value
    text = value if isinstance(value, str) else "" if value in ([], None) else str(value)
    return text.strip() if strip else text


def texts_of(form: Mapping[str, Any], name: str) -> list[str]:
    """Every value of a field, such as checkboxes of one name."""
    value = form.get(name, [])
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def number_of(form: Mapping[str, Any], name: str) -> int | None:
    """A whole number; None when the field is empty or holds none."""
    text = text_of(form, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def page_of(wanted: str) -> str:
    """A page of ours to go to after signing in, else the overview; never an address of somebody else."""
    return wanted if _OURS.fullmatch(wanted) else "/"
