"""Running the city on a port, in threads of their own: one that answers, one that sends callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yutang.emulator import server
from yutang.serving import PATIENCE_SECONDS, Serving

if TYPE_CHECKING:
    from yutang.emulator.city import City


@contextmanager
def serving(city: City, host: str, port: int) -> Iterator[str]:
    """The base URL, for as long as the block runs. Raises OSError when the port is taken."""
    with Serving(server.create(city), host, port).in_background("city") as address:
        city.address = address
        sender = city.callbacks.start()
        try:
            yield address
        finally:
            city.callbacks.stop()
            sender.join(PATIENCE_SECONDS)
