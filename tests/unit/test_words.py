"""Whatever state the database may hold, somebody has words for it; and one word alone, wherever it is said."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from yutang.channels import STAFF_TASKS
from yutang.cli import say
from yutang.cli.chain import STYLE
from yutang.ingest import undo
from yutang.plan import book
from yutang.predict import words as predict
from yutang.web.pages import text
from yutang.web.pages.data import text as data
from yutang.web.pages.journeys import text as journeys
from yutang.web.pages.person import text as person
from yutang.web.pages.plans import text as plans
from yutang.web.pages.rehearsals import text as rehearsals
from yutang.web.pages.settings import text as settings
from yutang.web.pages.tasks import text as tasks
from yutang.why import words

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
SCHEMA = resources.files("yutang.db") / "schema"
KEPT = {
    "plan": "0017_plan.sql", "staff_task": "0018_staff.sql", "enrolment": "0007_journey.sql", "touch": "0008_decide.sql",
    "attempt": "0009_deliver.sql", "coupon": "0005_offer.sql", "redemption": "0005_offer.sql",
}  # fmt: skip
"""Where the states of a table are listed."""
CALLED = {"staff_task": "staff task", "touch": "decision"}
"""Tables whose state the glossary tells of under another name."""

Said = dict[str, tuple[str, str]]


def glossary() -> dict[str, Said]:
    """The words of states, by what they are states of."""
    found: dict[str, Said] = {}
    rows = re.findall(r"^\| \S+ ([a-z ]+) \| `(\w+)` \| (.+?) \| (.+?) \|$", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    for of, state, zh, en in rows:
        found.setdefault(of, {})[state] = (zh, en)
    return found


def told(said: dict[str, dict[str, str]]) -> Said:
    return {state: (one["zh"], one["en"]) for state, one in said.items()}


def on(page: Said, kind: str) -> Said:
    """What a page says of the states of one kind, without the figures that stand beside them."""
    begin = kind + "."
    return {
        key.removeprefix(begin): (zh.removesuffix(" {share}"), en.removesuffix(" {share}"))
        for key, (zh, en) in page.items()
        if key.startswith(begin)
    }


def of_two(closed_at: datetime | None) -> tuple[str, str]:
    zh, en = say.standing(closed_at).split()
    return zh, en


def test_each_state_is_called_the_same_everywhere() -> None:
    known, either = glossary(), {"open": of_two(None), "closed": of_two(datetime(2026, 1, 1, tzinfo=UTC))}
    places: dict[str, list[Said]] = {
        "plan": [book.STATES, on(plans.TEXT, "state")],
        "staff task": [STAFF_TASKS.STATES, on(tasks.TEXT, "state"), on(person.TEXT, "task")],
        "enrolment": [told(words.STATES), on(journeys.TEXT, "state")],
        "decision": [told(words.VERDICTS), on(text.TEXT, "verdict")],
        "attempt": [told(words.ATTEMPTS), on(text.TEXT, "attempt")],
        "coupon": [told(words.COUPONS), on(text.TEXT, "coupon")],
        "redemption": [told(words.USES)],
        "rehearsal": [on(rehearsals.TEXT, "run"), on(plans.TEXT, "run")],
        "model": [told(predict.STATES)],
        "import": [undo.STATES, on(data.TEXT, "state")],
        "user": [either, {state: settings.TEXT[f"is_{state}"] for state in either}],
        "source": [either],
    }
    assert set(places) == set(known)
    wrong = [f"{of}: {said}" for of, every in places.items() for said in every if said != known[of]]
    assert not wrong, "docs/glossary.md decides:\n" + "\n".join(wrong)


def test_each_state_that_a_table_may_hold_has_a_word() -> None:
    for table, file in KEPT.items():
        made = (SCHEMA / file).read_text("utf-8").split(f"create table {table} (", 1)[1].split("\n);", 1)[0]
        (listed,) = re.findall(r"check \((?:state|verdict) in \(([^)]*)\)\)", made)
        assert set(re.findall(r"'(\w+)'", listed)) == set(glossary()[CALLED.get(table, table)]), table


def test_each_state_of_an_attempt_has_a_colour_and_words_for_what_staff_do() -> None:
    assert set(words.ATTEMPTS) == set(words.TASKS) <= set(STYLE)
