"""How many people a rule that is being written holds for: counted beside the requests, and not for ever."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import psycopg

from yutang import source
from yutang.brand import drafts
from yutang.model import YutangError
from yutang.segment.language import Rule, from_json, parse
from yutang.segment.preview import preview
from yutang.web.edge import Edge
from yutang.web.shelf import Found

MOST_SECONDS = 3
"""For one statement; whoever is at the form does not wait longer."""


def counted(edge: Edge, text: str, patience: float = MOST_SECONDS) -> Found:
    """``{"size", "of", "sample"}`` of a rule's JSON, or ``{"late": True}``. Raises SourceError where it is no rule."""
    rule = from_json(json.loads(text))
    return edge.shelf.get(("rule", text), lambda conn: _count(conn, rule, edge.clock()), patience)


def _count(conn: psycopg.Connection, rule: Rule, now: datetime) -> dict[str, Any]:
    try:
        with conn.transaction():
            conn.execute("select set_config('statement_timeout', %s, true)", (str(MOST_SECONDS * 1000),))
            return preview(conn, rule, now, drafted(conn))
    except psycopg.errors.QueryCanceled:
        return {"late": True}


def drafted(conn: psycopg.Connection) -> dict[str, Rule]:
    """The segments that are edited just now, as they would be."""
    edits = drafts.working(conn).changed
    found = {path: edit.text for path, edit in edits.items() if path.startswith("segments/") and edit.text}
    rules = {path.removeprefix("segments/").removesuffix(".yml"): _rule(path, text) for path, text in found.items()}
    return {name: rule for name, rule in rules.items() if rule is not None}


def _rule(path: str, text: str) -> Rule | None:
    try:
        return parse(source.load(text, path).mapping()["rule"])
    except (YutangError, KeyError):
        return None
