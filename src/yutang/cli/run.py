"""up, worker, demo: what runs until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from yutang import clock, config
from yutang.app import App, installed
from yutang.cli.brand import folder_of
from yutang.cli.say import err
from yutang.model import YutangError

if TYPE_CHECKING:
    from yutang.demo.world import World

Brand = Annotated[str | None, typer.Option(help="先载入品牌：文件夹或内置名称。 Load a brand first: folder or name.")]
Port = Annotated[int | None, typer.Option(help="端口，默认 YUTANG_PORT。 Port; YUTANG_PORT by default.")]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(worker)
    app.command()(demo)


def up(brand: Brand = None, port: Port = None) -> None:
    """网页、接口与工作循环，一个进程。 Web edge and worker in one process."""
    from yutang.brand import load_brand
    from yutang.plan import begin_with

    _own_pond_only()
    loaded = load_brand(folder_of(brand)) if brand else None
    with installed() as app:
        if brand and loaded:
            with app.connect() as conn:
                if not begin_with(conn, clock.system_now(), loaded):
                    _say_what_stays(brand)
        _serve(app.url, app, clock.system_now, port, with_loop=True)


def _say_what_stays(brand: str) -> None:
    err.print(
        f"{brand} 没有变过，而线上后来有了新的改动，保留线上的；要换回这个文件夹：`yutang brand plan {brand}`。 "
        f"{brand} is as it was, and what is in service was changed after it, so that stays; to take the folder: `yutang brand plan {brand}`"
    )


def worker() -> None:
    """只跑工作循环，可在多台机器上运行。 The worker alone, on as many machines as wanted."""
    from yutang.cli.loop import Loop

    _own_pond_only()
    with installed() as app:
        loop = Loop(app, app.url, clock.system_now)
        loop.start()
        err.print("工作循环已启动，Ctrl-C 结束。 The worker runs; Ctrl-C ends it.")
        _until_signal()
        loop.stop()


def _own_pond_only() -> None:
    """Raises YutangError where a demo's pond is asked for: its clock stands still, and what is served beside it would be taken
    for it."""
    if brand := config.DEMO.value:
        raise YutangError(
            f"up 与 worker 只运行自己的塘，不运行演示的塘；请用 `yutang demo --brand {brand} --go-on`（并去掉 --demo 或 YUTANG_DEMO）。 "
            f"up and worker run your own pond, never a demo's: use `yutang demo --brand {brand} --go-on`, or leave --demo and YUTANG_DEMO out"
        )


def demo(
    brand: Annotated[
        str | None,
        typer.Option(
            help="grocery（真实数据）、luckin（模拟）或 city（微信小城）；不写则 grocery 加 city。 "
            "grocery (real data), luckin (synthetic) or city (a small WeChat city); grocery and city by default."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="打印结果后结束。 End after the summary.")] = False,
    json: Annotated[bool, typer.Option("--json", help="最后一行输出 JSON。 One JSON object as the last line.")] = False,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DAY",
            help="演到哪天止，例如 2017-06-30（grocery、luckin）。 The last day, for example 2017-06-30 (grocery, luckin).",
        ),
    ] = None,
    go_on: Annotated[
        bool,
        typer.Option(
            "--go-on",
            help="接着上次演，用现在线上的旅程（grocery、luckin）。 From where it stopped, with what is in service by now (grocery, luckin).",
        ),
    ] = False,
    port: Port = None,
) -> None:
    """一条命令看一个活的品牌。 A populated, living brand in one command."""
    from yutang.cli import town
    from yutang.demo import run as show
    from yutang.demo.world import World, first_part

    if brand == town.BRAND and (until or go_on):
        raise _city_begins_anew()
    chosen = brand or (show.REAL if until or go_on else None)
    last = until.date() if until else None if once or go_on or brand == town.BRAND else first_part(brand or show.REAL)
    with installed() as app, ExitStack() as stack:
        pond = None
        if chosen != town.BRAND:
            # The console's lake is that of this pond; one of an earlier run goes with its database.
            os.environ[config.DEMO.name] = show.available(chosen)
            if not go_on:
                _without_lake()
            pond = show.main(app, chosen, as_json=json, until=last, go_on=go_on)[0]
        if chosen in (None, town.BRAND):
            first = port or _port()
            lived = stack.enter_context(town.lived(app, 0 if once else first + (pond is not None), as_json=json))
            if not once:
                stack.enter_context(town.alive(app, lived))
        if once:
            return
        if pond is None:
            _until_signal()
        else:
            beside = town.links(lived) if chosen is None else ()
            world = World(app, show.available(chosen), pond, beside)
            _serve(pond, app, world.now, port, with_loop=False, world=world)


def _city_begins_anew() -> YutangError:
    return YutangError(
        "小城每次都从头开始，--until 与 --go-on 只用于 grocery 和 luckin；请去掉它们。 "
        "the city always begins anew, --until and --go-on are for grocery and luckin; leave them out"
    )


def _without_lake() -> None:
    from yutang.lake.place import MANIFEST, Folder, placed

    if isinstance(place := placed(), Folder):
        for path in [MANIFEST, *place.paths()]:
            place.remove(path)


def _serve(
    url: str, app: App, now: Callable[[], datetime], port: int | None, *, with_loop: bool, world: World | None = None
) -> None:
    """Serve pages and API, with or without the loop beside them, until a signal ends both."""
    from yutang.cli.loop import Loop
    from yutang.web.access import is_loopback
    from yutang.web.edge import Edge
    from yutang.web.serve import Running

    host, number = config.HOST.value, port or _port()
    edge = Edge.open(url, app.vault, now, is_loopback(host))
    edge.world = world
    loop = Loop(app, url, now, edge.metrics.passed)
    try:
        running = Running(edge, host, number)
        _on_signals(running.stop)
        if with_loop:
            loop.start()
        running.serve(lambda: _greet(host, number, edge.local))
    finally:
        loop.stop()
        if world:
            world.close()
        edge.close()


def _until_signal() -> None:
    ended = threading.Event()
    _on_signals(ended.set)
    ended.wait()


def _greet(host: str, port: int, local: bool) -> None:
    shown = f"[{host}]" if ":" in host else host
    err.print(f"鱼塘在 Yutang is at http://{shown}:{port}  （Ctrl-C 结束 ends it）")
    if not local:
        err.print(
            "这个地址不限本机：页面要求输入 `yutang key` 给出的钥匙。 Not only this machine: pages ask for the key that `yutang key` shows."
        )


def _port() -> int:
    if not config.PORT.value.isdigit() or not 0 < int(config.PORT.value) < 65536:
        raise YutangError(
            f"YUTANG_PORT 现在是“{config.PORT.value}”，请写 1 到 65535 的数字。 "
            f"YUTANG_PORT is '{config.PORT.value}'; write a number from 1 to 65535"
        )
    return int(config.PORT.value)


def _on_signals(stop: Callable[[], None]) -> None:
    """Ctrl-C and `kill` ask for an orderly end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop())
