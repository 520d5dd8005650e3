"""Speaks to a cluster's HTTP interface: questions, which can change nothing, and statements, which can."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import msgspec

from yutang.lake.clickhouse.address import Address
from yutang.lake.clickhouse.values import bound, readers
from yutang.model import YutangError, halves

CONNECT = 5.0
"""Seconds until a node that does not even take the call counts as down."""

SAME = {
    "session_timezone": "UTC",
    # Never half an answer: an unreachable shard is an error.
    "skip_unavailable_shards": "0",
    # Without these, what is missing would read as 0, '' or 1970-01-01.
    "aggregate_functions_null_for_empty": "1",
    "join_use_nulls": "1",
    "cast_keep_nullable": "1",
    # sum(CASE …) is made into sumIf, which nodes then call by different names ("Cannot find column sumOrNullIf").
    "optimize_rewrite_aggregate_function_with_if": "0",
    "count_distinct_implementation": "uniqExact",
    # max(day) AS day … WHERE day > x means the column, as everywhere else.
    "prefer_column_name_to_alias": "1",
    "union_default_mode": "DISTINCT",
    "distributed_product_mode": "deny",
    "optimize_skip_unused_shards": "1",
}
"""What makes a question mean the same as on DuckDB."""

READING = SAME | {
    "readonly": "1",
    # The whole answer or an error, never an answer that breaks off behind a 200.
    "wait_end_of_query": "1",
    "cancel_http_readonly_queries_on_client_close": "1",
    "default_format": "JSONCompactEachRowWithNamesAndTypes",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "1",
    "output_format_json_quote_decimals": "1",
}
WRITING = {
    # Acknowledged when every shard has it, not when it waits in a folder of the first.
    "distributed_foreground_insert": "1",
    "session_timezone": "UTC",
    # One file is one block, so a file that is sent again is known by its token.
    "min_insert_block_size_rows": "10000000",
    "min_insert_block_size_bytes": "0",
    "input_format_parquet_max_block_size": "1000000",
    "mutations_sync": "2",
}

LOST = {3, 32, 159, 160, 198, 209, 210, 236, 279, 306, 394, 425, 519, 999}
"""Error codes of ClickHouse that may come from a node that is gone or cut off."""


class Answer(NamedTuple):
    """names and rows; each value has the Python type that DuckDB gives."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Refused(YutangError):
    """A node said no."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Unreached(Refused):
    """A node did not even take the call."""


class Client:
    """One connection pool to the nodes of one cluster."""

    def __init__(self, where: Address) -> None:
        self.where, self.writing = where, dict(WRITING)
        self.http = httpx.Client(
            auth=httpx.BasicAuth(where.user, where.password),
            timeout=httpx.Timeout(where.timeout + CONNECT, connect=CONNECT),
            trust_env=False,
        )

    def knows(self, setting: str) -> bool:
        """Whether the servers have such a setting. Raises Refused."""
        sql = "SELECT count() FROM system.settings WHERE name = {name:String}"
        return bool(self.ask(sql, {"name": setting}, inside=False).rows[0][0])

    def close(self) -> None:
        self.http.close()

    def ask(self, sql: str, params: Mapping[str, Any] | None = None, inside: bool = True) -> Answer:
        """The answer to one question, from the first node that takes the call. inside: names mean tables of the lake. Raises Refused."""
        settings = READING | ({"database": self.where.database} if inside else {})
        settings |= {"max_execution_time": str(max(1, round(self.where.timeout)))}
        settings |= {f"param_{name}": bound(value) for name, value in (params or {}).items()}
        return _read(self._first(sql.encode(), settings))

    def tell(self, sql: str, node: str | None = None, body: bytes = b"", token: str = "") -> None:
        """Carry out one statement, on this node or the first that takes the call. Raises Refused.

        body: the data of an INSERT; of two with the same token the second changes nothing.
        """
        settings = self.writing | ({"insert_deduplication_token": token} if token else {"insert_deduplicate": "0"})
        settings, content = (settings | {"query": sql}, body) if body else (settings, sql.encode())
        self._post(node, content, settings) if node else self._first(content, settings)

    def _first(self, content: bytes, settings: dict[str, str]) -> bytes:
        said = []
        for node in self.where.nodes:
            try:
                return self._post(node, content, settings)
            except Unreached as error:
                said.append(str(error))
        zh, en = zip(*map(halves, said), strict=True)
        raise Unreached(f"{'；'.join(zh)}。 {'; '.join(en)}")

    def _post(self, node: str, content: bytes, settings: dict[str, str]) -> bytes:
        try:
            answer = self.http.post(node, params=settings, content=content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unreached(
                f"连不上集群“{self.where.cluster}”的 {node}，请检查 ClickHouse 是否在运行、YUTANG_LAKE_URL 写的是不是它的 HTTP 端口。 "
                f"{node} of the cluster '{self.where.cluster}' does not take the call ({error or 'no answer'}); "
                "look whether ClickHouse runs there and YUTANG_LAKE_URL names its HTTP port"
            ) from None
        except httpx.TimeoutException:
            raise Refused(self._late()) from None
        except httpx.HTTPError as error:
            raise Refused(
                f"集群“{self.where.cluster}”的 {node} 答到一半断开，没有结果；请启动那里的 ClickHouse 后再查一次。 "
                f"{node} of the cluster '{self.where.cluster}' broke off while it answered "
                f"({error or type(error).__name__}), so there is no answer; start ClickHouse there and ask again"
            ) from None
        if answer.status_code != 200 or b"\r\n__exception__\r\n" in answer.content[-20000:]:
            raise self._refusal(node, answer)
        return answer.content

    def _late(self) -> str:
        return (
            f"集群“{self.where.cluster}”超过 {self.where.timeout:.0f} 秒还没算完，请缩小范围，或在 YUTANG_LAKE_URL 里调大 timeout=。 "
            f"the cluster '{self.where.cluster}' needs more than {self.where.timeout:.0f} s for this; "
            "ask for less, or raise timeout= in YUTANG_LAKE_URL"
        )

    def _refusal(self, node: str, answer: httpx.Response) -> Refused:
        code = int(answer.headers.get("X-ClickHouse-Exception-Code") or 0)
        said = answer.text.strip()[-2000:]
        if code == 0 and (found := re.search(r"Code: (\d+)", said)):
            code = int(found[1])
        if code in LOST and (down := [name for name in self._names(node) if name in said]):
            where = ", ".join(dict.fromkeys(down))
            return Refused(
                f"集群“{self.where.cluster}”在 {where} 的分片停了，没有结果（半个结果会是错的）；请启动那里的 ClickHouse 后再查一次。 "
                f"the shard at {where} of the cluster '{self.where.cluster}' is down, so there is no answer "
                "(half of one would be wrong); start ClickHouse there and ask again",
                code,
            )
        if code == 159:
            return Refused(self._late(), code)
        return Refused(
            "ClickHouse 拒绝了这条语句，请按后面的提示改正。 "
            f"ClickHouse refuses: {said.splitlines()[0] if said else answer.status_code}",
            code,
        )

    def _names(self, node: str) -> Sequence[str]:
        """host:port of every node, as errors write it."""
        sql = (
            "SELECT host_address || ':' || toString(port), host_name || ':' || toString(port) FROM system.clusters "
            "WHERE cluster = {cluster:String} FORMAT TabSeparated"
        )
        try:
            said = self.http.post(node, params={"param_cluster": self.where.cluster}, content=sql.encode())
        except httpx.HTTPError:
            return ()
        return [name for line in said.text.splitlines() for name in line.split("\t")] if said.status_code == 200 else ()


_lines = msgspec.json.Decoder(list[Any])


def _read(content: bytes) -> Answer:
    """Names, types, and then one row a line."""
    try:
        lines = _lines.decode_lines(content)
    except msgspec.DecodeError:
        raise Refused("请去掉 FORMAT，结果在这里读取。 leave the FORMAT of the answer away; it is read here") from None
    names, kinds, rows = tuple(lines[0]), lines[1], lines[2:]
    columns: list[Any] = list(zip(*rows, strict=True))
    for place, reader in enumerate(readers(kinds) if rows else ()):
        if reader is not None:
            columns[place] = [None if value is None else reader(value) for value in columns[place]]
    return Answer(names, list(zip(*columns, strict=True)))
