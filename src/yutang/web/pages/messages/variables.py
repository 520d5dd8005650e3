"""What the words of a message ask for, checked against what there is: an unknown variable is named with the nearest right one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import TemplateError

from yutang.deliver.template import PARTS, Asked, environment
from yutang.deliver.template import asked_for as template_asks
from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

FORETOLD_WORDS = [
    "{% for product in products[:3] %}{{ product.title }}{% if product.price %} {{ product.price }}{% endif %} {% endfor %}",
    *("{{ person.predictions." + name + " }}" for name in [*PREDICTIONS, *PREDICTED_DAYS]),
]
"""What may be said of predictions, to be copied."""


@dataclass(frozen=True)
class Unknown:
    """One that there is not. near: the nearest that there is, None where none is. fatal: no letter could ever be written."""

    asked: Asked
    near: str | None
    fatal: bool


def asked_for(template: str) -> list[Asked]:
    """Every variable in the order of writing, each once; of a template that is wrong, none."""
    try:
        return template_asks(environment.parse(template))
    except TemplateError:
        return []


def unknown(asked: Iterable[Asked], known: Mapping[str, Collection[str] | None]) -> list[Unknown]:
    """Those that there are not. known: parts by root; None where any part may be."""
    found = []
    for one in asked:
        if one.root not in known:
            names = [
                root if parts is None else f"{root}.{part}" for root, parts in known.items() for part in parts or [""]
            ]
            found.append(Unknown(one, _near(str(one), [*names, *known]), True))
        elif one.part is not None and (parts := known[one.root]) is not None and one.part not in parts:
            near = _near(one.part, parts)
            found.append(Unknown(one, near and f"{one.root}.{near}", one.root in PARTS))
    return found


def _near(word: str, names: Collection[str]) -> str | None:
    return next(iter(get_close_matches(word, list(names), n=1, cutoff=0.5)), None)
