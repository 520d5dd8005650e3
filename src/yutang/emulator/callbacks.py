"""Callbacks: what the platforms tell us. Really encrypted, tried again when we do not answer, and lost as in life."""

from __future__ import annotations

import heapq
import itertools
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import httpx

from yutang.channels.platform import crypto
from yutang.emulator.tokens import OF_CORP

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.tokens import App

HELD_BACK_S = 2
"""How long a reordered callback waits, so that later ones overtake it."""
STRANGER = "ww99somebodyelse"


@dataclass(order=True)
class Post:
    """One delivery that is due. `plain` is the message before encryption; `safe` tells whether it is encrypted at all."""

    due: float
    number: int
    app: App
    plain: bytes
    tries: int = 0
    safe: bool = True


def element(name: str, value: Any) -> str:
    """One XML element: numbers plain, texts as CDATA, lists as Items, mappings as elements."""
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(element(key, one) for key, one in value.items())}</{name}>"
    if isinstance(value, list | tuple):
        return f"<{name}>{''.join(element('Item', one) for one in value)}</{name}>"
    if isinstance(value, int | float):
        return f"<{name}>{value}</{name}>"
    if "]]>" in value:
        return f"<{name}>{escape(value)}</{name}>"
    return f"<{name}><![CDATA[{value}]]></{name}>"


def xml(fields: Mapping[str, Any]) -> bytes:
    """``<xml>…</xml>`` of flat fields."""
    return element("xml", fields).encode()


class Callbacks:
    """The queue of deliveries, and what became of them."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.queue: list[Post] = []
        self.numbers = itertools.count()
        self.sent = self.failed = self.lost = 0
        self.told: list[Mapping[str, Any]] = []
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._sending = threading.Lock()

    def tell(self, app: App, fields: Mapping[str, Any], safe: bool = True) -> None:
        """Queue one message for an app, with the faults that are on."""
        self.told.append(fields)
        self.post(app, xml(fields), safe)

    def post(self, app: App, plain: bytes, safe: bool = False) -> None:
        """Queue these bytes for an app, with the faults that are on."""
        city, faults, dice = self.city, self.city.faults, self.city.dice("callbacks")
        if app.callback_url is None:
            return
        if dice.random() < faults.lost_callbacks:
            self.lost += 1
            return
        late = HELD_BACK_S if dice.random() < faults.reordered_callbacks else 0
        due = city.now().timestamp() + late
        self._push(due, app, plain, safe)
        if dice.random() < faults.duplicate_callbacks:
            self._push(due, app, plain, safe)

    def _push(self, due: float, app: App, plain: bytes, safe: bool, tries: int = 0) -> None:
        with self.city.lock:
            heapq.heappush(self.queue, Post(due, next(self.numbers), app, plain, tries, safe))
        self._bell.set()

    def deliver(self, stoppable: bool = False) -> int:
        """Send what is due now, in order; `stoppable`: until `stop`. Returns how many were answered with 200."""
        answered = 0
        self.city.settle()
        with self._sending:
            while not (stoppable and self._stop.is_set()) and (post := self._next()):
                answered += self._send(post)
        return answered

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(trust_env=False)

    def _next(self) -> Post | None:
        with self.city.lock:
            if self.queue and self.queue[0].due <= self.city.now().timestamp():
                return heapq.heappop(self.queue)
            return None

    def _send(self, post: Post) -> bool:
        if post.app.callback_url is None:
            return False
        query, body = envelope(self.city, post)
        try:
            address = httpx.URL(post.app.callback_url).copy_merge_params(query)
            patience = self.city.settings.callback.timeout_s
            ok = self._client.post(address, content=body, timeout=patience).status_code == 200
        except (httpx.HTTPError, httpx.InvalidURL):
            ok = False
        callback = self.city.settings.callback
        if ok:
            self.sent += 1
        elif post.tries < callback.retries:
            due = self.city.now().timestamp() + callback.retry_wait_s
            self._push(due, post.app, post.plain, post.safe, post.tries + 1)
        else:
            self.failed += 1
        return ok

    def run(self) -> None:
        """Send until `stop`; for a thread of its own."""
        while not self._stop.is_set():
            if not self.city.manual:
                self.deliver(stoppable=True)
            self._bell.wait(0.05)
            self._bell.clear()

    def start(self) -> threading.Thread:
        self._stop.clear()
        thread = threading.Thread(target=self.run, name="city-callbacks", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()
        self._bell.set()
        with self._sending:
            if client := self.__dict__.pop("_client", None):
                client.close()


def envelope(city: City, post: Post) -> tuple[dict[str, str], bytes]:
    """Query and body of one delivery, encrypted anew each time, as the platforms do."""
    app, dice, faults = post.app, city.dice("envelope"), city.faults
    stamp, nonce = str(city.stamp()), str(dice.randrange(10**9, 10**10))
    if not post.safe:
        return {"signature": crypto.sign(app.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}, post.plain
    receiver = STRANGER if dice.random() < faults.misdirected_callbacks else app.id
    sealed = crypto.encrypt(app.aes_key, post.plain, receiver, random_bytes(dice))
    signature = crypto.sign(app.token, stamp, nonce, sealed)
    if dice.random() < faults.forged_callbacks:
        signature = signature[::-1]
    fields = {"ToUserName": app.id} | ({"AgentID": app.agent_id} if app.agent_id else {}) | {"Encrypt": sealed}
    query = {"msg_signature": signature, "timestamp": stamp, "nonce": nonce}
    if app.kind not in OF_CORP:
        query |= {"encrypt_type": "aes", "signature": crypto.sign(app.token, stamp, nonce)}
    return query, xml(fields)


def random_bytes(dice: random.Random) -> bytes:
    """The sixteen bytes in front of every message: any bytes, not only text."""
    return dice.randbytes(16)


def checks_url(city: City, app: App, url: str) -> bool:
    """What the admin console does when a callback URL is saved: whether the echo comes back, plain."""
    echo, stamp, nonce = str(city.dice("echo").randrange(10**15)), str(city.stamp()), "n0nce"
    if app.kind in OF_CORP:
        sealed = crypto.encrypt(app.aes_key, echo.encode(), app.id, random_bytes(city.dice("echo")))
        query = {"msg_signature": crypto.sign(app.token, stamp, nonce, sealed), "echostr": sealed}
    else:
        query = {"signature": crypto.sign(app.token, stamp, nonce), "echostr": echo}
    answer = httpx.get(url, params=query | {"timestamp": stamp, "nonce": nonce}, timeout=5)
    return answer.status_code == 200 and answer.content == echo.encode()
