"""code: live codes, the pictures that lead to staff or into groups and say afterwards where somebody came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import psycopg
import typer

from yutang import channels
from yutang.app import App, opened
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.cli import say
from yutang.cli.channel import Json, Name, account_of
from yutang.model import YutangError

group = typer.Typer(help="活码。 Live codes.", no_args_is_help=True)
Kind = Annotated[
    str,
    typer.Argument(metavar="KIND", help=f"渠道：{'、'.join(channels.CODES)}。 Channel: {', '.join(channels.CODES)}."),
]
Code = Annotated[str, typer.Argument(metavar="CODE", help="活码名称，旅程里这样称呼它。 What journeys call it.")]
Staff = Annotated[str | None, typer.Option(help="接待员工账号，逗号分隔。 Who receives, separated by commas.")]
Chat = Annotated[
    list[str] | None,
    typer.Option(help="通往的客户群编号，可多次，代替 --staff。 A group it leads into, instead of staff; repeatable."),
]
Room = Annotated[
    str | None,
    typer.Option(
        help="群满后自动新建的群名；不写则不新建。 Name of the groups opened when all are full; none by default."
    ),
]
Store = Annotated[str | None, typer.Option(help="门店。 Store.")]
Tag = Annotated[
    list[str] | None, typer.Option(help="自动标签 组/名，可多次。 A tag GROUP/NAME for who comes; repeatable.")
]
Remark = Annotated[
    str | None, typer.Option(help="自动备注，{name} 是昵称。 The remark staff see; {name} is the nickname.")
]
Days = Annotated[
    int | None,
    typer.Option(help="公众号二维码有效天数，不写则永久。 How many days the picture works; for ever by default."),
]
TRIES = 5
"""How often to look at once whether the platform has made what was written down."""


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="code")


@group.command()
def add(
    kind: Kind, code: Code, staff: Staff = None, chat: Chat = None, room: Room = None, store: Store = None,
    tag: Tag = None, remark: Remark = None, days: Days = None, name: Name = account.MAIN,
) -> None:  # fmt: skip
    """新建活码并给出二维码地址。 Make a live code, and show the address of its picture."""
    with _book(kind, name) as (app, conn, book, kept):
        made = book.Code(
            code, _users(staff), store, tuple(tag or ()), remark or "", chats=tuple(chat or ()), room_name=room or "",
            **_lasting(book, days),
        )  # fmt: skip
        book.add(conn, app.clock(), kept, made)
        _show(_made(app, conn, book, kept, code))


@group.command()
def update(
    kind: Kind, code: Code, staff: Staff = None, chat: Chat = None, room: Room = None, store: Store = None,
    tag: Tag = None, remark: Remark = None, name: Name = account.MAIN,
) -> None:  # fmt: skip
    """更改活码；只写要改的项，图案不变。 Change a code; give what changes, the picture stays."""
    with _book(kind, name) as (app, conn, book, kept):
        old = book.one(conn, kept, code)
        users = old.users if staff is None else _users(staff)
        tags = old.tags if tag is None else tuple(tag)
        changed = book.Code(
            code, users, store or old.store, tags, old.remark if remark is None else remark,
            chats=tuple(chat or old.chats), room_name=old.room_name if room is None else room,
        )  # fmt: skip
        book.update(conn, app.clock(), kept, changed)
        _show(_made(app, conn, book, kept, code))


@group.command()
def retire(kind: Kind, code: Code, name: Name = account.MAIN) -> None:
    """停用活码，历史保留。 Take a code out of service; its history stays."""
    with _book(kind, name) as (app, conn, book, kept):
        book.retire(conn, app.clock(), kept, code)
    say.out.print(f"已停用 retired: {code}", markup=False)


@group.command("list")
def list_(kind: Kind, name: Name = account.MAIN, json: Json = False) -> None:
    """全部活码。 All codes."""
    with _book(kind, name) as (_, conn, book, kept):
        found = book.listing(conn, kept)
    if json:
        for one in found:
            say.as_json(one)
        return
    rows = [
        [c.name, ", ".join(c.users), ", ".join(c.chats), c.store, " ".join(c.tags), c.qr_code, _state(c)] for c in found
    ]
    heads = ["名称 code", "员工 staff", "群 groups", "门店 store", "标签 tags", "二维码 picture", "状态 state"]
    say.table(heads, rows)


@contextmanager
def _book(kind: str, name: str) -> Iterator[tuple[App, psycopg.Connection, Any, Account]]:
    """The codes of an account: the installation, a connection, the module, the account."""
    with opened() as app, app.connect() as conn:
        yield app, conn, *account_of(app, conn, channels.CODES, kind, name)


def _users(staff: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in (staff or "").split(",") if one.strip())


def _lasting(book: Any, days: int | None) -> dict[str, int]:
    """What is said of how long a code works, where codes can end."""
    if days is None:
        return {}
    if not hasattr(book.Code, "days"):
        raise YutangError("--days：此渠道的活码没有期限。 --days: codes of this channel do not end")
    return {"days": days}


def _made(app: App, conn: psycopg.Connection, book: Any, kept: Account, code: str) -> Any:
    """The code after the platform was asked for it; a platform that does not answer is asked again by the worker."""
    channel = app.channels(conn)[kept.channel]
    for _ in range(TRIES):
        done, found = channel.tend(conn, app.clock()), book.one(conn, kept, code)
        if found.qr_code or found.problem or not done:
            break
    return found


def _show(code: Any) -> None:
    say.out.print(f"{code.name}: {code.qr_code or _state(code)}", markup=False)


def _state(code: Any) -> str:
    if code.retired_at is not None:
        return "已停用 retired"
    return code.problem or (
        "在用 in use" if code.qr_code else "等待平台生成 the platform has not made it yet; see yutang doctor"
    )
