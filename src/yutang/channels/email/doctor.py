"""Would the mail server take letters from us? Asked by signing in; nothing is sent."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult

from yutang import config
from yutang.channels.email.send import Email, connection
from yutang.channels.platform.checks import Finding
from yutang.model import YutangError

NAME = "邮件 e-mail"
PATIENCE = 5
"""Seconds for the server to answer."""


def checks() -> Iterator[Finding]:
    """Nothing where no mail server is set."""
    if not config.SMTP_URL.value:
        return
    try:
        server = Email(config.SMTP_URL.value, config.MAIL_FROM.value).server
    except YutangError as error:
        yield Finding(NAME, "设置读不懂 the setting cannot be read", str(error))
        return
    yield _signed_in(server)


def _signed_in(server: SplitResult) -> Finding:
    where = server.netloc.rpartition("@")[2]
    try:
        with connection(server, PATIENCE):
            pass
    except (OSError, smtplib.SMTPException) as error:
        return Finding(NAME, f"{where}: {type(error).__name__}", f"{_fix(error)} ({config.SMTP_URL.name})")
    return Finding(NAME, f"{where}: {'登录成功 signed in' if server.username else '连接成功 answers'}")


def _fix(error: Exception) -> str:
    """The first of `FIXES` that the error is; a server's own words may repeat addresses, so only its code is shown."""
    if said := next((fix for kinds, fix in FIXES if isinstance(error, kinds)), None):
        return said
    if not isinstance(error, smtplib.SMTPException):
        return "连不上服务器，请检查网络。 the server cannot be reached; check the network"
    code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"邮件服务器拒绝了{code}，请向它的管理者查询。 the mail server refuses{code}; ask whoever runs it"


FIXES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        "用户名或密码不对；许多邮箱要用单独的授权码，密码里的特殊字符要写成 %XX。 wrong user or password; many providers want a separate "
        "code for programs, and signs such as @ in a password are written as %40",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "服务器不提供加密，密码不会明文发送；请用 smtps:// 或另一个端口。 the server offers no TLS, so the password is not sent; use smtps:// or another port",
    ),
    (
        ssl.SSLError,
        "加密连接建立不了；465 端口用 smtps://，587 端口用 smtp://，并检查证书。 no TLS connection; use smtps:// for port 465 and smtp:// for 587, and check the certificate",
    ),
    (socket.gaierror, "没有这台主机，请检查主机名。 there is no such host; check its name"),
    (
        (TimeoutError, smtplib.SMTPServerDisconnected),
        "服务器没有回应，请检查端口、加密方式和防火墙（许多云主机封 25 端口）。 the server gives no answer; check the port, smtp:// or smtps://, "
        "and the firewall (many hosts close port 25)",
    ),
    (ConnectionRefusedError, "那个端口上没有邮件服务器，请检查端口。 nothing listens at that port; check it"),
)
