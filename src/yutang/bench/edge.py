"""The web edge of T1, in a process of its own. Says ``ready`` when it accepts; ends when its standard input ends."""

from __future__ import annotations

import sys
import threading

from yutang import clock
from yutang.vault import Vault
from yutang.web.edge import Edge
from yutang.web.serve import Running


def main(url: str, secret: str, port: int) -> None:
    """Serve the database at `url` on a port of this machine."""
    edge = Edge.open(url, Vault(bytes.fromhex(secret)), clock.system_now)
    running = Running(edge, "127.0.0.1", port)
    threading.Thread(target=lambda: (sys.stdin.read(), running.stop()), daemon=True).start()
    running.serve(lambda: print("ready", flush=True))
    edge.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
