"""The catalogue from a file: CSV, XLSX, JSONL or Parquet, with headings in Chinese or English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from yutang.ingest import cells
from yutang.ingest.readers import Row, Table, open_table
from yutang.model import YutangError
from yutang.product.book import FIELDS, batches, put

HEADINGS = {
    "id": "id product product_id sku 商品编码 商品编号 商品id 编码",
    "title": "title name product_name 商品名称 名称 标题 宝贝标题",
    "price_fen": "price_fen 价格（分） 单价（分）",
    "price": "price 价格 单价 售价",
    "stock": "stock inventory 库存 库存数量",
    "on_sale": "on_sale 在售 上架 是否上架",
    "category": "category 品类 类目 分类",
    "picture": "picture image 图片 主图",
    "url": "url link 链接 商品链接",
}
"""The usual headings of each field."""
YES, NO = ("1", "true", "yes", "y", "是", "在售", "上架"), ("0", "false", "no", "n", "否", "停售", "下架")
SHOWN = 100
"""Refused rows that are kept to be shown."""


@dataclass
class Report:
    """What became of a file. problems: the first refused rows, each with its line and what to mend."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0
    mapping: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def refuse(self, number: int, detail: str) -> None:
        self.rejected += 1
        if len(self.problems) < SHOWN:
            self.problems.append(f"row {number}: {detail}")


def import_file(
    conn: psycopg.Connection, now: datetime, path: Path, chosen: Mapping[str, str], dry_run: bool = False
) -> Report:
    """Take a file in; a wrong row is refused, and the others are taken. An empty cell changes nothing; of `stock` ``-`` means that nobody
    counts it. chosen: fields of columns whose headings say nothing. Raises YutangError when the file cannot be read or has no column for the id."""
    table = open_table(path)
    report = Report(mapping=_mapping(table, chosen))
    with conn.transaction(force_rollback=dry_run):
        for lot in batches(_rows(table, report)):
            found = put(conn, now, [row for _, row in lot])
            report.added += found.added
            report.changed += found.changed
            report.same += found.same
            for bad in found.rejected:
                report.refuse(lot[bad.index][0], bad.detail)
    return report


def _mapping(table: Table, chosen: Mapping[str, str]) -> dict[str, str]:
    for column, name in chosen.items():
        if column not in table.columns:
            raise YutangError(
                f"文件里没有“{column}”这一列；有 {', '.join(table.columns)}。 "
                f"the file has no column '{column}'; it has {', '.join(table.columns)}"
            )
        if name not in HEADINGS:
            raise YutangError(
                f"“{column}={name}”：没有这个字段；可用 {', '.join(HEADINGS)}。 "
                f"'{column}={name}': no such field; use {', '.join(HEADINGS)}"
            )
    found = dict(chosen)
    plain = {column.strip().lower().replace("(", "（").replace(")", "）"): column for column in table.columns}
    for name, headings in HEADINGS.items():
        column = next((plain[heading] for heading in headings.split() if heading in plain), None)
        if column is not None and column not in found and name not in found.values():
            found[column] = name
    if "id" not in found.values():
        raise YutangError(
            f"没有商品编码这一列；文件里有 {', '.join(table.columns)}；用 --map 列=id 指明。 "
            f"no column for the product's id; the file has {', '.join(table.columns)}; name one with --map COLUMN=id"
        )
    return found


def _rows(table: Table, report: Report) -> Iterator[tuple[int, dict[str, Any]]]:
    for row in table.rows():
        report.rows += 1
        if row.problem is not None:
            report.refuse(row.number, row.problem.detail)
            continue
        try:
            yield row.number, _product(row, report.mapping)
        except ValueError as error:
            report.refuse(row.number, str(error))


def _product(row: Row, mapping: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, name in mapping.items():
        cell = row.cells.get(column)
        if cells.empty(cell):
            continue
        try:
            to, value = _READ.get(name, _text(name))(cell)
        except ValueError as error:
            raise ValueError(f"column '{column}': {error}") from None
        found[to] = value
    return found


def _text(name: str) -> Callable[[Any], tuple[str, Any]]:
    return lambda cell: (name, cells.text(cell))


def _stock(cell: Any) -> tuple[str, Any]:
    if isinstance(cell, str) and cell.strip() == "-":
        return "stock", None
    return "stock", cells.CELLS["amount_fen"][1](cell)


def _on_sale(cell: Any) -> tuple[str, Any]:
    if isinstance(cell, bool):
        return "on_sale", cell
    word = cells.text(cell).lower()
    if word not in YES + NO:
        raise ValueError(f"“{word}”看不出是或否，请写 是 或 否。 '{word}' is neither yes nor no; write 是 or 否")
    return "on_sale", word in YES


_READ: dict[str, Callable[[Any], tuple[str, Any]]] = {
    "price": lambda cell: ("price_fen", cells.CELLS["amount"][1](cell)),
    "price_fen": lambda cell: ("price_fen", cells.CELLS["amount_fen"][1](cell)),
    "stock": _stock,
    "on_sale": _on_sale,
}
assert set(HEADINGS) == {*FIELDS, "price"}
