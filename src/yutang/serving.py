"""Running an ASGI application: granian on the event loop of whatever thread calls, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

LOOK_SECONDS = 0.005
PATIENCE_SECONDS = 30


class Serving:
    """A server; `serve` blocks until `stop` is called, from any thread or from a signal handler."""

    def __init__(self, application: Any, host: str, port: int) -> None:
        """port 0: a free one. Raises OSError or OverflowError when the address cannot be used."""
        self._application, self.host, self.port = application, host, _usable(host, port)
        self._stop: Callable[[], Any] = lambda: None
        self._stopping = threading.Event()

    @property
    def address(self) -> str:
        """The base URL."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until stopped; `ready` is called when the socket accepts."""
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        """End `serve`, also when it has not begun yet; again and later it changes nothing."""
        self._stopping.set()
        with contextlib.suppress(RuntimeError):  # the event loop is closed already
            self._stop()

    @contextmanager
    def in_background(self, name: str) -> Iterator[str]:
        """Serve from a thread of its own for as long as the block runs; gives the base URL. Raises OSError."""
        ready = threading.Event()
        thread = threading.Thread(target=self.serve, args=(ready.set,), name=name, daemon=True)
        thread.start()
        try:
            if not ready.wait(PATIENCE_SECONDS):
                raise OSError(f"{self.host}:{self.port} 没有回应。 nothing answers on {self.host}:{self.port}")
            yield self.address
        finally:
            self.stop()
            thread.join(PATIENCE_SECONDS)

    async def _serve(self, ready: Callable[[], None]) -> None:
        server = Server(
            self._application,
            address=self.host,
            port=self.port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
            websockets=False,
        )
        loop = asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(server.stop)
        task = loop.create_task(server.serve())
        if self._stopping.is_set():
            server.stop()
        await self._accepting(task)
        ready()
        await task

    async def _accepting(self, serving: asyncio.Task[None]) -> None:
        """Wait until the socket answers, or the server has ended."""
        while not serving.done():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                return
            await asyncio.sleep(LOOK_SECONDS)


def _usable(host: str, port: int) -> int:
    """The port, found free: a crash inside the server would say less."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return probe.getsockname()[1]
