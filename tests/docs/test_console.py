"""The page about the console says of roles and rights what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from yutang.cli import app
from yutang.users import RIGHTS, ROLES, SHORTEST
from yutang.users.book import RESERVED

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text("utf-8")
SCOPES = {"all": "all", "stores": "of his stores", "own": "his own"}


def table() -> str:
    """The table of roles as the page must have it."""
    head = ["角色 role", "sees the persons", *RIGHTS]
    rows = [
        [f"{role.zh} `{role.name}`", SCOPES[role.scope], *("✓" if right in role.rights else "" for right in RIGHTS)]
        for role in ROLES.values()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, *rows]).replace("\n", f"\n{'|---' * len(head)}|\n", 1)


def test_the_table_of_roles_is_what_guards_go_by() -> None:
    assert table() in PAGE, f"write this into docs/console.md:\n{table()}"
    assert re.findall(r"^\| `(\w+)` \|", PAGE.partition("| right |")[2].partition("\n\n")[0], re.M) == list(RIGHTS)


def test_the_figures_are_those_of_the_program() -> None:
    assert f"({SHORTEST} to 128 characters" in PAGE
    assert {name for name in RESERVED if name != "new"} <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))


def test_the_commands_exist() -> None:
    for command in re.findall(r"yutang (user \w+)", PAGE):
        assert CliRunner().invoke(app, [*command.split(), "--help"]).exit_code == 0
