"""What the form of an offer asks: each field with its place in offers.yml, its unit, and the sorts that have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from yutang.offer.definition import LONGEST, SORTS
from yutang.source import MOST

Kind = Literal["text", "yuan", "whole", "choice"]
ON_ORDERS = ("coupon", "ladder", "gift")
SINGLE = ("coupon", "red_packet", "gift")


@dataclass(frozen=True)
class Field:
    """One field. path: its keys in the entry. low, high: the limits of a number, in the file's unit. default: what holds
    where nothing is written; by sort where they differ. required: of these sorts. group: the part of the form."""

    name: str
    path: tuple[str, ...]
    kind: Kind
    group: str
    sorts: tuple[str, ...] = SORTS
    unit: str | None = None
    low: int = 0
    high: int = 10**15
    default: Any = None
    required: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def default_of(self, sort: str) -> Any:
        return self.default.get(sort) if isinstance(self.default, dict) else self.default


VALID = {"coupon": 14, "ladder": 7, "red_packet": 1, "gift": 30}

FIELDS: tuple[Field, ...] = (
    Field("sku", ("sku",), "text", "what", ("gift",), required=("gift",)),
    Field("hand_over", ("hand_over",), "choice", "what", ("gift",), default="pick_up", options=("pick_up", "with_order")),
    Field("value", ("value_fen",), "yuan", "what", ("coupon", "gift"), "yuan", required=("gift",)),
    Field("minimum", ("minimum_fen",), "yuan", "what", ON_ORDERS, "yuan", default=0),
    Field("valid_days", ("valid_days",), "whole", "what", SORTS, "days", 1, LONGEST, VALID),
    Field("silence_days", ("silence_days",), "whole", "when", ("ladder",), "days", 1, LONGEST, 30),
    Field("wait_days", ("wait_days",), "whole", "when", ("ladder",), "days", 1, LONGEST, 7),
    Field("again_days", ("again_days",), "whole", "when", ("ladder",), "days", 1, LONGEST),
    Field("cool_down_days", ("cool_down_days",), "whole", "when", ("ladder",), "days", 0, LONGEST, 0),
    Field("patience", ("patience",), "whole", "when", ("ladder",), "times", 0, 1000, 0),
    Field("existing", ("existing",), "choice", "when", ("ladder",), default="recent", options=("recent", "all", "none")),
    Field("basket", ("basket_fen",), "yuan", "money", ("ladder",), "yuan", 1, required=("ladder",)),
    Field("stock", ("stock",), "whole", "money", SORTS, "pieces"),
    Field("budget", ("budget_fen",), "yuan", "money", SORTS, "yuan", required=("red_packet",)),
    Field("per_person", ("per_person",), "whole", "money", SINGLE, "pieces", 1, MOST, 1),
    Field("margin_floor_percent", ("margin_floor_percent",), "whole", "money", ON_ORDERS, "percent", 0, 100, 0),
    Field("margin_left_percent", ("margin_left_percent",), "whole", "money", ON_ORDERS, "percent", 0, 100),
    Field("per_day", ("limits", "per_day"), "whole", "limits", SORTS, "pieces", 1, MOST),
    Field("phone", ("limits", "phone"), "whole", "limits", SORTS, "pieces", 1, MOST),
    Field("device", ("limits", "device"), "whole", "limits", SORTS, "pieces", 1, MOST),
    Field("uses_per_day", ("limits", "uses_per_day"), "whole", "limits", SORTS, "times", 1, MOST),
    Field("uses", ("limits", "velocity", "uses"), "whole", "limits", SORTS, "times", 1, MOST),
    Field("minutes", ("limits", "velocity", "minutes"), "whole", "limits", SORTS, "minutes", 1, 1440),
)  # fmt: skip

GROUPS = ("what", "when", "money", "limits")


def fields_of(sort: str, group: str | None = None) -> list[Field]:
    """The fields that a sort has, of one part of the form or of all."""
    return [field for field in FIELDS if sort in field.sorts and group in (None, field.group)]
