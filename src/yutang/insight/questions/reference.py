"""The catalogue as a page."""

from __future__ import annotations

from yutang.insight.questions.catalog import QUESTIONS
from yutang.insight.questions.params import KINDS
from yutang.insight.questions.shape import Param, Question

_HEAD = """# 问题目录 Questions

`yutang insight 名称 --参数 值` · `GET /v1/insight/名称?参数=值`。没有默认值的参数必须写。
`yutang insight NAME --parameter value` · `GET /v1/insight/NAME?parameter=value`. A parameter without a default must be given.
"""


def reference() -> str:
    """Every question with its parameters, and how each kind of parameter is written, as Markdown."""
    kinds = [f"| `{name}` | {kind.zh} | {kind.en} |" for name, kind in KINDS.items()]
    tail = ["", "## 参数的写法 How parameters are written", "", "| | 中文 | English |", "|---|---|---|", *kinds, ""]
    return _HEAD + "".join(_section(known) for known in QUESTIONS) + "\n".join(tail)


def _section(known: Question) -> str:
    head = f"\n## `{known.name}` {known.title['zh']} {known.title['en']}\n\n{known.says['zh']}\n{known.says['en']}\n"
    lines = [
        "| 参数 parameter | 写法 kind | 默认 default | 说明 meaning |",
        "|---|---|---|---|",
        *map(_row, known.params),
    ]
    return head + "\n" + "\n".join(lines) + "\n"


def _row(param: Param) -> str:
    kind = {
        "choice": " · ".join(f"`{word}`" for word in param.choices),
        "whole": f"{param.low}…{param.high}",
    }.get(param.kind, f"`{param.kind}`")
    default = "" if not param.default else f"`{param.default}`"
    return f"| `{param.name}` | {kind} | {default} | {param.zh}; {param.en} |"
