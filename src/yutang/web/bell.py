"""From the writer's thread to the event loop: many answers per ring, for each ring is a system call and a change of threads."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Bell:
    """Lets the coroutines of an event loop wait for futures that another thread settles."""

    def __init__(self) -> None:
        self._line: _Line | None = None

    async def wait(self, future: Future[T]) -> T:
        """What the future gives or raises. A waiter who is cancelled takes the future back if work has not begun."""
        line, waiter = self._line_here(), asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: line.settle(waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            future.cancel()
            raise
        return future.result()

    def _line_here(self) -> _Line:
        """A loop that has ended keeps its line, so what it never heard does not silence the next loop."""
        loop = asyncio.get_running_loop()
        if self._line is None or self._line.loop is not loop:
            self._line = _Line(loop)
        return self._line


class _Line:
    """To one event loop: who is to be woken, and whether the loop has been told."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._settled: deque[asyncio.Future[None]] = deque()
        self._rung = False

    def settle(self, waiter: asyncio.Future[None]) -> None:
        """From any thread."""
        self._settled.append(waiter)
        if not self._rung and not self.loop.is_closed():
            self._rung = True
            self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        """On the loop. Whatever is settled after the first line rings anew."""
        self._rung = False
        while self._settled:
            waiter = self._settled.popleft()
            if not waiter.done():
                waiter.set_result(None)
