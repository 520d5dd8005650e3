"""Joins, splits and open cases over the API: who looks like one person, made one, and parted again."""

from __future__ import annotations

from typing import Any

import httpx
import psycopg
import pytest

from edges import BEARER, NOW, VAULT
from languages import in_both
from yutang import ingest, users, worker
from yutang.channels import configured
from yutang.ingest import record


@pytest.fixture
def people(conn: psycopg.Connection) -> tuple[int, int]:
    """Two who registered on one device."""
    ingest.add_source(conn, NOW, "app", "App")
    events = [
        {"id": phone, "source": "app", "type": "viewed", "at": NOW.isoformat(), "handles": {"phone": phone, "device": "sofa"}}
        for phone in ("13800000001", "13800000002")
    ]  # fmt: skip
    assert record(conn, VAULT, NOW, events).accepted == 2
    worker.settle(conn, NOW, configured(VAULT))
    first, second = (row.person_id for row in conn.execute("select person_id from person order by 1"))
    return first, second


def cases(web: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    answer = web.get("/v1/cases", params=asked, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_case_is_seen_joined_and_parted_again(
    web: httpx.Client, conn: psycopg.Connection, people: tuple[int, int]
) -> None:
    first, second = people
    [case] = cases(web)
    assert (case["reason"], case["type"], case["persons"]) == ("suggestion", "viewed", [first, second])
    assert cases(web, person=second) == [case]
    both = {"winner": first, "loser": second}
    joined = web.post(f"/v1/persons/{second}/join", params={"other": first}, headers=BEARER)
    assert (joined.status_code, joined.json()) == (200, both)
    assert cases(web) == []
    again = web.post(f"/v1/persons/{second}/join", params={"other": first}, headers=BEARER)
    assert (again.status_code, in_both(again.json()["detail"])) == (409, True)
    parted = web.post(f"/v1/persons/{second}/split", headers=BEARER)
    assert (parted.status_code, parted.json()) == (200, both)
    assert web.post(f"/v1/persons/{first}/split", headers=BEARER).status_code == 409
    deeds = [(deed.act, deed.object) for deed in users.deeds(conn)]
    assert deeds == [("split", f"person/{first}"), ("join", f"person/{first}")]


def test_strangers_and_who_has_no_key_change_nothing(web: httpx.Client, people: tuple[int, int]) -> None:
    first, second = people
    paths = (f"/v1/persons/{first}/join?other={second}", f"/v1/persons/{first}/split")
    assert [web.post(path).status_code for path in paths] == [401, 401]
    assert web.get("/v1/cases").status_code == 401
    for path in ("/v1/persons/999/split", f"/v1/persons/999/join?other={first}", f"/v1/persons/{first}/join?other=999"):
        assert web.post(path, headers=BEARER).status_code == 404
    for path in (f"/v1/persons/{first}/join", f"/v1/persons/{first}/join?other=x"):
        assert web.post(path, headers=BEARER).status_code == 400
    assert len(cases(web)) == 1
