"""The rule builder: a rule as a form, one sentence with holes for each condition; segments and journeys ask through it.

A host keeps its own ``<form method="post">`` and puts the builder into it; every field's name begins with `base`
(a word of the host's choosing, such as ``rule`` or ``audience``; several builders may stand in one form)::

    sketch = rules.of(body["rule"])                      # from a rule as files hold it; rules.of(None): nothing asked yet
    html = rules.builder(page, conn, sketch, "rule")     # Markup: {{ html }} in the host's template, inside its form

and when the form comes back::

    sketch, pressed = rules.sent(data, "rule")           # pressed: a button of the builder, so show the page again, save nothing
    read = rules.read(conn, sketch)                      # read.body: the rule as files hold it; None: see read.problem
    rules.builder(page, conn, sketch, "rule", strict=True)   # after a save that failed: says what is missing, too

With htmx the builder answers by itself (``POST /rules/live``, ``/rules/size``): the sentence, errors at their conditions,
how many people. Without it its buttons submit the host's form. The first button of the form is what Enter presses, so the
builder must stand before the host's own buttons.
"""

from litestar.handlers import HTTPRouteHandler

from yutang.web.pages.rules import page
from yutang.web.pages.rules.builder import builder, panel_of, said
from yutang.web.pages.rules.choices import Book
from yutang.web.pages.rules.presses import sent
from yutang.web.pages.rules.reading import Read, read
from yutang.web.pages.rules.sketch import Group, is_empty, of
from yutang.web.pages.rules.text import TEXT

ROUTES: list[HTTPRouteHandler] = [page.live, page.size]

__all__ = ["ROUTES", "TEXT", "Book", "Group", "Read", "builder", "is_empty", "of", "panel_of", "read", "said", "sent"]
