"""What shops say of an order's state in an export: only an order that was paid, and stayed paid, is a sale.

A state that is not known counts as a sale, as an order of a file without states does; so do orders that are being refunded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Cells
from typing import Any

from yutang.ingest import cells as read
from yutang.ingest.keys import Refusal
from yutang.model import Reason

STATES = ("state", "refund_state")
REFUNDS = ("refund", "refund_fen")
_UNPAID = re.compile(
    r"关闭|取消|未付|未支付|待付|待支付|等待买家付|等待付款|作废|未成团|拼单失败|cancel|unpaid|void|pending.payment|awaiting.payment"
)
_REFUNDED = re.compile(r"已退款|退款成功|退款完成|已全额退款|全额退款|已退货|退货退款成功|refunded|returned")
_PARTLY = re.compile("部分|partial")


def check(columns: Cells[str, str], cells: Cells[str, Any]) -> None:
    """Raises Refusal for a row that is no sale; `columns`: the column of each field."""
    if (column := unsold(columns, cells)) is not None:
        raise Refusal(
            Reason.NOT_SOLD,
            f"column '{column}': 这笔订单没有成交（未付款、已取消、已关闭或已退款），不算销售；退款的订单要算订单和退款，请加一列退款金额。 "
            "not paid, cancelled, closed or given back, so it is no sale; a refunded order needs a column with the amount given back",
        )


def unsold(columns: Cells[str, str], cells: Cells[str, Any]) -> str | None:
    """The column that says that the order is no sale; None: it is one, or it was one, and the file says what was given back."""
    said = {name: _said(cells.get(columns[name])) for name in STATES if name in columns}
    if any(columns.get(name) and _is_some(cells.get(columns[name])) for name in REFUNDS):
        return None
    if _UNPAID.search(said.get("state", "")):
        return columns["state"]
    return next(
        (columns[name] for name, text in said.items() if _REFUNDED.search(text) and not _PARTLY.search(text)), None
    )


def _said(cell: Any) -> str:
    return "" if read.empty(cell) else str(cell).strip().lower()


def _is_some(cell: Any) -> bool:
    """Is there an amount? Whether it can be read is seen where it is read."""
    return not read.empty(cell) and re.search("[1-9]", str(cell)) is not None
