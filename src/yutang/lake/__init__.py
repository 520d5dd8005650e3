"""The history, as Parquet files that anybody may read: written from PostgreSQL, exactly once (`archive`), and asked
with DuckDB (`opened`). ``docs/lake.md`` tells the layout; decision 027 why it is so."""

from yutang.lake.archive import archive, erase
from yutang.lake.engine import Lake, opened
from yutang.lake.keep import due, feed, feed_due, keep, status
from yutang.lake.place import Place, placed

__all__ = ["Lake", "Place", "archive", "due", "erase", "feed", "feed_due", "keep", "opened", "placed", "status"]
