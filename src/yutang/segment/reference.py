"""The reference page of the rule language, made from the operator rows."""

from __future__ import annotations

from yutang import source
from yutang.segment.language import parse
from yutang.segment.operators import OPERATORS, Operator
from yutang.segment.wording import sentence

_TEXT = {
    "zh": (
        "# 规则语言",
        "人群、旅程条件与触发共用同一种规则。条件可用 `all`（全部满足）、`any`（至少一项）、`not`（不满足）组合。\n"
        "天数按品牌时区的营业日计算：`days: 30` 指包含今天在内的最近 30 天；`from_days: 60, to_days: 30` 指 60 天前到 30 天前；"
        "`where` 按事件属性筛选；金额单位为分。先后条件（`then`、`then_not`）与优惠券到期按 24 小时计。",
        "| 写法 | 含义 | 可选键 |",
        "无",
    ),
    "en": (
        "# The rule language",
        "Segments, journey conditions and triggers share one kind of rule. Conditions combine under `all`, `any` and `not`.\n"
        "Days are business days in the brand's time zone: `days: 30` is the last 30 days with today; `from_days: 60, to_days: 30` is from 60 to 30 days ago; "
        "`where` picks events by their properties; amounts are in fen. Sequences (`then`, `then_not`) and expiring coupons count 24 hours to a day.",
        "| written | meaning | optional keys |",
        "none",
    ),
}


def reference(language: str) -> str:
    """The page as Markdown; `language` is ``zh`` or ``en``."""
    title, introduction, header, none = _TEXT[language]
    rows = [_row(operator, language, none) for operator in OPERATORS]
    return "\n".join([title, "", introduction, "", header, "|---|---|---|", *rows, ""])


def _row(operator: Operator, language: str, none: str) -> str:
    meaning = sentence(parse(source.load(operator.example, operator.key)), language)
    options = ", ".join(f"`{name}`" for name in operator.options) or none
    return f"| `{operator.example}` | {meaning} | {options} |"
