"""Every example on the page about journeys is read, published, and walked to its end."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from ponds import NOON, TITLE, Pond
from yutang import ingest, journey, source
from yutang.journey.steps import STEPS
from yutang.model import bucket_of

PAGE = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text("utf-8")
EXAMPLES = [
    (heading, text)
    for section in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)
    for heading in [section.partition("\n")[0]]
    for text in re.findall(r"^```yaml\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
]
HEAD = "title: {zh: 甲, en: A}\ntrigger: {event: registered}\nsteps:\n"


def test_every_kind_of_step_is_described() -> None:
    headings = " ".join(heading for heading, _ in EXAMPLES)
    assert [kind for kind in (*STEPS, "offer") if not re.search(rf"\b{kind}\b", headings)] == []


@pytest.mark.parametrize("text", [text for _, text in EXAMPLES], ids=[heading for heading, _ in EXAMPLES])
def test_an_example_is_walked(conn, text: str) -> None:
    pond = Pond(conn)
    ingest.add_source(conn, NOON, "yutang", "Yutang")
    whole = text if text.startswith("title:") else HEAD + text
    body = journey.journey(source.load(whole, "example.yml"))
    for line in body["program"]:
        for name in filter(None, [line.get("message")]):
            pond.message(name)
        if line.get("offer"):
            pond.define("offer", line["offer"], {"sort": "coupon", "title": TITLE})
    inner = source.load("title: {zh: 乙, en: B}\ntrigger: {called: true}\nsteps: [{wait: {days: 1}}]", "inner.yml")
    pond.define("journey", "inner", journey.journey(inner))
    pond.define("journey", "example", body)
    person = pond.person(name="小李")
    conn.execute(
        """insert into profile (bucket, person_id, recency, frequency, monetary, life_stage, refreshed_at)
           values (%s, %s, 1, 1, 1, 'visitor', %s)""",
        (bucket_of(person), person, NOON),
    )
    pond.happened(person, "registered", code="poster")
    for hours in range(0, 24 * 20, 6):
        journey.advance(conn, NOON + timedelta(hours=hours))
    states = {row.state for row in conn.execute("select state from enrolment")}
    assert states == ({"active"} if "ladder" in text else {"done"})
