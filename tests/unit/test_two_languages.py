"""Whoever meets an error reads what is wrong in Chinese, whatever raised it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from languages import in_both

ROOT = Path(str(resources.files("yutang")))
FOR_PROGRAMMERS = ("bench/",)
"""Whose errors nobody meets who runs a brand."""
CHINESE, ENGLISH = re.compile("[\u4e00-\u9fff]"), re.compile(r"[A-Za-z].*\s|\s.*[A-Za-z]", re.DOTALL)


def trees() -> dict[str, ast.Module]:
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}


def for_people(modules: dict[str, ast.Module]) -> set[str]:
    """The names of the errors that people read: YutangError, and whatever is made of it."""
    found, classes = {"YutangError"}, [n for m in modules.values() for n in ast.walk(m) if isinstance(n, ast.ClassDef)]
    while new := {c.name for c in classes if c.name not in found and found & {_name(base) for base in c.bases}}:
        found |= new
    return found


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def spoken(module: ast.Module, errors: set[str]) -> Iterator[ast.Call]:
    """Where an error for people gets its words: made by its name, by `fail` of a value, or by its own class."""
    raised = [node.exc for node in ast.walk(module) if isinstance(node, ast.Raise)]
    for node in ast.walk(module):
        if (isinstance(node, ast.Call) and _name(node.func) in errors) or (
            isinstance(node, ast.Call) and _name(node.func) in ("fail", "misnamed") and node in raised
        ):
            yield node
        elif isinstance(node, ast.ClassDef) and node.name in errors:
            yield from (
                call for call in ast.walk(node) if isinstance(call, ast.Call) and _name(call.func) == "__init__"
            )


def english_alone(call: ast.Call) -> bool:
    """A sentence stands in the code, and none in Chinese; words without a blank are names, such as a reason's."""
    parts = [part for one in [*call.args, *(k.value for k in call.keywords)] for part in ast.walk(one)]
    said = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(ENGLISH.search(text) for text in said) and not any(CHINESE.search(text) for text in said)


def test_no_error_for_people_speaks_english_alone() -> None:
    modules = trees()
    errors = for_people(modules)
    assert {"SourceError", "Problem", "PlanRefused", "Conflict"} <= errors
    found = [
        f"{path}:{call.lineno}"
        for path, module in sorted(modules.items())
        if not path.startswith(FOR_PROGRAMMERS)
        for call in spoken(module, errors)
        if english_alone(call)
    ]
    assert not found, "say it in Chinese first, and keep the English beside it:\n" + "\n".join(found)


def logged(module: ast.Module) -> Iterator[tuple[int, str]]:
    """What a module writes to the log, with its line."""
    for node in ast.walk(module):
        match node:
            case ast.Call(ast.Attribute(ast.Name("log")), [ast.Constant(str(text)), *_]):
                yield node.lineno, text


def test_whoever_watches_the_program_run_reads_both_languages() -> None:
    """The log of `yutang up`; connectors write there for whoever mends them."""
    found = {(path, *line) for path, module in trees().items() for line in logged(module)}
    assert any("a pass failed" in text for _, _, text in found)
    connectors = ("channels/", "deliver/")
    assert not {one for one in found if not one[0].startswith(connectors) and not in_both(one[2])}


def test_the_look_finds_what_it_is_for() -> None:
    """In a text of its own: what is to be found, and what is not."""
    text = """
class Wrong(YutangError):
    def __init__(self): super().__init__("all is lost")
raise YutangError(f"no {name}; write one")
raise node.fail(f"not {a}", "b")
raise YutangError(f"没有 {name}。 there is no {name}")
raise Problem(400, str(error), "bad_shape")
queue.fail(conn, "it did not work")
"""
    module = ast.parse(text)
    errors = {"YutangError", "Problem", "Wrong"}
    assert [call.lineno for call in spoken(module, errors) if english_alone(call)] == [3, 4, 5]
