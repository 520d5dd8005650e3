"""The models: what each is, how well it did beside its baseline, what happened since; and a new training beside the requests."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.response import Redirect, ServerSentEvent

from yutang import users
from yutang.predict import page as shown
from yutang.predict import words
from yutang.predict.report import Trained, report
from yutang.web import chores
from yutang.web.edge import edge_of
from yutang.web.pages.page import Page
from yutang.web.pages.predictions import outlook
from yutang.web.pages.predictions.text import TEXT
from yutang.web.routes import act, look

MARKS = {"serving": "sent", "refused": "hold", "abstained": "hold"}


@look("/predictions", "look")
def predictions(request: Request) -> Response[bytes]:
    """Every model as it stands. The models are few rows; what all people's predictions come to is counted on the shelf."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        page, now = Page.of(request, conn, TEXT), edge.clock()
        found = report(conn, now)
        last = max((model.trained_at for model in found.models), default=None)
        sums = edge.shelf.get(("predictions", last), lambda c: outlook.totals(c, edge.clock())) if last else None
        totals = (sums.value if sums else None) or {}
        return page.show(
            "predictions/page.html",
            models=found.models,
            last=last,
            outlook=outlook.outlook(page, totals),
            gists={model.name: outlook.gist(page, model.name, totals) for model in found.models},
            better={model.name: outlook.better(page, model) for model in found.models},
            lines=outlook.drawn(found.models),
            outlooks=outlook,
            coming=bool(sums and sums.coming),
            chore=chores.of(edge, "train"),
            marks=MARKS,
            shown=shown,
            words=words,
            rows=_rows,
        )


def _rows(model: Trained) -> list[dict[str, Any]]:
    """Who speaks and who is measured against, and after them all others."""
    results = model.metrics.get("results", [])
    first = [model.metrics.get("chosen"), model.metrics.get("baseline")]
    return sorted(results, key=lambda one: first.index(one["name"]) if one["name"] in first else len(first))


@act("/predictions/train", "apply")
def train(request: Request) -> Redirect:
    """Train anew, beside the requests: what people are told moves them in and out of segments, so it takes the right to apply."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        users.note(conn, edge.clock(), request.state.visitor.name, "train", "predictions")
    chores.begin(edge, "train")
    return Redirect("/predictions", status_code=303)


@look("/predictions/progress", "look")
def progress(request: Request) -> ServerSentEvent:
    """Until the training has ended; then the page is loaded anew."""
    page = Page(request, texts=TEXT)
    return chores.follow(request, "train", lambda one: page.render("predictions/progress.html", chore=one))
