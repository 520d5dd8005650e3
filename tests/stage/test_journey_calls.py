"""Calls of journeys: put down by the step, made by `deliver` against a real HTTP server, answered by an event."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from ponds import NOON, Pond
from yutang import identity, ingest, journey, profile, source, worker
from yutang.channels.platform.outward import Outward, Request
from yutang.db.connect import connect
from yutang.deliver import calls, send
from yutang.model import Reason, YutangError
from yutang.vault import Vault

VAULT = Vault(b"s" * 32)
MINUTE = timedelta(minutes=1)


@dataclass
class Erp:
    """Another system: what it was asked, and what it answers (status, body)."""

    url: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[], tuple[int, bytes]] = lambda: (200, b'{"data": {"score": 7, "tier": "gold"}, "tier": "gold"}')


@contextmanager
def erp() -> Iterator[Erp]:
    system = Erp()

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            system.asked.append((f"{self.command} {self.path}", dict(self.headers), body))
            status, content = system.answer()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Location", "http://127.0.0.1/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PUT = do_GET = reply

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    system.url = f"http://127.0.0.1:{server.server_port}/score"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield system
    server.shutdown()
    server.server_close()


@pytest.fixture
def system() -> Iterator[Erp]:
    with erp() as found:
        yield found


@pytest.fixture
def pond(conn) -> Pond:
    pond = Pond(conn)
    ingest.add_source(conn, NOON, "yutang", "Yutang")
    for name in ("hello", "reminder"):
        pond.message(name)
    return pond


INSIDE = {"call": Outward(VAULT, "127.0.0.1")}
STEPS = """title: {{zh: 甲, en: A}}
trigger: {{event: registered}}
{head}
steps:
  - call: {{url: "{url}"{more}}}
    then:
      - if: {{answer: {{tier: gold}}}}
        then: [{{message: hello}}]
    else: [{{message: reminder}}]
"""


def start(pond: Pond, url: str, more: str = "", head: str = "") -> None:
    text = STEPS.format(url=url, more=more, head=head)
    pond.define("journey", "welcome", journey.journey(source.load(text, "welcome.yml")))


def enter(pond: Pond, **traits: object) -> int:
    """Somebody with a handle, so that what is recorded of them comes back as their event."""
    person = pond.person(**traits)
    pond.happened(person, "registered", code="poster")
    return person


def turn(pond: Pond, now=NOON, channels=INSIDE) -> None:
    """The loop without what judges and speaks: what a call needs."""
    for _ in range(4):
        identity.resolve(pond.conn, now)
        profile.refresh(pond.conn, now)
        journey.advance(pond.conn, now)
        send(pond.conn, now, channels=channels)


def said(pond: Pond, person: int) -> list[str]:
    rows = pond.conn.execute(
        """select d.name from proposed t join definition d on d.definition_id = t.message_id and d.version = t.message_version
           where person_id = %s order by t.touch_id""",
        (person,),
    )
    return [row.name for row in rows]


def outcomes(pond: Pond, person: int) -> list[str]:
    rows = pond.conn.execute("select outcome from step where person_id = %s order by seq", (person,))
    return [row.outcome for row in rows]


def call(conn: psycopg.Connection) -> tuple[str, int, str | None, int | None]:
    return tuple(conn.execute("select state, tries, reason, status from call").fetchone())


def test_an_answer_ends_the_wait_and_can_be_asked_and_kept(pond, system):
    start(
        pond,
        system.url,
        ', save: {score: data.score, nothing: data.items.3}, body: {"who": "{{ person.city }}/{{ run.code }}", "n": 3}',
    )
    person = enter(pond, city="上海")
    turn(pond)
    assert (said(pond, person), outcomes(pond, person)) == (["hello"], ["called", "answered", "yes"])
    ((line, headers, body),) = system.asked
    assert (line, json.loads(body)) == ("POST /score", {"who": "上海/poster", "n": 3})
    t, v1 = (part.partition("=")[2] for part in headers["Yutang-Signature"].split(","))
    assert int(t) == NOON.timestamp()
    assert hmac.compare_digest(v1, hmac.digest(VAULT.derive("webhook"), t.encode() + b"." + body, "sha256").hex())
    trait = pond.conn.execute("select name, value from trait where person_id = %s and name <> 'city'", (person,))
    assert [tuple(row) for row in trait] == [("score", 7)]
    assert call(pond.conn) == ("answered", 1, None, 200)


def test_without_a_body_it_is_told_what_the_run_is_about(pond, system):
    start(pond, system.url)
    person = enter(pond)
    turn(pond)
    sent = json.loads(system.asked[0][2])
    assert sent.pop("id") == system.asked[0][1]["Idempotency-Key"]
    assert sent == {
        "type": "call",
        "person_id": str(person),
        "journey": "welcome",
        "step": "call:127.0.0.1",
        "at": "2026-03-02T04:00:00+00:00",
        "run": {"code": "poster"},
    }


def test_get_sends_no_body(pond, system):
    start(pond, system.url, ", method: GET")
    enter(pond)
    turn(pond)
    assert [(line, body) for line, _, body in system.asked] == [("GET /score", b"")]


def test_what_fails_for_a_moment_is_tried_again_under_the_same_key(pond, system):
    start(pond, system.url)
    person = enter(pond)
    good, system.answer = system.answer, lambda: (503, b"")
    turn(pond)
    assert (call(pond.conn), said(pond, person)) == (("waiting", 1, "temporary", 503), [])
    system.answer = good
    turn(pond, NOON + 2 * MINUTE)
    assert (call(pond.conn), said(pond, person)) == (("answered", 2, None, 200), ["hello"])
    first, second = (headers["Idempotency-Key"] for _, headers, _ in system.asked)
    assert first == second


@pytest.mark.parametrize(
    ("status", "more", "reason"),
    [
        (404, "", Reason.PERMANENT),
        (302, "", Reason.PERMANENT),
        (500, ", timeout_minutes: 5", Reason.TOO_LATE),
        (500, ", timeout_minutes: 10000", Reason.GAVE_UP),
    ],
)
def test_what_fails_for_good_goes_the_other_way_with_its_reason(pond, system, status, more, reason):
    start(pond, system.url, more)
    person = enter(pond)
    system.answer = lambda: (status, b"{}")
    for minutes in (0, 2, 10, 50, 200, 700, 1200):
        turn(pond, NOON + minutes * MINUTE)
    assert (call(pond.conn)[0], call(pond.conn)[2]) == ("failed", reason)
    assert (said(pond, person), outcomes(pond, person)) == (["reminder"], ["called", f"call_failed:{reason}"])


def test_an_answer_that_comes_too_late_is_not_waited_for(pond):
    start(pond, "http://127.0.0.1:9/", ", timeout_minutes: 30")
    person = enter(pond)
    journey.advance(pond.conn, NOON)
    journey.advance(pond.conn, NOON + 30 * MINUTE)
    assert (said(pond, person), outcomes(pond, person)) == (["reminder"], ["called", "timed_out"])
    turn(pond, NOON + 31 * MINUTE)
    assert call(pond.conn) == ("failed", 1, Reason.TOO_LATE, None)
    assert outcomes(pond, person) == ["called", "timed_out"]


def test_a_run_that_has_ended_calls_nobody(pond, system):
    start(pond, system.url, head="goal: {event: ordered}")
    person = enter(pond)
    journey.advance(pond.conn, NOON)
    pond.happened(person, "ordered", NOON + MINUTE)
    turn(pond, NOON + MINUTE)
    assert (call(pond.conn)[2], system.asked) == (Reason.GOAL_MET, [])


def test_a_call_is_made_for_whoever_the_run_has_gone_on_as(pond, system):
    start(pond, system.url)
    ann, person = pond.person(), enter(pond)
    good, system.answer = system.answer, lambda: (503, b"")
    turn(pond)
    assert identity.join(pond.conn, NOON, ann, person, "lina") == (ann, person)
    system.answer = good
    turn(pond, NOON + 2 * MINUTE)
    assert (call(pond.conn), said(pond, person), said(pond, ann)) == (("answered", 2, None, 200), [], ["hello"])


def test_who_is_held_out_is_nobodys_business_outside(pond, system):
    start(pond, system.url, head="holdout_percent: 100")
    person = enter(pond)
    turn(pond)
    assert (said(pond, person), outcomes(pond, person), system.asked) == (["reminder"], ["holdout"], [])


def test_where_nothing_is_called_it_says_so(pond, system):
    start(pond, system.url)
    person = enter(pond)
    turn(pond, channels={})
    assert (outcomes(pond, person), system.asked) == (["called", "call_failed:permanent"], [])


def test_inner_addresses_are_refused_unless_a_setting_names_them(pond, system):
    start(pond, system.url)
    person = enter(pond)
    turn(pond, channels={"call": Outward(VAULT, "")})
    assert (call(pond.conn)[:3], system.asked) == (("failed", 1, Reason.INNER_ADDRESS), [])
    assert outcomes(pond, person) == ["called", "call_failed:inner_address"]


@pytest.mark.parametrize(
    "host", ["localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "224.0.0.1"]
)  # fmt: skip
def test_no_way_to_write_an_inner_address_gets_through(host):
    (reply,) = Outward(VAULT).ask(NOON, [Request(1, "POST", f"http://{host}:1/", {})])
    assert reply.reason == Reason.INNER_ADDRESS


def test_the_address_that_was_looked_at_is_the_one_that_is_called(monkeypatch, system):
    """A name may lead elsewhere a moment later; and one inner address among several is enough to refuse."""
    port = int(system.url.split(":")[2].split("/")[0])
    addresses = [["127.0.0.1"], ["10.0.0.1"]]

    def look_up(host: str, *_args: object, **_more: object) -> list:
        found = addresses.pop(0) if host == "erp.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    (reply,) = Outward(VAULT, "erp.example").ask(NOON, [Request(1, "POST", f"http://erp.example:{port}/x", {})])
    assert (reply.ok, system.asked[0][1]["Host"]) == (True, f"erp.example:{port}")
    addresses[:] = [["93.184.216.34", "10.0.0.1"]]
    (reply,) = Outward(VAULT).ask(NOON, [Request(1, "POST", f"http://erp.example:{port}/x", {})])
    assert reply.reason == Reason.INNER_ADDRESS


def test_networks_can_be_allowed_and_a_wrong_one_is_named():
    assert Outward(VAULT, "erp.local, 127.0.0.0/8").ask(NOON, [Request(1, "GET", "http://127.0.0.1:9/")])[0].again
    with pytest.raises(YutangError, match=r"'10\.0\.0\.0/99' is neither a host nor a network; write for example"):
        Outward(VAULT, "10.0.0.0/99")


@pytest.mark.parametrize(
    "content", [b"", b"no json", b"[" * 9000, b'"\\u0000"', b'"\\ud800"', b"1e999", b"9" * 400, b'{"a": "' + b"x" * 70_000 + b'"}', b'{"a": "' + b"x" * 9_000 + b'"}']
)  # fmt: skip
def test_an_answer_that_cannot_be_kept_is_an_answer_all_the_same(pond, system, content):
    start(pond, system.url, ", save: {score: data.score}")
    person = enter(pond)
    system.answer = lambda: (200, content)
    turn(pond)
    assert outcomes(pond, person) == ["called", "answered", "no"]


def test_a_body_that_cannot_be_written_is_not_sent(pond, system):
    start(pond, system.url, ', body: {who: "{{ person.city }}"}')
    person = enter(pond)
    turn(pond)
    assert (outcomes(pond, person), system.asked) == (["called", "call_failed:permanent"], [])


def test_a_worker_that_dies_with_a_call_in_hand_loses_and_repeats_nothing_inside(pond, system, url, monkeypatch):
    """Killed after the call and before the record: it is made again under the same key, and recorded once."""
    start(pond, system.url)
    person = enter(pond)
    journey.advance(pond.conn, NOON)

    def die(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(calls.calls, "record", die)
        with pytest.raises(KeyboardInterrupt):
            send(pond.conn, NOON, channels=INSIDE)
    with connect(url) as other:
        send(other, NOON + MINUTE, channels=INSIDE)
        assert len(system.asked) == 1, "somebody may still have it in hand"
        send(other, NOON + 6 * MINUTE, channels=INSIDE)
    turn(pond, NOON + 6 * MINUTE)
    assert len({headers["Idempotency-Key"] for _, headers, _ in system.asked}) == 1
    assert (call(pond.conn)[:2], said(pond, person)) == (("answered", 2), ["hello"])
    assert pond.conn.execute("select count(*) from event where type = 'called'").fetchone()[0] == 1


def test_the_loop_wakes_for_a_call(pond, system):
    start(pond, system.url)
    enter(pond)
    journey.advance(pond.conn, NOON)
    assert "deliver" in worker.due_stages(pond.conn, NOON, {})
    send(pond.conn, NOON, channels=INSIDE)
    assert call(pond.conn)[0] == "answered"
