"""What journeys have changed, and what one can be expected to show, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery, QueryParameter

from yutang import definitions
from yutang.insight import experiment
from yutang.insight.experiment import Effect, Standing
from yutang.insight.power import Prospect, prospect
from yutang.web.access import with_key
from yutang.web.api.spec import KEY
from yutang.web.edge import edge_of
from yutang.web.problems import Problem

Days = Annotated[int, QueryParameter(ge=1, le=366, description="Days each person is looked at.")]


class Experiments(msgspec.Struct):
    """The effect of all journeys together, and the people of each."""

    pond: Effect
    journeys: list[Standing]


@get(
    "/v1/experiments",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="All journeys together",
    tags=["experiments"],
)
def list_experiments(request: Request, since: FromQuery[datetime | None] = None) -> Experiments:
    """The whole pond against those it never speaks to, and every journey with the people of its arms.

    `since`: a day that was fixed beforehand (ISO 8601 with UTC offset); by default when the first journey began.
    """
    if since is not None and since.tzinfo is None:
        raise Problem(
            400,
            "`since` 要带时区，例如 2026-01-01T00:00:00+08:00。 "
            "write `since` with its UTC offset, for example 2026-01-01T00:00:00+08:00",
        )
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return Experiments(experiment.pond_effect(conn, edge.clock(), since), experiment.journeys(conn))


@get(
    "/v1/experiments/{journey:str}",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What a journey has changed",
    tags=["experiments"],
)
def show_experiment(request: Request, journey: FromPath[str], days: Days = experiment.DAYS) -> Effect:
    """By intention to treat, within `days` days of entry, with intervals for one look and for every look; its splits too."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return experiment.effect(conn, edge.clock(), journey, days)


@get(
    "/v1/experiments/{journey:str}/prospect",
    guards=[with_key],
    security=KEY,
    sync_to_thread=True,
    summary="What a journey can be expected to show",
    tags=["experiments"],
)
def show_prospect(request: Request, journey: FromPath[str], days: Days = experiment.DAYS) -> Prospect:
    """Before it starts: how many people enter, what they do anyway, and how large an effect would have to be to be seen."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = definitions.current(conn, "journey", journey)
        if found is None:
            raise Problem(404, f"没有上线的旅程“{journey}”。 there is no journey '{journey}' in service")
        return prospect(conn, edge.clock(), journey, found.body, days)
