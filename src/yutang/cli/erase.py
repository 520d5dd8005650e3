"""erase, export: a person taken out of everything, and what is kept of a person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.model import YutangError

if TYPE_CHECKING:
    from yutang.erasure import Receipt

Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]
LAKE = {
    "none": "数据湖从未归档过 the lake has never archived anything",
    "waiting": "数据湖在下一次归档时重写有此人的文件 the lake rewrites the files at its next run (`yutang lake archive`)",
    "done": "数据湖的文件已重写 the files of the lake were rewritten",
}
FATES = {"deleted": "已删除 deleted", "emptied": "已清空 emptied"}


def register(app: typer.Typer) -> None:
    app.command()(erase)
    app.command()(export)


def erase(
    persons: Annotated[
        list[str] | None, typer.Argument(metavar="PERSON", help="编号或标识。 Numbers or handles.", show_default=False)
    ] = None,
    reason: Annotated[
        str, typer.Option(help="理由，会保留，请勿写个人信息。 Why; it is kept, so write nothing personal.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="不再询问。 Without asking.")] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="已抹去的，新的在前。 Who was erased, the newest first.")
    ] = False,
    json: Json = False,
) -> None:
    """抹去顾客的全部资料，不能撤回，并给出凭据。 Erase persons from everything, for good, with a receipt."""
    from yutang import erasure, identity
    from yutang.why import find

    if not list_ and not persons:
        raise YutangError("请写出顾客，或 --list。 Name persons, or --list")
    with opened() as app, app.connect() as conn:
        erasure.settle(conn, app.clock())
        zone = definitions.pond(conn)["time_zone"]
        if list_:
            _list(erasure.listed(conn), zone, json)
            return
        found = sorted({identity.canonical(conn, find(conn, app.vault, person)) for person in persons or []})
        if not yes:
            typer.confirm(
                f"抹去顾客 {', '.join(map(str, found))} 的全部资料，不能撤回。 Erase them for good?", abort=True
            )
        for person in found:
            made = erasure.erase(conn, app.vault, app.clock(), person, "cli", reason)
            say.as_json(made) if json else _show(made, zone)


def _show(made: Receipt, zone: str) -> None:
    say.out.print(f"顾客 {made.person_id} 已抹去 erased：{say.when(made.at, zone)}；凭据 receipt {made.erasure_id}")
    say.table(["表 table", "行 rows", ""], [[row.table, row.rows, FATES[row.fate]] for row in made.rows])
    for row in made.rows:
        if row.fate == "emptied":
            say.out.print(f"{row.table} 保留 keeps：{row.zh}。 {row.en}.")
    say.out.print(f"{LAKE[made.lake]}。")
    say.out.print(f"{made.beyond['zh']} {made.beyond['en']}")


def _list(found: list[Receipt], zone: str, json: bool) -> None:
    if json:
        for made in found:
            say.as_json(made)
        return
    columns = [
        "凭据 receipt",
        "顾客 person",
        "时间 at",
        "经手 by",
        "理由 reason",
        "行 rows",
        "数据库 database",
        "数据湖 lake",
    ]
    say.table(columns, [_line(made, zone) for made in found])


def _line(made: Receipt, zone: str) -> list[object]:
    settled = "完成 settled" if made.settled_at else "复查中 being looked at again"
    lake = {"none": "无 none", "waiting": "等待归档 waiting", "done": say.when(made.lake_at, zone)}[made.lake]
    rows = sum(row.rows for row in made.rows) + made.again
    return [made.erasure_id, str(made.person_id), say.when(made.at, zone), made.by, made.reason, rows, settled, lake]


def export(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="编号或标识。 Number or handle.")],
    to: Annotated[Path | None, typer.Option(help="写入文件；不写则输出。 A file; else standard output.")] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="手机号等不打码。 Phone numbers and the like as they are, not masked.")
    ] = False,
) -> None:
    """给出为一位顾客保留的全部资料（JSON）。 Everything that is kept of a person, as JSON."""
    from yutang import erasure
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        made = erasure.export(conn, app.vault, app.clock(), find(conn, app.vault, person), plain=plain)
        if to is None:
            for part in made.parts:
                sys.stdout.buffer.write(part)
            sys.stdout.flush()
            return
        with to.open("xb") as file:
            to.chmod(0o600)
            for part in made.parts:
                file.write(part)
    say.out.print(f"顾客 {made.person_id} 的资料已写入 {to} 。 Written.")
