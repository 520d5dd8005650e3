"""The ``task:`` of a message's head: who is to do it, in what time, and who after that."""

from __future__ import annotations

from typing import Any

from yutang.deliver.terms import TERMS
from yutang.source import Node

LONGEST_HOURS = 24 * 90


def task(node: Node) -> dict[str, Any]:
    """``{"to", "within_hours", "escalate_to", "escalate_after_hours"}``, the last two None where nothing is said. Raises SourceError."""
    keys = node.mapping(known=TERMS)
    if "escalate_after_hours" in keys and "escalate_to" not in keys:
        raise keys["escalate_after_hours"].fail(
            "转给谁？请写上“escalate_to: …”。", "say to whom it passes; write 'escalate_to: …'"
        )
    said = {name: _hours(item) if name.endswith("_hours") else item.text() for name, item in keys.items()}
    return {**TERMS, **said}


def _hours(node: Node) -> int | float:
    if not 0 < node.number() <= LONGEST_HOURS:
        found = node.describe()
        raise node.fail(
            f"小时数在 0 到 {LONGEST_HOURS} 之间，现在是{found.zh}。",
            f"hours lie between 0 and {LONGEST_HOURS}, found {found.en}",
        )
    return node.number()
