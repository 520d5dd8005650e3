"""How the command line itself speaks, Chinese first: the titles of its help, and what it says of a command that is written wrongly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer
from rich.cells import cell_len
from rich.text import Text

from yutang.cli.say import err, error, out

TITLES = {"Arguments": "参数 Arguments", "Options": "选项 Options", "Commands": "命令 Commands"}
NOTES = {
    "Show this message and exit.": "显示这段说明。 Show this message and exit.",
    "[default: ": "[默认 default: ",
    "; required]": "; 必填 required]",
    "[required]": "[必填 required]",
}
CHINESE = [
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
        (r"Missing command\.", "还缺一个命令。"),
        (r"No such command '(.*)'\. Did you mean '([^']*)'.*", r"没有命令“\1”，是不是想写 \2？"),
        (r"No such command '(.*)'\.", r"没有命令“\1”。"),
        (r"No such option: --demo", "--demo 要写在命令前面：yutang --demo 品牌 命令。"),
        (r"No such option: (\S+) \(Possible options: (.*)\)", r"没有选项 \1，是不是想写 \2？"),
        (r"No such option: (\S+)", r"没有选项 \1。"),
        (r"Missing argument '(.*)'\.", r"还缺 \1。"),
        (r"Missing option '(.*)'\.", r"还缺选项 \1。"),
        (r"Option '(.*)' requires an argument\.", r"选项 \1 后面要写一个值。"),
        (r"Option '(.*)' does not take a value\.", r"选项 \1 后面不写值。"),
        (r"Got unexpected extra argument\(s\) \((.*)\)", r"多写了 \1，请删去；含空格的值请加引号。"),
        (r"Invalid value for '(.*)': Input should be a valid integer.*", r"\1 请写整数。"),
        (r"Invalid value for '(.*)': Input should be a valid number.*", r"\1 请写数字。"),
        (r"Invalid value for '(.*)': Input should be greater than or equal to (.*)", r"\1 不能小于 \2。"),
        (r"Invalid value for '(.*)': Input should be less than or equal to (.*)", r"\1 不能大于 \2。"),
        (r"Invalid value for '(.*)': .*does not match the formats '%Y-%m-%d'.*", r"\1 请写日期，例如 2026-01-31。"),
        (r"Invalid value for '(.*)': \w+ '(.*)' does not exist\.", r"\1：没有“\2”，请检查是否写对。"),
        (r"Invalid value for '(.*)': .*", r"\1 的值不对。"),
    )
]
"""What the library says in English alone; said after its Chinese, as it is. Whatever is not here gets a general word."""


class Formatter(typer.Context.formatter_class):
    """Help under titles in both languages, wrapped by what letters take on the screen: a Chinese one takes two columns."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or "用法 Usage: ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(TITLES.get(heading, heading))

    def write_text(self, text: str) -> None:
        indent = " " * self.current_indent
        for line in _lines(re.sub(r"(?<!\n)\n(?!\n)", " ", text), self.width - len(indent)):
            self.write(f"{indent}{line}".rstrip() + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        column = self.current_indent + min(max(cell_len(name) for name, _ in rows), col_max) + col_spacing
        for name, text in rows:
            head = " " * self.current_indent + name
            lines = _lines(_noted(text), self.width - column)
            if cell_len(head) + col_spacing > column or not lines:
                self.write(head + "\n")
            else:
                self.write(head + " " * (column - cell_len(head)) + lines.pop(0) + "\n")
            for line in lines:
                self.write(" " * column + line + "\n")


class Context(typer.Context):
    formatter_class = Formatter


def speaking(command: Any) -> Any:
    """A command, or a group with all below it, that explains itself in both languages; in lists with its whole sentence."""
    command.context_class = Context
    command.short_help = command.short_help or command.help
    for one in getattr(command, "commands", {}).values():
        speaking(one)
    return command


def tell(wrong: typer.TyperException) -> None:
    """What is wrong with a command, how it is to be written, and where more is said of it."""
    text, context = wrong.format_message(), getattr(wrong, "ctx", None)
    if context and text == context.get_help():  # a group without a command
        err.print(text, markup=False)
        return
    if context:
        err.print(context.get_usage(), markup=False)
        err.print(f"说明见 for help: {context.command_path} --help\n", markup=False)
    error(f"{_in_chinese(text)} {text}")


def _in_chinese(text: str) -> str:
    for pattern, said in CHINESE:
        if found := pattern.fullmatch(text):
            return found.expand(said)
    return "命令写得不对。"


def _noted(text: str) -> str:
    for said, both in NOTES.items():
        text = text.replace(said, both)
    return text


def _lines(text: str, width: int) -> list[str]:
    return [line.plain.rstrip() for line in Text(text).wrap(out, max(width, 20))]
