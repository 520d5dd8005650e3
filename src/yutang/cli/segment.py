"""segment: who is where, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.cli.person import Who

group = typer.Typer(help="人群。 Segments.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="segment")


@group.command("list")
def list_() -> None:
    """人群与人数。 Segments and their sizes."""
    from yutang.segment.refresh import sizes
    from yutang.why.words import rule, title_of

    with opened() as app, app.connect() as conn:
        size = sizes(conn)
        rows = [
            [d.name, size.get(d.name, 0), title_of(d.body, d.name)["zh"], rule(d.body["rule"])["zh"]]
            for d in definitions.all_current(conn, "segment")
        ]
    say.table(["人群 segment", "人数 people", "名称 title", "规则 rule"], rows)


@group.command()
def explain(
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help="人群名称。 Name of the segment.")], person: Who
) -> None:
    """某人为何在或不在人群中。 Why a person is in a segment or not."""
    from yutang.segment.explain import explain as why
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        found = why(conn, find(conn, app.vault, person), segment, app.clock())
    root = Tree(Text(f"{segment}: {'在 in' if found.holds else '不在 out'}", "bold"))
    _add(root, found)
    say.out.print(root)


@group.command()
def preview(file: Annotated[Path, typer.Argument(metavar="FILE", help="人群文件（YAML）。 A segment's file.")]) -> None:
    """保存前先看人数。 How many people, before it is saved."""
    from yutang import source
    from yutang.segment import language
    from yutang.segment.preview import preview as count

    body = language.segment(source.load(_readable(file), str(file)))
    with opened() as app, app.connect() as conn:
        found = count(conn, language.from_json(body["rule"], str(file)), app.clock())
    share = f" ({found['size'] / found['of']:.1%})" if found["of"] else ""
    say.out.print(f"{found['size']:,} / {found['of']:,} 人 people{share}")
    if found["sample"]:
        say.out.print("例如 for example: " + ", ".join(str(person) for person in found["sample"]))


@group.command()
def sql(file: Annotated[Path, typer.Argument(metavar="FILE", help="人群文件（YAML）。 A segment's file.")]) -> None:
    """规则对应的 SQL，可直接在数据库里运行。 The rule as SQL, to run in the database as it stands."""
    import psycopg

    from yutang import source
    from yutang.segment import language
    from yutang.segment.compile import persons

    body = language.segment(source.load(_readable(file), str(file)))
    compiled = persons(language.from_json(body["rule"], str(file)))
    with opened() as app, app.connect() as conn:
        values = compiled.params | {"now": app.clock(), "zone": definitions.pond(conn)["time_zone"]}
        typer.echo(psycopg.ClientCursor(conn).mogrify(compiled.text, values) + ";")


def _readable(file: Path) -> Path:
    from yutang.model import YutangError

    if not file.is_file():
        raise YutangError(f"{file}: 没有这个文件。 there is no such file")
    return file


def _add(root: Tree, part: object) -> None:
    """A part of the rule with what was seen, and its own parts below."""
    from yutang.segment.explain import Explanation

    assert isinstance(part, Explanation)
    seen = f"  （实际 seen {part.seen}）" if part.seen is not None else ""
    mark, style = ("✓", "green") if part.holds else ("✗", "red")
    branch = root.add(Text.assemble((f"{mark} ", style), f"{part.zh}  {part.en}{seen}"))
    for below in part.parts:
        _add(branch, below)
