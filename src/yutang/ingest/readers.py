"""Files as rows: JSONL, CSV, XLSX and Parquet, streamed, so that a file may be larger than memory."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import openpyxl

from yutang.ingest.door import broken
from yutang.ingest.keys import Refusal
from yutang.model import Reason, YutangError, halves

csv.field_size_limit(10_000_000)
SAMPLE = 65_536
"""Bytes by which the encoding of a CSV is told."""
SAMPLE_ROWS = 1_000
"""Rows of JSONL whose names count as columns; a name that comes up later goes to props."""
TYPED = (".jsonl", ".parquet")
"""Files that say themselves what is a number and what is text."""
_MARKS = {b"PK\x03\x04": ".xlsx", b"PAR1": ".parquet", b"\xd0\xcf\x11\xe0": ".xls"}
"""How files of some kinds begin."""
_GARBLED = re.compile(r"[\x00-\x08\x0e-\x1f\ud800-\udfff]")
"""What no heading holds that was read in its own encoding."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One row: its number as the user sees it, its cells by column name, and what is wrong with it already.

    lines: how many rows of the file it was; of more than one the number is the first's.
    """

    number: int
    cells: dict[str, Any]
    problem: Refusal | None = None
    text: bytes | None = None
    lines: int = 1

    @property
    def payload(self) -> bytes:
        """The row as it is kept when it is refused."""
        return self.text if self.text is not None else json.dumps(self.cells, ensure_ascii=True, default=str).encode()


@dataclass(frozen=True)
class Table:
    """A file: its digest, its column names, how many rows it has (None: unknown), and its rows from the first."""

    digest: str
    columns: list[str]
    total: int | None
    rows: Callable[[], Iterator[Row]]


def open_table(path: Path) -> Table:
    """The table in a file, by the ending of its name. Raises YutangError when it cannot be read as such."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise YutangError(
            f"{path}: 不认识的文件类型，可用：{', '.join(_READERS)}。 unknown kind of file; use {', '.join(_READERS)}"
        )
    try:
        digest, lines = _digest(path)
        _check_kind(path)
        columns, total, rows = reader(path, lines)
    except OSError as error:
        raise YutangError(
            f"{path}: 打不开，请检查路径和读取权限。 cannot be read: {error.strerror}; check the path and the permissions"
        ) from error
    except YutangError:
        raise
    except Exception as error:  # the readers' libraries raise whatever they like on a damaged file
        raise _damaged(path) from error
    table = Table(digest, columns, total, lambda: _sound(path, rows()))
    _check_header(path, columns)
    if next(table.rows(), None) is None:
        raise YutangError(
            f"{path}: 只有表头，没有数据行，请填入数据后再导入。 a header and no rows below it; fill it, then import it"
        )
    return table


def _check_kind(path: Path) -> None:
    """The name of a file may say another kind than it is. Raises YutangError."""
    with path.open("rb") as file:
        kind = _MARKS.get(file.read(4))
    if kind is None or kind == path.suffix.lower():
        return
    zh, en = ("改名为", "rename it to") if kind in _READERS else ("另存为 .xlsx，而不是", "save it as .xlsx, not")
    raise YutangError(f"{path}: 内容是 {kind} 文件，请{zh} {kind}。 its content is a {kind} file; {en} {kind}")


def _check_header(path: Path, columns: list[str]) -> None:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        zh, en = f"列名重复：{'、'.join(twice)}", f"column names occur twice: {', '.join(twice)}"
        raise YutangError(f"{path}: {zh}，请改正表头。 {en}; mend the header")
    if not columns:
        raise YutangError(
            f"{path}: 没有内容，或第一行、第一张工作表是空的；表头请写在那里，下面是数据。 "
            "no rows, or nothing in the first line or sheet; put the header there, and the rows below it"
        )
    if any(map(_GARBLED.search, columns)):
        raise YutangError(
            f"{path}: 看不出表头的编码，请另存为 UTF-8。 the encoding of the header is not known; save the file as UTF-8"
        )


def _damaged(path: Path, row: int = 0) -> YutangError:
    kind = path.suffix.lower()
    if not row:
        return YutangError(
            f"{path}: 文件已损坏，或不是 {kind} 文件，请重新导出再导入。 "
            f"cannot be read: damaged, or no {kind} file; export it again and import that"
        )
    return YutangError(
        f"{path}: 第 {row} 行之后读不了：文件已损坏，请重新导出再导入；已收下的行保留，可用 yutang import undo 撤销。 "
        f"cannot be read beyond row {row}: damaged; export it again and import that; rows that were taken in stay, until yutang import undo"
    )


def _sound(path: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows as they are; where the file proves damaged, YutangError."""
    last = 0
    try:
        for row in rows:
            last = row.number
            yield row
    except Exception as error:
        raise _damaged(path, last) from error


Parts = tuple[list[str], int | None, Callable[[], Iterator[Row]]]


def _digest(path: Path) -> tuple[str, int]:
    """SHA-256 of the file, and the number of its lines."""
    state, lines, last = sha256(), 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            state.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return state.hexdigest(), lines + (last != b"\n")


def _jsonl(path: Path, lines: int) -> Parts:
    def rows() -> Iterator[Row]:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _json_row(number, line.strip().removeprefix(b"\xef\xbb\xbf"))

    columns = list(dict.fromkeys(name for row in islice(rows(), SAMPLE_ROWS) for name in row.cells))
    first = next(rows(), None)
    if not columns and first and first.problem:
        zh, en = halves(first.problem.detail)
        raise YutangError(
            f"{path}: 一行也读不懂，每一行请写一个 JSON 对象；第 {first.number} 行：{zh} "
            f"no row can be read, write one JSON object on each line; row {first.number}: {en}"
        )
    return columns, lines, rows


def _json_row(number: int, line: bytes) -> Row:
    try:
        return Row(number, msgspec.json.decode(line, type=dict), None, line)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, broken(error, line), line)


def _csv(path: Path, lines: int) -> Parts:
    with path.open("rb") as file:
        encoding, first = _encoding(file.read(SAMPLE))
    delimiter = max("\t;,", key=first.count)

    def records() -> Iterator[tuple[list[str], list[str]]]:
        """Each with the lines that it was read from."""
        # Bytes that do not fit become lone surrogates, so that only their own row is refused.
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
            read: list[str] = []
            for record in csv.reader((read.append(line) or line for line in file), delimiter=delimiter):
                yield record, read.copy()
                read.clear()

    header = next(records(), ([], []))[0]
    columns = _names(header) if any(map(str.strip, header)) else []

    def rows() -> Iterator[Row]:
        for number, (record, read) in enumerate(records(), 1):
            if number > 1 and any(record):
                yield _swallowed(number, read) if _is_open(read, delimiter) else _csv_row(number, columns, record)

    return columns, max(lines - 1, 0), rows


def _is_open(read: list[str], delimiter: str) -> bool:
    """Does a quote that nobody closes reach to the end of the file?"""
    try:
        return len(read) > 1 and not list(csv.reader(read, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)


def _swallowed(number: int, read: list[str]) -> Row:
    fix = (
        f"引号没有收尾，从这里到文件末尾的 {len(read)} 行都没有读，请补上引号后再导入。 "
        f"a quote is not closed, so the {len(read)} lines from here to the end were not read; close it and import again"
    )
    return Row(number, {"": read[0]}, Refusal(Reason.BAD_SHAPE, fix))


def _encoding(sample: bytes) -> tuple[str, str]:
    """UTF-8 with or without mark, UTF-16 with one, else GB18030 as Chinese Excel writes it; and the first line."""
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", sample.decode("utf-16", "ignore").partition("\n")[0]
    lines = sample.rpartition(b"\n")[0] or sample
    try:
        lines.decode()
        return "utf-8-sig", lines.decode().partition("\n")[0]
    except UnicodeDecodeError:
        head = lines.partition(b"\n")[0]
    try:
        lines.decode("gb18030")
        return "gb18030", head.decode("gb18030")
    except UnicodeDecodeError:
        return "utf-8-sig", head.decode("utf-8", "replace")


def _csv_row(number: int, columns: list[str], record: list[str]) -> Row:
    cells = dict(zip(columns, record, strict=False))
    if len(record) > len(columns):
        fix = (
            f"{len(columns)} 个列名下有 {len(record)} 个单元格，请给含分隔符的单元格加引号。 "
            f"{len(record)} cells under {len(columns)} headings; quote cells that hold the separator"
        )
        return Row(number, cells | {"": record[len(columns) :]}, Refusal(Reason.BAD_SHAPE, fix))
    if not all(cell.isascii() or cell.isprintable() or _is_text(cell) for cell in record):
        return Row(
            number,
            cells,
            Refusal(
                Reason.BAD_ENCODING,
                "含有无法识别编码的字节，请另存为 UTF-8。 holds bytes that fit no known encoding; save as UTF-8",
            ),
        )
    return Row(number, cells)


def _is_text(cell: str) -> bool:
    return not any("\ud800" <= mark <= "\udfff" for mark in cell)


def _names(header: list[Any]) -> list[str]:
    return [("" if name is None else str(name).strip()) or f"column {n}" for n, name in enumerate(header, 1)]


def _xlsx(path: Path, _lines: int) -> Parts:
    sheet = openpyxl.load_workbook(path, read_only=True).worksheets[0]
    total = sheet.max_row - 1 if sheet.max_row else None
    sheet.reset_dimensions()  # many exports state their size wrongly
    header = next(sheet.iter_rows(max_row=1, values_only=True), ())
    while header and header[-1] is None:
        header = header[:-1]
    columns = _names(list(header))

    def rows() -> Iterator[Row]:
        # Formulas are read as formulas: a cached result may be stale or missing.
        for number, cells in enumerate(sheet.iter_rows(min_row=2, max_col=len(columns)), 2):
            if any(cell.value is not None for cell in cells):
                yield _xlsx_row(number, columns, cells)

    return columns, total, rows


def _xlsx_row(number: int, columns: list[str], cells: tuple[Any, ...]) -> Row:
    values = {column: cell.value for column, cell in zip(columns, cells, strict=False)}
    for column, cell in zip(columns, cells, strict=False):
        if cell.data_type == "f":
            fix = (
                f"cell {cell.coordinate}, column '{column}': 是公式，请粘贴为数值。 "
                f"holds a formula; paste it as a value"
            )
            return Row(number, values, Refusal(Reason.FORMULA, fix))
        if cell.data_type == "e":
            fix = (
                f"cell {cell.coordinate}, column '{column}': 是表格的错误值，请改正。 "
                f"holds an error of the spreadsheet; mend it"
            )
            return Row(number, values, Refusal(Reason.BAD_SHAPE, fix))
    return Row(number, values)


def _parquet(path: Path, _lines: int) -> Parts:
    with duckdb.connect() as duck:
        found = duck.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
        total = duck.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
    columns = [name for name, *_ in found]
    zoned = {name for name, kind, *_ in found if kind == "TIMESTAMP WITH TIME ZONE"}
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in columns}
    picked = ", ".join(f"epoch_us({quoted[name]})" if name in zoned else quoted[name] for name in columns)

    def rows() -> Iterator[Row]:
        number = 0
        with duckdb.connect() as duck:
            cursor = duck.execute(f"select {picked} from read_parquet(?)", [str(path)])
            while batch := cursor.fetchmany(5_000):
                for record in batch:
                    number += 1
                    cells = dict(zip(columns, record, strict=True))
                    yield Row(number, cells | {c: _instant(cells[c]) for c in zoned})

    return columns, total[0] if total else None, rows


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=micros)


_READERS: dict[str, Callable[[Path, int], Parts]] = {
    ".jsonl": _jsonl,
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".parquet": _parquet,
}
