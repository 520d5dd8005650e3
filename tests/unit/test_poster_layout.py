"""Posters: what stands where on a sheet, and that nothing stands outside it or over its edge."""

from __future__ import annotations

import pytest

from yutang.web.pages.codes.layout import (
    CARDS,
    LAYOUTS,
    SIZES,
    Box,
    Code,
    Cut,
    Text,
    Words,
    broken,
    clean,
    fitted,
    sheet,
)
from yutang.web.pages.codes.poster import measure

SHORT = Words("扫码加我们", "新品和活动，第一时间告诉你", "湖滨店", "小鱼咖啡", "微信扫一扫")
LONG = Words("很" * 24, "长的话" * 26, "店" * 24, "Very Long Brand of Coffee", "微信扫一扫")
EMPTY = Words("", "", "", "", "微信扫一扫")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", [SHORT, LONG, EMPTY], ids=["short", "long", "empty"])
def test_everything_is_on_the_sheet_and_nothing_covers_the_code(layout: str, size: str, words: Words) -> None:
    width, height = SIZES[size]
    shapes = sheet(layout, size, words, measure)
    columns, rows = CARDS[size] if layout == "cards" else (1, 1)
    codes = [one for one in shapes if isinstance(one, Code)]
    assert len(codes) == columns * rows
    for code in codes:
        assert 0 < code.x < code.x + code.side < width
        assert 0 < code.y < code.y + code.side < height
        assert code.side >= 30, "large enough to be scanned from a table"
    for text in (one for one in shapes if isinstance(one, Text)):
        wide = measure(text.text, text.size)
        assert wide <= width / columns
        assert text.x - wide / 2 >= 0
        assert text.size <= text.y <= height
        for code in codes:
            beside = abs(text.x - code.x - code.side / 2) > width / columns / 2
            assert beside or not code.y < text.y < code.y + code.side + text.size, text.text
    for box in (one for one in shapes if isinstance(one, Box)):
        assert box.x >= 0
        assert box.x + box.width <= width + 0.01
        assert box.y + box.height <= height + 0.01
    assert sum(isinstance(one, Cut) for one in shapes) == columns + rows - 2


def test_lines_are_broken_where_they_may_be() -> None:
    def each(text: str, size: float) -> float:
        return len(text) * size

    assert broken("一二三四五六", 3, 1, each) == ["一二三", "四五六"]
    assert broken("一二三，四五", 3, 1, each) == ["一二三，", "四五"], "no line begins with a comma"
    assert broken("two words", 5, 1, each) == ["two", "words"]
    assert fitted("一二三四", 4, 1, 1, each) == (1, ["一二三四"])
    assert fitted("一二三四五", 4, 1, 1, each) == (0.8, ["一二三四五"]), "smaller letters before anything is cut"
    size, [line] = fitted("一二三四五六七八九十", 4, 1, 1, each)
    assert (size, line) == (0.6, "一二三四五…")


def test_words_are_what_the_font_can_draw() -> None:
    assert clean("a\0b\n c\u202e😀 店", 10) == "a b c 店"
    assert clean("字" * 30, 24) == "字" * 24
