"""Whoever reads the help, or writes a command wrongly, is spoken to in Chinese first, with the English beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len

from languages import in_both
from yutang.cli import command, run_one


def commands(one: Any, name: str = "yutang", parent: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every command below this one, with its context."""
    context = one.make_context(name, [], parent=parent, resilient_parsing=True)
    yield one, context
    if hasattr(one, "list_commands"):
        for below in one.list_commands(context):
            yield from commands(one.get_command(context, below), below, context)


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        ("xyz", "没有命令“xyz”。", "No such command 'xyz'."),
        ("brand chek luckin", "是不是想写 check？", "Did you mean 'check'?"),
        ("insight funel", "是不是想写 funnel？", "Did you mean 'funnel'?"),
        ("events --limti 3", "没有选项 --limti，是不是想写 --limit？", "No such option: --limti"),
        ("events --xyz", "没有选项 --xyz。", "No such option: --xyz"),
        ("events --demo luckin", "--demo 要写在命令前面", "No such option: --demo"),
        ("why", "还缺 PERSON。", "Missing argument 'PERSON'."),
        ("user add lina", "还缺选项 --role。", "Missing option '--role'."),
        ("insight funnel --steps", "选项 --steps 后面要写一个值。", "requires an argument"),
        ("why 1 --json=1", "选项 --json 后面不写值。", "does not take a value"),
        ("predict train extra", "多写了 extra", "unexpected extra argument"),
        ("events --limit ten", "--limit 请写整数。", "valid integer"),
        ("bench --scale big", "--scale 请写数字。", "valid number"),
        ("events --limit 0", "--limit 不能小于 1。", "greater than or equal to 1"),
        ("dryrun wake --days 999", "--days 不能大于 366。", "less than or equal to 366"),
        ("demo --until 2017", "--until 请写日期，例如 2026-01-31。", "does not match"),
        ("scene add member_day --brand nowhere", "没有“nowhere”", "does not exist"),
    ],
)
def test_a_command_written_wrongly_is_answered_in_both_languages(
    capsys: pytest.CaptureFixture[str], arguments: str, zh: str, en: str
) -> None:
    assert run_one(arguments.split()) == 2
    told = capsys.readouterr().err
    assert not re.search("^(Usage|Try|Error)", told, re.MULTILINE)
    (error,) = (line for line in told.splitlines() if line.startswith("错误 error: "))
    assert zh in error
    assert en in error
    assert in_both(error), error


def test_a_group_alone_shows_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_one(["brand"]) == 2
    assert "检查，不写入。" in capsys.readouterr().err


def test_every_page_of_help_speaks_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = list(commands(command()))
    assert {"yutang brand plan", "yutang insight funnel"} <= {context.command_path for _, context in found}
    wrong = []
    for one, context in found:
        page, said = one.get_help(context), [one.help, *(p.help for p in one.params)]
        wrong += [f"{context.command_path}: {text}" for text in said if not in_both(text or "")]
        wrong += [f"{context.command_path}: {line}" for line in page.splitlines() if cell_len(line) > 80]
        wrong += [f"{context.command_path}: {line}" for line in page.splitlines() if re.match(r"[A-Z]\w+:", line)]
        wrong += [f"{context.command_path}: {line}" for line in page.splitlines() if re.search("。[A-Za-z]", line)]
    assert not wrong, "\n".join(wrong)
