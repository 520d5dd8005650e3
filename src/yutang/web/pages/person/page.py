"""One person: the card, the latest events, and the chain behind every touch and non-touch."""

from __future__ import annotations

from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang.profile.portrait import card
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.routes import look
from yutang.why import why


@look("/persons/{person_id:int}", "people")
def person(request: Request, person_id: FromPath[int]) -> Response:
    """The page; a merged person's leads to whoever holds the facts now."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        chain = why(conn, person_id, edge.clock())
        if chain.person_id != person_id:
            return Redirect(f"/persons/{chain.person_id}", status_code=303)
        return Page(request, chain.time_zone).show("person/page.html", chain=chain, card=card(conn, person_id))
