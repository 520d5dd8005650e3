"""Sends the part of a question that concerns one person at a time to where that person's rows lie.

A question is a map per person and then an aggregate that can be merged. All of a person's rows lie on one shard, so the map
runs there, on the shard's own tables: ``cluster('c', view(map))``; the aggregate over all shards' answers stays outside and
ClickHouse merges it exactly. `maps` tells what is a map.
"""

from __future__ import annotations

from sqlglot import exp

from yutang.lake.clickhouse.address import Address
from yutang.lake.clickhouse.maps import COLUMNS, Kind, Known, kind, source_kind, sources, subqueries
from yutang.lake.clickhouse.schema import LOCAL
from yutang.model import YutangError


def pushed(tree: exp.Expression, where: Address) -> exp.Expression:
    """The same question with every map per person sent to the shards."""
    tree = _plain_sources(tree)
    return _Push(where).query(tree, {}) if isinstance(tree, exp.Query) else tree


def remote(map: exp.Expression, where: Address, alias: str) -> exp.Expression:
    """The table of what every shard makes of `map`. Raises YutangError when the map is not one per person."""
    map = _plain_sources(map)
    if not isinstance(map, exp.Query) or kind(map, {}) is not Kind.OWN:
        raise YutangError(
            "问题的这一半不是逐人映射：每个连接都要按 person_id，每个 GROUP BY、DISTINCT 和窗口都要含 person_id；跨顾客的计算请放进汇总。 "
            "this half of the question is no map per person: every join must be on person_id, and every GROUP BY, DISTINCT and "
            "window must hold person_id; what goes over people belongs into the aggregate"
        )
    return _Push(where).remote(map, {}, alias)


def _plain_sources(tree: exp.Expression) -> exp.Expression:
    """A copy in which a subquery in the place of a table's name is a subquery."""
    tree = tree.copy()
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Subquery):
            inner = table.this
            inner.set("alias", table.args.get("alias") or inner.args.get("alias"))
            inner.set("joins", table.args.get("joins"))
            table.replace(inner)
    return tree


class _Push:
    """Puts the shards' names into a tree."""

    def __init__(self, where: Address) -> None:
        self.where = where

    def query(self, query: exp.Expression, known: Known) -> exp.Expression:
        """A query where its rows may come from anywhere."""
        if isinstance(query, exp.Subquery):
            query.set("this", self.query(query.this, known))
            return query
        tail = {name: query.args.get(name) for name in ("order", "limit", "offset")}
        bare = query.copy()
        for name in tail:
            bare.set(name, None)
        if kind(bare, known) is Kind.OWN:
            outside = exp.select("*").from_(self.remote(bare, known, "own"))
            for name, clause in tail.items():
                outside.set(name, clause and _unqualified(clause))
            return outside
        return self._sides(query, known) if isinstance(query, exp.SetOperation) else self._select(query, known)

    def _sides(self, query: exp.SetOperation, known: Known) -> exp.Expression:
        inner = self._ctes(query, known)
        for side in ("this", "expression"):
            query.set(side, self.query(query.args[side], inner))
        return query

    def _select(self, query: exp.Expression, known: Known) -> exp.Expression:
        if not isinstance(query, exp.Select):
            return query
        inner = self._ctes(query, known)
        places = [source for source, _ in sources(query)]
        asked = [one for one in places if source_kind(one, inner) is not Kind.CONSTANT]
        inside = subqueries(query)
        alone = len(asked) == 1 and all(kind(one, inner) is Kind.CONSTANT for one in inside)
        for one in places:
            self._source(one, inner, alone)
        for one in inside:
            one.replace(self.query(one.copy(), inner))
        return query

    def _ctes(self, query: exp.Query, known: Known) -> dict[str, tuple[Kind, exp.Query]]:
        """The WITH of a query: what the shards do goes into their views, the rest stays."""
        every = dict(known)
        for one in list(query.ctes):
            every[one.alias] = (kind(one.this, every), one.this.copy())
            if every[one.alias][0] is Kind.OWN:
                one.pop()
            else:
                one.set("this", self.query(one.this.copy(), every))
        if not query.ctes:
            query.set("with_", None)
            query.set("with", None)
        return every

    def _source(self, source: exp.Expression, known: Known, alone: bool) -> None:
        """One table or subquery of a FROM. alone: ClickHouse may merge the aggregate over it by itself."""
        if source_kind(source, known) is not Kind.OWN:
            if isinstance(source, exp.Subquery):
                source.set("this", self.query(source.this, known))
            return
        is_table = isinstance(source, exp.Table)
        if is_table and source.name not in known:
            query = None if alone else exp.select(*COLUMNS[source.name]).from_(source.name)
        else:
            query = known[source.name][1] if is_table else source.this
        if query is None:
            source.set("db", exp.to_identifier(self.where.database, quoted=True))
            return
        joins, alias = source.args.get("joins"), source.alias_or_name
        there = self.remote(query.copy(), known, alias)
        if not alone:
            there = exp.select("*").from_(there).subquery(alias)
        there.set("joins", joins)
        source.replace(there)

    def remote(self, query: exp.Query, known: Known, alias: str) -> exp.Expression:
        """``cluster('c', view(query on the shard's own tables)) AS alias``."""
        whole = _carried(query, known)
        for table in list(whole.find_all(exp.Table)):
            if isinstance(table.this, exp.Identifier) and table.name in COLUMNS and not _is_cte(table, whole):
                self._own_table(table)
        view = exp.Anonymous(this="view", expressions=[whole])
        called = exp.Anonymous(this="cluster", expressions=[exp.Literal.string(self.where.cluster), view])
        return exp.Table(this=called, alias=exp.TableAlias(this=exp.to_identifier(alias)))

    def _own_table(self, table: exp.Table) -> None:
        """The shard's own table; where all columns are asked, those of the lake alone."""
        name, alias = table.name, table.alias_or_name
        own = exp.table_(f"{name}{LOCAL}", db=self.where.database, quoted=True)
        select = table.find_ancestor(exp.Select)
        if select is not None and any(isinstance(one, exp.Star) or one.is_star for one in select.selects):
            other: exp.Expression = exp.select(*COLUMNS[name]).from_(own).subquery(alias)
        else:
            other = exp.alias_(own, alias, table=True)
        other.set("joins", table.args.get("joins"))
        table.replace(other)


def _carried(query: exp.Query, known: Known) -> exp.Query:
    """The query with the named subqueries it uses, in their order."""
    needed: set[str] = set()
    ask = [query]
    while ask:
        names = {table.name for table in ask.pop().find_all(exp.Table)} & known.keys() - needed
        needed |= names
        ask += [known[name][1] for name in names]
    own = [one.alias for one in query.ctes]
    whole = query.copy()
    for name in reversed([one for one in known if one in needed and one not in own]):
        whole = _prepended(whole, name, known[name][1])
    return whole


def _prepended(query: exp.Query, name: str, body: exp.Query) -> exp.Query:
    rest = [one.copy() for one in query.ctes]
    query.set("with_", None)
    query = query.with_(name, body.copy())
    for one in rest:
        query = query.with_(one.alias, one.this)
    return query


def _is_cte(table: exp.Table, whole: exp.Expression) -> bool:
    return any(table.name == one.alias for one in whole.find_all(exp.CTE))


def _unqualified(clause: exp.Expression) -> exp.Expression:
    """Outside, columns have no table before them."""
    for column in clause.find_all(exp.Column):
        column.set("table", None)
    return clause
