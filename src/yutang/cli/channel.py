"""channel: the accounts with platforms through which people are reached."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any

import typer

from yutang import clock
from yutang.app import opened
from yutang.channels import ACCOUNT_FIELDS
from yutang.channels.platform import account, callback
from yutang.cli import say
from yutang.ingest import add_source
from yutang.model import YutangError

group = typer.Typer(help="渠道账号。 Accounts with platforms.", no_args_is_help=True)
Kind = Annotated[str, typer.Argument(metavar="KIND", help=f"类型 kind: {', '.join(ACCOUNT_FIELDS)}")]
Name = Annotated[str, typer.Option("--name", help="账号名称。 Name of the account.")]
Yes = Annotated[bool, typer.Option("--yes", help="不再询问。 Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="每行一个 JSON。 One JSON object a line.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="channel")


def add(kind: str, name: str, **options: str | None) -> None:
    """添加或更改账号；再次添加只需写要改的项。 Add an account or change it; to change one, give what changes.

    值写 - 则另行输入，不显示。 Write - as a value to be asked for it, unseen.
    """
    given = {field: _asked(field, value) for field, value in options.items() if value is not None}
    with opened() as app, app.connect() as conn:
        now = clock.system_now()
        with conn.transaction():
            kept = account.add(conn, app.vault, now, kind, name, given)
            add_source(conn, now, kept.source, kept.source)
        path = callback.address(app.vault, kept)
    say.out.print(f"已保存 kept: {kept.source}", markup=False)
    say.out.print(f"回调地址 callback URL: https://<域名 your domain>{path}", markup=False)
    say.out.print(
        f"下一步 next: yutang up，再到平台后台保存该地址，然后 then: yutang events --source {kept.source}", markup=False
    )


@group.command("list")
def list_(json: Json = False) -> None:
    """已添加的账号，不含密钥。 The accounts, without their secrets."""
    with opened() as app, app.connect() as conn:
        shown = [
            {"kind": a.kind, "name": a.name, **_open(a), "callback": callback.address(app.vault, a)}
            for a in account.every(conn, app.vault)
        ]
    if json:
        for row in shown:
            say.as_json(row)
        return
    rows = [
        [row["kind"], row["name"], " ".join(f"{n}={v}" for n, v in row["settings"].items()), row["callback"]]
        for row in shown
    ]
    say.table(["类型 kind", "名称 name", "设置 settings", "回调地址 callback"], rows)


@group.command()
def remove(kind: Kind, name: Name = account.MAIN, yes: Yes = False) -> None:
    """删除账号与密钥，事件保留。 Remove an account and its secrets; its events stay."""
    account.fields_of(kind)
    if not yes:
        typer.confirm(f"删除 {kind}:{name}？ Remove {kind}:{name}?", abort=True)
    with opened() as app, app.connect() as conn:
        removed = account.remove(conn, kind, name)
    if not removed:
        raise YutangError(
            f"没有账号 {kind}:{name}，见 yutang channel list。 there is no account {kind}:{name}; see `yutang channel list`"
        )
    say.out.print(f"已删除 removed: {kind}:{name}", markup=False)


def _open(shown: account.Account) -> dict[str, Any]:
    """What may be seen of an account."""
    return {"settings": dict(shown.settings), "previous_until": shown.previous_until}


def _asked(field: str, value: str) -> str:
    if value != "-":
        return value
    if sys.stdin.isatty():
        return typer.prompt(field, hide_input=True)
    return sys.stdin.readline().rstrip("\r\n")


def _all_options() -> dict[str, Any]:
    """One option for each field of any kind, with the help of every kind that has it."""
    helps: dict[str, dict[str, list[str]]] = {}
    for kind, fields in ACCOUNT_FIELDS.items():
        for field in fields:
            helps.setdefault(field.name, {}).setdefault(f"{field.help_zh}。 {field.help_en}", []).append(kind)
    return {
        name: Annotated[
            str | None,
            typer.Option(
                "--" + name.replace("_", "-"),
                help="; ".join(f"[{', '.join(kinds)}] {text}" for text, kinds in said.items()),
                show_default=False,
            ),
        ]
        for name, said in helps.items()
    }


def _with_options(command: Any) -> Any:
    """The command with the fields of all kinds as its options."""
    given = {"kind": Kind, "name": Name, **_all_options()}
    defaults = {"kind": inspect.Parameter.empty, "name": account.MAIN}
    command.__annotations__ = given
    command.__signature__ = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=said)
            for name, said in given.items()
        ]
    )
    return command


group.command("add")(_with_options(add))
