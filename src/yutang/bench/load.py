"""The load of T1, in a process of its own: many connections that each send the next call when the last is answered.

Says ``ready`` when its calls are prepared, begins at a line on standard input, ends with a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter, deque

from yutang.bench import traffic

CONNECTIONS = 64


def main(port: int, key: str, events: int) -> None:
    """Send `events` events; prints what the answers add up to."""
    calls = list(traffic.bodies(traffic.draw(events)))
    head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    waiting = deque(
        f"{head}Content-Length: {len(call)}\r\n\r\n".encode() + call for call in [*calls, *calls[:: traffic.REPEATED]]
    )
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(asyncio.run(_send(port, waiting))), flush=True)


async def _send(port: int, waiting: deque[bytes]) -> Counter[str]:
    sums: Counter[str] = Counter()
    await asyncio.gather(*(_connection(port, waiting, sums) for _ in range(CONNECTIONS)))
    return sums


async def _connection(port: int, waiting: deque[bytes], sums: Counter[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while waiting:
        writer.write(waiting.popleft())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = json.loads(await reader.readexactly(int(length.split(b":")[1])))
        sums["accepted"] += answer["accepted"]
        sums["duplicate"] += answer["duplicate"]
        sums["rejected"] += len(answer["rejected"])
    writer.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
