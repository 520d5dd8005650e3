"""The webhook against a real HTTP server that checks signatures as a receiver would."""

from __future__ import annotations

import hmac
import json
import re
import socket
from importlib import resources
from pathlib import Path

import pytest

from commands import Run
from touches import NOW
from webhooks import receiving
from yutang.channels import configured
from yutang.channels.contract import Letter
from yutang.channels.webhook.send import Webhook
from yutang.model import Reason, YutangError
from yutang.vault import Vault

VAULT = Vault(b"s" * 32)


def letter(touch_id: int) -> Letter:
    return Letter(touch_id, 7, "7", "主题", "正文", {"message": "welcome", "tries": 1})


def test_a_receiver_can_check_who_wrote_and_recognise_a_repeat():
    with receiving() as receiver:
        channel = Webhook(receiver.url, VAULT)
        assert [r.state for r in channel.send(None, NOW, [letter(2**60), letter(2**60)])] == ["sent", "sent"]
        key = channel.key
    (headers, body), (again, _) = receiver.posts
    t, v1 = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", headers["Yutang-Signature"]).groups()
    assert int(t) == NOW.timestamp()
    assert hmac.compare_digest(v1, hmac.digest(key, t.encode() + b"." + body, "sha256").hex())
    assert not hmac.compare_digest(v1, hmac.digest(key, t.encode() + b"." + body + b" ", "sha256").hex())
    assert headers["Idempotency-Key"] == again["Idempotency-Key"] == str(2**60)
    assert json.loads(body) == {
        "id": str(2**60),
        "type": "message",
        "person_id": "7",
        "message": "welcome",
        "at": "2026-03-02T04:00:00+00:00",
        "subject": "主题",
        "body": "正文",
    }


def test_status_decides():
    codes = {1: 200, 2: 204, 3: 408, 4: 429, 5: 500, 6: 503, 7: 400, 8: 404, 9: 410, 10: 301}
    with receiving() as receiver:
        receiver.status = lambda key: codes[int(key)]
        results = Webhook(receiver.url, VAULT).send(None, NOW, [letter(n) for n in codes])
    assert [r.state for r in results] == ["sent"] * 2 + ["retry"] * 4 + ["failed"] * 4
    assert results[3].detail == "HTTP 429"
    assert results[7].reason == Reason.PERMANENT


def test_nobody_there_waits():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        [result] = Webhook(f"http://127.0.0.1:{nobody.getsockname()[1]}", VAULT).send(None, NOW, [letter(1)])
    assert (result.state, result.reason, result.detail) == ("retry", Reason.TEMPORARY, "ConnectError")


def test_a_bad_setting_is_told():
    with pytest.raises(YutangError, match="YUTANG_WEBHOOK_URL"):
        Webhook("example.com/hook", VAULT)


def test_the_receivers_code_in_the_readme_tells_genuine_from_forged(yutang: Run, home: Path) -> None:
    text = (resources.files("yutang.channels.webhook") / "README.md").read_text("utf-8")
    example: dict = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], example)
    with receiving() as receiver:
        channel = Webhook(receiver.url, VAULT)
        channel.send(None, NOW, [letter(1)])
    [(headers, body)] = receiver.posts
    (home / "secret").write_text(VAULT.secret.hex())
    printed = yutang("signing-key").stdout.strip()
    assert example["genuine"](printed, headers["Yutang-Signature"], body)
    assert not example["genuine"]("ab" * 32, headers["Yutang-Signature"], body)


def test_settings_switch_channels_on(monkeypatch):
    monkeypatch.delenv("YUTANG_WEBHOOK_URL", raising=False)
    monkeypatch.delenv("YUTANG_SMTP_URL", raising=False)
    assert set(configured(VAULT)) == {"sandbox", "staff"}
    monkeypatch.setenv("YUTANG_WEBHOOK_URL", "https://example.com/hook")
    monkeypatch.setenv("YUTANG_SMTP_URL", "smtp://mail.example.com")
    assert set(configured(VAULT)) == {"sandbox", "staff", "email", "webhook"}
