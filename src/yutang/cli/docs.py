"""docs: the reference pages that are made from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yutang.cli import say

FOLDER = Path("docs/reference")


def register(app: typer.Typer) -> None:
    app.command()(docs)


def docs(folder: Annotated[Path, typer.Option(help="写到哪里。 Where to.")] = FOLDER) -> None:
    """生成参考文档。 Write the reference pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
        say.out.print(str(folder / name), markup=False)


def pages() -> dict[str, str]:
    """Every reference page by file name."""
    from yutang.ingest.catalog import reference as events
    from yutang.insight.questions.reference import reference as questions
    from yutang.segment.reference import reference as operators

    return {
        "settings.md": _settings(),
        "events.md": events(),
        "questions.md": questions(),
        "operators.zh-CN.md": operators("zh"),
        "operators.md": operators("en"),
        "reasons.md": _reasons(),
    }


def _settings() -> str:
    from yutang.config import SETTINGS

    rows = [f"| `{s.name}` | {f'`{s.default}`' if s.default else ''} | {s.help} |" for s in SETTINGS]
    head = [
        "# 设置 Settings",
        "",
        "环境变量。 Environment variables.",
        "",
        "| 变量 variable | 默认 default | 含义 meaning |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def _reasons() -> str:
    from yutang.model import Reason

    rows = [f"| `{reason.value}` | {reason.zh} | {reason.en} |" for reason in Reason]
    lead = "凡是被拒绝、暂缓或失败的，都有其中一个原因。 Whatever is refused, held or failed names one of these."
    return "\n".join(["# 原因 Reasons", "", lead, "", "| reason | 中文 | English |", "|---|---|---|", *rows, ""])
