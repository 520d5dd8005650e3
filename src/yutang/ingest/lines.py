"""Exports of orders with one row for each article: the rows of an order are put together to one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any

from yutang.ingest import cells as read
from yutang.ingest import states
from yutang.ingest.mapping import ARTICLE, SUMS, Mapping
from yutang.ingest.readers import Row

MOST = 500
"""Rows of one order; a column of order numbers that says always the same would else fill the memory."""


def joined(mapping: Mapping, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows that follow each other with the same order number as one row, where the file has articles; else the rows as they are.
    Articles that were not sold (see `states`) are a row of their own, so that the others stay an order.

    A cell of the one row is what they all say, and where they differ the list of it; articles and quantities are always lists, a place
    for each row; of states and of the time of a refund the first holds. What is wrong with one of the rows is wrong with the order.
    """
    columns = mapping.columns
    if mapping.kind != "orders" or not {"product", "order_id"} <= columns.keys():
        yield from rows
        return
    for number, same in groupby(rows, lambda row: _number(row.cells.get(columns["order_id"]))):
        while some := list(islice(same, MOST if number else 1)):
            parts: tuple[list[Row], list[Row]] = ([], [])
            for row in some:
                parts[states.unsold(columns, row.cells) is not None].append(row)
            yield from (part[0] if len(part) == 1 else _one(mapping, part) for part in parts if part)


def _number(cell: Any) -> str:
    return "" if read.empty(cell) else str(cell).strip()


def _one(mapping: Mapping, rows: list[Row]) -> Row:
    columns = dict.fromkeys(column for row in rows for column in row.cells)
    cells = {column: _cell(mapping.fields.get(column), [row.cells.get(column) for row in rows]) for column in columns}
    problem = next((row.problem for row in rows if row.problem), None)
    return Row(rows[0].number, cells, problem, lines=len(rows))


def _cell(field: str | None, values: list[Any]) -> Any:
    """An amount that all rows repeat is the order's; amounts that differ are the articles', of which none may be left out."""
    if field in ARTICLE:
        return values
    said = [value for value in values if not read.empty(value)]
    if said and field in (*states.STATES, "refunded_at"):
        return said[0]
    different = [value for n, value in enumerate(said) if value not in said[:n]]
    if len(different) < 2:
        return different[0] if different else None
    return said if field in SUMS else different
