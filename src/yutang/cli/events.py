"""events, rejects, source: what came in, what was refused, from where it may come."""

from __future__ import annotations

from typing import Annotated

import typer

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.cli.queries import sql
from yutang.model import Reason

source = typer.Typer(help="事件来源。 Sources of events.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="来源名称。 Name of the source.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="条数。 How many.")]
Json = Annotated[bool, typer.Option("--json", help="每行一个 JSON。 One JSON object a line.")]


def register(app: typer.Typer) -> None:
    app.command()(events)
    app.command()(rejects)
    app.add_typer(source, name="source")


def events(
    source: Annotated[str | None, typer.Option(help="来源。 Source.")] = None,
    type: Annotated[str | None, typer.Option(help="类型。 Type.")] = None,
    limit: Limit = 20,
    json: Json = False,
) -> None:
    """最近收到的事件。 The latest events."""
    with opened() as app, app.connect() as conn:
        rows = sql.events(conn, source=source, type=type, limit=limit).fetchall()
        zone = definitions.pond(conn)["time_zone"]
    if json:
        for row in rows:
            say.as_json(row._asdict())
        return
    shown = [
        [row.event_id, say.when(row.at, zone), row.source, row.type, _short(row.handles), _short(row.props)]
        for row in rows
    ]
    say.table(["编号 id", "时间 at", "来源 source", "类型 type", "标识 handles", "内容 props"], shown)


def rejects(limit: Limit = 20, json: Json = False) -> None:
    """被拒绝的事件与原因。 What was refused, and why."""
    with opened() as app, app.connect() as conn:
        rows = sql.rejects(conn, limit=limit).fetchall()
        zone = definitions.pond(conn)["time_zone"]
    if json:
        for row in rows:
            say.as_json(row._asdict())
        return
    shown = [
        [row.reject_id, say.when(row.at, zone), row.source, row.reason, Reason(row.reason).zh, row.detail]
        for row in rows
    ]
    say.table(["编号 id", "时间 at", "来源 source", "原因 reason", "说明", "细节 detail"], shown)


@source.command()
def add(name: Name, title: Annotated[str | None, typer.Option(help="显示名称。 Title.")] = None) -> None:
    """登记一个来源。 Register a source."""
    from yutang.ingest import add_source
    from yutang.ingest.record import OURS, SOURCE_NAME
    from yutang.model import YutangError

    if not SOURCE_NAME.fullmatch(name) or name == OURS:
        raise YutangError(
            f"来源名“{name}”：用 1–64 个小写字母、数字和 _ . : -，以字母或数字开头，且不是 {OURS}。 "
            f"source name '{name}': write 1 to 64 lower-case letters, digits, _ . : or -, beginning with a letter or digit, and not {OURS}"
        )
    with opened() as app, app.connect() as conn:
        add_source(conn, app.clock(), name, title or name)
    say.out.print(f"已登记来源 registered: {name}", markup=False)


@source.command()
def close(name: Name) -> None:
    """停用一个来源，不再收它的事件；已收的保留，`source add` 可重新启用。 Take nothing in from a source any more; `source add` opens it again."""
    from yutang.ingest import close_sources, sources
    from yutang.model import YutangError

    with opened() as app, app.connect() as conn:
        if name not in (known := [row.name for row in sources(conn)]):
            raise YutangError(
                f"没有来源 '{name}'；已登记：{', '.join(known)}。 there is no source '{name}'; registered: {', '.join(known)}"
            )
        closed = close_sources(conn, app.clock(), [name])
    say.out.print(
        f"已停用来源 closed: {name}" if closed else f"没有变化，它已停用或不能停用 nothing changed: {name}",
        markup=False,
    )


@source.command("list")
def list_() -> None:
    """已登记的来源。 Registered sources."""
    from yutang.ingest import sources

    with opened() as app, app.connect() as conn:
        rows = sources(conn)
    shown = [[row.name, row.title, say.standing(row.closed_at)] for row in rows]
    say.table(["来源 source", "名称 title", "状态 state"], shown)


def _short(value: dict[str, object]) -> str:
    text = " ".join(f"{name}={item}" for name, item in value.items())
    return text if len(text) <= 80 else text[:79] + "…"
