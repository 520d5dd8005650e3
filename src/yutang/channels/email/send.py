"""Send: SMTP, one connection per batch. 4xx means later, 5xx means never, a lost connection means later."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import SplitResult, unquote, urlsplit

import psycopg

from yutang.channels.contract import Channel, Letter, Result
from yutang.model import Reason, YutangError

TIMEOUT = 10
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_STATUS = re.compile(rb"^(\d\.\d{1,3}\.\d{1,3})\b")


class Email(Channel):
    """`url`: ``smtp://user:password@host:587`` (STARTTLS where the server offers it) or ``smtps://…:465`` (TLS at once).

    Raises YutangError when the address of the server or the sender cannot be read.
    """

    name = "email"
    handle = "email"
    batch = 50

    def __init__(self, url: str, sender: str) -> None:
        self.server = _server(url)
        self.sender = sender
        self.envelope = parseaddr(sender)[1]
        if "@" not in self.envelope:
            raise YutangError(
                "YUTANG_MAIL_FROM 里要有邮箱地址，例如：Pond <pond@example.com>。 "
                "YUTANG_MAIL_FROM must hold an address, for example: Pond <pond@example.com>"
            )

    def send(self, conn: psycopg.Connection, now: datetime, letters: Sequence[Letter]) -> list[Result]:  # noqa: ARG002
        results: list[Result] = []
        try:
            with connection(self.server, TIMEOUT) as smtp:
                for letter in letters:
                    results.append(self._send_one(smtp, now, letter))  # noqa: PERF401 - what was sent before a fault counts
        except (OSError, smtplib.SMTPException) as error:
            # The connection is gone: whatever has no result yet is tried again.
            results += [Result.retry(_describe(error))] * (len(letters) - len(results))
        return results

    def _send_one(self, smtp: smtplib.SMTP, now: datetime, letter: Letter) -> Result:
        try:
            message = self.compose(now, letter)
        except ValueError:
            return Result.failed("不是能收邮件的地址。 not an address that mail can be sent to", Reason.NO_ADDRESS)
        try:
            smtp.send_message(message, self.envelope, [letter.address])
        except smtplib.SMTPRecipientsRefused as error:
            return _verdict(*next(iter(error.recipients.values())))
        except smtplib.SMTPSenderRefused as error:
            # The operator's mistake, not the letter's: it is mended without losing letters.
            return Result.retry(_describe(error))
        except smtplib.SMTPResponseException as error:
            return _verdict(error.smtp_code, error.smtp_error)
        except smtplib.SMTPNotSupportedError:
            return Result.failed(
                "邮件服务器不能发往这个地址（不支持 SMTPUTF8）。 "
                "the mail server cannot write to this address (no SMTPUTF8)"
            )
        return Result.sent(message["Message-ID"])

    def compose(self, now: datetime, letter: Letter) -> EmailMessage:
        """The message. Its Message-ID comes from the touch, so a repeat can be recognised. Raises ValueError on a bad address."""
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = _recipient(letter.address)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<yutang.{letter.touch_id}@{self.envelope.rpartition('@')[2]}>"
        if link := letter.meta.get("unsubscribe"):
            message["List-Unsubscribe"] = f"<{link}>"
            if link.startswith("https://"):
                # RFC 8058: mail programs then unsubscribe by a POST of their own; over TLS alone.
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.body, charset="utf-8")
        return message


def _recipient(address: str) -> Address:
    """One mailbox and no more: a comma or a line break in an address may not add another. Raises ValueError."""
    name, _, domain = address.rpartition("@")
    if not name or not domain or re.search(r"[\s,;<>\"\\]", address):
        raise ValueError("bad address")
    return Address(username=name, domain=domain)


def _server(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        known = parts.scheme in ("smtp", "smtps") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        known = False
    if not known:
        raise YutangError(
            "YUTANG_SMTP_URL 应写成 smtp://用户:密码@主机:587 或 smtps://主机:465。 "
            "YUTANG_SMTP_URL must look like smtp://user:password@host:587 or smtps://host:465"
        )
    return parts


@contextmanager
def connection(server: SplitResult, patience: float) -> Iterator[smtplib.SMTP]:
    """An open, logged-in connection. A password travels only over TLS, or to this machine."""
    host, secure = server.hostname or "", server.scheme == "smtps"
    tls = ssl.create_default_context()
    if secure:
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, server.port or 465, timeout=patience, context=tls)
    else:
        smtp = smtplib.SMTP(host, server.port or 25, timeout=patience)
    with smtp:
        smtp.ehlo_or_helo_if_needed()
        if not secure and smtp.has_extn("starttls"):
            smtp.starttls(context=tls)
            secure = True
        if server.username:
            if not secure and host not in LOOPBACK:
                raise smtplib.SMTPNotSupportedError("the server offers no TLS; the password is not sent in clear text")
            smtp.login(unquote(server.username), unquote(server.password or ""))
        yield smtp


def _verdict(code: int, text: bytes | str) -> Result:
    """Only the codes are kept: the server's words may repeat the address."""
    status = _STATUS.match(text if isinstance(text, bytes) else text.encode())
    detail = f"SMTP {code}" + (f" {status[1].decode()}" if status else "")
    return Result.failed(detail) if code >= 500 else Result.retry(detail)


def _describe(error: Exception) -> str:
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return type(error).__name__ + code
