"""backtest, dryrun: what a journey would have done, and what it will do, before anybody is written to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from yutang import definitions
from yutang.app import opened
from yutang.cli import say
from yutang.cli.brand import folder_of
from yutang.model import YutangError

Names = Annotated[list[str], typer.Argument(metavar="JOURNEY...", help="试的旅程。 The journeys on trial.")]
Brand = Annotated[
    str | None,
    typer.Option(
        help="草稿所在的品牌文件夹；不写则试线上版本。 The brand folder of the drafts; without it, as in service."
    ),
]
Sample = Annotated[str, typer.Option(help="抽样，例如 1%。 A share of the people, for example 1%.")]
Ticks = Annotated[
    str, typer.Option("--tick", help="虚拟时钟：1h、15m、1d 或 10:00,20:00。 How often the virtual clock looks.")
]
Alone = Annotated[bool, typer.Option("--alone", help="不带线上的旅程。 Without the journeys in service.")]
Html = Annotated[Path | None, typer.Option("--html", help="报告写成网页。 Write the report as a page.")]
Json = Annotated[bool, typer.Option("--json", help="输出 JSON。 Print JSON.")]


def register(app: typer.Typer) -> None:
    app.command()(backtest)
    app.command()(dryrun)


def backtest(
    journeys: Names,
    since: Annotated[
        str,
        typer.Option("--from", metavar="DAY", help="从哪天起，例如 2026-01-01。 First day, for example 2026-01-01."),
    ],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="到哪天止（含）。 Last day, inclusive.")],
    brand: Brand = None,
    sample: Sample = "100%",
    tick: Ticks = "1h",
    alone: Alone = False,
    html: Html = None,
    json: Json = False,
) -> None:
    """回放历史：这个旅程当时会怎样。 Replay the past with a draft on."""
    asked = {"since": _day(since), "until": _day(until), "share": _share(sample), "tick": tick, "alone": alone}
    _show(_played("backtest", journeys, brand, asked), html, json)


def dryrun(
    journeys: Names,
    days: Annotated[int, typer.Option(min=1, max=366, help="往后多少天。 Days ahead.")] = 30,
    brand: Brand = None,
    sample: Sample = "100%",
    tick: Ticks = "1h",
    alone: Alone = False,
    html: Html = None,
    json: Json = False,
) -> None:
    """试跑：从现在起这个旅程会怎样，什么都不发。 Play the days to come with a draft on; nothing is sent."""
    asked = {"days": days, "share": _share(sample), "tick": tick, "alone": alone}
    _show(_played("dryrun", journeys, brand, asked), html, json)


def _played(kind: str, journeys: list[str], folder: str | None, asked: dict[str, Any]) -> Any:
    from yutang import replay
    from yutang.brand import load_brand

    with opened() as app, app.connect() as conn:
        zone = ZoneInfo(definitions.pond(conn)["time_zone"])
        drafts = replay.drafts_of(conn, journeys, load_brand(folder_of(folder)) if folder else None)
        with _progress(zone) as watch:
            return replay.play(
                app.url, app.clock(), kind, replay.Asked(journeys, **asked), drafts, zone, app.channels(conn), watch
            )


def _day(text: str) -> date:
    """Raises YutangError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise YutangError(f"“{text}”不是日期，请写成 2026-01-31。 '{text}' is no day; write it as 2026-01-31") from None


def _share(text: str) -> float:
    """``1%``, ``0.01`` or ``100%`` as a share. Raises YutangError."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise YutangError(
            f"“{text}”不是顾客的比例，请写成例如 1% 或 25%。 "
            f"'{text}' is no share of the people; write for example 1% or 25%"
        )
    return share


@contextmanager
def _progress(zone: ZoneInfo) -> Iterator[Callable[[datetime, float], None]]:
    """A bar with the virtual clock as people there read it, on a terminal; elsewhere nothing."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn(), console=say.err,
        transient=True, disable=not say.err.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("准备 preparing", total=None)
        yield lambda now, share: bar.update(
            task, description=f"{now.astimezone(zone):%Y-%m-%d %H:%M}", completed=share, total=1.0
        )


def _show(found: Any, html: Path | None, json: bool) -> None:
    if html is not None:
        html.write_text(found.html(), "utf-8")
        say.err.print(f"报告 report: {html}", markup=False)
    if json:
        say.as_json(found.to_json())
    elif html is None:
        _print(found)


def _print(found: Any) -> None:
    """The figures that decide, for a terminal."""
    from yutang.replay.page import number

    say.out.print(
        f"{found.brand['zh']} · {', '.join(found.drafts)} · {found.since:%Y-%m-%d} – {found.until:%Y-%m-%d} · "
        f"{found.persons:,}/{found.people:,}",
        markup=False,
    )
    parts = (
        ("进入 entries", found.entries),
        ("发送 sent", found.sent),
        ("裁决 verdicts", found.verdicts),
        ("冲突 collisions", found.collisions),
    )
    for title, rows in parts:
        say.table(
            [title, "人次 n", "95%"],
            [[" · ".join(filter(None, one.what)), number(one.figure.value), _bounds(one.figure)] for one in rows],
        )
    owed = found.liability
    say.out.print(
        f"券负债 liability: P10 {_yuan(owed.p10_fen)} · P50 {_yuan(owed.p50_fen)} · P90 {_yuan(owed.p90_fen)}",
        markup=False,
    )
    if found.anyway:
        say.out.print(f"本来就会买 would have bought anyway: {_anyway(found.anyway)}", markup=False)


def _anyway(found: Any) -> str:
    """The share of those who had not been touched, and how many they are; without enough of them, that it is not known."""
    from yutang.replay.page import figure, percent

    told = "未知 not known" if found.share is None else percent(found.share)
    return f"{told} · 未被触达 untouched {figure(found.untouched)} / {figure(found.entered)}"


def _bounds(figure: Any) -> str:
    from yutang.replay.page import number

    return "" if figure.low == figure.high else f"{number(figure.low)}–{number(figure.high)}"


def _yuan(fen: float) -> str:
    return f"¥{fen / 100:,.2f}"
