"""What the tests of pages share: the two sizes, and the question whether everybody can use a page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
at_sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
"""A test with an argument `size`, once for each: ``opened(viewport=size)``."""

AXE = Path(__file__).parents[1] / "build/axe.js"
RULES = ["wcag2a", "wcag2aa", "best-practice"]


def check_accessible(page: Any) -> None:
    """axe-core finds nothing to mend on the page as it stands; else each rule, why, and where."""
    assert AXE.is_file(), f"{AXE} is missing: `make test` makes it; look at what it said about the front-end's files"
    assert not page.evaluate("matchMedia('(scripting: none)').matches"), "axe-core needs a page that runs scripts"
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] })", RULES)
    assert not found["violations"], "\n".join(_said(one) for one in found["violations"])


def _said(violation: dict[str, Any]) -> str:
    places = "".join(f"\n    {node['html'][:160]}\n      {node['failureSummary']}" for node in violation["nodes"])
    return f"{violation['id']} ({violation['impact']}): {violation['help']}{places}"
