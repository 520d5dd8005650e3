"""E-mail against a real SMTP server in a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from touches import NOW
from yutang.channels.contract import Letter
from yutang.channels.email.doctor import checks
from yutang.channels.email.send import Email
from yutang.channels.platform.checks import Finding
from yutang.model import Reason, YutangError

SERVER = '''
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

class Handler:
    """What an address begins with says how the server treats it."""
    seen = {}
    async def handle_RCPT(self, server, session, envelope, address, options):
        n = self.seen[address] = self.seen.get(address, 0) + 1
        if address.startswith("unknown"):
            return f"550 5.1.1 <{address}> user unknown"
        if address.startswith("greylisted") and n == 1:
            return "451 4.7.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        [to] = envelope.rcpt_tos
        if to.startswith("spam"):
            return "554 5.7.1 we do not like this"
        if to.startswith("hangup"):
            session.loop.call_soon(server.transport.abort)
            await asyncio.sleep(1)
        print(json.dumps({"from": envelope.mail_from, "to": to, "peer": session.peer[1], "login": bool(session.authenticated),
                          "text": envelope.content.decode("utf-8", "replace")}), flush=True)
        return "250 accepted"

def allow(server, session, envelope, mechanism, data):
    return AuthResult(handled=False, success=data.login == b"user" and data.password == b"p@ss")

async def main():
    port, mode, *certificate = sys.argv[1:]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
    if tls:
        tls.load_cert_chain(*certificate)
    options = {"tls_context": tls, "require_starttls": True} if mode == "starttls" else {}
    handler = Handler()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, authenticator=allow, auth_require_tls=False, **options),
        "127.0.0.1", int(port), ssl=tls if mode == "smtps" else None)
    print("ready", flush=True)
    await server.serve_forever()

asyncio.run(main())
'''


@dataclass
class MailServer:
    """A running server, and the file in which it writes each accepted message as a line of JSON."""

    port: int
    log: Path
    process: subprocess.Popen = field(repr=False)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def received(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()[1:]]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[MailServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "mail.jsonl"
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", SERVER, str(port), *arguments], stdout=out)
    deadline = time.monotonic() + 30
    while not log.read_text():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield MailServer(port, log, process)
    process.kill()
    process.wait()


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[MailServer]:
    with serving(tmp_path, "plain") as server:
        yield server


def certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, and its key: two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(folder / "cert.pem"), str(folder / "key.pem")


def letter(touch_id: int, address: str, **meta: str) -> Letter:
    return Letter(touch_id, 7, address, "欢迎 ☕", "你好，小李\n第二行", meta)


def test_a_letter_arrives_as_it_was_written(mail):
    channel = Email(mail.url, "鱼塘 <pond@example.com>")
    [first] = channel.send(None, NOW, [letter(41, "li@example.com", unsubscribe="https://example.com/u/1")])
    [again] = channel.send(None, NOW, [letter(41, "li@example.com")])
    assert (first.state, first.provider_id) == ("sent", "<yutang.41@example.com>")
    assert again.provider_id == first.provider_id
    message, repeat = (message_from_bytes(m["text"].encode(), policy=default) for m in mail.received)
    assert mail.received[0]["from"] == "pond@example.com"
    assert message["Subject"] == "欢迎 ☕"
    assert message["To"] == "li@example.com"
    assert message["Message-ID"] == repeat["Message-ID"] == "<yutang.41@example.com>"
    assert message["List-Unsubscribe"] == "<https://example.com/u/1>"
    assert repeat["List-Unsubscribe"] is None
    assert message.get_content().replace("\r\n", "\n").strip() == "你好，小李\n第二行"
    assert message["Date"].datetime == NOW


def test_4xx_waits_5xx_stops_and_neighbours_arrive_over_one_connection(mail):
    channel = Email(mail.url, "pond@example.com")
    addresses = ["unknown@example.com", "greylisted@example.com", "spam@example.com", "a@example.com", "b@example.com"]
    batch = [letter(n, address) for n, address in enumerate(addresses)]
    results = channel.send(None, NOW, batch)
    assert [r.state for r in results] == ["failed", "retry", "failed", "sent", "sent"]
    assert [r.reason for r in results[:3]] == [Reason.PERMANENT, Reason.TEMPORARY, Reason.PERMANENT]
    assert [r.detail for r in results[:3]] == ["SMTP 550 5.1.1", "SMTP 451 4.7.1", "SMTP 554 5.7.1"]
    assert len({m["peer"] for m in mail.received}) == 1
    [later] = channel.send(None, NOW, [batch[1]])
    assert later.state == "sent"
    assert [m["to"] for m in mail.received] == ["a@example.com", "b@example.com", "greylisted@example.com"]


def test_a_lost_connection_keeps_what_was_sent_and_waits_with_the_rest(mail):
    channel = Email(mail.url, "pond@example.com")
    results = channel.send(None, NOW, [letter(n, f"{n}@example.com") for n in ("a", "hangup", "c")])
    assert [r.state for r in results] == ["sent", "retry", "retry"]
    assert [m["to"] for m in mail.received] == ["a@example.com"]


def test_no_server_waits():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        [result] = Email(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", "p@example.com").send(
            None, NOW, [letter(1, "a@example.com")]
        )
    assert (result.state, result.detail) == ("retry", "ConnectionRefusedError")


def test_login_and_a_wrong_password(mail):
    right = Email(f"smtp://user:p%40ss@127.0.0.1:{mail.port}", "pond@example.com")
    wrong = Email(f"smtp://user:nope@127.0.0.1:{mail.port}", "pond@example.com")
    assert right.send(None, NOW, [letter(1, "a@example.com")])[0].state == "sent"
    assert mail.received[0]["login"]
    [result] = wrong.send(None, NOW, [letter(2, "b@example.com")])
    assert (result.state, result.detail) == ("retry", "SMTPAuthenticationError 535")


def test_the_doctor_signs_in_and_says_in_words_what_is_wrong(mail, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is in no word of it."""
    monkeypatch.setenv("YUTANG_MAIL_FROM", "pond@example.com")

    def told(url: str) -> Finding:
        monkeypatch.setenv("YUTANG_SMTP_URL", url)
        [finding] = checks()
        assert "hush" not in str(finding)
        return finding

    assert told(mail.url).fix is None
    assert told(f"smtp://user:p%40ss@127.0.0.1:{mail.port}").fix is None
    assert "用户名或密码不对" in str(told(f"smtp://user:hush@127.0.0.1:{mail.port}").fix)
    assert "smtps:// for port 465" in str(told(f"smtps://user:hush@127.0.0.1:{mail.port}").fix)
    assert "no such host" in str(told("smtp://user:hush@mail.invalid:25").fix)
    mail.process.kill()
    mail.process.wait()
    assert "nothing listens" in str(told(mail.url).fix)
    assert "YUTANG_SMTP_URL" in str(told("smtp://host:notaport").fix)
    monkeypatch.setenv("YUTANG_SMTP_URL", "")
    assert list(checks()) == []


@pytest.mark.parametrize(
    "address", ["a,b@example.com", "a@example.com\nBcc: x@example.com", "nobody", "a b@example.com"]
)
def test_an_address_reaches_one_mailbox_or_none(mail, address):
    [result] = Email(mail.url, "pond@example.com").send(None, NOW, [letter(1, address)])
    assert (result.state, result.reason) == ("failed", Reason.NO_ADDRESS)
    assert address not in result.detail
    assert mail.received == []


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:notaport"])
def test_a_bad_setting_is_told(url):
    with pytest.raises(YutangError, match="YUTANG_SMTP_URL"):
        Email(url, "pond@example.com")
    with pytest.raises(YutangError, match="YUTANG_MAIL_FROM"):
        Email("smtp://host", "nobody")
