"""Plans over HTTP: everybody with a key that says the name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from edges import BEARER, VAULT, serving
from plans import NOW, WELCOME, files, message
from yutang import definitions, plan
from yutang.brand import read_brand

LI, WANG = ({"Authorization": f"Bearer {VAULT.key_of(name)}"} for name in ("li", "wang"))


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    with serving(url) as base, httpx.Client(base_url=base, timeout=30, headers=LI) as client:
        yield client


def make(web: httpx.Client, files: dict[str, str], **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    return web.post("/v1/plans", json={"files": files, **more}, headers=headers)


def test_a_plan_goes_from_its_text_into_service_by_two_people(web: httpx.Client, conn: psycopg.Connection) -> None:
    make(web, files(approval=True))
    assert web.post("/v1/plans/1/apply").json()["state"] == "applied"
    made = make(web, files(approval=True, messages_hello=message("嗨")))
    assert made.status_code == 201
    shown = made.json()
    assert (shown["state"], shown["by"], shown["brand"], shown["log"][0]["by"]) == ("draft", "li", "trial", "li")
    (change,) = shown["changes"]
    assert (change["name"], change["sends"], change["details"][0]["path"]) == ("hello", True, "body")
    for headers, reason in ((LI, "own_plan"), (BEARER, None)):
        answer = web.post("/v1/plans/2/approve", headers=headers)
        assert answer.status_code == (409 if reason else 200)
        assert reason is None or answer.json()["reason"] == reason
    assert web.get("/v1/plans/2").json()["approved_by"] == "api"
    applied = web.post("/v1/plans/2/apply", headers=WANG).json()
    assert [(mark["state"], mark["by"]) for mark in applied["log"]] == [
        ("draft", "li"), ("approved", "api"), ("applied", "wang")
    ]  # fmt: skip
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    assert found.body["body"] == "嗨"


def test_what_may_not_be_done_has_a_reason(web: httpx.Client) -> None:
    make(web, files(approval=True))
    web.post("/v1/plans/1/apply")
    make(web, files(approval=True, messages_hello=message("嗨")))
    for path, reason in (("2/apply", "not_approved"), ("1/apply", "plan_closed"), ("2/revert", "plan_closed")):
        answer = web.post(f"/v1/plans/{path}")
        assert (answer.status_code, answer.json()["reason"]) == (409, reason)
        assert answer.json()["detail"]
    assert make(web, files(approval=True)).json()["reason"] == "unchanged"
    for path in ("/v1/plans/9/apply", "/v1/plans/9/refuse"):
        assert web.post(path).status_code == 404
    assert web.get("/v1/plans/9").status_code == 404
    assert web.post("/v1/plans/2/refuse", json={"why": "太早"}).json()["log"][-1]["note"] == "太早"


def test_a_mistake_in_a_file_is_named_with_its_place(web: httpx.Client) -> None:
    broken = files() | {"journeys/welcome.yml": WELCOME.replace("message: hello", "message: hallo")}
    answer = make(web, broken)
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_shape")
    assert "journeys/welcome.yml:8:14" in answer.json()["detail"]
    assert "no part of a brand" in make(web, files() | {"../etc": "x"}).json()["detail"]
    assert make(web, {}).status_code == 400
    assert web.post("/v1/plans", content=b"{").status_code == 400
    assert web.get("/v1/plans").json() == {"plans": [], "next": None}


def test_a_look_keeps_nothing(web: httpx.Client) -> None:
    seen = web.post("/v1/plans/diff", json={"files": files()})
    assert seen.status_code == 200
    assert {one["sort"] for one in seen.json()["changes"]} == {"added"}
    assert web.get("/v1/plans").json()["plans"] == []


def test_asking_again_with_the_same_key_makes_no_second_plan(web: httpx.Client) -> None:
    key = {"Idempotency-Key": "one"}
    first, again = make(web, files(), headers=key).json(), make(web, files(), headers=key).json()
    assert first == again
    other = make(web, files(messages_hello=message("嗨")), headers=key)
    assert (other.status_code, other.json()["reason"]) == (409, "id_reused")
    make(web, files())
    web.post("/v1/plans/1/apply")
    assert make(web, files(), headers=key).json()["state"] == "applied"
    page = web.get("/v1/plans?limit=1").json()
    assert [one["plan_id"] for one in page["plans"]] == [page["next"]] == [2]
    assert [one["plan_id"] for one in web.get("/v1/plans?limit=1&before=2").json()["plans"]] == [1]
    assert web.get("/v1/plans?limit=0").status_code == 400


def test_the_way_back_over_http(web: httpx.Client, conn: psycopg.Connection) -> None:
    plan.publish(conn, NOW, read_brand(files()))
    make(web, files(messages_hello=message("嗨")))
    web.post("/v1/plans/1/apply")
    back = web.post("/v1/plans/1/revert").json()
    assert (back["reverts"], back["state"]) == (1, "draft")
    assert make(web, files(), moves=["welcome/pause=exit"]).status_code == 400
    web.post(f"/v1/plans/{back['plan_id']}/apply")
    found = definitions.current(conn, "message", "hello")
    assert found is not None
    assert found.body["body"] == "你好"


def test_a_key_belongs_to_whom_it_names(web: httpx.Client) -> None:
    forged = VAULT.key_of("li").replace("li.", "wang.")
    for key in (forged, "li.", ".", VAULT.api_key + ".x", "li"):
        assert web.get("/v1/plans", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert web.get("/v1/plans", headers=BEARER).status_code == 200


def test_the_quota_calendar_and_what_the_api_says_of_itself(web: httpx.Client) -> None:
    found = web.get("/v1/quota?month=2026-04").json()
    assert (found["from"], found["to"], found["days"], found["allowances"]) == ("2026-04-01", "2026-05-01", [], [])
    for wrong in ("April", "2026-13", "9999-12", "9999-10", "0001-01"):
        answer = web.get("/v1/quota", params={"month": wrong})
        assert (answer.status_code, f"'{wrong}' 不是" in answer.json()["detail"]) == (400, True)
    paths = web.get("/v1/openapi.json").json()["paths"]
    asked = paths["/v1/plans"]["post"]
    assert asked["requestBody"]["content"]["application/json"]["schema"]["required"] == ["files"]
    assert "Idempotency-Key" in {one["name"] for one in asked["parameters"]}
    revert = paths["/v1/plans/{plan_id}/revert"]["post"]
    assert {one["name"] for one in revert["parameters"]} == {"plan_id", "Idempotency-Key"}
    assert revert["security"] == [{"key": []}]
