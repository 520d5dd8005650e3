"""lake: the history as Parquet files, brought up to date, shown, and asked in SQL."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.model import Counts, YutangError

if TYPE_CHECKING:
    from yutang.lake import Lake

group = typer.Typer(help="数据湖：历史存为 Parquet。 The lake: the history as Parquet files.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]
NAMES = {
    "events": "事件 events",
    "orders": "订单 orders",
    "touches": "触达 touches",
    "memberships": "人群进出 memberships",
    "persons": "顾客 persons",
}


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="lake")


@group.command()
def archive(
    every: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="HOURS", help="每隔几小时一次，直到 Ctrl-C。 Again and again, until Ctrl-C."),
    ] = None,
    json: Json = False,
) -> None:
    """把新的历史写进数据湖。 Bring the lake up to date."""
    from yutang import lake

    while True:
        with opened() as app, app.connect() as conn:
            done = lake.keep(conn, app.clock(), _progress)
        say.as_json(dict(done)) if json else _said(done)
        if every is None:
            return
        threading.Event().wait(every * 3600)


def _progress(done: Counts) -> None:
    if say.err.is_terminal:
        say.err.print(f"已归档 archived {done['events']:,} 事件 events …", end="\r")


def _said(done: Counts) -> None:
    parts = [f"{title} {done[name]:,}" for name, title in NAMES.items() if done[name]]
    say.out.print("；".join(parts) or "没有新的历史。 Nothing new.")
    for noun, words in (
        ("erased", "已抹去的顾客 persons erased"),
        ("sent", "送到集群的行 rows sent to the cluster"),
        ("dropped", "从 PostgreSQL 移出的旧事件 old events that left PostgreSQL"),
    ):
        if done[noun]:
            say.out.print(f"{words}：{done[noun]:,}")


@group.command()
def erase(
    persons: Annotated[list[str], typer.Argument(metavar="PERSON", help="编号或标识。 Numbers or handles.")],
    yes: Annotated[bool, typer.Option("--yes", help="不再询问。 Without asking.")] = False,
) -> None:
    """从数据湖抹去顾客，不能撤回；下一次归档时改写有他们的文件。 Erase persons from the lake, for good, at the next archive run.

    PostgreSQL 里的记录不变。 What PostgreSQL has of them stays.
    """
    from yutang import lake
    from yutang.identity import canonical
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        found = [canonical(conn, find(conn, app.vault, person)) for person in persons]
        if not yes:
            typer.confirm(f"抹去顾客 {', '.join(map(str, found))}，不能撤回。 Erase them for good?", abort=True)
        count = lake.erase(conn, app.clock(), found)
    say.out.print(
        f"已登记 {count:,} 位，`yutang lake archive` 时抹去。 {count:,} noted; `yutang lake archive` erases them."
    )


@group.command()
def status(json: Json = False) -> None:
    """数据湖里有什么，最近一次是何时。 What is in the lake, and when it was last brought up to date."""
    from yutang import lake

    with opened() as app, app.connect() as conn:
        found = lake.status(conn, lake.placed())
        zone = definitions.pond(conn)["time_zone"]
    if json:
        say.as_json(found)
        return
    say.out.print(f"位置 place：{found.place}")
    say.out.print(f"最近归档 last run：{say.when(found.at, zone)}；待归档事件 events waiting：{found.waiting:,}")
    if found.feed_error:
        again = say.when(found.feed_at, zone)
        say.out.print(f"集群未同步 cluster not fed：{found.feed_error}；再试 tried again：{again}", markup=False)
    say.table(
        ["表 table", "月份 months", "从 from", "到 to", "文件 files", "行 rows", "字节 bytes"],
        [[NAMES[t.name], t.months, t.first, t.last, t.files, t.rows, t.bytes] for t in found.tables],
    )


@group.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="不写则逐条输入。 Prompts when left out.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="每行一个 JSON。 One JSON object a line.")] = False,
) -> None:
    """用 SQL 查数据湖（DuckDB，只读）。 Ask the lake in DuckDB's SQL; it cannot be changed.

    表：events、orders、touches、memberships、persons。 Tables: events, orders, touches, memberships, persons.
    """
    from yutang import lake

    with lake.opened() as there:
        if query is not None:
            _answer(there, query, json)
            return
        _converse(there, json)


def _converse(there: Lake, json: bool) -> None:
    """Statement after statement, each ended by a semicolon or an empty line; a wrong one does not end the talk."""
    say.err.print(
        "数据湖 the lake：events、orders、touches、memberships、persons。以 ; 结尾，Ctrl-D 退出。 End with ; and leave with Ctrl-D."
    )
    text = ""
    while (line := _line("lake> " if not text else "  ... ")) is not None:
        text += line
        if text.strip().endswith(";") or (text.strip() and not line.strip()):
            try:
                _answer(there, text, json)
            except YutangError as problem:
                say.error(str(problem))
            text = ""
    if text.strip():
        _answer(there, text, json)


def _line(prompt: str) -> str | None:
    if sys.stdin.isatty():
        try:
            return input(prompt) + "\n"
        except EOFError:
            return None
    return sys.stdin.readline() or None


def _answer(there: Lake, query: str, json: bool) -> None:
    rows = there.ask(query)
    if json:
        for row in rows.rows:
            say.as_json(dict(zip(rows.names, row, strict=True)))
        return
    say.table(list(rows.names), [list(row) for row in rows.rows])
    say.err.print(f"{len(rows.rows):,} 行 rows")
