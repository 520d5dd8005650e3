"""Beside a chat: signatures for the platform's script, and the card of the customer, for staff who signed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from yutang import channels
from yutang.channels.platform.account import Account
from yutang.profile import card
from yutang.web.access import session_of
from yutang.web.edge import Edge, edge_of
from yutang.web.login import account_of
from yutang.web.problems import Problem
from yutang.why import find

PATH = "/sidebar/{kind:str}/{app:str}"


@get(f"{PATH}/config", sync_to_thread=True, include_in_schema=False)
def sign(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response[dict[str, Any]]:
    """What the page at ``?url=`` gives to the script: ``{"corp_id", "agent_id", "config", "agent_config"}``, the latter two
    each ``{"timestamp", "nonceStr", "signature"}``."""
    edge = edge_of(request)
    _staff(request, kind, app)
    url = request.query_params.get("url", "")
    if not url.startswith(("https://", "http://")):
        raise Problem(400, "缺少 url：写侧边栏页面的完整地址。 give the address of the page as url")
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.SIDEBARS, kind, app)
        sidebar, client = channels.SIDEBARS[kind], channels.CLIENTS[kind](conn, edge.vault, found, edge.clock)
        one, two = sidebar.for_config(client, edge.clock(), url), sidebar.for_agent_config(client, edge.clock(), url)
    said = {name: found.get(name) for name in ("corp_id", "agent_id")}
    return _json(said | {"config": _signature(one), "agent_config": _signature(two)})


@get(f"{PATH}/customer", sync_to_thread=True, include_in_schema=False)
def customer(request: Request, kind: FromPath[str], app: FromPath[str]) -> Response[dict[str, Any]]:
    """The customer's card and the open tasks about him, for those alone whose contact it is: ``?external_userid=``."""
    edge, userid = edge_of(request), _staff(request, kind, app)
    asked = request.query_params.get("external_userid", "")
    with edge.pool.lend() as conn:
        found = account_of(edge, conn, channels.SIDEBARS, kind, app)
        if not channels.SIDEBARS[kind].may_see(conn, found, userid, asked):
            raise Problem(403, "这不是您的客户。 this is not a customer of yours", "not_yours")
        person, now = person_of(edge, conn, found, asked), edge.clock()
        tasks = channels.STAFF_TASKS.tasks(conn, now, states=channels.STAFF_TASKS.OPEN, persons=[person])
        return _json(shown(card(conn, person), now) | {"tasks": [_task(row) for row in tasks]})


def _staff(request: Request, kind: str, app: str) -> str:
    """Who signed in through this account. Raises Problem 401."""
    session = session_of(request)
    if session is None or (session.kind, session.app) != (kind, app):
        raise Problem(401, f"请先登录：/login/{kind}/{app}。 sign in first")
    return session.userid


def person_of(edge: Edge, conn: psycopg.Connection, account: Account, asked: str) -> int:
    """Raises YutangError while nobody is known by it."""
    handle = channels.CONNECTED[account.kind](edge.vault, account, edge.clock).handle
    return find(conn, edge.vault, f"{handle}={asked}")


def shown(known: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The part of a card that fits beside a chat; money in fen."""
    orders, profile = known["activity"].get("ordered"), known["profile"]
    return {
        "person_id": known["person_id"],
        "name": known["traits"].get("name", {}).get("value"),
        "tags": [tag for tag, kept in known["tags"].items() if not kept["expires_at"] or now < kept["expires_at"]],
        "life_stage": profile and profile["life_stage"],
        "orders": orders and {"count": orders["n"], "spent_fen": orders["amount"], "last_at": orders["last_at"]},
    }


def _task(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("task_id", "title", "words", "staff", "state", "due_at", "overdue")}


def _signature(signature: Any) -> dict[str, Any]:
    return {"timestamp": signature.timestamp, "nonceStr": signature.nonce, "signature": signature.signature}


def _json(body: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(body, headers={"cache-control": "no-store"})


ROUTES: list[HTTPRouteHandler] = [sign, customer]
