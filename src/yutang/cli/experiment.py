"""experiment: what journeys have changed, and what one can be expected to show."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.text import Text
from typer.core import TyperGroup

from yutang.app import opened
from yutang.cli import say


class _ShownByDefault(TyperGroup):
    """``yutang experiment NAME`` is ``yutang experiment show NAME``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = args and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if known else ["show", *args])


group = typer.Typer(cls=_ShownByDefault, help="实验与增量。 Experiments: what journeys have changed.")
Days = Annotated[int, typer.Option(min=1, max=366, help="每人看多少天。 Days each person is looked at.")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 As JSON.")]
STYLE = {"better": "green", "enough": "green", "worse": "red", "mismatch": "red"}


def register(app: typer.Typer) -> None:
    app.add_typer(group, name="experiment")


@group.command()
def show(
    journey: Annotated[
        str | None, typer.Argument(metavar="JOURNEY", help="不写则看全塘。 The whole pond without.")
    ] = None,
    json: Json = False,
    days: Days = 28,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help="全塘从哪天起，例如 2026-01-31。 The whole pond: since when, for example 2026-01-31.",
        ),
    ] = None,
) -> None:
    """旅程带来多少增量，附区间。 What a journey has changed, with intervals."""
    from yutang.insight import experiment

    with opened() as app, app.connect() as conn:
        now = app.clock()
        if journey:
            found = experiment.effect(conn, now, journey, days)
            say.as_json(found) if json else _effect(found)
            return
        whole = experiment.pond_effect(conn, now, _midnight(conn, since))
        standings = experiment.journeys(conn)
    if json:
        say.as_json({"pond": whole, "journeys": standings})
        return
    _effect(whole)
    say.table(
        ["旅程 journey", "名称 title", "对照 held out", "触达组 treated", "对照组 holdout", "全局对照 global"],
        [[s.name, s.title["zh"], f"{s.share:.1%}", s.treated, s.holdout, s.global_holdout] for s in standings],
    )


@group.command()
def plan(
    journey: Annotated[str, typer.Argument(metavar="JOURNEY", help="旅程名或文件。 Name, or a journey's file.")],
    json: Json = False,
    days: Days = 28,
) -> None:
    """上线前：多少人、多大的差别才看得出来。 Before launch: how many people it takes, and how large an effect can be seen."""
    from yutang.insight.power import prospect

    with opened() as app, app.connect() as conn:
        name, body = _body(conn, journey)
        found = prospect(conn, app.clock(), name, body, days)
    if json:
        say.as_json(found)
        return
    _verdict(found)
    say.out.print(f"依据 reckoned from: {found.basis['zh']} {found.basis['en']} ({found.known:,})", markup=False)
    for base in found.bases.values():
        _base(base)


def _midnight(conn: psycopg.Connection, day: datetime | None) -> datetime | None:
    """When a day of the pond begins."""
    from zoneinfo import ZoneInfo

    from yutang import definitions

    return day and day.replace(tzinfo=ZoneInfo(definitions.pond(conn)["time_zone"]))


def _body(conn: psycopg.Connection, name: str) -> tuple[str, dict[str, Any]]:
    """A journey in service, or one in a file. Raises YutangError."""
    from yutang import definitions, source
    from yutang.journey import journey
    from yutang.model import YutangError

    file = Path(name)
    if file.is_file():
        return file.stem, journey(source.load(file, name))
    found = definitions.current(conn, "journey", name)
    if found is None:
        raise YutangError(
            f"没有上线的旅程“{name}”，也没有这个名字的文件。 "
            f"there is neither a journey '{name}' in service nor a file of that name"
        )
    return name, found.body


def _verdict(found: Any) -> None:
    say.out.print(Text(f"{found.title['zh']} {found.title['en']}", "bold"))
    say.out.print(Text(found.verdict.zh, STYLE.get(found.verdict.code, "yellow")))
    say.out.print(Text(found.verdict.en, "dim"))


def _effect(found: Any) -> None:
    from yutang.insight.words import amount

    _verdict(found)
    treated, control = found.treated, found.control
    span = f"{found.days} 天 days" if found.days else f"自 since {found.since:%Y-%m-%d}"
    say.out.print(
        f"{span} · {treated.title['zh']} {treated.seen:,}/{treated.people:,} · {control.title['zh']} {control.seen:,}/{control.people:,} 人 people",
        markup=False,
    )
    if found.readings:
        say.table(
            ["", control.title["zh"], treated.title["zh"], "每人差 difference", "随时可看 at every look", "单次 one look", "CUPED 方差 variance"],
            [_row(reading, amount) for reading in found.readings.values()],
        )  # fmt: skip
    if found.as_sent:
        said = amount(found.as_sent.difference, found.readings[found.primary].unit)
        say.out.print(
            f"{found.as_sent.warning['zh']} {found.as_sent.warning['en']}: {said} ({found.as_sent.share:.1%})",
            markup=False,
        )
    for note in found.notes:
        say.out.print(f"注意 note: {note['zh']} {note['en']}", markup=False)
    for split in found.splits:
        say.out.print()
        _effect(split)


def _row(reading: Any, amount: Any) -> list[str]:
    best, unit = reading.best, reading.unit
    lift = f" ({best.difference / reading.control:+.1%})" if reading.lift else ""
    return [
        reading.title["zh"],
        amount(reading.control, unit),
        amount(reading.treated, unit),
        f"{amount(best.difference, unit)}{lift}",
        f"{amount(best.always.low, unit)} … {amount(best.always.high, unit)}",
        f"{amount(best.interval.low, unit)} … {amount(best.interval.high, unit)}",
        f"{-reading.adjusted.removed:+.0%}" if reading.adjusted else "–",
    ]


def _base(base: Any) -> None:
    from yutang.insight.words import amount

    say.out.print()
    say.out.print(
        f"{base.title['zh']} {base.title['en']}: {amount(base.mean, base.unit)} ± {amount(base.deviation, base.unit)}",
        markup=False,
    )
    say.table(
        ["对照 held out", "最小差别，看一次 one look", "随时可看 at every look"],
        [[f"{s.share:.0%}", amount(s.once, base.unit), amount(s.always, base.unit)] for s in base.smallest],
    )
    say.table(
        ["要看出 to see", "要多少人 people, 看一次 one look", "随时可看 at every look"],
        [[f"{n.lift:+.0%}", f"{n.once:,.0f}", f"{n.always:,.0f}"] for n in base.needed],
    )
