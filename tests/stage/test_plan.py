"""Plans: what they show, who may apply them, and the change itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from plans import NOW, WELCOME, brand, details, message, people, pond
from ponds import Pond
from yutang import definitions, plan, segment
from yutang import journey as journeys
from yutang.db.connect import connect
from yutang.journey import edit
from yutang.model import Reason, YutangError
from yutang.plan.rehearse import rehearsal

LATER = NOW + timedelta(hours=1)
WITHOUT_GREETING = WELCOME.replace("  - message: hello\n    id: greet\n", "")
SHORTER = WELCOME.replace("days: 5", "days: 3")


def make(conn: psycopg.Connection, by: str = "li", approval: bool = False, **changed: Any) -> plan.Plan:
    options = {name: changed.pop(name) for name in ("moves", "key", "rehearse") if name in changed}
    return plan.make(conn, NOW, brand(approval, **changed), by, {}, **options)


def apply(conn: psycopg.Connection, made: plan.Plan, by: str = "li") -> plan.Plan:
    return plan.apply(conn, LATER, made.plan_id, by, {})


def serve(conn: psycopg.Connection, approval: bool = False, **changed: Any) -> None:
    """Put a brand into service."""
    plan.publish(conn, NOW - timedelta(days=1), brand(approval, **changed))


def refused(reason: Reason, work: Any) -> str:
    with pytest.raises(plan.PlanRefused) as found:
        work()
    assert found.value.reason is reason
    return str(found.value)


def body(conn: psycopg.Connection, kind: str, name: str) -> dict[str, Any]:
    found = definitions.current(conn, kind, name)
    assert found is not None
    return found.body


def on_welcome(conn: psycopg.Connection, people: int) -> Pond:
    """So many people wait on the first step."""
    found = Pond.__new__(Pond)
    found.conn = conn
    for _ in range(people):
        found.happened(found.person(), "registered", at=NOW - timedelta(hours=1))
    journeys.advance(conn, NOW)
    return found


def standing(conn: psycopg.Connection) -> list[tuple[int, str, str]]:
    rows = conn.execute("select version, step, state, reason from enrolment order by person_id").fetchall()
    d = definitions.current(conn, "journey", "welcome")
    assert d is not None
    return [
        (r.version, definitions.at_version(conn, d.definition_id, r.version).body["program"][r.step]["id"], r.state)
        for r in rows
    ]


def test_from_nothing_to_service(conn: psycopg.Connection) -> None:
    made = make(conn)
    assert definitions.all_current(conn, "journey") == []
    assert {(one["name"], one["sort"]) for one in made.shown["changes"]} >= {("welcome", "added"), ("pond", "added")}
    done = apply(conn, made, by="wang")
    assert [(mark.state, mark.by, mark.at) for mark in done.marks] == [("draft", "li", NOW), ("applied", "wang", LATER)]
    assert body(conn, "journey", "welcome")["title"]["en"] == "Welcome"
    refused(Reason.UNCHANGED, lambda: make(conn))
    said = refused(Reason.PLAN_CLOSED, lambda: apply(conn, made))
    assert "applied already" in said
    assert said.count("2026-03-02 13:00") == 2, "on the pond's clocks, in both languages"


def test_the_diff_names_what_changes_inside(conn: psycopg.Connection) -> None:
    serve(conn)
    changed = WELCOME.replace("days: 5", "days: 3").replace("always", "never").replace(
        "  - wait: {days: 2}\n", "  - tag: fresh\n    id: mark\n  - wait: {days: 2}\n"
    )  # fmt: skip
    made = make(
        conn,
        journeys_welcome=changed,
        messages_hello=message("早上好\n再见"),
        segments_vip="title: {zh: 贵客, en: VIP}\nrule: {tag: gold}\n",
        segments_unused=None,
    )
    welcome = details(made.shown, "welcome")
    assert welcome["reentry"] == "reentry: always → never"
    assert welcome["steps/rest"] == "step rest: wait 5 days → wait 3 days"
    assert welcome["steps/mark"] == "step mark comes: tag 'fresh'"
    assert "steps/greet" not in welcome
    assert "+ 早上好" in details(made.shown, "hello")["body"]
    assert "'vip'" in details(made.shown, "vip")["rule"]
    assert {one["name"]: (one["sort"], one["sends"]) for one in made.shown["changes"]} == {
        "welcome": ("changed", True),
        "hello": ("changed", True),
        "vip": ("changed", False),
        "unused": ("retired", False),
    }
    assert all("旅程" in one["zh"] for one in made.shown["changes"] if one["kind"] == "journey")


def test_another_person_must_approve_where_the_pond_says_so(conn: psycopg.Connection) -> None:
    serve(conn, approval=True)
    made = make(conn, journeys_welcome=SHORTER)  # it would lift the rule, too
    assert "approve 1" in refused(Reason.NOT_APPROVED, lambda: apply(conn, made))
    assert "li" in refused(Reason.OWN_PLAN, lambda: plan.approve(conn, NOW, made.plan_id, " LI "))
    agreed = plan.approve(conn, NOW, made.plan_id, "wang")
    assert (agreed.state, agreed.approved_by) == ("approved", "wang")
    assert apply(conn, made).state == "applied"
    assert not definitions.pond(conn)["approval"]["required"]


def test_who_refuses_a_plan_ends_it(conn: psycopg.Connection) -> None:
    made = make(conn)
    ended = plan.refuse(conn, LATER, made.plan_id, "wang", "too early")
    assert (ended.state, ended.marks[-1].note) == ("refused", "too early")
    for work in (plan.approve, plan.refuse):
        refused(Reason.PLAN_CLOSED, lambda work=work: work(conn, LATER, made.plan_id, "zhao"))
    refused(Reason.PLAN_CLOSED, lambda: apply(conn, made))
    assert definitions.all_current(conn, "journey") == []


def test_publishing_directly_is_refused_for_what_sends(conn: psycopg.Connection) -> None:
    serve(conn, approval=True)
    said = refused(Reason.NOT_APPROVED, lambda: plan.publish(conn, NOW, brand(True, messages_hello=message("嗨"))))
    assert "message/hello" in said
    assert "brand plan" in said
    refused(Reason.NOT_APPROVED, lambda: plan.publish(conn, NOW, brand(False)))
    assert body(conn, "message", "hello")["body"] == "你好"
    harmless = "title: {zh: 没人用, en: Unused}\nrule: {tag: third}\n"
    plan.publish(conn, NOW, brand(True, segments_unused=harmless))
    assert body(conn, "segment", "unused")["rule"] == {"tag": "third"}


def test_a_plan_is_outdated_when_what_is_in_service_has_moved(conn: psycopg.Connection) -> None:
    serve(conn)
    made = make(conn, journeys_welcome=SHORTER)
    plan.publish(conn, NOW, brand(segments_unused=None))
    assert "segment/unused" in refused(Reason.OUTDATED, lambda: apply(conn, made))
    kept = plan.found(conn, made.plan_id)
    assert (kept.state, kept.marks[-1].note) == ("outdated", "segment/unused")
    assert body(conn, "journey", "welcome")["program"][2]["seconds"] == 5 * 86_400


def test_a_plan_that_somebody_altered_in_the_database_is_not_applied(conn: psycopg.Connection) -> None:
    made = make(conn)
    conn.execute("update plan set parts = jsonb_set(parts, '{0,body,holdout_percent}', '50')")
    refused(Reason.OUTDATED, lambda: apply(conn, made))
    assert definitions.all_current(conn, "pond") == []


@pytest.mark.parametrize("same", [True, False])
def test_of_two_who_apply_at_once_one_wins(conn: psycopg.Connection, url: str, same: bool) -> None:
    serve(conn)
    first = make(conn, journeys_welcome=SHORTER)
    second = first if same else make(conn, messages_hello=message("嗨"))

    def run(number: int) -> str:
        with connect(url) as mine:
            try:
                return plan.apply(mine, LATER, number, "li", {}).state
            except plan.PlanRefused as error:
                return error.reason.value

    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(run, [first.plan_id, second.plan_id]))
    assert ended == ["applied", "plan_closed" if same else "outdated"]
    versions = [definitions.current(conn, *key).version for key in (("journey", "welcome"), ("message", "hello"))]  # type: ignore[union-attr]
    assert sorted(versions) == [1, 2] if not same else versions == [2, 1]


def test_people_in_flight_go_where_the_plan_says(conn: psycopg.Connection) -> None:
    serve(conn)
    on_welcome(conn, 3)
    assert standing(conn) == [(1, "pause", "active")] * 3
    shorter = WELCOME.replace("days: 2", "days: 1")
    made = make(conn, journeys_welcome=shorter)
    (flight,) = made.shown["flight"]
    assert [(g["step"], g["people"], g["to"]) for g in flight["groups"]] == [("pause", 3, "pause")]
    assert flight["groups"][0]["label"] == {"zh": "等待 2 天", "en": "wait 2 days"}
    apply(conn, made)
    assert standing(conn) == [(2, "pause", "active")] * 3
    due = {row.due_at for row in conn.execute("select due_at from enrolment")}
    assert due == {NOW + timedelta(days=1)}


def test_who_finishes_on_the_old_version_is_told_of_at_the_next_change(conn: psycopg.Connection) -> None:
    serve(conn)
    on_welcome(conn, 2)
    gone = WELCOME.replace("  - wait: {days: 2}\n    id: pause\n", "")
    apply(conn, make(conn, journeys_welcome=gone, moves=["welcome/pause=finish_old"]))
    assert standing(conn) == [(1, "pause", "active")] * 2
    (flight,) = make(conn, journeys_welcome=SHORTER).shown["flight"]
    assert (flight["version"], flight["groups"], flight["older"]) == (2, [], 2)


def test_what_is_surely_not_meant_is_said_and_stops_nothing(conn: psycopg.Connection) -> None:
    """A message that nobody is told, an event that is nearly a known one; not where the pond has had such events."""
    serve(conn)
    misspelt = SHORTER.replace("steps:", "goal: {event: orders}\nsteps:")
    made = make(conn, journeys_welcome=misspelt)
    assert [(one["at"], one["en"].split(";")[0]) for one in made.shown["hints"]] == [
        ("journeys/welcome.yml:5:15", "the catalogue has no event 'orders'"),
        ("messages/promo.md:2:1", "no journey says the message 'promo'"),
    ]
    assert apply(conn, made).state == "applied"
    conn.execute("insert into tally values (1, 1, 'orders', 1, 0, %(now)s, %(now)s)", {"now": NOW})
    known = make(conn, journeys_welcome=misspelt.replace("days: 3", "days: 4"))
    assert [one["at"] for one in known.shown["hints"]] == ["messages/promo.md:2:1"]


def test_who_finishes_on_the_old_version_may_miss_a_message_and_that_is_said(conn: psycopg.Connection) -> None:
    serve(conn)
    on_welcome(conn, 2)
    gone = WELCOME.replace("  - wait: {days: 2}\n    id: pause\n", "").replace("message: hello", "message: promo")
    whole = {"journeys_welcome": gone, "messages_hello": None}
    (hint,) = make(conn, **whole, moves=["welcome/pause=finish_old"]).shown["hints"]
    assert (hint["at"], "'hello'" in hint["en"], "“hello”" in hint["zh"]) == ("journeys/welcome.yml", True, True)
    assert make(conn, **whole, moves=["welcome/pause=exit"]).shown["hints"] == []


def test_where_people_go_from_a_step_that_is_gone_is_asked(conn: psycopg.Connection) -> None:
    serve(conn)
    on_welcome(conn, 2)
    gone = WELCOME.replace("  - wait: {days: 2}\n    id: pause\n", "")
    said = refused(Reason.WHERE_TO, lambda: make(conn, journeys_welcome=gone))
    assert "2 at pause" in said
    assert "--move welcome/pause=greet" in said
    for wrong, fix in (("pause=gret", "greet"), ("paus=exit", "welcome/pause"), ("other/pause=exit", "welcome/pause")):
        with pytest.raises(plan.BadMove, match=fix):
            make(conn, journeys_welcome=gone, moves=[wrong])
    made = make(conn, journeys_welcome=gone, moves=["pause=exit"])
    apply(conn, made)
    assert standing(conn) == [(1, "pause", "exited")] * 2


def test_who_comes_to_a_lost_step_after_the_plan_was_made_is_asked_for_again(conn: psycopg.Connection) -> None:
    serve(conn)
    made = make(conn, journeys_welcome=WELCOME.replace("  - wait: {days: 2}\n    id: pause\n", ""))
    on_welcome(conn, 1)
    refused(Reason.WHERE_TO, lambda: apply(conn, made))
    assert plan.found(conn, made.plan_id).state == "draft"
    assert standing(conn) == [(1, "pause", "active")]


def test_a_crash_in_the_middle_leaves_nothing(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(conn)
    on_welcome(conn, 2)
    made = make(conn, journeys_welcome=WITHOUT_GREETING, segments_unused=None)

    def crash(*_: Any) -> None:
        assert body(conn, "journey", "welcome")["program"][0]["id"] == "pause"  # published, and read
        raise RuntimeError("the power went off")

    with monkeypatch.context() as patch:
        patch.setattr(edit, "apply", crash)
        with pytest.raises(RuntimeError):
            apply(conn, made)
    assert plan.found(conn, made.plan_id).state == "draft"
    assert standing(conn) == [(1, "pause", "active")] * 2
    assert len(body(conn, "journey", "welcome")["program"]) == 4
    assert body(conn, "segment", "unused")
    # The version that was taken back is not remembered when its number is given to another text.
    other = make(conn, journeys_welcome=SHORTER)
    apply(conn, other)
    assert body(conn, "journey", "welcome")["program"][2]["seconds"] == 3 * 86_400


def test_the_way_back(conn: psycopg.Connection) -> None:
    serve(conn, approval=True)
    made = make(
        conn, approval=True, journeys_welcome=None, messages_hello=message("嗨"), pond=pond(approval=True, title="新")
    )
    refused(Reason.PLAN_CLOSED, lambda: plan.revert(conn, NOW, made.plan_id, "li", {}))
    plan.approve(conn, NOW, made.plan_id, "wang")
    on_welcome(conn, 1)
    assert made.shown["flight"] == [{"journey": "welcome", "leave": 0}]
    apply(conn, made)
    assert definitions.current(conn, "journey", "welcome") is None
    back = plan.revert(conn, LATER, made.plan_id, "li", {})
    assert back.reverts == made.plan_id
    assert {(one["name"], one["sort"]) for one in back.shown["changes"]} == {
        ("pond", "changed"), ("hello", "changed"), ("welcome", "added")
    }  # fmt: skip
    refused(Reason.NOT_APPROVED, lambda: apply(conn, back))
    plan.approve(conn, NOW, back.plan_id, "wang")
    apply(conn, back)
    assert body(conn, "message", "hello")["body"] == "你好"
    assert definitions.pond(conn)["title"]["zh"] == "试"


def test_a_key_makes_one_plan(conn: psycopg.Connection) -> None:
    first, again = make(conn, key="k1"), make(conn, key="k1")
    assert first.plan_id == again.plan_id
    refused(Reason.ID_REUSED, lambda: make(conn, key="k1", messages_hello=message("嗨")))
    assert [one.plan_id for one in plan.listing(conn)] == [first.plan_id]


def test_who_makes_a_plan_has_a_name(conn: psycopg.Connection) -> None:
    with pytest.raises(YutangError, match="--as NAME"):
        make(conn, by="  ")
    assert plan.listing(conn) == []


def test_a_dry_run_tells_what_the_days_to_come_would_bring(conn: psycopg.Connection, url: str) -> None:
    serve(conn)
    on_welcome(conn, 4)
    conn.execute("insert into source (name, title, at) values ('test', 'test', %s) on conflict do nothing", (NOW,))
    play = rehearsal(url, NOW, 3, {})
    made = make(conn, messages_hello=message("嗨"), rehearse=play)
    report = made.shown["dry_run"]
    assert sum(one["figure"]["value"] for one in report["sent"]) == 4
    assert "4 messages" in report["en"]
    assert "改动的旅程（欢迎）" in report["zh"]
    assert body(conn, "message", "hello")["body"] == "你好"
    assert rehearsal(url, NOW, 0, {}) is None


def test_a_dry_run_tells_apart_what_the_plan_changes(conn: psycopg.Connection, url: str) -> None:
    """Beside the journey that changes another one is running on."""
    other = WELCOME.replace("{zh: 欢迎, en: Welcome}", "{zh: 问候, en: Greeting}").replace("registered", "ordered")
    serve(conn, journeys_other=other)
    on_welcome(conn, 4)
    conn.execute("insert into source (name, title, at) values ('test', 'test', %s) on conflict do nothing", (NOW,))
    play = rehearsal(url, NOW, 3, {})
    changed = other.replace("days: 5", "days: 6")
    said = make(conn, journeys_other=changed, rehearse=play).shown["dry_run"]["en"]
    mine, _, all_ = said.partition("; all journeys together")
    assert "(Greeting): 0 entries, 0 messages" in mine
    assert "4 messages" in all_
    alone = make(conn, journeys_other=other, pond=pond(title="新"), rehearse=play).shown["dry_run"]["zh"]
    assert "没有旅程因此改变" in alone


BELONGS = (
    WELCOME.replace("{event: registered}", "{segment: vip}").replace("always", "never")
    + "audience: {not: {tag: shy}}\n"
)


def enters(conn: psycopg.Connection, now: datetime, **changed: Any) -> tuple[list[dict[str, Any]], int]:
    """What a plan promises, and how many have entered once it is in service."""
    made = plan.make(conn, now, brand(**changed), "li", {})
    before = conn.execute("select count(*) from enrolment").fetchone()[0]
    plan.apply(conn, now, made.plan_id, "li", {})
    segment.refresh(conn, now)
    journeys.advance(conn, now)
    return made.shown["flight"], conn.execute("select count(*) from enrolment").fetchone()[0] - before


def test_a_plan_says_who_enters_a_journey_of_a_segment(conn: psycopg.Connection) -> None:
    """A new one takes in the segment; one that comes back only those who come into the segment with it, and may enter again."""
    serve(conn)
    *_, shy = people(conn, 4)
    conn.execute(
        "insert into tag (bucket, person_id, tag, at, event_id) select bucket, person_id, 'shy', at, 0 from tag where person_id = %s",
        (shy,),
    )
    segment.refresh(conn, NOW)
    club = {"journeys_club": BELONGS}
    assert enters(conn, NOW, **club) == ([{"journey": "club", "enter": 3}], 3)
    assert enters(conn, LATER) == ([{"journey": "club", "leave": 3}], 0)
    conn.execute(
        """insert into membership (bucket, person_id, segment_id, version, since)
           select p & 1023, p, m.segment_id, m.version, %s from unnest(%s::bigint[]) p cross join (select * from membership limit 1) m""",
        (LATER, people(conn, 2)),
    )
    journeys.advance(conn, LATER)
    assert enters(conn, LATER + timedelta(hours=1), **club) == ([{"journey": "club", "enter": 0}], 0)
    enters(conn, LATER + timedelta(hours=2))
    people(conn, 4, "gold")
    wider = {"segments_vip": "title: {zh: 贵客, en: VIP}\nrule: {any: [{tag: vip}, {tag: gold}]}\n"}
    assert enters(conn, LATER + timedelta(hours=3), **club, **wider) == ([{"journey": "club", "enter": 4}], 4)
