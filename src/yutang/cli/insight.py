"""insight: questions over the lake, one command each, made from the catalogue."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from yutang.app import opened
from yutang.cli import say
from yutang.cli.usage import speaking

if TYPE_CHECKING:
    from yutang.insight.questions.shape import Answer, Column, Param, Question

Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]


class _Catalogue(TyperGroup):
    """The commands that stand here, and one for each question; the catalogue is read when one of them is wanted."""

    def list_commands(self, ctx: Any) -> list[str]:
        self.commands = _questions().commands | self.commands
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self.commands = _questions().commands | self.commands
        return super().get_command(ctx, cmd_name)


group = typer.Typer(
    cls=_Catalogue, invoke_without_command=True,
    help="经营问题：漏斗、留存、归因等。 Questions: funnels, retention, attribution and more.",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="insight")


@cache
def _questions() -> Any:
    """A group with a command for each question."""
    from yutang.insight.questions.catalog import QUESTIONS

    made = typer.Typer(rich_markup_mode=None)
    made.callback()(lambda: None)
    for known in QUESTIONS:
        title = f"{known.title['zh']} {known.title['en']}"
        made.command(known.name, short_help=title, help=f"{known.title['zh']}。{known.says['zh']} {known.says['en']}")(
            _command(known)
        )
    return speaking(typer.main.get_command(made))


@group.callback()
def every(context: typer.Context, json: Json = False) -> None:
    """What there is to ask, where no question is named."""
    from yutang.insight.questions.catalog import QUESTIONS

    if context.invoked_subcommand:
        return
    if json:
        say.as_json([{"name": q.name, "title": q.title, "says": q.says, "params": q.params} for q in QUESTIONS])
        return
    for known in QUESTIONS:
        say.out.print(
            Text.assemble((f"yutang insight {known.name}", "bold"), f"  {known.title['zh']} {known.title['en']}")
        )
        say.out.print(f"  {known.says['zh']}\n  {known.says['en']}", markup=False)


@group.command()
def panels(json: Json = False) -> None:
    """看板：每天早上看的八个问题。 The dashboard: eight questions to look at every morning."""
    from yutang import definitions
    from yutang.clock import business_day
    from yutang.insight import questions

    with opened() as app, app.connect() as conn:
        pond = definitions.pond(conn)
        found = questions.panels(business_day(app.clock(), pond["time_zone"]), pond["time_zone"], pond)
    if json:
        say.as_json(found)
        return
    for one in found:
        _show(one)
        say.out.print()


def _command(known: Question) -> Any:
    """A command whose options are the question's parameters."""

    def run(**given: Any) -> None:
        json = given.pop("json")
        _ask(known, {name: text for name, text in given.items() if text is not None}, json)

    kind = inspect.Parameter.KEYWORD_ONLY
    options = [inspect.Parameter(p.name, kind, default=None, annotation=_option(p)) for p in known.params]
    options.append(inspect.Parameter("json", kind, default=False, annotation=Json))
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    return run


def _option(param: Param) -> Any:
    from yutang.insight.questions.params import KINDS

    by_default = "" if not param.default else f" 默认 default: {param.default}"
    words = f" {'|'.join(param.choices)}" if param.choices else ""
    help = f"{param.zh}：{KINDS[param.kind].zh}{words}。 {param.en[:1].upper()}{param.en[1:]}.{by_default}"
    return Annotated[
        str | None, typer.Option(f"--{param.name.replace('_', '-')}", metavar=param.kind.upper(), help=help)
    ]


def _ask(known: Question, given: dict[str, str], json: bool) -> None:
    from yutang import definitions
    from yutang.clock import business_day
    from yutang.insight import questions

    with opened() as app, app.connect() as conn:
        pond = definitions.pond(conn)
        today = business_day(app.clock(), pond["time_zone"])
        found = questions.answer(known.name, today, pond["time_zone"], questions.of_pond(known.name, pond) | given)
    say.as_json(found) if json else _show(found)


def _show(found: Answer) -> None:
    said = " ".join(f"{name}={text}" for name, text in found.asked.items() if text)
    say.out.print(Text.assemble((f"{found.title['zh']} {found.title['en']}", "bold"), (f"  {said}", "dim")))
    if not found.rows:
        say.out.print(
            "数据湖里没有这样的数据；先运行 yutang lake archive。 The lake has nothing of the kind; run yutang lake archive."
        )
        return
    say.table(
        [f"{c.title['zh']} {c.title['en']}" for c in found.columns],
        [[_cell(cell, c) for cell, c in zip(row, found.columns, strict=True)] for row in found.rows],
    )
    for note in found.notes:
        say.out.print(f"注意 note: {note['zh']}。 {note['en']}.", markup=False)


def _cell(cell: Any, column: Column) -> Any:
    """A cell as people read it: yuan, per cent."""
    if cell is None or column.unit in ("text", "day"):
        return cell
    if column.unit == "words":
        return cell["zh"]
    if column.unit == "share":
        return f"{cell:.1%}"
    if column.unit == "fen":
        return f"{cell / 100:,.2f}"
    return f"{cell:,.1f}" if isinstance(cell, float) else cell
