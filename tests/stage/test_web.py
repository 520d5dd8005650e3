"""The web edge as its callers meet it: a real server on a free port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from edges import BEARER, NOW, VAULT, serving
from languages import in_both
from ponds import Pond
from yutang import worker
from yutang.channels import configured
from yutang.db.connect import connect
from yutang.ingest import add_source


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    add_source(conn, NOW, "shop", "店铺")
    with serving(url) as base, httpx.Client(base_url=base, timeout=30) as client:
        yield client


def event(n: int | str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"e{n}",
        "source": "shop",
        "type": "viewed",
        "at": NOW.isoformat(),
        "handles": {"shop:a": str(n)},
    } | fields


def post(web: httpx.Client, body: bytes | list[Any], headers: dict[str, str] = BEARER) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.post("/v1/events", content=content, headers=headers)


def test_events_enter_once(web: httpx.Client, conn: psycopg.Connection) -> None:
    body = [event(1), event(2), event(3, source="nowhere")]
    first, again = post(web, body), post(web, body)
    assert first.status_code == 200
    assert (first.json()["accepted"], [r["reason"] for r in first.json()["rejected"]]) == (2, ["unknown_source"])
    assert (again.json()["accepted"], again.json()["duplicate"]) == (0, 2)
    assert conn.execute("select count(*) as n from event").fetchone().n == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"[{", 400, "bad_json"),
        (b"", 400, "bad_json"),
        (b"{}", 400, "bad_shape"),
        (b'"\xff\xfe"', 400, "bad_encoding"),
        (b"\0\0\0", 400, "bad_encoding"),
        (b"[" * 200_000, 400, None),
        (b"[" + b" " * 10_000_000 + b"]", 413, "too_large"),
        (json.dumps([event(n) for n in range(1001)]).encode(), 413, "too_large"),
        (b" " * 30_000_000, 413, "too_large"),
    ],
)
def test_a_bad_body_is_refused_by_name_and_the_server_goes_on(
    web: httpx.Client, body: bytes, status: int, reason: str | None
) -> None:
    answer = post(web, body)
    assert answer.status_code == status, answer.text
    assert reason in (None, answer.json()["reason"])
    assert in_both(answer.json()["detail"])
    assert status != 413 or "at most" in answer.json()["detail"]
    assert post(web, [event("after")]).json()["accepted"] == 1


def test_one_bad_event_never_spoils_its_neighbours(web: httpx.Client, conn: psycopg.Connection) -> None:
    good, bad = json.dumps(event(1)).encode(), [b'{"id": NaN}', b'{"id":"\\u0000"}', b'{"id":"\xff"}', b"7"]
    answer = post(web, b"[" + b",".join([good, *bad, json.dumps(event(2)).encode()]) + b"]").json()
    assert answer["accepted"] == 2
    assert [r["index"] for r in answer["rejected"]] == [1, 2, 3, 4]
    assert conn.execute("select count(*) as n from reject").fetchone().n == 4  # type: ignore[union-attr]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {VAULT.api_key}", "Bearer schlüssel"])
def test_without_the_key_nothing_enters(web: httpx.Client, conn: psycopg.Connection, header: str) -> None:
    for method, path in (("POST", "/v1/events"), ("POST", "/v1/redemptions"), ("GET", "/v1/persons/1/why")):
        answer = web.request(
            method, path, content=b"[]" if method == "POST" else None, headers={"Authorization": header.encode()}
        )
        assert (answer.status_code, answer.json()["reason"]) == (401, "no_key")
        assert in_both(answer.json()["detail"])
    assert conn.execute("select count(*) as n from event").fetchone().n == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("GET", "/callbacks/nowhere", None, "没有这个页面或接口"),
        ("GET", "/v1/nowhere", None, "没有这个页面或接口"),
        ("DELETE", "/v1/plans", None, "不支持这种请求方法"),
        ("GET", "/v1/plans?limit=many", None, "参数 limit 不对"),
        ("GET", "/v1/plans?limit=900", None, "请写 1 到 200"),
        ("GET", "/v1/persons/999/why", None, "没有顾客 999"),
        ("POST", "/v1/redemptions", {"code": "AB"}, "缺少字段 request_id"),
        ("POST", "/v1/redemptions", {"request_id": 1, "code": "AB"}, "$.request_id`：应为文本，收到整数"),
        ("PUT", "/v1/products", {"id": "A"}, "应为列表，收到对象"),
    ],
)
def test_whatever_is_wrong_with_a_call_is_said_in_both_languages(
    web: httpx.Client, method: str, path: str, body: Any, said: str
) -> None:
    answer = web.request(method, path, json=body, headers=BEARER)
    assert 400 <= answer.status_code < 500, answer.text
    assert said in answer.json()["detail"]
    assert in_both(answer.json()["detail"])


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/plans"), ("POST", "/v1/redemptions"), ("GET", "/persons")])
def test_a_database_that_is_gone_is_no_page_that_is_missing(
    url: str, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    with serving(url) as base, httpx.Client(base_url=base, timeout=30) as client:
        monkeypatch.setattr("yutang.web.pool.connect", lambda _: connect("postgresql://127.0.0.1:1/none"))
        gone = client.request(method, path, headers=BEARER, json={"request_id": "r", "code": "A", "amount_fen": 1})
    assert gone.status_code == 503
    assert "数据库暂时不可用" in gone.text
    assert "127.0.0.1:1" not in gone.text, "what the database says is for the log"


def test_whoever_asks_for_health_does_not_wait_for_a_database_that_hangs(
    web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert web.get("/healthz").json()["database"] == "up"
    hung = threading.Event()
    monkeypatch.setattr("yutang.web.api.health.SILENT_SECONDS", 0.1)
    monkeypatch.setattr("yutang.web.api.health._database", lambda _: "up" if hung.wait(30) else "up at last")
    answer = web.get("/healthz")
    hung.set()
    assert (answer.status_code, answer.json()["database"]) == (503, "down")


def test_twenty_clients_at_once_lose_nothing(web: httpx.Client, conn: psycopg.Connection) -> None:
    def send(client: int) -> int:
        with httpx.Client(base_url=web.base_url, timeout=60) as mine:
            return sum(
                post(mine, [event(f"{client}-{n}-{i}") for i in range(20)]).json()["accepted"] for n in range(10)
            )

    with ThreadPoolExecutor(20) as clients:
        assert sum(clients.map(send, range(20))) == 4_000
    assert conn.execute("select count(*) as n from event").fetchone().n == 4_000  # type: ignore[union-attr]


def test_a_coupon_is_redeemed_once(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, [event(1, type="coupon_issued", props={"code": "AB", "offer": "old", "value_fen": 500, "uses": 1})])
    worker.settle(conn, NOW, configured(VAULT))
    asked = {"request_id": "r1", "code": "AB", "amount_fen": 2_000}
    first = web.post("/v1/redemptions", json=asked, headers=BEARER).json()
    assert (first["request_id"], first["ok"], first["discount_fen"], first["reason"]) == ("r1", True, 500, None)
    many = web.post("/v1/redemptions", json=[asked, asked | {"request_id": "r2"}], headers=BEARER).json()
    assert [(m["ok"], m["reason"]) for m in many] == [(True, None), (False, "already_redeemed")]
    for bad in (
        b"{",
        b'{"request_id":"r"}',
        b'{"request_id":"r","code":"a\\u0000"}',
        b'{"request_id":"r","code":"\xff"}',
    ):
        answer = web.post("/v1/redemptions", content=bad, headers=BEARER)
        assert answer.status_code == 400, answer.text
        assert answer.json()["reason"] in ("bad_json", "bad_shape", "bad_encoding")


def test_why_as_json(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, [event(1)])
    worker.settle(conn, NOW, configured(VAULT))
    (person,) = conn.execute("select person_id from person").fetchone()  # type: ignore[misc]
    chain = web.get(f"/v1/persons/{person}/why", headers=BEARER).json()
    assert (chain["person_id"], [e["type"] for e in chain["events"]]) == (person, ["viewed"])
    missing = web.get("/v1/persons/99/why", headers=BEARER)
    assert (missing.status_code, missing.json()["reason"]) == (404, "not_found")
    assert web.get("/v1/persons/9999999999999999999999/why", headers=BEARER).status_code == 400


def test_pages_show_the_pond_and_keep_to_themselves(web: httpx.Client, conn: psycopg.Connection) -> None:
    post(web, [event(1, handles={"phone": "13800000000", "shop:a": "<b>7</b>"})])
    worker.settle(conn, NOW, configured(VAULT))
    (person,) = conn.execute("select person_id from person").fetchone()  # type: ignore[misc]
    home = web.get("/")
    assert "default-src 'none'" in home.headers["content-security-policy"]
    assert 'lang="zh-CN"' in home.text
    assert 'lang="en"' in web.get("/?lang=en").text
    assert 'lang="en"' in web.get("/").text  # the choice stays
    assert web.get("/persons?q=13800000000").headers["location"] == f"/persons/{person}"
    page = web.get(f"/persons/{person}").text
    assert "138****0000" in page
    assert "13800000000" not in page
    assert "&lt;b&gt;7&lt;/b&gt;" in page
    for path in ("/persons", "/schema", "/static/yutang.css", "/healthz", "/v1/schema/events", "/v1/openapi.json"):
        assert web.get(path).status_code == 200, path
    for path in ("/persons/99", "/segments/none", "/nowhere", "/persons?segment=none"):
        assert web.get(path).status_code == 404, path
    assert web.get("/persons?q=nobody@example.com&after=x").status_code == 200


def test_every_page_of_people_follows_the_one_before(web: httpx.Client, conn: psycopg.Connection) -> None:
    pond = Pond(conn)
    people = {pond.person() for _ in range(120)}
    conn.execute("insert into profile select bucket, person_id, 1, 1, 1, 'visitor', now() from person")
    seen: list[str] = []
    path = "/persons"
    while path:
        html = web.get(path).text
        seen += [part.partition('"')[0] for part in html.split('<a href="/persons/')[1:]]
        path = (
            "/persons" + html.split('rel="next" href="')[1].partition('"')[0].replace("&amp;", "&")
            if 'rel="next"' in html
            else ""
        )
    assert sorted(map(int, seen)) == sorted(people)


def test_the_api_describes_itself(web: httpx.Client) -> None:
    paths = web.get("/v1/openapi.json").json()["paths"]
    body = paths["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["items"]["required"]) == {"id", "source", "type", "at", "handles"}
    assert paths["/v1/redemptions"]["post"]["security"] == [{"key": []}]
    assert not [path for path in paths if not path.startswith(("/v1/", "/healthz"))]


def test_metrics_count_what_came(web: httpx.Client) -> None:
    post(web, [event(1), event(1), event(2, source="nowhere")])
    text = web.get("/metrics").text
    assert 'yutang_events_total{outcome="accepted"} 1.0' in text
    assert 'yutang_events_rejected_total{reason="unknown_source"} 1.0' in text
    assert 'yutang_waiting{stage="identity"} 1.0' in text


def test_elsewhere_pages_need_the_key(url: str, web: httpx.Client) -> None:
    """Bound beyond this machine, or asked under a name that could be anybody's."""
    assert web.get("/", headers={"Host": "pond.example"}).status_code == 401
    with serving(url, local=False) as base:
        refused = httpx.get(base)
        assert (refused.status_code, "/login?to=" in refused.text) == (401, True)
        assert httpx.get(base, auth=("any", "wrong")).status_code == 401
        assert httpx.get(base, auth=("any", VAULT.api_key)).status_code == 200
        assert httpx.get(f"{base}/healthz").json() == {"ok": True, "database": "up", "loop": "none"}
