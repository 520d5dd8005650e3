"""The pond of a demo: where it is, and what time it is there."""

from __future__ import annotations

from datetime import datetime

from yutang.app import App
from yutang.cli.queries import sql
from yutang.db.connect import connect
from yutang.model import YutangError


def pond_of(app: App, brand: str) -> str:
    """The database of the last demo of a brand. Raises YutangError when there was none."""
    from yutang.demo.database import url_of

    try:
        connect(url_of(app, brand)).close()
    except YutangError as error:
        raise YutangError(
            f"there is no demo of '{brand}' here yet; run `yutang demo --brand {brand} --once` first"
        ) from error
    return url_of(app, brand)


def last_instant(url: str) -> datetime:
    """Where the simulated clock stopped: whoever looks at a demo's pond reads it as now. Raises YutangError when it is empty."""
    with connect(url) as conn:
        row = sql.last_instant(conn).fetchone()
    if row is None or row.at is None:
        raise YutangError("the demo's pond is empty; run the demo again")
    return row.at
