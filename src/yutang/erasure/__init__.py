"""A person is erased everywhere, with proof; what is kept of a person is given out. `tables.TABLES` says what becomes of each table."""

from yutang.erasure.export import Export, export
from yutang.erasure.receipt import Receipt, listed, receipt
from yutang.erasure.run import erase, settle

__all__ = ["Export", "Receipt", "erase", "export", "listed", "receipt", "settle"]
