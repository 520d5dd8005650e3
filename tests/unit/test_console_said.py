"""What engines refuse, in the language of the page."""

from __future__ import annotations

from yutang.web.pages.plans.said import one_language


def test_a_sentence_that_was_said_twice_is_shown_once() -> None:
    late = (
        "旅程 promo 在 03-10 的 200 条中有 40 条超出 wecom 的配额（每人 4 条，2026-03-01 至 2026-03-31）；最早 2026-04-01 可发。 "
        "of 200 messages of journey promo on 03-10, 40 are above the quota of wecom; the first day with room is 2026-04-01"
    )
    assert one_language(late, "zh").endswith("最早 2026-04-01 可发。")
    assert one_language(late, "en").startswith("of 200 messages")
    meant = (
        "--move pause=gret：新版没有 'gret'，是不是想写“greet”？ the new version has no 'gret'; did you mean 'greet'?"
    )
    assert one_language(meant, "zh").endswith("是不是想写“greet”？")
    assert one_language(meant, "en") == "the new version has no 'gret'; did you mean 'greet'?"
    for text in ("journeys/welcome.yml:8:14: there is no message 'hallo'", "没有余量。"):
        assert one_language(text, "zh") == one_language(text, "en") == text
