"""What the builder asks for while somebody works in it: itself anew, and how many people there are."""

from __future__ import annotations

import re

from litestar import Request, Response

from yutang.model import YutangError
from yutang.web.edge import edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import Page
from yutang.web.pages.rules.builder import builder, key_of
from yutang.web.pages.rules.presses import sent
from yutang.web.pages.rules.sizes import counted
from yutang.web.pages.rules.text import TEXT
from yutang.web.problems import Problem
from yutang.web.routes import act

_BASE = re.compile(r"[a-z][\w-]{0,60}", re.ASCII)


@act("/rules/live", "edit")
def live(request: Request, data: Form) -> Response[bytes]:
    """The builder as the form now says; its buttons do their work here too. Nothing is kept."""
    base = _base(data)
    with edge_of(request).pool.lend() as conn:
        page = Page.of(request, conn)
        sketch, pressed = sent(data, base)
        return page.show("rules/alone.html", builder=builder(page, conn, sketch, base, pressed=pressed))


@act("/rules/size", "edit")
def size(request: Request, data: Form) -> Response[bytes]:
    """How many people one rule holds for."""
    base, text = _base(data), text_of(data, "rule")
    try:
        found = counted(edge_of(request), text)
    except (ValueError, YutangError) as error:
        raise Problem(422, str(error), "bad_rule") from None
    shown = {"rule": text, "key": key_of(text), "base": base, "size": found.value, "again": True}
    return Page(request, texts=TEXT).show("rules/size.html", panel=shown)


def _base(data: Form) -> str:
    base = text_of(data, "base")
    if not _BASE.fullmatch(base):
        raise Problem(422, "base: 请写小写字母的词。 a lower-case word", "bad_form")
    return base
