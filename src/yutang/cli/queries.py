"""The statements of the commands."""

from yutang.db.queries import Queries

sql = Queries("yutang.cli")
