"""user: who may open the console."""

from __future__ import annotations

import sys
from typing import Annotated

import psycopg
import typer

from yutang import definitions, users
from yutang.app import opened
from yutang.cli import say
from yutang.model import YutangError
from yutang.users import ROLES, User

group = typer.Typer(help="控制台的用户。 The console's users.", invoke_without_command=True)
BY = "server"
"""Who did it, in the audit log: whoever may run commands here."""
TRIES = 3

Name = Annotated[str, typer.Argument(metavar="NAME", help="登录名。 Name to sign in with.")]
ROLES_HELP = f"角色：{'、'.join(f'{r.name} {r.zh}' for r in ROLES.values())}。 Role: {', '.join(ROLES)}."
Role = Annotated[str, typer.Option("--role", help=ROLES_HELP)]
Stores = Annotated[list[str] | None, typer.Option("--store", help="负责的门店，可多次。 A store of his; repeatable.")]
Staff = Annotated[
    str | None, typer.Option("--staff", help="导购的员工账号，只看他的顾客。 His id as staff: whose customers he sees.")
]
Identity = Annotated[
    str | None,
    typer.Option(
        "--identity", metavar="KIND:ACCOUNT:USERID", help="用企业账号登录，如 wecom:main:li。 Signs in with it."
    ),
]
Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="密码从标准输入读一行。 Read the password from standard input.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="user")


@group.callback()
def users_(context: typer.Context) -> None:
    """控制台的用户；不写子命令时列出。 The console's users; alone, it lists them."""
    if context.invoked_subcommand is None:
        list_()


@group.command()
def add(
    name: Name,
    role: Role,
    title: Annotated[str, typer.Option("--title", help="显示名。 Name that others see.")] = "",
    stores: Stores = None,
    staff: Staff = None,
    identity: Identity = None,
    stdin: Stdin = False,
) -> None:
    """新用户；没有 --identity 时要设密码。 A new user; without --identity a password is asked for."""
    parts = identity_of(identity)
    password = None if parts and not stdin else _password(stdin)
    with opened() as app, app.connect() as conn, conn.transaction():
        users.check_first(conn, role)
        made = users.add(
            conn, app.clock(), name, title, role, password, identity=parts, stores=stores or (), staff=staff
        )  # fmt: skip
        users.note(conn, app.clock(), BY, "user_add", f"user/{made.name}", {"role": role})
    say.out.print(f"已添加 added: {made.name} （{made.part.zh} {made.part.en}）", markup=False)


@group.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="每行一个 JSON。 One JSON object a line.")] = False,
) -> None:
    """所有用户，停用的在最后。 All users, the closed ones last."""
    with opened() as app, app.connect() as conn:
        found, zone = users.every(conn), definitions.pond(conn)["time_zone"]
    if json:
        for one in found:
            say.as_json(_plain(one))
        return
    heads = ["登录名 name", "显示名 title", "角色 role", "范围 scope", "登录方式 by", "最近 seen", "状态 state"]
    say.table(
        heads,
        [
            [
                u.name,
                u.title,
                f"{u.part.zh} {u.role}",
                _scope(u),
                _ways(u),
                say.when(u.seen_at, zone),
                say.standing(u.closed_at),
            ]
            for u in found
        ],
    )


@group.command("role")
def role_(name: Name, role: Annotated[str, typer.Argument(metavar="ROLE", help=ROLES_HELP)]) -> None:
    """改角色，下一次请求即生效。 Another role; it holds from the next request."""
    with opened() as app, app.connect() as conn, conn.transaction():
        made = users.change(conn, users.by_name(conn, name), role=role)
        users.note(conn, app.clock(), BY, "user_change", f"user/{made.name}", {"role": role})
    say.out.print(f"{made.name}: {made.part.zh} {made.part.en}", markup=False)


@group.command("password")
def password_(name: Name, stdin: Stdin = False) -> None:
    """重设密码，已登录的全部退出。 Another password; it signs the user out everywhere."""
    with opened() as app, app.connect() as conn:
        known = users.by_name(conn, name).name
        given = _password(stdin)
        with conn.transaction():
            users.set_password(conn, known, given)
            users.note(conn, app.clock(), BY, "user_password", f"user/{known}")
    say.out.print(f"已重设密码 password set: {known}", markup=False)


@group.command("close")
def close_(name: Name) -> None:
    """停用：立刻退出，不能再登录。 Close: signed out at once, and kept out."""
    with opened() as app, app.connect() as conn, conn.transaction():
        users.close(conn, app.clock(), name)
        _note(conn, app.clock(), "user_close", name)
    say.out.print(f"已停用 closed: {name}", markup=False)


@group.command("open")
def open_(name: Name) -> None:
    """重新启用。 Let a closed user in again."""
    with opened() as app, app.connect() as conn, conn.transaction():
        users.reopen(conn, name)
        _note(conn, app.clock(), "user_open", name)
    say.out.print(f"已启用 open: {name}", markup=False)


def identity_of(text: str | None) -> tuple[str, str, str] | None:
    """``wecom:main:li``. Raises YutangError."""
    if text is None:
        return None
    kind, _, rest = text.partition(":")
    app, _, userid = rest.partition(":")
    if not (kind and app and userid):
        raise YutangError(
            f"--identity '{text}'：写成 类型:账号:成员，如 wecom:main:li。 write KIND:ACCOUNT:USERID, such as wecom:main:li"
        )
    return kind, app, userid


def _password(stdin: bool) -> str:
    """Typed twice and unseen, or a line of standard input."""
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise YutangError(
            "没有终端可输入密码，用 --password-stdin。 there is no terminal to type on; use --password-stdin"
        )
    for _ in range(TRIES):
        first = typer.prompt("密码 password", hide_input=True)
        if first == typer.prompt("再输一次 again", hide_input=True):
            return first
        say.err.print("两次不一样。 They differ.", markup=False)
    raise YutangError("两次输入的密码不一样。 the two passwords differ")


def _note(conn: psycopg.Connection, now: object, act: str, name: str) -> None:
    users.note(conn, now, BY, act, f"user/{users.by_name(conn, name).name}")  # type: ignore[arg-type]


def _plain(one: User) -> dict[str, object]:
    return {
        "name": one.name, "title": one.title, "role": one.role, "stores": list(one.stores), "staff": one.staff,
        "identity": _identity(one) or None, "password": one.has_password, "seen_at": one.seen_at, "closed_at": one.closed_at,
    }  # fmt: skip


def _identity(one: User) -> str:
    return f"{one.kind}:{one.app}:{one.userid}" if one.userid else ""


def _scope(one: User) -> str:
    """Whose persons he sees."""
    return {"all": "全部 all", "stores": "、".join(one.stores) or "—", "own": one.staff or "—"}[one.part.scope]


def _ways(one: User) -> str:
    return " · ".join(filter(None, ["密码 password" if one.has_password else "", _identity(one)])) or "—"
