"""Deliveries in the console: the list page after page, the filters, one of them, and another try."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import psycopg
import pytest

from edges import NOW, signed_in
from touches import attempt, decided, people
from yutang import users
from yutang.channels.contract import Channel, Result
from yutang.channels.sandbox.send import Sandbox
from yutang.deliver import AGAIN, again, send
from yutang.model import Reason


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")


class Broken(Channel):
    """Refuses every letter for good, for one reason."""

    name = "sms"

    def __init__(self, reason: Reason = Reason.PERMANENT) -> None:
        self.reason = reason

    def send(self, conn, now, letters):  # noqa: ARG002
        return [Result.failed("no", self.reason) for _ in letters]


def rows(html: str) -> list[int]:
    return [int(touch) for touch in re.findall(r'href="/deliveries/\d+/(\d+)"', html)]


def test_every_page_follows_the_one_before(web: httpx.Client, conn: psycopg.Connection) -> None:
    """Also where one transaction decided more than a page holds."""
    sandbox = {"sandbox": Sandbox()}
    for n, many in enumerate((70, 60, 5)):
        decided(conn, people(conn, many), now=NOW + timedelta(hours=n))
    send(conn, NOW + timedelta(hours=3), channels=sandbox)
    seen: list[int] = []
    path = "/deliveries"
    while path:
        html = web.get(path).text
        seen += rows(html)
        found = re.search(r'rel="next" href="([^"]+)"', html)
        path = "/deliveries" + found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 135
    assert max(seen[5:]) < min(seen[:5])  # the newest first


def test_filters_find_what_they_say(web: httpx.Client, conn: psycopg.Connection) -> None:
    day = timedelta(days=1)
    first = decided(conn, people(conn, 2), now=NOW - 3 * day)
    failed = decided(conn, people(conn, 2), now=NOW - 2 * day, channel="sms", message="other")
    last = decided(conn, people(conn, 2), now=NOW)
    send(conn, NOW, channels={"sandbox": Sandbox(), "sms": Broken()})
    assert set(rows(web.get("/deliveries?state=failed").text)) == set(failed)
    assert set(rows(web.get("/deliveries?reason=permanent").text)) == set(failed)
    assert set(rows(web.get("/deliveries?channel=sandbox").text)) == {*first, *last}
    on = f"{NOW - 3 * day:%Y-%m-%d}"
    assert set(rows(web.get(f"/deliveries?day={on}").text)) == set(first)
    assert set(rows(web.get(f"/deliveries?day={on}&state=failed").text)) == set()
    assert "没有符合条件" in web.get("/deliveries?channel=nowhere").text
    assert web.get("/deliveries?after=nonsense&day=nonsense&state=nonsense").status_code == 200


def test_a_failed_delivery_is_tried_again_once_it_is_mended(web: httpx.Client, conn: psycopg.Connection) -> None:
    (person,) = people(conn, 1)
    (touch,) = decided(conn, [person], channel="sms", now=NOW, deadline=NOW + timedelta(days=1))
    send(conn, NOW, channels={"sms": Broken()})
    page = web.get(f"/deliveries/{person}/{touch}").text
    assert "再试一次" in page
    assert "已放回队列" in web.post(f"/deliveries/{person}/{touch}/again").text
    assert (attempt(conn, touch).state, attempt(conn, touch).tries) == ("waiting", 0)
    assert web.post(f"/deliveries/{person}/{touch}/again").status_code == 404  # it has not failed again
    send(conn, NOW, channels={"sms": Broken(Reason.BLOCKED)})
    assert "再试一次" not in web.get(f"/deliveries/{person}/{touch}").text  # a no of the person's stays
    assert [deed.object for deed in users.deeds(conn, about="delivery")] == [f"delivery/{touch}"]


def test_all_failures_of_a_reason_are_tried_again(web: httpx.Client, conn: psycopg.Connection) -> None:
    decided(conn, people(conn, 3), channel="sms", now=NOW, deadline=NOW + timedelta(days=1))
    decided(conn, people(conn, 1), channel="sms", message="late", now=NOW, deadline=NOW)
    send(conn, NOW, channels={"sms": Broken()})
    assert "全部重试" in web.get("/deliveries/reasons?days=7").text
    told = web.post("/deliveries/again?days=7", data={"channel": "sms", "reason": "permanent"}).text
    assert "3 条放回队列" in told  # the fourth is too late
    assert web.post("/deliveries/again", data={"channel": "sms", "reason": "blocked"}).status_code == 400


def test_only_what_can_be_mended_is_tried_again(conn: psycopg.Connection) -> None:
    for n, reason in enumerate((Reason.PERMANENT, Reason.NO_CONSENT, Reason.BLOCKED, Reason.TOO_LATE, Reason.NOT_SENT)):
        decided(conn, people(conn, 1), channel="sms", message=f"m{n}", now=NOW, deadline=NOW + timedelta(days=1))
        send(conn, NOW, channels={"sms": Broken(reason)})
    assert len(again(conn, NOW)) == 1
    assert {Reason.NO_CONSENT, Reason.BLOCKED, Reason.CALLED_OFF}.isdisjoint(AGAIN)


def test_analysts_look_and_do_not_act(base: str, conn: psycopg.Connection) -> None:
    (person,) = people(conn, 1)
    (touch,) = decided(conn, [person], channel="sms", now=NOW, deadline=NOW + timedelta(days=1))
    send(conn, NOW, channels={"sms": Broken()})
    with signed_in(conn, base, "analyst") as web:
        assert "再试一次" not in web.get(f"/deliveries/{person}/{touch}").text
        assert web.post(f"/deliveries/{person}/{touch}/again").status_code == 403
        assert web.post("/deliveries/again", data={"channel": "sms", "reason": "permanent"}).status_code == 403
        assert web.get("/deliveries/1/999").status_code == 404
    with signed_in(conn, base, "salesperson") as web:
        assert web.get("/deliveries").status_code == 403
