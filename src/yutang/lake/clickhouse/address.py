"""Where a cluster is: ``clickhouse://user:password@host:port,host:port/database?cluster=NAME``."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from yutang.model import YutangError

SHAPE = "clickhouse://user:password@host:8123/database?cluster=NAME"
PORTS = {False: 8123, True: 8443}
TIMEOUT = 120.0


@dataclass(frozen=True)
class Address:
    """A cluster as its URL names it.

    nodes: base addresses of the HTTP interfaces, at least one; the first that answers is asked.
    cluster: the name in the servers' `remote_servers`. timeout: seconds a question may take.
    """

    nodes: tuple[str, ...]
    user: str
    password: str = field(repr=False)
    database: str
    cluster: str
    timeout: float = TIMEOUT


def address(url: str) -> Address:
    """Read the URL. Parts with reserved characters are percent-encoded; ``secure=1`` speaks TLS, ``timeout`` is in seconds.

    Several nodes stand between commas: all of them, where the cluster has no Keeper to carry changes of tables around.
    Raises YutangError when a part is missing or wrong.
    """
    parts = urlsplit(url)
    who, _, hosts = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    database = unquote(parts.path.strip("/"))
    asked = dict(parse_qsl(parts.query))
    known = {"cluster", "secure", "timeout"}
    if parts.scheme != "clickhouse" or not hosts or not database or not asked.get("cluster") or asked.keys() - known:
        raise YutangError(
            f"集群地址应写成 {SHAPE}（还可加 &secure=1、&timeout=秒数）。 "
            f"the address of the cluster does not read as {SHAPE} (also &secure=1, &timeout=SECONDS)"
        )
    secure = asked.get("secure", "0") not in ("0", "")
    return Address(
        tuple(_node(host, secure) for host in hosts.split(",")),
        unquote(user) or "default",
        unquote(password),
        _plain(database, "数据库", "database"),
        _plain(asked["cluster"], "集群", "cluster"),
        _seconds(asked.get("timeout")),
    )


def _node(host: str, secure: bool) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, str(PORTS[secure])
    if not name or not port.isdecimal():
        raise YutangError(
            f"集群地址里的“{host}”不是 主机:端口，应写成 {SHAPE}。 "
            f"'{host}' in the address of the cluster is not host:port; write it as {SHAPE}"
        )
    return f"http{'s' if secure else ''}://{name}:{port}"


def _plain(name: str, zh: str, en: str) -> str:
    """These names go into statements, where they cannot be bound."""
    if not name.replace("_", "a").replace("-", "a").isalnum():
        raise YutangError(
            f"集群地址里的{zh}名“{name}”只能有字母、数字、_ 和 -。 "
            f"the {en} '{name}' in the address of the cluster may have letters, digits, _ and - only"
        )
    return name


def _seconds(text: str | None) -> float:
    try:
        seconds = float(text or TIMEOUT)
    except ValueError:
        seconds = 0
    if not 0 < seconds < 86400:
        raise YutangError(
            f"集群地址里的 timeout={text} 不是秒数。 "
            f"timeout={text} in the address of the cluster is not a number of seconds"
        )
    return seconds
