"""key, keys: what an API client must show, and which of them hold; signing-key: by what others know that we wrote."""

from __future__ import annotations

from typing import Annotated

import typer

from yutang import definitions, users
from yutang.app import opened
from yutang.channels.platform import outward
from yutang.cli import say
from yutang.model import YutangError
from yutang.vault import Key, open_vault

BY = "server"
"""Who did it, in the audit log: whoever may run commands here."""


def register(app: typer.Typer) -> None:
    app.command()(key)
    app.command()(keys)
    app.command("signing-key")(signing_key)


def key(
    name: Annotated[
        str | None, typer.Argument(help="给谁：这把钥匙记着名字。 Whose: this key says the name.", metavar="[NAME]")
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="再给一把；原来的仍然有效。 One more; those before still hold.")
    ] = False,
    revoke: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="作废这个名字的第 N 把。 Revoke the Nth of this name.")
    ] = None,
) -> None:
    """接口钥匙（也是网页密码）；每人一把，才知道是谁批准的。 The API key, which is the pages' password too; one for each person tells who approved what."""
    if name is None and not new and revoke is None:
        typer.echo(open_vault().api_key)
        return
    if name is None:
        raise YutangError("请写名字：`yutang key NAME --new`。 write whose key it is: `yutang key NAME --new`")
    if new and revoke is not None:
        raise YutangError(
            "--new 与 --revoke 不能同时用，请分两次。 --new and --revoke do not go together; write two commands"
        )
    if revoke is None:
        _give(name, new)
    else:
        _revoke(Key(name, revoke))


def _give(name: str, new: bool) -> None:
    with opened() as app, app.connect() as conn, conn.transaction():
        given = users.give(conn, app.clock(), name, new=new)
        if new:
            users.note(conn, app.clock(), BY, "key_new", f"key/{given}")
    typer.echo(app.vault.key_of(*given))


def _revoke(which: Key) -> None:
    with opened() as app, app.connect() as conn, conn.transaction():
        users.revoke(conn, app.clock(), which)
        users.note(conn, app.clock(), BY, "key_revoke", f"key/{which}")
    say.out.print(f"已作废 revoked: {which}", markup=False)


def keys() -> None:
    """哪些钥匙有效，最近何时用过。 Which keys hold, and when each was last used."""
    with opened() as app, app.connect() as conn:
        found, zone = users.every_key(conn), definitions.pond(conn)["time_zone"]
    rows = [
        [
            one.name, one.number, say.when(one.since, zone), say.when(one.used_at, zone),
            say.when(one.revoked_at, zone) if one.revoked_at else "有效 holds",
        ]
        for one in found
    ]  # fmt: skip
    say.table(["名字 name", "第几把 number", "登记 since", "最近使用 last used", "作废 revoked"], rows)


def signing_key() -> None:
    """接收方用来验证我们签名的密钥（接口渠道与旅程的调用）。 The key by which receivers check our signatures: of the webhook channel and of calls from journeys."""
    typer.echo(outward.signing_key(open_vault()).hex())
