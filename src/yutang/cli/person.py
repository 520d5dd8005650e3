"""why, person: one person, and the chain behind every touch and non-touch."""

from __future__ import annotations

from typing import Annotated

import typer

from yutang.app import opened
from yutang.cli import say
from yutang.cli.chain import show

group = typer.Typer(help="一位顾客。 One person.", no_args_is_help=True)
Who = Annotated[
    str, typer.Argument(metavar="PERSON", help="编号，或标识如 shop:grocery=123、phone=138…。 Number or handle.")
]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]


def register(app: typer.Typer) -> None:
    app.command()(why)
    app.add_typer(group, name="person")


def why(
    person: Who,
    json: Json = False,
    lang: Annotated[str, typer.Option(help="zh 或 or en")] = "zh",
) -> None:
    """每次触达与未触达的原因。 Why each touch was, or was not, sent."""
    from yutang.model import YutangError
    from yutang.why import find
    from yutang.why import why as chain_of

    if lang not in ("zh", "en"):
        raise YutangError(f"there is no language '{lang}'; write zh or en")
    with opened() as app, app.connect() as conn:
        chain = chain_of(conn, find(conn, app.vault, person), app.clock())
    if json:
        say.as_json(chain)
    else:
        show(chain, lang)


@group.command("show")
def show_(person: Who) -> None:
    """资料卡（JSON）。 The card, as JSON."""
    from yutang.identity import canonical
    from yutang.profile.portrait import card
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        say.as_json(card(conn, canonical(conn, find(conn, app.vault, person))))


@group.command()
def split(person: Who) -> None:
    """撤销最近一次合并，并不再合并。 Undo the latest merge and keep the two apart."""
    from yutang.identity import split as split_
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        winner, loser = split_(conn, app.clock(), find(conn, app.vault, person))
    say.out.print(f"已拆分为 {winner} 与 {loser}。 Split into {winner} and {loser}.")
