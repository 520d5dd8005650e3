"""The city inside the demo: lived through, shown, and left running for whoever opens the phone page."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console

from yutang.app import App
from yutang.cli.loop import Loop
from yutang.cli.say import err
from yutang.demo import city, show
from yutang.demo.city import BRAND, Town
from yutang.web.edge import Edge
from yutang.web.serve import Running

__all__ = ["BRAND", "alive", "links", "lived"]

HERE = "127.0.0.1"
STEP_SECONDS = 0.5
"""How often the people of the city are given their time."""


@contextmanager
def lived(app: App, port: int, *, as_json: bool) -> Iterator[Town]:
    """Six weeks in the city; its pond is served on `port` (0: a free one) meanwhile and until the block ends.

    as_json: the figures go to standard error as a line of JSON, for standard output may belong to another brand's.
    """

    @contextmanager
    def edge(url: str, clock: Callable[[], datetime]) -> Iterator[str]:
        parts = Edge.open(url, app.vault, clock)
        try:
            with Running(parts, HERE, port).in_background("edge") as address:
                yield address
        finally:
            parts.close()

    with show.progress(err) as watch, city.lived(app, edge, watch) as town:
        if as_json:
            sys.stderr.write(json.dumps({"city": town.figures}, ensure_ascii=False) + "\n")
        else:
            show.city(Console(), town.figures)
        yield town


def links(town: Town) -> list[tuple[dict[str, str], str]]:
    """Where the city can be looked at, for pages beside it."""
    return [
        ({"zh": "微信小城的控制台", "en": "The console of the WeChat city"}, town.pages),
        ({"zh": "小城的手机", "en": "The city's phone"}, town.phone),
    ]


@contextmanager
def alive(app: App, town: Town) -> Iterator[None]:
    """From here on the city's clock runs by itself: the loop works, people go on living, and visitors may join them."""
    town.clock.run()
    stopping = threading.Event()
    loop = Loop(App(town.url, app.vault, town.clock), town.url, town.clock)
    people = threading.Thread(target=_live, args=(town, stopping), name="people", daemon=True)
    loop.start()
    people.start()
    err.print(f"小城的鱼塘 The city's pond: {town.pages}", markup=False)
    err.print(f"手机页面，扮演顾客和员工 The phone, to play customers and staff: {town.phone}", markup=False)
    try:
        yield
    finally:
        stopping.set()
        people.join()
        loop.stop()


def _live(town: Town, stopping: threading.Event) -> None:
    while not stopping.wait(STEP_SECONDS):
        town.goes_on()
