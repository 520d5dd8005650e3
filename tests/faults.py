"""What the fault of a brand's file says: where, in Chinese, in English."""

from __future__ import annotations

import re

from yutang.source import SourceError


def english(fault: SourceError) -> str:
    """FILE:LINE:COLUMN and the English sentence; before it stands the Chinese one, and that is whole."""
    zh, en = fault.said
    assert str(fault) == f"{fault.position}: {zh} {en}"
    assert re.search("[\u4e00-\u9fff]", zh), en
    assert zh.endswith(("。", "？")), zh
    return f"{fault.position}: {en}"
