"""Making a code, changing it, taking a change back, and taking it out of service. The platform is asked by the worker."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from litestar import Request, Response
from litestar.params import FromPath
from litestar.response import Redirect

from yutang import users
from yutang.channels.platform.account import Account
from yutang.model import YutangError
from yutang.web.access import Visitor
from yutang.web.edge import Edge, edge_of
from yutang.web.forms import Form, number_of, text_of, texts_of
from yutang.web.pages.codes import book
from yutang.web.pages.codes.book import Item
from yutang.web.pages.codes.page import PATH
from yutang.web.pages.codes.text import TEXT
from yutang.web.pages.page import Page, done
from yutang.web.problems import Problem
from yutang.web.routes import act, look

MOST_LISTED = 300
"""Members of staff who are listed to choose from; where there are more, their ids are typed."""
KEPT = ("users", "chats", "store", "tags", "remark", "skip_verify", "room_name")
"""What can be changed of a code, and taken back."""


@dataclass(frozen=True)
class Sheet:
    """The form: what it says, for which account, and what is wrong with it. item: None where a code is to be made."""

    account: Account
    values: Mapping[str, Any]
    item: Item | None = None
    error: str | None = None


@look("/codes/new", "codes")
def new(request: Request) -> Response[bytes]:
    """An empty form; ``?account=kind:name`` where there are several."""
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        kept = _account(edge, conn, request.query_params.get("account", ""))
        return _show(request, conn, Sheet(kept, {"to": "staff", "skip_verify": True}))


@act("/codes/new", "codes")
def add(request: Request, data: Form) -> Response[bytes] | Redirect:
    """Written down here; the platform makes it."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        kept = _account(edge, conn, text_of(data, "account"))
        values = _read(data)
        try:
            with conn.transaction():
                _check_store(visitor, values["store"])
                code = book.book_of(kept).Code(text_of(data, "name"), **_given(kept, values))
                book.book_of(kept).add(conn, edge.clock(), kept, code)
                users.note(conn, edge.clock(), visitor.name, "add_code", _about(kept, code.name), _kept(code))
        except YutangError as error:
            typed = values | {"name": text_of(data, "name")}
            return _show(request, conn, Sheet(kept, typed, error=str(error)), status=422)
    item = Item(kept, code)
    return done(
        item.path,
        f"活码「{code.name}」已建好，正在等平台生成二维码。",
        f"{code.name} is written down; the platform is making it.",
    )


@look(PATH + "/edit", "codes")
def change_form(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    edge = edge_of(request)
    with edge.pool.lend() as conn:
        item = _in_service(book.one(edge, conn, request.state.visitor, kind, app, name))
        return _show(request, conn, Sheet(item.account, _values(item.code), item))


@act(PATH + "/edit", "codes")
def change(
    request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str], data: Form
) -> Response[bytes] | Redirect:
    """What it leads to and what goes with it; its picture stays."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        item = _in_service(book.one(edge, conn, visitor, kind, app, name))
        values = _read(data) | {"to": item.leads_to}
        try:
            _check_store(visitor, values["store"])
            undo = _write(edge, conn, visitor, item, _given(item.account, values))
        except YutangError as error:
            return _show(request, conn, Sheet(item.account, values, item, str(error)), status=422)
    return done(
        item.path, "已保存，正在告诉平台；图案不变。", "Saved; the platform is being told, the picture stays.", undo
    )


@act(PATH + "/undo/{audit:int}", "codes")
def undo(
    request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str], audit: FromPath[int]
) -> Redirect:
    """As it was before a change."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn:
        item = _in_service(book.one(edge, conn, visitor, kind, app, name))
        [deed] = users.deeds(conn, about=_about(item.account, name), before=audit + 1, limit=1) or [None]
        if deed is None or deed.audit_id != audit or deed.act != "edit_code":
            raise Problem(404, "没有这一步可撤销。 there is no such step to undo")
        before = {
            key: tuple(value) if isinstance(value, list) else value for key, value in deed.detail["before"].items()
        }
        _check_store(visitor, before.get("store") or "")
        again = _write(edge, conn, visitor, item, _fields(item.account, before))
    return done(item.path, "已恢复成修改前的样子。", "It is as it was before.", again)


@act(PATH + "/retire", "codes")
def retire(request: Request, kind: FromPath[str], app: FromPath[str], name: FromPath[str]) -> Redirect:
    """Out of service for good; its history stays."""
    edge, visitor = edge_of(request), request.state.visitor
    with edge.pool.lend() as conn, conn.transaction():
        item = _in_service(book.one(edge, conn, visitor, kind, app, name))
        book.book_of(item.account).retire(conn, edge.clock(), item.account, name)
        users.note(conn, edge.clock(), visitor.name, "retire_code", _about(item.account, name))
    return done("/codes", f"活码「{name}」已停用，历史保留。", f"{name} is retired; its history stays.")


def _write(edge: Edge, conn: psycopg.Connection, visitor: Visitor, item: Item, given: Mapping[str, Any]) -> str:
    """Change it; returns the path that takes this back. Raises YutangError."""
    module, about = book.book_of(item.account), _about(item.account, item.name)
    with conn.transaction():
        module.update(conn, edge.clock(), item.account, module.Code(item.name, **given))
        users.note(conn, edge.clock(), visitor.name, "edit_code", about, {"before": _kept(item.code)})
        return f"{item.path}/undo/{users.deeds(conn, about=about, limit=1)[0].audit_id}"


def _in_service(item: Item) -> Item:
    if item.state == "retired":
        raise Problem(404, f"活码 {item.name} 已停用。 {item.name} is retired")
    return item


def _about(kept: Account, name: str) -> str:
    return f"code/{kept.source}/{name}"


def _kept(code: Any) -> dict[str, Any]:
    """A code as the audit keeps it."""
    return {name: getattr(code, name) for name in KEPT if hasattr(code, name)}


def _account(edge: Edge, conn: psycopg.Connection, wanted: str) -> Account:
    """The one that is asked for, else the first. Raises Problem 404 where there is none."""
    every = book.accounts(edge, conn)
    if not every:
        raise Problem(404, TEXT["c.no_accounts"][0] + " " + TEXT["c.no_accounts"][1])
    return next((one for one in every if one.source == wanted), every[0])


def _check_store(visitor: Visitor, store: str | None) -> None:
    """Raises YutangError where a store manager means another's store."""
    if not book.may_see(visitor, store):
        raise YutangError("请选您负责的门店。 choose one of your stores")


def _read(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the form says."""
    typed = [one.strip() for one in re.split(r"[\s,，、]+", text_of(data, "typed_users"))]
    return {
        "to": "groups" if text_of(data, "to") == "groups" else "staff",
        "users": tuple(dict.fromkeys([*texts_of(data, "users"), *filter(None, typed)])),
        "chats": tuple(texts_of(data, "chats")),
        "store": text_of(data, "store"),
        "tags": tuple(filter(None, (one.strip() for one in re.split(r"[\n,，、]+", text_of(data, "tags"))))),
        "remark": text_of(data, "remark"),
        "skip_verify": text_of(data, "skip_verify") == "1",
        "room_name": text_of(data, "room_name"),
        "days": number_of(data, "days") or 0,
    }


def _values(code: Any) -> dict[str, Any]:
    """What the form shows of a code."""
    known = {name: getattr(code, name) for name in (*KEPT, "days") if hasattr(code, name)}
    return known | {"to": "groups" if code.chats else "staff", "name": code.name}


def _given(kept: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the code; what belongs to the other way it may lead is left out."""
    other = {"chats": (), "room_name": ""} if values["to"] == "staff" else {"users": (), "tags": (), "remark": ""}
    return _fields(kept, {**values, **other, "store": values["store"] or None})


def _fields(kept: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that codes of the account have."""
    names = KEPT if hasattr(book.book_of(kept), "receivers") else ("store", "days")
    return {name: values[name] for name in names if name in values}


def _show(request: Request, conn: psycopg.Connection, sheet: Sheet, status: int = 200) -> Response[bytes]:
    edge, visitor = edge_of(request), request.state.visitor
    to = book.receivers(conn, sheet.account)
    listed = {} if to is None or len(to.staff) > MOST_LISTED else to.staff
    chosen = (
        {one: to.left.get(one, one) for one in sheet.values.get("users", ()) if one not in listed} if listed else {}
    )
    return Page.of(request, conn, TEXT).show(
        "codes/edit.html",
        status=status,
        sheet=sheet,
        item=sheet.item,
        values={
            "name": "",
            "users": (),
            "chats": (),
            "tags": (),
            "remark": "",
            "room_name": "",
            "days": 0,
            "store": "",
            **sheet.values,
        },
        receives=to is not None,
        staff=listed | chosen,
        typed=to is not None and not listed,
        groups={}
        if to is None
        else to.groups | {one: to.groups.get(one, one) for one in sheet.values.get("chats", ())},
        stores=book.stores(edge, conn, visitor),
        bound=visitor.role.scope != "all",
        accounts=book.accounts(edge, conn),
    )
