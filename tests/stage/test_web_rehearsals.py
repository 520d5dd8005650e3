"""Back-tests and dry runs over HTTP: asked for, watched, read; a server that dies begins them anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from edges import VAULT, serving
from replays import Brand
from yutang.brand import load_brand, shipped
from yutang.channels import configured
from yutang.demo.synthetic import Coffee
from yutang.model import YutangError
from yutang.replay import book
from yutang.replay.ticks import parse_tick

LI = {"Authorization": f"Bearer {VAULT.key_of('li')}"}
ASKED = {"journeys": ["welcome"], "since": "2026-03-01", "until": "2026-03-08", "tick": "20:00"}


@pytest.fixture
def life(url: str) -> Brand:
    """A coffee brand, eight days old."""
    brand = load_brand(shipped()["luckin"])
    found = Brand(url, Coffee(brand.pond["time_zone"], people=40, seed=3), brand)
    found.live(8, parse_tick("20:00"))
    return found


@pytest.fixture
def web(url: str, life: Brand) -> Iterator[httpx.Client]:
    with serving(url, clock=life.until) as base, httpx.Client(base_url=base, timeout=30, headers=LI) as client:
        yield client


def no_room(*_: Any) -> None:
    raise YutangError("the disk is full; take a sample")


def ended(web: httpx.Client, number: int) -> dict[str, Any]:
    for _ in range(600):
        found = web.get(f"/v1/rehearsals/{number}").json()
        if found["state"] in ("done", "failed", "stopped"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_a_back_test_is_asked_for_and_read(web: httpx.Client) -> None:
    answer = web.post("/v1/backtests", json=ASKED)
    assert (answer.status_code, answer.json()) == (202, {"rehearsal_id": 1, "state": "waiting"})
    found = ended(web, 1)
    assert (found["state"], found["by"], found["share"]) == ("done", "li", 1.0)
    entries = {one["what"][0] for one in found["report"]["entries"]}
    assert "welcome" in entries
    page = web.get("/v1/rehearsals/1/page")
    assert page.headers["content-type"].startswith("text/html")
    assert "新客欢迎" in page.text


def test_a_dry_run_of_a_draft_that_is_in_no_service(web: httpx.Client) -> None:
    folder = shipped()["luckin"]
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }
    files["journeys/hello.yml"] = (
        "title: {zh: 早, en: Morning}\ntrigger: {schedule: {at: '10:00'}}\naudience: {count: ordered, at_least: 1}\n"
        "steps:\n  - message: welcome\n"
    )
    asked = {"journeys": ["hello"], "days": 2, "tick": "10:00", "files": files}
    number = web.post("/v1/dryruns", json=asked).json()["rehearsal_id"]
    found = ended(web, number)
    assert found["state"] == "done", found
    assert sum(one["figure"]["value"] for one in found["report"]["entries"] if one["what"][0] == "hello") > 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"journeys": ["welcom"]}, "no journey 'welcom'"),
        ({"journeys": []}, "no journey is named"),
        ({"until": None}, "since or until is missing"),
        ({"since": "2026-03-09"}, "lies after the last day 2026-03-08"),
        ({"until": "2099-01-01"}, "2099-01-01 has not come yet"),
        ({"share": 0}, "share is 0"),
        ({"tick": "soon"}, "tick"),
        ({"files": {"pond.toml": "name = 1"}}, "pond.toml"),
        ({"jurneys": []}, "jurneys"),
    ],
)
def test_what_is_wrong_is_said_at_once(web: httpx.Client, change: dict[str, Any], says: str) -> None:
    answer = web.post("/v1/backtests", json=ASKED | change)
    assert answer.status_code == 400
    assert says in answer.json()["detail"]
    assert web.get("/v1/rehearsals/1").status_code == 404


def test_what_fails_says_why(web: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is room is found out only when its turn comes."""
    monkeypatch.setattr("yutang.replay.making.make_sure", no_room)
    number = web.post("/v1/backtests", json=ASKED).json()["rehearsal_id"]
    found = ended(web, number)
    assert found["state"] == "failed"
    assert "take a sample" in found["error"]
    assert web.get(f"/v1/rehearsals/{number}/page").status_code == 404


def test_what_nobody_wants_any_more_ends_without_a_report(web: httpx.Client) -> None:
    """The one that is played, and one that still waits; the next in the row is played as usual."""
    played, waits, next_one = (
        web.post("/v1/backtests", json=ASKED | {"tick": "1m"}).json()["rehearsal_id"] for _ in range(3)
    )
    while web.get(f"/v1/rehearsals/{played}").json()["state"] == "waiting":
        time.sleep(0.05)
    for number in (waits, played):
        answer = web.post(f"/v1/rehearsals/{number}/stop")
        assert (answer.status_code, answer.json()["state"]) == (200, "stopped")
    web.post("/v1/dryruns", json={"journeys": ["welcome"], "days": 1, "tick": "20:00"})
    assert web.post(f"/v1/rehearsals/{next_one}/stop").json()["state"] == "stopped"
    assert ended(web, next_one + 1)["state"] == "done"
    found = web.get(f"/v1/rehearsals/{played}").json()
    assert (found["state"], found["report"], found["error"]) == ("stopped", None, None)
    assert web.post(f"/v1/rehearsals/{next_one + 1}/stop").json()["state"] == "done", "what has ended stays as it is"
    assert web.post("/v1/rehearsals/99/stop").status_code == 404


def test_what_a_dead_server_left_is_begun_anew_and_never_by_two(
    conn: psycopg.Connection, url: str, life: Brand
) -> None:
    now = life.until()
    number = book.ask(conn, now, "dryrun", book.Asked(["welcome"], days=1, tick="20:00"), "li")
    conn.execute("update rehearsal set state = 'running', beat_at = %s", [now])
    assert book.work(url, lambda: now + timedelta(minutes=1), configured(VAULT)) is None
    assert book.work(url, lambda: now + timedelta(minutes=6), configured(VAULT)) == number
    assert book.found(conn, number)["state"] == "done"
