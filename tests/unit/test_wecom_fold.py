"""Pure parts of the WeCom mirror: what callbacks say, and what becomes of a pair whatever order they come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yutang.channels.wecom import sidebar
from yutang.channels.wecom.changes import NEEDS, parse
from yutang.channels.wecom.relations import Added, Ended, Folded, Happened, Missing, Relation, Seen, Turn, fold

START = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
PAIR = ("wmFish", "guide01")
LATER = timedelta(days=1)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


@st.composite
def histories(draw: st.DrawFn) -> list[Added | Ended]:
    """What really happened to one pair: they meet, they part, they meet again; at least two seconds between."""
    second, found = 0, []
    for n in range(draw(st.integers(1, 7))):
        second += draw(st.integers(2, 300))
        found.append(Ended(at(second), draw(st.sampled_from(["staff", "customer"]))) if n % 2 else Added(at(second)))
    return found


def told(row: Relation | None, happened: list[Happened]) -> tuple[Relation, list[Turn]]:
    """Folded one by one, as if each came in a batch of its own."""
    turns: list[Turn] = []
    for one in happened:
        folded: Folded = fold(PAIR, row, [one])
        row, turns = folded.relation, turns + list(folded.turns)
    assert row is not None
    return row, turns


def shown(history: list[Added | Ended], asked: datetime) -> Seen | Missing:
    """What the platform answers afterwards."""
    last = history[-1]
    return Seen(last.at, asked) if isinstance(last, Added) else Missing(asked)


@given(histories(), st.data())
def test_in_order_each_turn_is_told_once(history: list[Added | Ended], data: st.DataObject) -> None:
    twice = [one for one in history for _ in range(data.draw(st.integers(1, 2)))]
    row, turns = told(None, list(twice))
    assert [(turn.type, turn.at) for turn in turns] == [
        ("contact_added" if isinstance(one, Added) else "contact_lost", one.at) for one in history
    ]
    assert row.alive == isinstance(history[-1], Added)
    again, more = told(row, [*history, shown(history, at(0) + LATER)])
    assert (again.alive, again.since, more) == (row.alive, row.since, [])


@given(histories(), st.data())
def test_in_any_order_a_reading_settles_it(history: list[Added | Ended], data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(history), max_size=10))
    happened = data.draw(st.permutations(some))
    row, turns = told(None, [*happened, shown(history, at(0) + LATER)])
    assert row.alive == isinstance(history[-1], Added)
    keys = [(turn.type, turn.at) for turn in turns]
    assert len(keys) == len(set(keys)), "nothing is told twice"
    assert {at for type, at in keys if type == "contact_added"} <= {one.at for one in history}, (
        "nobody comes who did not"
    )


@given(histories())
def test_a_reading_that_lags_behind_a_callback_is_not_believed(history: list[Added | Ended]) -> None:
    if len(history) < 2:
        return
    row, _ = told(None, list(history))
    early = history[-1].at + timedelta(seconds=1)
    folded = fold(PAIR, row, [shown(history[:-1], early)])
    assert (folded.relation.alive, folded.unsettled) == (row.alive, True)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    assert parse(text) is None or text


@given(st.sampled_from(sorted(NEEDS)), st.permutations(range(6)), st.integers(1, 2**31))
def test_the_order_of_elements_does_not_matter(kind: tuple[str, str], order: list[int], second: int) -> None:
    event, change = kind
    parts = [
        f"<Event><![CDATA[{event}]]></Event>", f"<ChangeType>{change}</ChangeType>", f"<CreateTime>{second}</CreateTime>",
        "<UserID>Guide01</UserID>", "<ExternalUserID><![CDATA[wmY1]]></ExternalUserID>", "<ChatId>wrG1</ChatId>",
    ]  # fmt: skip
    found = parse(f"<xml>{''.join(parts[n] for n in order)}</xml >")
    assert found is not None
    assert (found.event, found.type, found.at.timestamp()) == (event, change, second)
    assert found.text("UserID") == "Guide01", "ids keep their case"
    assert parse(f"<xml>{''.join(parts[:2])}</xml>") is None, "without its time and its ids it says nothing"


def test_members_of_a_group_change_one_or_many() -> None:
    head = "<Event>change_external_chat</Event><ChangeType>update</ChangeType><CreateTime>9</CreateTime><ChatId>wrG1</ChatId>"
    for members in (["wmY1"], ["wmY1", "guide01"]):
        items = "".join(f"<Item><![CDATA[{member}]]></Item>" for member in members)
        found = parse(f"<xml>{head}<MemChangeList>{items}</MemChangeList></xml>")
        assert found is not None
        assert found.texts("MemChangeList") == members


def test_a_page_is_signed_as_the_platform_says() -> None:
    signed = sidebar.sign("ticket_yutang", "abc123", 1760000000, "https://crm.example.com/side?x=1#top")
    assert signed == "4d2271688f734bb8f62536a66cfe5b05f86fd3c9"
