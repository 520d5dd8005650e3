"""Running the edge inside this process, until it is told to stop."""

from __future__ import annotations

from yutang.model import YutangError
from yutang.serving import Serving
from yutang.web.application import create
from yutang.web.edge import Edge


class Running(Serving):
    """The edge's server."""

    def __init__(self, edge: Edge, host: str, port: int) -> None:
        """port 0: a free one. Raises YutangError when the address cannot be used."""
        try:
            super().__init__(create(edge), host, port)
        except (OSError, OverflowError) as error:
            raise YutangError(
                f"不能监听 {host}:{port}，请结束占用它的程序，或改设 YUTANG_PORT。 "
                f"cannot listen on {host}:{port}: {error}; stop the other program, or set YUTANG_PORT"
            ) from error
