"""emulator: a small WeChat city on this machine, to connect a Yutang to."""

from __future__ import annotations

import shlex
import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from yutang import clock
from yutang.cli.say import err, out
from yutang.model import YutangError

if TYPE_CHECKING:
    from yutang.emulator import City
    from yutang.emulator.population import Population

STEP_S = 0.5
"""How often the population is given its time."""
MAIN = "main"


def register(app: typer.Typer) -> None:
    app.command()(emulator)


def emulator(
    port: Annotated[int, typer.Option(min=1, max=65535, help="端口。 Port.")] = 8430,
    seed: Annotated[int, typer.Option(help="同一个种子，同一座城。 The same seed makes the same city.")] = 7,
    live: Annotated[bool, typer.Option("--live", help="居民自己生活。 People live by themselves.")] = False,
    speed: Annotated[
        float, typer.Option(min=0.01, help="居民的一分钟过几分钟。 Minutes of their life per minute.")
    ] = 60,
    yutang: Annotated[
        str | None, typer.Option(help="鱼塘地址，回调与订单发往那里。 Where callbacks and orders go.", metavar="URL")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="鱼塘的钥匙，默认取本机的。 Yutang's key; this machine's by default.")
    ] = None,
) -> None:
    """一座小小的微信城：平台接口、手机页面、居民。 A small WeChat city: platforms, a phone page, people."""
    from yutang.emulator import City
    from yutang.emulator.population import Population

    city = City(seed, clock.system_now)
    population = Population(city, seed)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with city.serve(port) as address:
            if yutang:
                connect(city, yutang.rstrip("/"), key)
            greet(city, address, yutang)
            while not ended.wait(STEP_S):
                if live:
                    lives(city, population, speed)
    except OSError as error:
        raise YutangError(
            f"端口 {port} 用不了：{error}。用 --port 换一个。 cannot listen on port {port}; choose another with --port"
        ) from error
    err.print("城已关闭。 The city is closed.")


def lives(city: City, population: Population, speed: float) -> None:
    """Give the population its share of time. Its first morning is now; its days pass `speed` times faster than the city's."""
    elapsed = (city.now() - population.began) * speed
    before = population.problem
    done = population.live(population.first_at + elapsed)
    for act in population.acts[len(population.acts) - done :]:
        out.print(f"{act.who} {act.what} {act.detail}", markup=False)
    if population.problem != before:
        err.print(population.problem, markup=False)


def connect(city: City, url: str, key: str | None) -> None:
    """Callbacks and orders go to the Yutang at `url`."""
    from yutang.channels.platform import callback
    from yutang.channels.platform.account import Account
    from yutang.vault import open_vault

    vault = open_vault()
    for app in city.apps:
        given = city.account(app.kind, app.name)
        path = callback.address(vault, Account(app.kind, app.name, {}, given))
        city.call_back(app.kind, url + path, app.name)
    city.shop = (url, key or vault.api_key)


def greet(city: City, address: str, yutang: str | None) -> None:
    """Where everything is, and the commands that connect a Yutang."""
    out.print(f"小城 City:          {address}", markup=False)
    out.print(f"手机页面 Phone:     {address}/phone", markup=False)
    out.print("把鱼塘接到这座城 Connect a Yutang to it:", markup=False)
    for app in city.apps:
        out.print(f"  {command(app.kind, city.account(app.kind, app.name), app.name)}", markup=False)
    if yutang:
        out.print(f"回调与订单发往 Callbacks and orders go to: {yutang}", markup=False)
    else:
        out.print("加上 --yutang http://127.0.0.1:8420，回调与订单才会发出。", markup=False)
        out.print("With --yutang URL callbacks and orders are sent there.", markup=False)
    err.print("Ctrl-C 结束 ends it", markup=False)


def command(kind: str, given: dict[str, str], name: str = MAIN) -> str:
    """The command that registers an account of the city; its secrets are invented."""
    options = " ".join(f"--{field.replace('_', '-')} {shlex.quote(value)}" for field, value in given.items())
    return f"yutang channel add {kind} --name {name} {options}"
