"""Running the city on a port, in threads of their own: one that answers, one that sends callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from granian.constants import Interfaces
from granian.server.embed import Server

from yutang.emulator import server

if TYPE_CHECKING:
    from yutang.emulator.city import City

PATIENCE_S = 30


@contextmanager
def serving(city: City, host: str, port: int) -> Iterator[str]:
    """The base URL, for as long as the block runs. Raises OSError when the port is taken."""
    running = _Running(city, host, port or _free_port(host))
    thread = threading.Thread(target=running.run, name="city", daemon=True)
    thread.start()
    if not running.ready.wait(PATIENCE_S):
        raise OSError(f"the city cannot listen on {host}:{running.port}")
    city.address = f"http://{host}:{running.port}"
    sender = city.callbacks.start()
    try:
        yield city.address
    finally:
        city.callbacks.stop()
        running.stop()
        thread.join(PATIENCE_S)
        sender.join(PATIENCE_S)


def _free_port(host: str) -> int:
    with closing(socket.socket()) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class _Running:
    """The server in one thread's event loop."""

    def __init__(self, city: City, host: str, port: int) -> None:
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        self.application, self.host, self.port = server.create(city), host, port
        self.ready = threading.Event()
        self.stop: Callable[[], Any] = lambda: None

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        served = Server(
            self.application,
            address=self.host,
            port=self.port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
            websockets=False,
        )
        loop = asyncio.get_running_loop()
        self.stop = lambda: loop.call_soon_threadsafe(served.stop)
        task = loop.create_task(served.serve())
        await self._accepting(task)
        self.ready.set()
        await task

    async def _accepting(self, serving: asyncio.Task[None]) -> None:
        while not serving.done():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return
            await asyncio.sleep(0.005)
