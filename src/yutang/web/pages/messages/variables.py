"""What the words of a message ask for, checked against what there is: an unknown variable is named with the nearest right one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from yutang.segment.operators import PREDICTED_DAYS, PREDICTIONS

_environment = ImmutableSandboxedEnvironment()
COUPON = ("code", "discount", "expires")
FORETOLD_WORDS = [
    "{% for product in products[:3] %}{{ product.title }}{% if product.price %} {{ product.price }}{% endif %} {% endfor %}",
    *("{{ person.predictions." + name + " }}" for name in [*PREDICTIONS, *PREDICTED_DAYS]),
]
"""What may be said of predictions, to be copied."""


@dataclass(frozen=True)
class Asked:
    """A variable that a template asks for: ``person`` and ``name``; `part` None: the whole."""

    root: str
    part: str | None
    line: int

    def __str__(self) -> str:
        return f"{self.root}.{self.part}" if self.part else self.root


@dataclass(frozen=True)
class Unknown:
    """One that there is not. near: the nearest that there is, None where none is. fatal: no letter could ever be written."""

    asked: Asked
    near: str | None
    fatal: bool


def asked_for(template: str) -> list[Asked]:
    """Every variable in the order of writing, each once; of a template that is wrong, none."""
    try:
        tree = _environment.parse(template)
    except TemplateError:
        return []
    free = meta.find_undeclared_variables(tree) - set(_environment.globals)
    found = [Asked(*part) for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if (part := _part(node))]
    whole = {one.root for one in found}
    found += [
        Asked(node.name, None, node.lineno)
        for node in tree.find_all(nodes.Name)
        if node.name in free and node.name not in whole
    ]
    return list({str(one): one for one in sorted(found, key=lambda one: one.line) if one.root in free}.values())


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
            found.append(Unknown(one, near and f"{one.root}.{near}", one.root in ("coupon", "pond")))
    return found


def _near(word: str, names: Collection[str]) -> str | None:
    return next(iter(get_close_matches(word, list(names), n=1, cutoff=0.5)), None)


def _part(node: nodes.Node) -> tuple[str, str, int] | None:
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return node.node.name, node.attr, node.lineno
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name) and isinstance(node.arg, nodes.Const):
        return node.node.name, str(node.arg.value), node.lineno
    return None
