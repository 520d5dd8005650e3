"""Running the edge: granian inside this process, on this thread's event loop, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from yutang.model import YutangError
from yutang.web.application import create
from yutang.web.edge import Edge


class Running:
    """A server; `serve` blocks until `stop` is called, from any thread or from a signal handler."""

    def __init__(self, edge: Edge, host: str, port: int) -> None:
        """Raises YutangError when the address cannot be used."""
        _check_free(host, port)
        self._application, self._host, self._port = create(edge), host, port
        self._stop: Callable[[], Any] = lambda: None
        self._stopping = threading.Event()

    def serve(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until stopped; `ready` is called when the socket accepts."""
        asyncio.run(self._serve(ready))

    def stop(self) -> None:
        """End `serve`, also when it has not begun yet."""
        self._stopping.set()
        self._stop()

    async def _serve(self, ready: Callable[[], None]) -> None:
        server = Server(
            self._application,
            address=self._host,
            port=self._port,
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
                _, writer = await asyncio.open_connection(self._host, self._port)
                writer.close()
                return
            await asyncio.sleep(0.01)


def _check_free(host: str, port: int) -> None:
    """A clear word instead of a crash inside the server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise YutangError(
                f"cannot listen on {host}:{port}: {error}; stop the other program, or set YUTANG_PORT"
            ) from error
