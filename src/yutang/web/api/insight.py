"""Questions over the lake, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from yutang import definitions
from yutang.clock import business_day
from yutang.insight import questions
from yutang.insight.questions.shape import Answer, Param
from yutang.model import YutangError
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import Edge, edge_of
from yutang.web.problems import Problem
from yutang.why.chain import Words


class Known(msgspec.Struct):
    """A question, and the parameters it takes."""

    name: str
    title: Words
    says: Words
    params: tuple[Param, ...]


@get(
    "/v1/insight", guards=[with_key], security=KEY, sync_to_thread=False, summary="What can be asked", tags=["insight"]
)
def list_questions() -> list[Known]:
    """Every question with the sentence that explains it, and its parameters."""
    return [Known(one.name, one.title, one.says, one.params) for one in questions.QUESTIONS]


@get(
    "/v1/insight/panels",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="The dashboard",
    tags=["insight"],
)
def show_panels(request: Request) -> list[Answer]:
    """The answers to eight questions, remembered until something is archived."""
    edge = edge_of(request)
    pond = _pond(edge)
    return questions.panels(business_day(edge.clock(), pond["time_zone"]), pond["time_zone"], pond)


@get(
    "/v1/insight/{name:str}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="The answer to a question",
    tags=["insight"],
)
def show_answer(request: Request, name: FromPath[str]) -> Answer:
    """The parameters stand in the query string, as on the command line: ``/v1/insight/funnel?steps=viewed,ordered&within=7d``.

    400 says which parameter cannot be read and what to write; 404 that there is no such question.
    """
    edge = edge_of(request)
    questions.question(name)
    pond = _pond(edge)
    zone = pond["time_zone"]
    given = questions.of_pond(name, pond) | {key: request.query_params[key] for key in request.query_params}
    try:
        return questions.answer(name, business_day(edge.clock(), zone), zone, given)
    except YutangError as error:
        raise Problem(400, str(error)) from None


def _pond(edge: Edge) -> dict[str, Any]:
    with edge.pool.lend() as conn:
        return definitions.pond(conn)
