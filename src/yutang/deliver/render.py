"""Words from a template: pure, sandboxed, and strict, so that a letter never goes out with a hole in it.

A template sees ``person`` (traits; ``person.name`` always), ``coupon`` (``code``, ``discount``, ``expires``; none when
there is no coupon), ``run`` (what the event that began the journey said, such as ``run.code``), ``pond`` (``title``), ``products`` (what the person is
likely to buy next: ``id``, ``title``, ``price``, ``url``, ``picture``, ``category``; an empty list where nothing can be said),
``person.predictions`` (by name; days as 2026-03-09), ``preferences`` and ``wallet`` (the addresses of the person's own
page and of the person's coupons, where the setting YUTANG_PUBLIC_URL says how browsers reach them). What is missing may be asked for (``{% if person.city %}``,
``{{ person.city | default("你的城市") }}``) and may not be printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError

from yutang.deliver.template import environment, verify
from yutang.model import halves

SOMEBODY = "朋友"
"""How a person is called who never gave a name."""


_CHECK = "模板写错了，或用到了这位顾客没有的变量。"


class CannotRender(Exception):
    """The template is wrong, or asks for something that this person does not have."""


_SHARED = dict(environment.globals)


def variables(
    traits: Mapping[str, Any] | None,
    coupon: Mapping[str, Any] | None,
    pond: Mapping[str, Any],
    run: Mapping[str, Any] | None = None,
    products: Sequence[Mapping[str, Any]] = (),
    predictions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a template sees."""
    person = {"name": SOMEBODY} | dict(traits or {}) | {"predictions": predictions or {}}
    return {"person": person, "coupon": coupon, "pond": pond, "run": run or {}, "products": products}


def discount(pay_percent: int | None, off_fen: int | None, minimum_fen: int, value_fen: int) -> str:
    """What a coupon is worth, as a customer reads it: 8.5折, 满30元减12元, 减12元; `value_fen` where no terms are known."""
    condition = f"满{yuan(minimum_fen)}" if minimum_fen else ""
    if pay_percent is not None:
        return f"{condition}{pay_percent / 10:g}折"
    return f"{condition}减{yuan(value_fen if off_fen is None else off_fen)}"


def yuan(fen: int) -> str:
    return f"{fen / 100:.2f}".removesuffix(".00") + "元"


def render(subject: str, body: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Subject (one line) and body. Raises CannotRender, whose text names the fault and no personal data."""
    return " ".join(_words(subject, values).split()), _words(body, values)


def render_all(part: Any, values: Mapping[str, Any]) -> Any:
    """The same mappings and lists with every text rendered. Raises CannotRender."""
    if isinstance(part, str):
        return _words(part, values)
    if isinstance(part, Mapping):
        return {name: render_all(item, values) for name, item in part.items()}
    return [render_all(item, values) for item in part] if isinstance(part, list) else part


def _words(template: str, values: Mapping[str, Any]) -> str:
    try:
        return _filled(template, values)
    except TemplateError as error:
        zh, en = _said(error)
        raise CannotRender(f"{zh} {type(error).__name__}: {en}") from error
    except Exception as error:
        # A template can make any expression fail, and the error's own text may quote what it was given.
        raise CannotRender(f"{_CHECK} {type(error).__name__}") from error


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """As `Template.render`, which copies all that templates share for each letter anew, and notes their names: three quarters of the
    time, for templates that import others."""
    if "{" not in text:
        return text
    template = _template(text)
    context = environment.context_class(environment, {**_SHARED, **values}, template.name, template.blocks)
    return "".join(template.root_render_func(context))


def check(template: str) -> None:
    """Raises CannotRender with the line of a syntax error or of what is never there; for whoever loads messages."""
    try:
        _template(template)
        verify(environment.parse(template))
    except TemplateSyntaxError as error:
        raise CannotRender(f"line {error.lineno}: {' '.join(_said(error))}") from error


def _said(error: TemplateError) -> tuple[str, str]:
    """In Chinese and in English; Jinja's own words are English alone."""
    zh, en = halves(error.message or "")
    return (_CHECK, en) if zh == en else (zh, en)


@lru_cache(maxsize=512)
def _template(text: str) -> Template:
    return environment.from_string(text)
