"""Whom a deed is done to: those who were chosen in the list, those of a page, or everybody who was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from litestar import Request, Response

from yutang.model import YutangError
from yutang.web import scope
from yutang.web.edge import edge_of
from yutang.web.forms import text_of, texts_of
from yutang.web.pages.page import Page
from yutang.web.pages.persons.ask import Ask
from yutang.web.pages.persons.found import PAGE, Finder
from yutang.web.pages.persons.page import about
from yutang.web.pages.persons.text import TEXT
from yutang.web.problems import Problem

MOST = 1_000_000
"""Persons of one deed."""


@dataclass(frozen=True)
class Whom:
    """The persons of a deed: those who were chosen, those of a page, or everybody who was asked for. form: the fields that say it."""

    persons: list[int]
    about: str
    form: list[tuple[str, str]]
    back: str


def whom_of(request: Request, page: Page, conn: psycopg.Connection, given: Mapping[str, Any]) -> Whom:
    """From the fields of the list, in an address or a form. Raises YutangError where nobody is chosen, and for a filter that is wrong."""
    edge, visitor, ask = edge_of(request), request.state.visitor, Ask.of(given)
    which = text_of(given, "whom") or "chosen"
    finder = Finder(edge, conn, visitor, ask)
    form = [("whom", which), *ask.query.items()]
    if which == "all":
        persons = finder.everyone().tolist()
        _check_number(page, persons)
        return Whom(persons, about(page, conn, ask, finder), form, ask.href())
    chosen = _numbers(text_of(given, "page").split(",") if which == "page" else texts_of(given, "person"))
    persons = scope.within(conn, visitor, chosen)
    _check_number(page, persons)
    form += [("page", text_of(given, "page"))] if which == "page" else [("person", str(one)) for one in persons]
    return Whom(persons, page.text("chosen_about", n=page.number(len(persons))), form, ask.href())


def _check_number(page: Page, persons: list[int]) -> None:
    if not persons:
        raise YutangError(page.text("none_chosen"))
    if len(persons) > MOST:
        raise YutangError(page.text("too_many", n=page.number(MOST)))


def _numbers(texts: list[str]) -> list[int]:
    found = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]
    return list(dict.fromkeys(found))[: PAGE * 4]


def params_of(request: Request) -> dict[str, Any]:
    """The parameters of an address as a form has them: one that stands there several times is a list."""
    return {name: request.query_params.getall(name) for name in request.query_params}


def form(
    request: Request,
    template: str,
    given: Mapping[str, Any],
    error: str | None,
    values: Callable[[psycopg.Connection], dict[str, Any]],
) -> Response[bytes]:
    """The page that asks what is to be done to them, and why; with what is wrong, if anything is."""
    with edge_of(request).pool.lend() as conn:
        page = Page.of(request, conn, TEXT)
        whom, wrong = None, error
        try:
            whom = whom_of(request, page, conn, given)
        except Problem:
            raise
        except YutangError as problem:
            wrong = str(problem)
        back = whom.back if whom else Ask.of(given).href()
        return page.show(template, status=422 if wrong else 200, whom=whom, wrong=wrong, back=back, **values(conn))
