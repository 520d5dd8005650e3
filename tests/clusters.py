"""A real ClickHouse of two nodes that tests start, kill and start again.

The server is that of the library which `tools/cluster.py` fetches: `clickhouse local`, which a statement makes listen. It is a
ClickHouse for tests, not one to run a brand on.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import duckdb
import httpx

from lakes import Pond, table_rows
from yutang.lake.clickhouse import ClusterLake, mirrored
from yutang.lake.clickhouse.address import address
from yutang.lake.clickhouse.client import Client
from yutang.lake.clickhouse.feed import Fed, Feed, Source
from yutang.lake.engine import connection, scan
from yutang.lake.place import Folder
from yutang.lake.tables import TABLES, Table, listed

LIBRARY = Path(__file__).parents[1] / "build/cluster/libchdb.so"
ABSENT = f"{LIBRARY} is not there; `make cluster` fetches it, `make test ARGS=\"-m 'not cluster'\"` does without"
NAME, DATABASE = "pond", "yutang"
USER, PASSWORD = "yutang", "s3 cr:et@/鱼"
STARTED = 60.0
"""Seconds a node may take until it answers; on a quiet machine it takes one."""

_NODE = """
import ctypes, sys
ctypes.CDLL(None).prctl(1, 9)  # a node dies with the tests that started it
words = [word.encode() for word in sys.argv[1:]]
ctypes.CDLL(sys.argv[1]).query_stable_v2(len(words), (ctypes.c_char_p * len(words))(*words))
"""
_SERVE = (
    "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT sum(sleepEachRow(3)) FROM numbers(100000) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null"
)
_PROFILE = (
    "<max_threads>2</max_threads><log_queries>0</log_queries><compile_expressions>0</compile_expressions>"
    "<compile_aggregate_expressions>0</compile_aggregate_expressions>"
    "<function_sleep_max_microseconds_per_block>0</function_sleep_max_microseconds_per_block>"
)

RIGHTS = (
    f"ALL ON {DATABASE}.*",
    "REMOTE, CLUSTER, CREATE TEMPORARY TABLE ON *.*",
    "TABLE ENGINE ON MergeTree",
    "TABLE ENGINE ON Distributed",
    "SELECT ON system.*",
)
"""Those that docs/clickhouse.md asks for, and no more."""
_GRANTS = f"<grants>{''.join(f'<query>GRANT {right}</query>' for right in RIGHTS)}</grants>"


@dataclass
class Node:
    """One server: its folder is kept while it is down."""

    home: Path
    tcp: int
    http: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Returns once it answers."""
        words = [f"--config-file={self.home}/config.xml", f"--path={self.home}/data", "--output-format=TabSeparated"]
        with (self.home / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _NODE, str(LIBRARY), *words, "--multiquery", f"--query={_SERVE}"],
                stdout=said, stderr=said, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        end = time.monotonic() + STARTED
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"ClickHouse has not started: {(self.home / 'said').read_text()[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.http}/ping", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """At once, as a machine that loses its power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Cluster:
    """Two nodes, each with half of the buckets."""

    nodes: list[Node]

    def up(self) -> None:
        """Start what is down."""
        for node in self.nodes:
            if node.process is None or node.process.poll() is not None:
                node.start()

    @property
    def url(self) -> str:
        """What YUTANG_LAKE_URL would be: every node is named, for there is no Keeper."""
        return self.url_of(*self.nodes)

    def url_of(self, *nodes: Node, timeout: float = 60) -> str:
        hosts = ",".join(f"127.0.0.1:{node.http}" for node in nodes)
        return f"clickhouse://{USER}:{quote(PASSWORD, safe='')}@{hosts}/{DATABASE}?cluster={NAME}&timeout={timeout}"

    def say(self, sql: str, node: int = 0, **settings: str) -> str:
        """What one node says to a statement of the test's own, as tab-separated text."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.nodes[node].http}", params=settings, content=sql.encode(), trust_env=False,
            auth=(USER, PASSWORD), timeout=60,
        )  # fmt: skip
        return answer.text


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Two running nodes; stopped, and their data thrown away, in the end."""
    with TemporaryDirectory(prefix="yutang-cluster-") as folder:
        ports = _free_ports(4)
        nodes = [Node(Path(folder, str(n)), ports[n], ports[n + 2]) for n in range(2)]
        for node in nodes:
            _configure(node, nodes)
        try:
            for node in nodes:
                node.start()
            yield Cluster(nodes)
        finally:
            for node in nodes:
                node.kill()


def _configure(node: Node, nodes: list[Node]) -> None:
    node.home.mkdir()
    login = f"<user>{USER}</user><password>{PASSWORD}</password>"
    shards = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{one.tcp}</port>{login}</replica></shard>" for one in nodes
    )
    (node.home / "config.xml").write_text(
        f"<clickhouse><logger><level>error</level><log>{node.home}/log</log></logger>"
        f"<tcp_port>{node.tcp}</tcp_port><http_port>{node.http}</http_port><listen_host>127.0.0.1</listen_host>"
        f"<users_config>{node.home}/users.xml</users_config><mark_cache_size>67108864</mark_cache_size>"
        f"<remote_servers><{NAME}>{shards}</{NAME}></remote_servers></clickhouse>",
        "utf-8",
    )
    near = "<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>"
    (node.home / "users.xml").write_text(
        f"<clickhouse><profiles><default>{_PROFILE}</default></profiles><quotas><default/></quotas><users>"
        f"<{USER}><password>{PASSWORD}</password>{near}{_GRANTS}</{USER}><default><password/>{near}</default>"
        "</users></clickhouse>",
        "utf-8",
    )


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has; they are free again when this returns, so a node that finds its own taken says so."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def everything(lake: Any) -> dict[str, list[Any]]:
    """All rows of all tables, in an order that both engines share."""
    asked = {table.name: f"select {listed(table.names())} from {table.name}" for table in TABLES}
    return {name: sorted(map(tuple, lake.rows(sql)), key=repr) for name, sql in asked.items()}


_numbers = count(1)  # no two files have one name, as in a lake


class Filler:
    """Writes ponds as a lake's Parquet files and brings the cluster to them, as the archive step would."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.place = cluster, Folder(folder / "lake")
        self.lake = ClusterLake(Client(address(cluster.url)))

    def __call__(self, pond: Pond) -> ClusterLake:
        self.feed(self.written(pond))
        return self.lake

    def feed(self, files: list[dict[str, Any]]) -> Fed:
        return mirrored(self.cluster.url, self.place, files)

    @contextmanager
    def feeding(self) -> Iterator[Feed]:
        """The feeder itself."""
        with closing(connection(self.place)) as conn, closing(Client(address(self.cluster.url))) as client:
            yield Feed(client, Source(conn, lambda table, some: scan(self.place, table, some)))

    def written(self, pond: Pond) -> list[dict[str, Any]]:
        """New files with the rows of this pond, in the lake's own parts, and the manifest's entries for them."""
        return [file for table in TABLES for file in self.files(table, table_rows(pond)[table.name])]

    def files(self, table: Table, rows: list[list[Any]]) -> list[dict[str, Any]]:
        """A new file for each part of these rows."""
        with duckdb.connect() as conn:
            conn.execute("set timezone = 'UTC'")
            conn.execute(f"create table t ({table.typed})")
            if rows:
                conn.executemany(f"insert into t values ({', '.join('?' * len(table.columns))})", rows)
            parts = conn.execute(f"select {table.part} as part, count(*) from t group by 1 order by 1").fetchall()
            return [self._file(conn, table, part, number) for part, number in parts]

    def _file(self, conn: duckdb.DuckDBPyConnection, table: Table, part: str, rows: int) -> dict[str, Any]:
        path = f"{table.name}/{part}/{next(_numbers):05d}.parquet"
        (self.place.root / path).parent.mkdir(parents=True, exist_ok=True)
        conn.execute(
            f"copy (select * from t where {table.part} = '{part}' order by {listed(table.order)}) "
            f"to '{self.place.address(path)}' (format parquet)"
        )
        return {"table": table.name, "part": part, "path": path, "version": 1, "rows": rows, "bytes": 0}

    def close(self) -> None:
        self.lake.close()
