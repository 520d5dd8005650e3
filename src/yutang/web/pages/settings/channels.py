"""Channels: what the settings switch on, the accounts with platforms, and whether each is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect, ServerSentEvent

from yutang import channels, config
from yutang.channels.platform import account, callback
from yutang.channels.platform.account import ACCOUNT_FIELDS, MAIN, Account
from yutang.ingest import add_source
from yutang.model import YutangError
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, text_of
from yutang.web.pages.page import done
from yutang.web.pages.settings import checkups, fields
from yutang.web.pages.settings.frame import note, page, show
from yutang.web.pages.settings.own import own
from yutang.web.problems import Problem
from yutang.web.progress import State, follow
from yutang.web.routes import act, look

PATH = "/settings/channels/{kind:str}/{name:str}"


@look("/settings/channels", "settings")
def every(request: Request) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        accounts = account.every(conn, edge.vault)
        return show(
            request,
            conn,
            "channels",
            accounts=[(one, channels.called(one.kind), checkups.of(edge, one.source)) for one in accounts],
            switched=[
                (name, channels.called(name), not needs or bool(needs[0].value), needs)
                for name, needs in channels.SWITCHED.items()
            ],
            kinds=[(kind, channels.called(kind)) for kind in ACCOUNT_FIELDS],
            machine=checkups.of(edge, checkups.MACHINE),
        )


@act("/settings/channels/check", "settings")
def check_machine(request: Request) -> Redirect:
    """Look at the installation."""
    checkups.begin(edge_of(request), checkups.MACHINE)
    return Redirect("/settings/channels", status_code=303)


@look("/settings/channels/progress", "settings")
def machine_progress(request: Request) -> ServerSentEvent:
    return _follow(request, checkups.MACHINE)


@look("/settings/channels/new/{kind:str}", "settings")
def new(request: Request, kind: FromPath[str]) -> Response[bytes]:
    with edge_of(request).pool.lend() as conn:
        return _form(request, conn, _kind(kind), None, {"name": MAIN} | fields.defaults(kind))


@act("/settings/channels/new/{kind:str}", "settings")
def add(request: Request, kind: FromPath[str], data: Form) -> Response[Any]:
    """A new account; one of that name is changed on its own page."""
    edge, name = edge_of(request), text_of(data, "name")
    with edge.pool.lend() as conn:
        _kind(kind)
        if account.one(conn, edge.vault, kind, name) is not None:
            words = (
                f"已有账号 {kind}:{name}，请换一个名称。 there is an account {kind}:{name} already; take another name"
            )
            return _form(request, conn, kind, None, data, words)
        return _save(request, conn, kind, name, None, data)


@look(PATH, "settings")
def one(request: Request, kind: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Its settings, without its secrets; how it is; and what to enter at the platform."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = _account(edge, conn, kind, name)
        return _form(request, conn, kind, found, dict(found.settings))


@act(PATH, "settings")
def change(request: Request, kind: FromPath[str], name: FromPath[str], data: Form) -> Response[Any]:
    """Another value where one is given; a secret that is left empty stays as it is."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        return _save(request, conn, kind, name, _account(edge, conn, kind, name), data)


@act(f"{PATH}/remove", "settings")
def remove(request: Request, kind: FromPath[str], name: FromPath[str]) -> Redirect:
    """The account and its secrets are forgotten; its events stay."""
    edge = edge_of(request)
    with edge.pool.lend() as conn, conn.transaction():
        found = _account(edge, conn, kind, name)
        account.remove(conn, kind, name)
        note(request, conn, "account_remove", f"account/{found.source}")
    return done(
        "/settings/channels", f"已删除账号 {found.source}，事件保留。", f"{found.source} is removed; its events stay."
    )


@act(f"{PATH}/check", "settings")
def check(request: Request, kind: FromPath[str], name: FromPath[str]) -> Redirect:
    """Look whether it is well."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        found = _account(edge, conn, kind, name)
    checkups.begin(edge, found.source)
    return Redirect(_path(kind, name), status_code=303)


@look(f"{PATH}/progress", "settings")
def progress(request: Request, kind: FromPath[str], name: FromPath[str]) -> ServerSentEvent:
    return _follow(request, f"{kind}:{name}")


def _follow(request: Request, what: str) -> ServerSentEvent:
    edge = edge_of(request)

    def state(conn: psycopg.Connection) -> State:
        found = checkups.of(edge, what)
        here = page(request, conn)
        html = here.render("settings/findings.html", checkup=found, own=lambda text: own(text, here.language))
        return State(html, "" if found is None or found.ended_at is not None else None)

    return follow(request, state)


def _save(
    request: Request, conn: psycopg.Connection, kind: str, name: str, before: Account | None, data: Form
) -> Response[Any]:
    edge = edge_of(request)
    given = fields.given(kind, data)
    if wrong := fields.wrong(kind, given, before):
        return _form(request, conn, kind, before, data, wrong=wrong)
    try:
        with conn.transaction():
            kept = account.add(conn, edge.vault, edge.clock(), kind, name, given)
            add_source(conn, edge.clock(), kept.source, kept.source)
            act_ = "account_add" if before is None else "account_change"
            note(request, conn, act_, f"account/{kept.source}", fields=fields.changed(before, kept))
    except YutangError as error:
        return _form(request, conn, kind, before, data, str(error))
    checkups.begin(edge, kept.source)
    return done(
        _path(kind, name), f"已保存账号 {kept.source}，正在检查。", f"{kept.source} is saved; it is being checked."
    )


def _form(
    request: Request,
    conn: psycopg.Connection,
    kind: str,
    known: Account | None,
    typed: Mapping[str, Any],
    error: str | None = None,
    wrong: Mapping[str, dict[str, str]] | None = None,
) -> Response[bytes]:
    edge = edge_of(request)
    return show(
        request,
        conn,
        "account",
        422 if error or wrong else 200,
        kind=kind,
        title=channels.called(kind),
        known=known,
        typed={field.name: text_of(typed, field.name) for field in ACCOUNT_FIELDS[kind]}
        | {"name": text_of(typed, "name")},
        fields=ACCOUNT_FIELDS[kind],
        error=error,
        wrong=wrong or {},
        checkup=None if known is None else checkups.of(edge, known.source),
        callback=None if known is None else (config.PUBLIC_URL.value.rstrip("/"), callback.address(edge.vault, known)),
        login=kind in channels.LOGINS,
    )


def _path(kind: str, name: str) -> str:
    return f"/settings/channels/{kind}/{name}"


def _kind(kind: str) -> str:
    """Raises Problem 404."""
    if kind not in ACCOUNT_FIELDS:
        raise Problem(404, f"没有渠道类型 {kind}。 there is no kind of account '{kind}'")
    return kind


def _account(edge: Edge, conn: psycopg.Connection, kind: str, name: str) -> Account:
    """Raises Problem 404."""
    found = account.one(conn, edge.vault, _kind(kind), name)
    if found is None:
        raise Problem(404, f"没有账号 {kind}:{name}。 there is no account {kind}:{name}")
    return found


ROUTES = [
    every,
    check_machine,
    machine_progress,
    new,
    add,
    one,
    change,
    remove,
    check,
    progress,
]
