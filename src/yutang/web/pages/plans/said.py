"""What engines refuse, as the console says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yutang.model import Reason, halves
from yutang.plan import PlanRefused
from yutang.web.pages.page import Page
from yutang.why.words import both

OWN = {Reason.NOT_APPROVED: "refused.not_approved", Reason.WHERE_TO: "refused.where_to"}
"""Where the engine's own words name a command; the console has buttons."""


def refusal(page: Page, error: Exception) -> str:
    """Why something could not be done, in the language of the page."""
    if isinstance(error, PlanRefused) and error.reason in OWN:
        return page.text(OWN[error.reason])
    return one_language(str(error), page.language)


def one_language(text: str, language: str) -> str:
    """The part of a sentence that was said in Chinese and in English one after the other."""
    zh, en = halves(text)
    return zh if language == "zh" else en


def titles(shown: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """The titles of the journeys of a plan, by name."""
    changes = shown.get("changes") or []
    assert isinstance(changes, list)
    return {change["name"]: change["title"] for change in changes if change["kind"] == "journey"}


EDGES = {"next", "yes", "no", "ways"}
"""What says which step follows: where steps come or go, these say so themselves."""
WORDS = {
    "value_fen": both("期望价值", "expected value"),
    "value_expected": both("逐人预计价值", "value reckoned for each person"),
    "holdout_percent": both("对照组", "holdout"),
    "deadline_days": both("触达最多等几天", "days that a touch may wait"),
    "max_age_days": both("触发事件最多多旧（天）", "oldest trigger in days"),
    "reentry": both("重入", "re-entry"),
    "reentry/after_days": both("重入间隔（天）", "days before re-entry"),
    "class": both("类别", "class"),
    "title/zh": both("中文名", "Chinese title"),
    "title/en": both("英文名", "English title"),
    "rule": both("规则", "rule"),
    "audience": both("人群条件", "audience"),
    "exit_when": both("退出条件", "exit rule"),
    "exit_on_leave": both("离开人群即退出", "ends on leaving the segment"),
    "body": both("正文", "words"),
    "subject": both("标题", "subject"),
    "channel": both("渠道", "channel"),
}
"""Keys of files as people call them; others stand as they are written."""


def changes(shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changes of a plan for a page: without details that others say already, and with keys as people call them."""
    return [change | {"details": list(_details(change["details"]))} for change in shown["changes"]]


def _details(details: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    turns = any(_is_step(one) and None in (one["old"], one["new"]) for one in details)
    for one in details:
        if not (turns and _is_step(one) and _only_edges(one)):
            yield one | _called(one)


def _is_step(detail: Mapping[str, Any]) -> bool:
    return detail["path"].startswith("steps/")


def _only_edges(detail: Mapping[str, Any]) -> bool:
    old, new = detail["old"], detail["new"]
    return bool(old and new) and {k for k in old.keys() | new.keys() if old.get(k) != new.get(k)} <= EDGES


def _called(detail: Mapping[str, Any]) -> dict[str, str]:
    path = detail["path"]
    if path.endswith("_fen") and all(isinstance(v, int | None) for v in (detail["old"], detail["new"])):
        shown = " → ".join("—" if v is None else f"¥{v / 100:,.2f}" for v in (detail["old"], detail["new"]))
        called = WORDS.get(path, both(path, path))
        return {"zh": f"{called['zh']}：{shown}", "en": f"{called['en']}: {shown}"}
    if path not in WORDS:
        return {}
    return {
        "zh": WORDS[path]["zh"] + detail["zh"].removeprefix(path),
        "en": WORDS[path]["en"] + detail["en"].removeprefix(path),
    }
