"""Send: one POST per message, signed, with the touch as idempotency key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import httpx
import psycopg

from yutang.channels.contract import Channel, Letter, Result
from yutang.channels.platform.outward import AT_ONCE, TIMEOUT, headers, may_work_later, signing_key
from yutang.model import YutangError
from yutang.vault import Vault


class Webhook(Channel):
    """Posts to `url`; reaches any person, whom the receiver knows by id.

    The body is ``{"id", "type": "message", "person_id", "message", "at", "subject", "body"}``. The receiver checks
    ``Yutang-Signature: t=UNIX_SECONDS,v1=HEX``: HMAC-SHA256 of ``t + "." + body`` under `Webhook.key`.
    """

    name = "webhook"
    batch = 100

    def __init__(self, url: str, vault: Vault) -> None:
        if not url.startswith(("http://", "https://")):
            raise YutangError(
                "YUTANG_WEBHOOK_URL 要以 https:// 或 http:// 开头。 "
                "YUTANG_WEBHOOK_URL must start with https:// or http://"
            )
        self.url = url
        self.vault = vault

    @property
    def key(self) -> bytes:
        """The key that the receiver needs to check signatures."""
        return signing_key(self.vault)

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        with httpx.Client(timeout=TIMEOUT) as client, ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda letter: self._post(client, now, letter), letters))

    def _post(self, client: httpx.Client, now: datetime, letter: Letter) -> Result:
        content = _content(now, letter)
        try:
            answer = client.post(self.url, content=content, headers=headers(self.vault, now, letter.touch_id, content))
        except httpx.HTTPError as error:
            return Result.retry(type(error).__name__)
        return _verdict(answer.status_code)


def _content(now: datetime, letter: Letter) -> bytes:
    """The id is text: touch ids may pass 2**53, where JavaScript loses digits."""
    body = {
        "id": str(letter.touch_id),
        "type": "message",
        "person_id": str(letter.person_id),
        "message": letter.meta.get("message"),
        "at": now.isoformat(),
        "subject": letter.subject,
        "body": letter.body,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _verdict(status: int) -> Result:
    if 200 <= status < 300:
        return Result.sent()
    detail = f"HTTP {status}"
    return Result.retry(detail) if may_work_later(status) else Result.failed(detail)
