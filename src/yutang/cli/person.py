"""why, person: one person, and the chain behind every touch and non-touch."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from yutang.app import opened
from yutang.cli import say
from yutang.cli.chain import show
from yutang.cli.say import Lang

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
    lang: Lang = "zh",
) -> None:
    """每次触达与未触达的原因。 Why each touch was, or was not, sent."""
    from yutang.why import find
    from yutang.why import why as chain_of

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


CASES = {"conflict": "强标识矛盾 handles contradict", "suggestion": "共用设备等 a weak handle is shared"}


@group.command("cases")
def cases_(
    person: Annotated[
        str | None, typer.Argument(metavar="PERSON", help="只看与此人有关的。 Only those of one person.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="最多几条。 At most so many.")] = 50,
    json: Json = False,
) -> None:
    """像是同一人而没有合并的：以及由哪个事件看出。 Who looks like one person and was not joined, and by which event."""
    from yutang.identity import canonical, cases
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        who = None if person is None else [canonical(conn, find(conn, app.vault, person))]
        rows = cases(conn, who, limit)
    if json:
        say.as_json([row._asdict() for row in rows])
        return
    shown = [
        [", ".join(map(str, row.persons)), CASES[row.reason], f"{row.type} {row.event_id}", row.source] for row in rows
    ]
    say.table(["顾客 persons", "原因 reason", "事件 event", "来源 source"], shown)


@group.command()
def join(person: Who, other: Who) -> None:
    """人工合并两位顾客，可再拆分。 Join two persons who are one; a split takes it back."""
    from yutang.identity import join as join_
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        one, two = (find(conn, app.vault, who) for who in (person, other))
        winner, loser = join_(conn, app.clock(), one, two, getpass.getuser())
    say.out.print(f"{winner} 与 {loser} 已合并为 {winner}。 {winner} and {loser} are one: {winner}.")


@group.command()
def split(person: Who) -> None:
    """撤销最近一次合并，并不再合并。 Undo the latest merge and keep the two apart."""
    from yutang.identity import split as split_
    from yutang.why import find

    with opened() as app, app.connect() as conn:
        winner, loser = split_(conn, app.clock(), find(conn, app.vault, person))
    say.out.print(f"已拆分为 {winner} 与 {loser}。 Split into {winner} and {loser}.")
