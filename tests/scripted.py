"""A platform that answers as a test tells it to: real sockets, no state of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HANG_UP = object()
"""An answer: close the connection without a word."""


@dataclass
class Heard:
    """One request as it came in."""

    path: str
    query: dict[str, str]
    body: bytes
    at: float
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """`answers`: by path a list used up in order, whose last one stays; a function of the request; or one answer for ever."""

    answers: dict[str, Any] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    address: str = ""
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, path: str) -> list[Heard]:
        return [one for one in self.heard if one.path == path]

    def answer(self, heard: Heard) -> Any:
        with self.lock:
            self.heard.append(heard)
            found = self.answers.get(heard.path, {"errcode": 0, "errmsg": "ok"})
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
        return found(heard) if callable(found) else found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripted: Scripted

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heard = Heard(parts.path, dict(parse_qsl(parts.query)), body, time.monotonic(), dict(self.headers))
        with self.scripted.lock:
            self.scripted.at_once += 1
            self.scripted.most_at_once = max(self.scripted.most_at_once, self.scripted.at_once)
        try:
            answer = self.scripted.answer(heard)
        finally:
            with self.scripted.lock:
                self.scripted.at_once -= 1
        if answer is HANG_UP:
            self.close_connection = True
            return
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        raw = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = _serve

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def scripted(**answers: Any) -> Iterator[Scripted]:
    """A server whose `address` is its base URL; add answers by path to `.answers`."""
    one = Scripted(answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"scripted": one}))
    server.daemon_threads = True
    one.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Clock:
    """A clock that a test moves; `pause` moves it instead of sleeping, and remembers."""

    now: datetime
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def pause(self) -> Callable[[float], None]:
        def wait(seconds: float) -> None:
            self.pauses.append(seconds)
            self.forward(seconds)

        return wait
