"""Importing a file: rows become events and enter by the same door, batch by batch, so that it can stop and go on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from yutang import definitions
from yutang.ingest import loose
from yutang.ingest import mapping as columns
from yutang.ingest.door import Door, Parsed, Rejected, admit
from yutang.ingest.keys import Refusal, masked
from yutang.ingest.lines import joined
from yutang.ingest.mapping import Mapping, registrations
from yutang.ingest.readers import TYPED, Row, open_table
from yutang.ingest.record import REUSED, Answer, as_text, keep, open_door, sql
from yutang.model import Reason, YutangError
from yutang.vault import Vault

BATCH = 5_000
"""Rows in one commit; the rows of an order are one."""
LOOKED_AT = 100
"""Rows that are looked at before the first is taken in, for columns that nobody may have meant to keep."""
SHOWN = 5
"""Events that a report shows."""
NAMED = 1_000
"""Refused rows that a report lists; the table `reject` has every one."""

_ORDER_REUSED = (
    "props.order_id: 这个订单号已用于内容不同的订单；如果每件商品占一行，请按订单号排序，并用 --map 列=product 指明商品列；否则请换新的订单号；先到的事件保留。 "
    "came before with other content; where an order has a row for each article, sort the file by order number "
    "and name the column of the articles with --map COLUMN=product; else give a new number; the first event stays"
)

_MISSING = re.compile(r"missing required field `(.+?)`")
Seen = tuple[int, dict[str, Any]]
Progress = Callable[[int, int | None, dict[str, int]], None]


@dataclass
class ImportReport:
    """What an import did. `rows`: how far the file was read; `total`: its rows (about, for CSV with line breaks in cells).

    Counts are of events over the whole import, earlier runs included; `reasons` and `problems` are of this run.
    `problems[].index` is the row's number in the file. `sample` holds the first events of rows that are not refused, personal
    handles masked.
    """

    import_id: int | None
    kind: str
    path: str
    mapping: dict[str, str]
    total: int | None
    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    already_done: bool = False
    reasons: Counter[Reason] = field(default_factory=Counter)
    problems: list[Rejected] = field(default_factory=list)
    sample: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {"accepted": self.accepted, "duplicate": self.duplicate, "rejected": self.rejected}

    def add(self, answer: Answer, rows: int) -> None:
        self.rows += rows
        self.accepted += answer.accepted
        self.duplicate += answer.duplicate
        self.rejected += len(answer.rejected)
        self.reasons.update(refused.reason for refused in answer.rejected)
        self.problems += answer.rejected[: NAMED - len(self.problems)]


def import_file(
    conn: psycopg.Connection,
    vault: Vault,
    now: datetime,
    kind: str,
    path: Path,
    mapping: dict[str, str],
    dry_run: bool,
    progress: Progress,
    source: str = "import",
    most: int | None = None,
) -> ImportReport:
    """Import a JSONL, CSV, XLSX or Parquet file of events, orders or customers.

    `mapping` is {column: field} where the headings do not say it; `source` is the source of rows that name none, and the
    shop whose member numbers they carry. `progress(rows_done, total or None, counts)` is called after each batch.
    A file that stopped midway goes on where it stopped; one that is done changes nothing. A dry run writes nothing; it
    sees events that repeat within a batch or are stored already, not those that repeat in a later batch; most: it looks at no more rows.
    Raises YutangError when the file or the mapping cannot be used.
    """
    table = open_table(path)
    zone = ZoneInfo(definitions.pond(conn)["time_zone"])
    said = Mapping(
        kind,
        columns.guess(kind, table.columns, mapping),
        source,
        zone,
        now,
        registrations(vault),
        path.suffix.lower() in TYPED,
    )
    loose.ask(said, islice(table.rows(), LOOKED_AT))
    report = ImportReport(None, kind, str(path), said.fields, table.total)
    found = replace(said, begun=_begin(conn, now, report, table.digest, said, dry_run))
    run = _Run(conn, vault, now, found, table.digest[:24], report)
    rows = joined(found, islice(table.rows(), report.rows, most if dry_run else None))
    while not report.already_done and (batch := list(islice(rows, BATCH))):
        run.batch(batch, dry_run)
        progress(report.rows, report.total, report.counts)
    if not dry_run and not report.already_done:
        sql.end_import(conn, import_id=report.import_id, now=now)
    return report


def begun(conn: psycopg.Connection, path: Path) -> int | None:
    """The import that read this file, once it has begun."""
    row = sql.by_path(conn, path=str(path)).fetchone()
    return row and row.import_id


def _begin(
    conn: psycopg.Connection, now: datetime, report: ImportReport, digest: str, mapping: Mapping, dry_run: bool
) -> datetime:
    """Find this very import or begin it, and say when it began; the report starts where it stands. A dry run only looks."""
    identity = Jsonb({"columns": mapping.fields, "source": mapping.source})
    if not dry_run:
        sql.begin_import(conn, kind=report.kind, path=report.path, digest=digest, mapping=identity, now=now)
    row = sql.find_import(conn, kind=report.kind, digest=digest, mapping=identity).fetchone()
    if row is not None and not dry_run:
        report.import_id, report.rows = row.import_id, row.rows_done
        report.accepted, report.duplicate, report.rejected = row.accepted, row.duplicate, row.rejected
        report.already_done = row.state == "done"
    return row.started_at if row is not None else now


@dataclass
class _Run:
    """One run over a file; `prefix` begins the ids of rows that carry none, so a second run makes the same ids."""

    conn: psycopg.Connection
    vault: Vault
    now: datetime
    mapping: Mapping
    prefix: str
    report: ImportReport

    def batch(self, rows: list[Row], dry_run: bool) -> None:
        """Events, refusals and progress in one transaction; in a dry run it is rolled back."""
        with self.conn.transaction(force_rollback=dry_run):
            door = open_door(self.conn, self.vault, self.now)
            parsed, events = self._parse(door, rows)
            answer = keep(self.conn, self.now, self.vault, [parsed], self.report.import_id)[0]
            lines = sum(row.lines for row in rows)
            if not dry_run:
                self._advance(answer, lines)
        self.report.add(answer, lines)
        self._show(events, answer)

    def _parse(self, door: Door, rows: list[Row]) -> tuple[Parsed, list[Seen]]:
        """What the rows hold for the door, and the first events as they were made, each with its row's number."""
        by_number = {row.number: row for row in rows}
        parsed, seen = Parsed(lambda number: by_number[number].payload, self._say), []
        for row in rows:
            try:
                if row.problem:
                    raise row.problem
                loose.check(self.mapping, row.cells)
                for event in columns.events(self.mapping, f"{self.prefix}:{row.number}", row.cells):
                    admit(door, parsed, row.number, as_text(event))
                    if len(self.report.sample) < SHOWN:
                        seen.append((row.number, event))
            except Refusal as refusal:
                parsed.refuse(row.number, refusal)
        return parsed, seen

    def _show(self, seen: list[Seen], answer: Answer) -> None:
        """Keep the first events as an operator may see them; a row of which something is refused stands with its reason."""
        refused = {rejected.index for rejected in answer.rejected}
        sound = [event for number, event in seen if number not in refused]
        for event in sound[: SHOWN - len(self.report.sample)]:
            self.report.sample.append(event | {"handles": masked(event["handles"])})

    def _say(self, number: int, detail: str) -> str:
        """Name the row, and the column where the door names the field."""
        if detail == REUSED.detail and self.mapping.kind == "orders":
            detail = _ORDER_REUSED
        name = detail.partition(":")[0].rpartition(".")[2].partition("[")[0]
        missing = _MISSING.search(detail)
        column = self.mapping.column(missing[1] if missing else name)
        return f"row {number}: column '{column}': {detail}" if column else f"row {number}: {detail}"

    def _advance(self, answer: Answer, rows: int) -> None:
        before = self.report.rows
        counts = {"accepted": answer.accepted, "duplicate": answer.duplicate, "rejected": len(answer.rejected)}
        moved = sql.advance_import(
            self.conn, import_id=self.report.import_id, before=before, done=before + rows, **counts
        )
        if not moved.rowcount:
            raise YutangError(
                "这次导入已被撤销，或正由另一个进程执行；请等它结束再导入。 "
                "this import was undone or runs in another process; wait for it, then run the import again"
            )
