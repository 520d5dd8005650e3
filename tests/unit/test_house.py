"""The rules of the house that a program can check: sizes, clocks, channels' names, one writer per table."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(str(resources.files("yutang")))
SCHEMA = ROOT / "db" / "schema"
MODULES = sorted(ROOT.rglob("*.py"))
SQL_FILES = sorted(ROOT.rglob("queries.sql"))

LONGEST_FILE, LONGEST_FUNCTION = 500, 60
LONG_FILES: set[str] = set()
"""Files that are longer for now; this list only shrinks."""
LONG_FUNCTIONS: set[str] = set()
"""Functions that are longer for now, as ``file::name``; this list only shrinks."""

EDGES = ("app", "bench", "cli", "demo", "emulator", "web", "worker")
"""Where the program meets the world: only here may anybody ask what time it is."""
CLOCK_EXCEPTIONS = {
    "clock": "it is the clock",
    "db.migrate": "the ledger of migrations tells operators when a step was applied",
}

WORDS = {"smtp", "sms", "wecom", "miniprogram", "official_account"} | {
    folder.name for folder in (ROOT / "channels").iterdir() if (folder / "__init__.py").exists()
} - {"platform", "staff"}
"""The channels' names; not `staff`, which is also the word for people, in events above all."""
AT_HOME = ("channels", "demo", "emulator")
"""The channels themselves, and those who play the customers at their other end."""
NAMES_OF_CHANNELS = {
    "bench.words": "the brand that is measured sends by the sandbox",
    "definitions": "the consent that holds where a brand says nothing",
    "handles": "e-mail is also a kind of handle",
    "ingest.keys": "e-mail is also a kind of handle",
    "ingest.mapping": "e-mail is also a kind of handle",
    "why.find": "e-mail is also a kind of handle",
}
"""Modules outside channels/ that may write a channel's name, and why."""

WRITERS_OUTSIDE_THE_SCHEMA = {"schema_version": "db.migrate"}
FILLS_TABLES = ("bench", "replay")
"""The parts that may write any table: they fill databases and schemas of their own with ready-made rows, to measure on or to play in."""
_WRITES = re.compile(
    r"\b(?:insert\s+into|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy|update(?:\s+only)?(?=\s+[\w.]+\s+(?:(?:as\s+)?\w+\s+)?set\b))"
    r"\s+([\w.]+)",
    re.IGNORECASE,
)
_SQL_COMMENT = re.compile(r"--[^\n]*")
_SQL_NOW = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)|"
    r"\bcurrent_(?:timestamp|date|time)\b|\blocaltime(?:stamp)?\b",
    re.IGNORECASE,
)
_CLOCK_CALLS = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
    ("time", "time"), ("time", "time_ns"), ("time", "localtime"), ("time", "gmtime"),
}  # fmt: skip


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def dotted(path: Path) -> str:
    """The part that a file belongs to: ``ingest.record``; a queries.sql belongs to its package, the topmost to definitions."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[-1] in ("__init__", "queries"):
        parts = parts[:-1]
    return ".".join(parts) or ("definitions" if path.suffix == ".sql" else "yutang")


def within(part: str, whole: str) -> bool:
    return part == whole or part.startswith(whole + ".")


def texts(path: Path) -> Iterator[str]:
    """Every string of a module that is not a docstring; of a formatted one its fixed parts, joined by a mark."""
    inner: set[int] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            inner.update(id(value) for value in node.values)
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "?" for v in node.values)
    yield from (
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
    )


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            yield f"{path.relative_to(ROOT)}::{node.name}", node.end_lineno - node.lineno + 1


def test_files_stay_bounded() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in [*MODULES, *SQL_FILES, *SCHEMA.glob("*.sql")]
    }
    long = {name for name, length in lengths.items() if length > LONGEST_FILE}
    assert long == LONG_FILES, "split what is new here; take off the list what is short again"
    assert median(lengths.values()) < 150


def test_functions_stay_small() -> None:
    lengths = dict(one for path in MODULES for one in functions(path))
    long = {name for name, length in lengths.items() if length > LONGEST_FUNCTION}
    assert long == LONG_FUNCTIONS, "split what is new here; take off the list what is short again"
    assert median(lengths.values()) < 10


def clock_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if (name, node.func.attr) in _CLOCK_CALLS:
                yield f"{name}.{node.func.attr}() in line {node.lineno}"


def test_nobody_but_the_clock_asks_the_system_for_the_time() -> None:
    found = {}
    for path in MODULES:
        in_sql = [text[:60] for text in texts(path) if _SQL_NOW.search(text) and " " in text]
        if asked := [*clock_calls(path), *in_sql]:
            found[dotted(path)] = asked
    found |= {dotted(p): ["SQL"] for p in SQL_FILES if _SQL_NOW.search(_SQL_COMMENT.sub("", p.read_text("utf-8")))}
    wrong = {part: asked for part, asked in found.items() if part not in CLOCK_EXCEPTIONS}
    assert not wrong, "take `now` as an argument"


def test_the_clock_is_read_at_the_edges_only() -> None:
    readers = {
        dotted(path)
        for path in MODULES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr == "system_now")
        or (isinstance(node, ast.ImportFrom) and any(alias.name == "system_now" for alias in node.names))
    }
    inside = {part for part in readers if not any(within(part, edge) for edge in EDGES)}
    assert not inside, "a stage takes `now` as an argument"


def at_home(path: Path) -> bool:
    return any(within(dotted(path), part) for part in AT_HOME)


def channel_names(path: Path) -> set[str]:
    """A channel's name as a whole string, or as a quoted word inside SQL."""
    if path.suffix == ".sql":
        return WORDS & set(re.findall(r"'(\w+)'", _SQL_COMMENT.sub("", path.read_text("utf-8"))))
    return WORDS & set(texts(path))


def test_no_channels_name_stands_outside_the_channels() -> None:
    found = {
        dotted(path): names for path in [*MODULES, *SQL_FILES] if not at_home(path) and (names := channel_names(path))
    }
    assert set(NAMES_OF_CHANNELS) <= set(found), "take off the list what names no channel any more"
    wrong = {part: names for part, names in found.items() if part not in NAMES_OF_CHANNELS}
    assert not wrong, "what depends on a channel belongs into its folder"


def test_nobody_imports_a_channel_by_name() -> None:
    wrong = {
        f"{dotted(path)} imports {node.module}"
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom)
        and re.fullmatch(r"yutang\.channels\.(?!contract|platform|attachments)\w+.*", node.module or "")
        and not at_home(path)
    }
    assert not wrong


def writers() -> dict[str, str]:
    """Each table's writer, as its schema file says: above the table, or at the top for all tables of the file."""
    found = dict(WRITERS_OUTSIDE_THE_SCHEMA)
    for path in sorted(SCHEMA.glob("*.sql")):
        text = path.read_text("utf-8")
        of_all = re.search(r"^-- All tables of this file: writer: ([\w.]*\w)", text, re.MULTILINE)
        for block in re.finditer(r"((?:^--[^\n]*\n)*)^create table (\w+)", text, re.MULTILINE):
            own = re.search(r"writer: ([\w.]*\w)", block[1]) or of_all
            found[block[2]] = own[1] if own else "nobody"
        for dropped in re.findall(r"^drop table (\w+)", text, re.MULTILINE):
            del found[dropped]
    return found


def copied(path: Path) -> Iterator[str]:
    """The targets named in calls of functions that copy rows in: ``copy_in(conn, "person (…)", …)``."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and "copy" in ast.unparse(node.func):
            for argument in node.args:
                first = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield re.split(r"[\s(]", first.value.strip(), maxsplit=1)[0]


def written(path: Path) -> set[str]:
    """Names of what a file's SQL inserts into, updates, deletes from, truncates or copies into."""
    if path.suffix == ".sql":
        return {name.lower() for name in _WRITES.findall(_SQL_COMMENT.sub("", path.read_text("utf-8")))}
    return {name.lower() for text in texts(path) for name in _WRITES.findall(text)} | set(copied(path))


def test_every_table_names_its_writer() -> None:
    assert [table for table, writer in writers().items() if writer == "nobody"] == []


def test_every_table_is_written_by_somebody() -> None:
    seen = set().union(*(written(path) for path in [*MODULES, *SQL_FILES, *SCHEMA.glob("*.sql")]))
    assert set(writers()) - seen == set(), "a table that nobody writes is dead, or this test does not see the write"


def test_every_table_has_one_writer() -> None:
    of = writers()
    wrong = {
        f"{path.relative_to(ROOT)} writes {table}, which belongs to {of[table]}"
        for path in [*MODULES, *SQL_FILES]
        for table in written(path) & set(of)
        if not within(dotted(path), of[table]) and not any(within(dotted(path), part) for part in FILLS_TABLES)
    }
    assert not wrong, "call a function of the part that owns the table"


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("insert into person (a) values (1)", ["person"]),
        ("with x as (update  only person p set a = 1) select from x", ["person"]),
        ("update person set a = 1", ["person"]),
        ("select from person p for update of p skip locked", []),
        ("insert into tag values (1) on conflict (a) do update set b = 1", ["tag"]),
        ("delete from person using tag", ["person"]),
        ("copy event (a) from stdin", ["event"]),
    ],
)
def test_the_search_for_writes_finds_them(statement: str, target: list[str]) -> None:
    assert _WRITES.findall(statement) == target


def test_a_command_starts_without_the_heavy_libraries():
    """Each of them takes longer to load than all else that a command needs; whoever uses one loads it then."""
    said = (
        "import sys, yutang.cli; print(*({'scipy', 'duckdb', 'sqlglot', 'lightgbm', 'uvicorn'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "\n"
