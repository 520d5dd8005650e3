"""What a template is, before anybody's data come near: the one environment that reads and compiles them, and what each asks for.

Nothing is reckoned while a template is compiled, so that reading a brand costs no more than its files are long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateAssertionError, Undefined, meta, nodes
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from yutang.source import Said, suggest

ROOTS = ("person", "coupon", "run", "pond", "products", "preferences", "wallet")
"""What a template sees, see `render`."""
PARTS = {"coupon": ("code", "discount", "expires"), "pond": ("title",)}
"""Of which the parts are the same everywhere; what a person or a run has differs from brand to brand."""
_OF_ANY = ("get", "items", "keys", "values")
"""What may be said of any of them besides."""
_OTHERS = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_PERHAPS = (
    nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Test, nodes.For, nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.CallBlock,
)  # fmt: skip
"""What may leave out a part of what stands below it, or only ask about it."""
_INSTEAD = ("default", "d")
"""Filters that have another word for what is missing."""
LONGEST = 100_000
"""Characters or entries, and bits of a number, that an operator may make."""


class Missing(StrictUndefined):
    """May be tested, as authors expect; printing it is still an error."""

    __bool__ = Undefined.__bool__


class Unknown(TemplateAssertionError):
    """Its form is right, and it asks for what there never is."""

    def __init__(self, zh: str, en: str, line: int) -> None:
        super().__init__(en, line)
        self.said = Said(zh, en)


class _Generator(CodeGenerator):
    """Leaves every expression to the run: Jinja works constants out while it compiles, however large they come out."""

    def _output_child_to_const(self, node: nodes.Expr, *rest: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, *rest)


class _Names(meta.TrackingCodeGenerator, _Generator):
    """Collects the names that nothing in the template gives."""


class _Environment(ImmutableSandboxedEnvironment):
    """Bounds what the operators make of little."""

    code_generator_class = _Generator
    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if _size(operator, left, right) > LONGEST:
            raise SecurityError(
                f"“{operator}”在这里算出的内容超过 {LONGEST}。 what '{operator}' makes here is larger than {LONGEST}"
            )
        return super().call_binop(context, operator, left, right)


environment = _Environment(undefined=Missing, autoescape=False, trim_blocks=True, lstrip_blocks=True, optimized=False)


@dataclass(frozen=True)
class Asked:
    """A variable that a template asks for: ``person`` and ``name``; `part` None: the whole."""

    root: str
    part: str | None
    line: int

    def __str__(self) -> str:
        return f"{self.root}.{self.part}" if self.part else self.root


def asked_for(tree: nodes.Template) -> list[Asked]:
    """Every variable in the order of writing, each once. Raises TemplateError."""
    free = undeclared(tree)
    found = [Asked(*part) for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if (part := _part(node))]
    whole = {one.root for one in found}
    found += [
        Asked(node.name, None, node.lineno)
        for node in tree.find_all(nodes.Name)
        if node.name in free and node.name not in whole
    ]
    return list({str(one): one for one in sorted(found, key=lambda one: one.line) if one.root in free}.values())


def always_printed(tree: nodes.Template) -> Iterator[Asked]:
    """The parts of variables that every letter shows, none of those that a question or another word stands before. Raises TemplateError."""
    free = undeclared(tree)
    found = (Asked(*part) for node in _always(tree) if (part := _part(node)))
    return (one for one in found if one.root in free)


def undeclared(tree: nodes.Template) -> set[str]:
    """The names that a template asks its data for, as `meta.find_undeclared_variables` finds them. Raises TemplateError."""
    names = _Names(environment)
    names.optimizer = None
    names.visit(tree)
    return names.undeclared_identifiers


def verify(tree: nodes.Template) -> None:
    """Raises Unknown with the line of what no template has: another template, a variable or a part that is never there."""
    for node in tree.find_all(_OTHERS):
        raise Unknown(
            "消息自成一体，不能引入别的文件，请把文字写在这里。",
            "a message stands alone; write the words here instead of taking in another file",
            node.lineno,
        )
    for one in asked_for(tree):
        if one.root not in ROOTS:
            fix = suggest(one.root, ROOTS)
            raise Unknown(f"没有变量“{one.root}”，{fix.zh}", f"there is no variable '{one.root}'; {fix.en}", one.line)
        parts = PARTS.get(one.root)
        if parts and one.part is not None and one.part not in (*parts, *_OF_ANY):
            fix = suggest(one.part, parts)
            raise Unknown(
                f"“{one.root}”没有“{one.part}”，{fix.zh}", f"'{one.root}' has no '{one.part}'; {fix.en}", one.line
            )


def _always(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        if not isinstance(child, _PERHAPS) and not (isinstance(child, nodes.Filter) and child.name in _INSTEAD):
            yield child
            yield from _always(child)


def _part(node: nodes.Node) -> tuple[str, str, int] | None:
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return node.node.name, node.attr, node.lineno
    if isinstance(node, nodes.Getitem) and isinstance(node.node, nodes.Name) and isinstance(node.arg, nodes.Const):
        return node.node.name, str(node.arg.value), node.lineno
    return None


def _size(operator: str, left: Any, right: Any) -> int:
    """About how much an operator makes: characters or entries of a text or a list, bits of a whole number."""
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
    many, times = (right, left) if isinstance(left, int) else (left, right)
    return len(many) * times if isinstance(times, int) and hasattr(many, "__len__") else 0
