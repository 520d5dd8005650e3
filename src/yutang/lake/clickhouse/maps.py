"""Which part of a question is a map per person: read from the tree, never guessed.

Every row of such a query is about one person, and is made of that person's rows alone: every join is on person_id, and every
GROUP BY, DISTINCT and window holds person_id. As all rows of a person lie on one shard, each shard can make it of its own tables. A
join that would find its partner only by accident on the same shard is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum

from sqlglot import exp

from yutang.lake.tables import TABLES

PERSON = "person_id"
COLUMNS = {table.name: table.names() for table in TABLES}


class Kind(Enum):
    """What the rows of a query are: constants; one person's each; or of many people together."""

    CONSTANT = 0
    OWN = 1
    MIXED = 2


Known = Mapping[str, tuple[Kind, exp.Query]]
"""The named subqueries (WITH) that may be used."""


def kind(query: exp.Expression, known: Known) -> Kind:
    """What the rows of this query are."""
    if isinstance(query, exp.Subquery):
        return kind(query.this, known)
    if isinstance(query, exp.SetOperation):
        sides = [kind(side, with_names(query, known)) for side in (query.left, query.right)]
        if Kind.MIXED in sides or sides[0] != sides[1] or _limited(query):
            return Kind.MIXED
        kept = sides[0] is Kind.CONSTANT or _same_places(query)
        return sides[0] if kept else Kind.MIXED
    if not isinstance(query, exp.Select):
        return Kind.CONSTANT
    inner = with_names(query, known)
    found = _joined(query, inner)
    if found is not Kind.OWN:
        return found
    return Kind.OWN if not _limited(query) and _own_shape(query) and _own_subqueries(query, inner) else Kind.MIXED


def _same_places(query: exp.SetOperation) -> bool:
    """Does person_id stand in the same column on both sides? What is made DISTINCT needs one."""
    left, right = (side.named_selects for side in (query.left, query.right))
    places = [names.index(PERSON) if PERSON in names else None for names in (left, right)]
    return places[0] == places[1] and (places[0] is not None or not query.args.get("distinct"))


def with_names(query: exp.Query, known: Known) -> dict[str, tuple[Kind, exp.Query]]:
    every = dict(known)
    for one in query.ctes:
        every[one.alias] = (_unrenamed(one, kind(one.this, every)), one.this)
    return every


def _unrenamed(source: exp.Expression, found: Kind) -> Kind:
    """With new names for its columns, ``AS a (x, y)``, nobody knows which of them is the person."""
    alias = source.args.get("alias")
    renamed = isinstance(alias, exp.TableAlias) and alias.args.get("columns")
    return Kind.MIXED if renamed and found is Kind.OWN else found


def _limited(query: exp.Query) -> bool:
    return bool(query.args.get("limit") or query.args.get("offset"))


def sources(query: exp.Select) -> Iterator[tuple[exp.Expression, exp.Join | None]]:
    begin = query.args.get("from_") or query.args.get("from")
    if begin is not None:
        yield begin.this, None
        for join in begin.this.args.get("joins") or ():
            yield join.this, join
    for join in query.args.get("joins") or ():
        yield join.this, join
    for lateral in query.args.get("laterals") or ():
        yield lateral, None


def source_kind(source: exp.Expression, known: Known) -> Kind:
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        if source.name in known:
            return _unrenamed(source, known[source.name][0])
        return _unrenamed(source, Kind.OWN) if source.name in COLUMNS else Kind.MIXED
    if isinstance(source, exp.Subquery):
        return _unrenamed(source, kind(source, known))
    called = isinstance(source, exp.Table) and isinstance(source.this, exp.Anonymous) and source.this.name == "cluster"
    inside = any(table.name in known or table.name in COLUMNS for table in source.find_all(exp.Table))
    return Kind.MIXED if called or inside else Kind.CONSTANT


def _joined(query: exp.Select, known: Known) -> Kind:
    """What the rows of FROM with its joins are."""
    seen = Kind.CONSTANT
    for source, join in sources(query):
        one, side = source_kind(source, known), (join.side if join is not None else "").upper()
        if Kind.MIXED in (one, seen):
            return Kind.MIXED
        if one is Kind.OWN is seen and not _tied(join):
            return Kind.MIXED
        # Constants that are kept without a partner would be kept once on every shard.
        kept = {"LEFT": seen, "RIGHT": one, "FULL": Kind.CONSTANT if Kind.CONSTANT in (one, seen) else Kind.OWN}
        if join is not None and Kind.OWN in (one, seen) and kept.get(side, Kind.OWN) is Kind.CONSTANT:
            return Kind.MIXED
        seen = Kind.OWN if Kind.OWN in (one, seen) else Kind.CONSTANT
    return seen


def _tied(join: exp.Join | None) -> bool:
    """Does the join match a person's rows with rows of the same person only?"""
    if join is None:
        return False
    if any(one.name == PERSON for one in join.args.get("using") or ()):
        return True
    condition = join.args.get("on")
    return condition is not None and any(
        map(_same_person, condition.flatten() if isinstance(condition, exp.And) else [condition])
    )


def _same_person(condition: exp.Expression) -> bool:
    sides = (condition.this, condition.expression) if isinstance(condition, exp.EQ) else ()
    return (
        len(sides) == 2
        and all(isinstance(side, exp.Column) and side.name == PERSON for side in sides)
        and sides[0].table != sides[1].table
    )


def _own_shape(query: exp.Select) -> bool:
    """Do grouping, DISTINCT and windows keep people apart?"""
    named = {one.alias_or_name: one.unalias() for one in query.selects}
    if PERSON in named and not _is_person(named[PERSON]):
        return False
    group, distinct = query.args.get("group"), query.args.get("distinct")
    if group is not None and not _grouped(group, query, named):
        return False
    if group is None and any(_aggregates(one) for one in _clauses(query)):
        return False
    if distinct is not None:
        on = distinct.args.get("on")
        kept = any(_is_person(one) for one in on.expressions) if on is not None else PERSON in named
        if not kept:
            return False
    windows = [one for clause in _clauses(query) for one in _here(clause) if isinstance(one, exp.Window)]
    return all(any(_is_person(key) for key in one.args.get("partition_by") or ()) for one in windows)


def _grouped(group: exp.Group, query: exp.Select, named: Mapping[str, exp.Expression]) -> bool:
    if group.args.get("all"):
        return PERSON in named
    keys = [_key(key, query) for key in group.expressions]
    return any(_is_person(key) for key in keys)


def _key(key: exp.Expression, query: exp.Select) -> exp.Expression:
    """GROUP BY 1 means the first column."""
    return query.selects[int(key.name) - 1].unalias() if isinstance(key, exp.Literal) and key.is_int else key


def _is_person(one: exp.Expression) -> bool:
    if isinstance(one, exp.Coalesce):
        return all(_is_person(part) for part in (one.this, *one.expressions))
    return isinstance(one, exp.Column) and one.name == PERSON


def _clauses(query: exp.Select) -> list[exp.Expression]:
    """Every place of a query where an expression stands, but its sources."""
    places = [query.args.get(name) for name in ("where", "having", "qualify", "order")]
    return [*query.selects, *(one for one in places if one is not None)]


def _here(clause: exp.Expression) -> Iterator[exp.Expression]:
    """The nodes of an expression, without those inside its subqueries."""
    yield from clause.walk(prune=lambda node: isinstance(node, exp.Query) and node is not clause)


def _aggregates(clause: exp.Expression) -> bool:
    windowed = {
        id(one) for window in _here(clause) if isinstance(window, exp.Window) for one in window.this.walk(prune=_plain)
    }
    return any(isinstance(node, exp.AggFunc) and id(node) not in windowed for node in _here(clause))


def _plain(node: exp.Expression) -> bool:
    """Below a window's own function stand ordinary aggregates: sum(count(*)) OVER …"""
    return isinstance(node, exp.AggFunc)


def _own_subqueries(query: exp.Select, known: Known) -> bool:
    return all(_own_subquery(one, known) for one in subqueries(query))


def subqueries(query: exp.Select) -> list[exp.Query]:
    return [node for clause in _clauses(query) for node in _here(clause) if isinstance(node, exp.Query)]


def _own_subquery(inner: exp.Query, known: Known) -> bool:
    found = kind(inner, known)
    if found is not Kind.OWN:
        return found is Kind.CONSTANT
    asked = inner.parent
    body = inner.this if isinstance(inner, exp.Subquery) else inner
    return isinstance(asked, exp.In) and _is_person(asked.this) and body.named_selects == [PERSON]
