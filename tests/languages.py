"""Do errors speak to everybody?"""

from __future__ import annotations

import re

_BOTH = re.compile(r"[\u4e00-\u9fff].*[。？] .*[A-Za-z]{2}", re.DOTALL)


def in_both(text: str) -> bool:
    """A sentence in Chinese, a blank, and English."""
    return _BOTH.search(text) is not None
