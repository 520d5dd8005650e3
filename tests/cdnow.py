"""The CDNOW orders of 1997 and 1998, out of the package `lifetimes`: read where they lie."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from yutang.predict.histories import Ledger

END = date(1997, 10, 1).toordinal()
"""The day after the 39 weeks in which models are fitted."""
HOLDOUT = 273
"""The 39 weeks after."""
WEEK = 7


def folder() -> Path:
    spec = importlib.util.find_spec("lifetimes")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package lifetimes is not installed")
    return Path(spec.submodule_search_locations[0]) / "datasets"


def orders(name: str) -> Ledger:
    """`sample` (the published tenth) or `master`; days are ordinals, amounts cents."""
    lines = (folder() / f"CDNOW_{name}.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line.split()[:1] != ["customer_id"] and line.strip()]
    days = [date(int(text[:4]), int(text[4:6]), int(text[6:])).toordinal() for text in (row[-3] for row in rows)]
    amounts = [round(float(row[-1]) * 100) for row in rows]
    made, _ = Ledger.of(np.array([int(row[0]) for row in rows]), np.array(days), np.array(amounts))
    return made
