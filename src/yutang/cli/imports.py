"""import: files in, and out again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.model import YutangError

group = typer.Typer(help="导入文件。 Import files.", no_args_is_help=True)
SHOWN = 10
"""Refused rows that are printed; `yutang rejects` has the rest."""

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="文件：JSONL、CSV、XLSX 或 Parquet。 A file: JSONL, CSV, XLSX or Parquet."),
]
Map = Annotated[
    list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="列=字段，可重复。 Column=field; may repeat.")
]
MapTyped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=FIELD[:TYPE]",
        help="列=字段，可重复；附加字段可写明类型 text、number、boolean、list，如 年龄=age:text。 "
        "Column=field; may repeat. A field of another name may say its type, as in age=age:text.",
    ),
]
Dry = Annotated[bool, typer.Option("--dry-run", help="只检查，不写入。 Check only.")]
Source = Annotated[str, typer.Option(help="没有来源的行归于此来源。 Source of rows that name none.")]


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="import")


@group.command()
def events(file: File, map: MapTyped = None, dry_run: Dry = False, source: Source = "import") -> None:
    """任何事件。 Events of any type."""
    _run("events", file, map, dry_run, source)


@group.command()
def orders(file: File, map: MapTyped = None, dry_run: Dry = False, source: Source = "import") -> None:
    """订单。 Orders."""
    _run("orders", file, map, dry_run, source)


@group.command()
def customers(file: File, map: MapTyped = None, dry_run: Dry = False, source: Source = "import") -> None:
    """顾客资料。 Customers."""
    _run("customers", file, map, dry_run, source)


@group.command()
def products(file: File, map: Map = None, dry_run: Dry = False) -> None:
    """商品目录：新商品加入，已有的只改列出的列。 The catalogue of goods: new ones are added; of the others what the file names is changed."""
    from yutang.product import import_file

    mapping = dict(_pair(text) for text in map or [])
    with opened() as app, app.connect() as conn:
        report = import_file(conn, app.clock(), file, mapping, dry_run)
    if dry_run:
        say.out.print("试运行，没有写入。 Dry run: nothing was written.")
    say.out.print(
        f"行 rows {report.rows:,} · 新增 added {report.added:,} · 改动 changed {report.changed:,} · "
        f"没有变化 the same {report.same:,} · 拒绝 rejected {report.rejected:,}"
    )
    say.table(["列 column", "字段 field"], [[column, field] for column, field in report.mapping.items()])
    for problem in report.problems[:SHOWN]:
        say.out.print(f"  {problem}", markup=False)


@group.command("list")
def list_() -> None:
    """最近的导入。 The latest imports."""
    from yutang.ingest.undo import STATES, imports

    with opened() as app, app.connect() as conn:
        zone = definitions.pond(conn)["time_zone"]
        rows = [
            [
                i.import_id,
                i.kind,
                " ".join(STATES[i.state]),
                i.accepted,
                i.duplicate,
                i.rejected,
                say.when(i.started_at, zone),
                i.path,
            ]
            for i in imports(conn)
        ]
    say.table(
        [
            "编号 id",
            "种类 kind",
            "状态 state",
            "收下 accepted",
            "重复 duplicate",
            "拒绝 rejected",
            "开始 started",
            "文件 file",
        ],
        rows,
    )


@group.command()
def undo(
    import_id: Annotated[
        int,
        typer.Argument(
            metavar="ID", help="导入编号，见 `yutang import list`。 Number of the import; see `yutang import list`."
        ),
    ],
) -> None:
    """撤销整次导入。 Take a whole import back."""
    from yutang.ingest.undo import undo as take_back

    with opened() as app, app.connect() as conn:
        count = take_back(conn, app.clock(), import_id)
    say.out.print(f"已撤销 {count:,} 个事件。 {count:,} events taken back.")


def _run(kind: str, file: Path, pairs: list[str] | None, dry_run: bool, source: str) -> None:
    from yutang.ingest.files import import_file

    mapping = dict(_pair(text) for text in pairs or [])
    with opened() as app, app.connect() as conn, _bar() as bar:
        task = bar.add_task(str(file.name), total=None, counts="")

        def progress(done: int, total: int | None, counts: dict[str, int]) -> None:
            bar.update(
                task, completed=done, total=total, counts=" ".join(f"{name} {n:,}" for name, n in counts.items())
            )

        report = import_file(conn, app.vault, app.clock(), kind, file, mapping, dry_run, progress, source)
    _report(report, dry_run)


def _pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not equals or not column or not field:
        raise YutangError(
            f"--map '{text}'：请写成“列=字段”，例如 --map 手机=phone。 write COLUMN=FIELD, for example --map 手机=phone"
        )
    return column, field


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        console=say.err,
        transient=True,
    )


def _report(report: Any, dry_run: bool) -> None:
    if report.already_done:
        say.out.print(
            f"这个文件已导入过（编号 {report.import_id}），没有改动。 Imported before as {report.import_id}; nothing changed."
        )
    head = "试运行，没有写入。 Dry run: nothing was written." if dry_run else f"导入 import {report.import_id}"
    say.out.print(
        f"{head}  行 rows {report.rows:,} · 收下 accepted {report.accepted:,} · 重复 duplicate {report.duplicate:,} · 拒绝 rejected {report.rejected:,}"
    )
    say.table(["列 column", "字段 field"], [[column, field] for column, field in report.mapping.items()])
    for reason, count in report.reasons.most_common():
        say.out.print(f"{reason.zh} {reason.en}: {count:,}", style="yellow")
    for problem in report.problems[:SHOWN]:
        say.out.print(f"  {problem.detail}", markup=False)
    if dry_run:
        for event in report.sample:
            say.as_json(event)
