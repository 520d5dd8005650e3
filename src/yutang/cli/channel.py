"""channel: the accounts with platforms through which people are reached."""

from __future__ import annotations

import inspect
import sys
import time
from typing import Annotated, Any

import psycopg
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from yutang import channels, definitions, deliver
from yutang.app import App, opened
from yutang.channels import ACCOUNT_FIELDS
from yutang.channels.platform import account, callback
from yutang.cli import say
from yutang.ingest import add_source
from yutang.model import YutangError

WAIT_SECONDS = 1.0
"""How long to wait when the platform has to be waited for."""

group = typer.Typer(help="渠道账号。 Accounts with platforms.", no_args_is_help=True)
Kind = Annotated[
    str, typer.Argument(metavar="KIND", help=f"类型：{'、'.join(ACCOUNT_FIELDS)}。 Kind: {', '.join(ACCOUNT_FIELDS)}.")
]
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
        now = app.clock()
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


@group.command()
def sync(kind: Kind, name: Name = account.MAIN) -> None:
    """全量同步员工、客户、标签、群、活码；断了再来会接着走。 Walk through staff, contacts, tags, groups and codes; goes on where it was cut off."""
    with opened() as app, app.connect() as conn:
        walks, kept = account_of(app, conn, channels.SYNCS, kind, name)
        walks.begin(conn, app.clock(), kept, "full")
        channel = app.channels(conn)[kept.channel]
        with _bar() as bar:
            task = bar.add_task("", total=None)
            while (seen := walks.progress(conn, kept)).ended_at is None:
                bar.update(task, description=seen.phase, completed=seen.done, total=seen.total or None)
                if not channel.tend(conn, app.clock()):
                    time.sleep(WAIT_SECONDS)
                    bar.update(task, description=seen.error or seen.phase)
    say.out.print(f"已同步 walked through: {seen.done:,}", markup=False)


@group.command()
def inherit(
    kind: Kind,
    handover: Annotated[str, typer.Option("--from", help="交出的员工账号。 Who hands over.")],
    takeover: Annotated[str, typer.Option("--to", help="接手的员工账号。 Who takes over.")],
    resigned: Annotated[bool, typer.Option("--resigned", help="已离职。 Has left.")] = False,
    name: Name = account.MAIN,
    yes: Yes = False,
) -> None:
    """把一名员工的群、客户、活码交给另一名。 Hand the groups, customers and codes of one member of staff to another."""
    with opened() as app, app.connect() as conn:
        plans, kept = account_of(app, conn, channels.INHERITANCE, kind, name)
        if not yes:
            typer.confirm(f"{handover} → {takeover}？ Hand everything over?", abort=True)
        planned = plans.begin(conn, app.clock(), kept, handover, takeover, resigned=resigned)
        app.channels(conn)[kept.channel].tend(conn, app.clock())
        rows = [[r.kind, r.id, r.takeover, r.state, r.errcode] for r in plans.listing(conn, kept, handover)]
    say.out.print(f"计划移交 planned: {planned:,}", markup=False)
    say.table(["类别 kind", "编号 id", "接手 takeover", "状态 state", "错误码 errcode"], rows)


@group.command()
def mirror(
    kind: Kind,
    tags: Annotated[list[str] | None, typer.Argument(metavar="[组/名 GROUP/NAME]…", help="标签。 Tags.")] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="不再管理，可多次。 No longer managed here; repeatable.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="只看清单。 Only show them.")] = False,
    name: Name = account.MAIN,
) -> None:  # fmt: skip
    """由本系统管理的标签：按这里的结果打在平台上，员工改动会被改回；其余标签以员工为准。 Tags that are given and taken here and shown at the platform; all others are the staff's."""
    if not (tags or stop or list_):
        raise YutangError("请写标签，或用 --list 查看。 name tags, or look with --list")
    with opened() as app, app.connect() as conn:
        book, kept = account_of(app, conn, channels.TAGS, kind, name)
        if tags or stop:
            _manage(app, conn, book, kept, tags or [], stop or [])
        rows = [[row.tag, STATES[row.state]] for row in book.managed(conn, kept)]
    say.table(["标签 tag", "状态 state"], rows)


STATES = {
    "managed": "管理中 managed",
    "making": "正在平台新建 being made there",
    "deleted": "已在平台删除，需要就再写一次 deleted there; name it again to make it",
}


def _manage(
    app: App, conn: psycopg.Connection, book: Any, kept: account.Account, more: list[str], stop: list[str]
) -> None:
    """Change which tags are managed, and tell the channel of all who carry the new ones."""
    known, channel = {row.tag: row.state for row in book.managed(conn, kept)}, app.channels(conn)[kept.channel]
    if strange := sorted(set(stop) - set(known)):
        raise YutangError(
            f"没有管理这些标签：{'、'.join(strange)}，见 --list。 these tags are not managed: {', '.join(strange)}; see --list"
        )
    going_on = {tag for tag, state in known.items() if state != "deleted"} - set(stop)
    book.manage(conn, app.clock(), kept, sorted(going_on | set(more)))
    told = deliver.mirror_again(conn, app.clock(), channel, more)
    channel.tend(conn, app.clock())
    say.out.print(f"已核对 compared: {told:,}", markup=False)


@group.command()
def tasks(kind: Kind, name: Name = account.MAIN, json: Json = False) -> None:
    """员工群发任务：派了谁，发了多少。 Tasks of staff: whom they were given to, and how much of each was sent."""
    with opened() as app, app.connect() as conn:
        book, kept = account_of(app, conn, channels.TASKS, kind, name)
        found, zone = book.tasks(conn, kept), definitions.pond(conn)["time_zone"]
    if json:
        for row in found:
            say.as_json(row._asdict())
        return
    rows = [
        [
            say.when(r.created_at, zone),
            r.kind,
            r.sender,
            r.state,
            r.total,
            r.sent,
            r.asked,
            r.not_sent,
            r.blocked,
            r.msgid,
        ]
        for r in found
    ]
    heads = [
        "时间 at",
        "类别 kind",
        "员工 staff",
        "状态 state",
        "共 total",
        "已发 sent",
        "待发 open",
        "未发 not sent",
        "被删 blocked",
    ]
    say.table([*heads, "编号 msgid"], rows)


@group.command()
def cancel(
    kind: Kind,
    msgid: Annotated[str, typer.Argument(metavar="MSGID", help="群发任务编号。 The task's msgid.")],
    name: Name = account.MAIN,
) -> None:
    """撤回员工还没发出的部分。 Call off what staff have not sent yet."""
    with opened() as app, app.connect() as conn:
        book, kept = account_of(app, conn, channels.TASKS, kind, name)
        book.cancel(conn, app.vault, kept, app.clock, msgid)
    say.out.print(f"已撤回 called off: {msgid}", markup=False)


def account_of(
    app: App, conn: psycopg.Connection, able: dict[str, Any], kind: str, name: str
) -> tuple[Any, account.Account]:
    """The module of `able` for this kind, and the account. Raises YutangError."""
    if kind not in able:
        known = ", ".join(able)
        raise YutangError(f"{kind} 没有这项功能，可用于：{known}。 {kind} cannot do this; {known} can")
    found = account.one(conn, app.vault, kind, name)
    if found is None:
        raise YutangError(
            f"没有账号 {kind}:{name}，先 yutang channel add。 there is no account {kind}:{name}; add it with `yutang channel add`"
        )
    return able[kind], found


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=say.err, transient=True
    )  # fmt: skip


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
