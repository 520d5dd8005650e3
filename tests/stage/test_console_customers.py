"""Customers in the console, over HTTP: the list and its filters, what is done to many, views, scope, and one person's page."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving, signed_in
from ponds import Pond
from walks import Walk
from yutang import users, worker
from yutang.channels import configured
from yutang.ingest import add_source, record
from yutang.profile import changes
from yutang.profile.portrait import card
from yutang.web.pages.persons import found
from yutang.web.pages.persons.export import cell

DAY = timedelta(days=1)
JOURNEY = """
trigger: {segment: loyal}
steps:
  - message: hello
"""


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    add_source(conn, NOW, "shop", "店铺")
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:
        yield client


def said(
    conn: psycopg.Connection, who: str, type: str, days_ago: float = 1, more: dict[str, str] | None = None, **props: Any
) -> None:
    """An event of whom the shop calls this."""
    handles = {"shop:a": who} | (more or {})
    key = f"{who}:{type}:{days_ago}:{sorted(props.items())}:{sorted(handles)}"
    body = {
        "id": key[:190],
        "source": "shop",
        "type": type,
        "at": (NOW - days_ago * DAY).isoformat(),
        "handles": handles,
        "props": props,
    }
    answer = record(conn, VAULT, NOW, [body])
    assert answer.rejected == [], answer


def settled(conn: psycopg.Connection) -> dict[str, int]:
    """Let the loop run; whom the shop calls what."""
    worker.settle(conn, NOW, configured(VAULT))
    rows = conn.execute("select value, person_id from handle_shown where kind = 'shop:a' order by person_id")
    return {row.value: row.person_id for row in rows}


def bought(conn: psycopg.Connection, who: str, days_ago: float = 1, **props: Any) -> None:
    said(conn, who, "ordered", days_ago, order_id=f"o{who}{days_ago}", amount_fen=2_000, **props)


def listed(client: httpx.Client, **asked: Any) -> list[int]:
    """Everybody on all the pages that follow."""
    path, seen = f"/persons?{urlencode(asked)}", []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        seen += [int(number) for number in re.findall(r'<a href="/persons/(\d+)"', answer.text)]
        following = re.search(r'rel="next" href="([^"]+)"', answer.text)
        path = "/persons" + unescape(following[1]) if following else ""
    return seen


def tags(conn: psycopg.Connection, person: int) -> dict[str, Any]:
    return card(conn, person)["tags"]


def undo(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Press the undo button of the page that a deed leads to."""
    assert answer.status_code == 303, answer.text
    page = client.get(answer.headers["location"]).text
    button = re.search(r'class="told".*?action="([^"]+)"', page, re.DOTALL)
    assert button is not None, page
    return client.post(unescape(button[1]))


def test_filters_combine_to_one_rule(web: httpx.Client, conn: psycopg.Connection) -> None:
    for who, ago in (("ann", 2), ("bob", 50), ("cem", 80)):
        bought(conn, who, ago)
    said(conn, "ann", "tagged", tag="vip")
    said(conn, "bob", "tagged", tag="vip")
    known = settled(conn)
    assert set(listed(web)) == set(known.values())
    assert listed(web, tag="vip", silent=30) == [known["bob"]]
    assert listed(web, ordered=60, rule="{not: {tag: vip}}") == []
    assert set(listed(web, ordered=60)) == {known["ann"], known["bob"]}
    assert listed(web, sort="recent") == [known["ann"], known["bob"], known["cem"]]
    assert listed(web, stage="visitor") == []
    page = web.get("/persons?tag=vip&silent=30").text
    assert "条件：有标签「vip」" in page
    assert "1 人" in page


def test_a_filter_that_cannot_be_read_never_means_everybody(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann")
    settled(conn)
    rule = "all:\n  - {count: orderd, at_leest: 3}"
    for wrong in ({"rule": rule}, {"stage": "asleep"}, {"silent": "many"}, {"rule": "all: ["}):
        answer = web.get("/persons", params=wrong)
        assert answer.status_code == 422, wrong
        assert '<a href="/persons/1"' not in answer.text
        bulk = web.get("/persons/tag", params=wrong | {"whom": "all"})
        assert bulk.status_code == 422, wrong
        assert '<form method="post" action="/persons/tag"' not in bulk.text
    shown = web.get("/persons", params={"rule": rule}).text
    assert "at_leest: 3" in shown
    assert "rule:2:" in shown  # where it is wrong


@pytest.mark.parametrize("sort", ["", "oldest"])
@pytest.mark.parametrize(
    "asked", [{}, {"rule": "{known: odd}"}, {"tag": "t"}, {"segment": "s"}, {"whole": "1", "rule": "{known: odd}"}]
)
def test_a_large_list_goes_on_page_after_page(
    web: httpx.Client, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], sort: str
) -> None:
    """As if a dozen were many, and forty all that a page may look at."""
    for name, value in (("SMALL", 12), ("PAGE", 10), ("LOOK", 40)):
        monkeypatch.setattr(found, name, value)
    pond = Pond(conn)
    segment = pond.define("segment", "s", {"title": {"zh": "子", "en": "s"}, "rule": {"all": []}})
    people = [pond.person(**({"odd": 1} if n % 2 else {})) for n in range(130)]
    _give(conn, people, segment.definition_id)
    seen = listed(web, **asked, **({"sort": sort} if sort else {}))
    assert len(seen) == len(set(seen))
    assert set(seen) == {person for n, person in enumerate(people) if not asked or n % 2}


@pytest.mark.parametrize("sort", ["", "oldest"])
def test_a_large_list_leaps_over_numbers_that_nobody_has(
    web: httpx.Client, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    """Ids drawn by work that broke off, those who became part of somebody else, and those of whom nothing is left."""
    for name, value in (("SMALL", 12), ("PAGE", 10)):
        monkeypatch.setattr(found, name, value)
    pond = Pond(conn)
    people = [pond.person() for _ in range(15)]
    conn.execute("select setval('person_id', 5000000)")
    gone = [pond.person() for _ in range(40)]
    people += [pond.person() for _ in range(15)]
    conn.execute("update person set merged_into = %s where person_id = any(%s)", (people[0], gone[:20]))
    conn.execute(
        "insert into profile select p & 1023, p, 1, 1, 1, 'visitor', %s from unnest(%s::bigint[]) p", (NOW, people)
    )
    assert listed(web, **({"sort": sort} if sort else {})) == (people if sort else people[::-1])


def _give(conn: psycopg.Connection, people: list[int], segment: int) -> None:
    """Every second one has the tag and is in the segment; each has a profile."""
    odd = people[1::2]
    conn.execute("insert into tag select p & 1023, p, 't', %s, null, 0 from unnest(%s::bigint[]) p", (NOW, odd))
    conn.execute(
        "insert into membership select p & 1023, p, %s, 1, %s, null from unnest(%s::bigint[]) p", (segment, NOW, odd)
    )
    conn.execute(
        "insert into profile select p & 1023, p, 1, 1, 1, 'visitor', %s, null from unnest(%s::bigint[]) p",
        (NOW, people),
    )


def test_where_little_is_found_a_page_says_so_and_offers_a_look_at_everybody(
    web: httpx.Client, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found, "SMALL", 5)
    monkeypatch.setattr(found, "LOOK", 20)
    pond = Pond(conn)
    needle = pond.person(rare=1)
    people = [pond.person() for _ in range(60)]
    conn.execute(
        "insert into profile select p & 1023, p, 1, 1, 1, 'visitor', %s, null from unnest(%s::bigint[]) p",
        (NOW, [needle, *people]),
    )
    page = web.get("/persons?sort=newest&rule={known: rare}").text
    assert "只看了前面一部分人" in page
    whole = web.get("/persons?whole=1&rule={known: rare}").text
    assert f'<a href="/persons/{needle}"' in whole
    assert "1 人" in whole


def test_a_tag_for_many_is_said_with_a_reason_and_taken_back(web: httpx.Client, conn: psycopg.Connection) -> None:
    for who in ("ann", "bob", "cem"):
        bought(conn, who)
    said(conn, "ann", "tagged", tag="vip")
    known = settled(conn)
    admin = signed_in(conn, web.base_url, "administrator")
    page = ",".join(map(str, known.values()))
    form = {"whom": "page", "page": page, "label": "vip", "reason": "周年庆"}
    assert "给 3 人打标签" in admin.get("/persons/tag", params={"whom": "page", "page": page}).text
    missing = admin.post("/persons/tag", data=form | {"reason": " "})
    assert missing.status_code == 422
    assert 'value="vip"' in missing.text
    answer = admin.post("/persons/tag", data=form)
    assert [set(tags(conn, person)) for person in known.values()] == [{"vip"}] * 3
    facts = conn.execute("select props from event where source = 'yutang' and type = 'tagged'").fetchall()
    assert [fact.props | {"tag": "vip", "by": "administrator", "reason": "周年庆"} for fact in facts] == [
        fact.props for fact in facts
    ]
    assert len(facts) == 2  # ann had it
    back = undo(admin, answer)
    assert {who: set(tags(conn, person)) for who, person in known.items()} == {
        "ann": {"vip"},
        "bob": set(),
        "cem": set(),
    }
    undo(admin, back)  # an undo is a deed like any other
    assert set(tags(conn, known["bob"])) == {"vip"}
    deeds = [(deed.act, deed.object, deed.detail["persons"]) for deed in users.deeds(conn)]
    assert deeds == [("undo", "tag/vip", 2), ("undo", "tag/vip", 2), ("tag", "tag/vip", 2)]


def test_a_tag_that_was_taken_away_comes_back_with_its_end(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann")
    end = NOW + 9 * DAY
    said(conn, "ann", "tagged", tag="vip", expires_at=end.isoformat())
    person = settled(conn)["ann"]
    answer = web.post("/persons/untag", data={"whom": "all", "tag": "vip", "label": "vip", "reason": "结束"})
    assert tags(conn, person) == {}
    undo(web, answer)
    assert tags(conn, person)["vip"]["expires_at"] == end


def test_a_change_of_many_goes_on_beside_the_request(
    web: httpx.Client, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BATCH", 50)
    pond = Pond(conn)
    people = [pond.person() for _ in range(changes.AT_ONCE + 30)]
    conn.execute(
        "insert into profile select p & 1023, p, 1, 1, 1, 'visitor', %s, null from unnest(%s::bigint[]) p",
        (NOW, people),
    )
    answer = web.post("/persons/tag", data={"whom": "all", "label": "new", "lasts": "7", "reason": "试"})
    place = answer.headers["location"]
    assert place.startswith("/persons/changes/")
    for _ in range(100):
        if "已完成 230 人" in web.get(place).text:
            break
        time.sleep(0.1)
    assert "event: done" in web.get(f"{place}/progress").text
    settled(conn)
    assert tags(conn, people[0])["new"]["expires_at"] == NOW + 7 * DAY
    assert "打标签「new」" in web.get("/persons/changes").text


def test_a_file_holds_no_formulas_and_no_phone_numbers(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann", 1)
    said(conn, "ann", "profile_updated", more={"phone": "13800000001"}, traits={"name": "=1+1", "city": "上海"})
    said(conn, "ann", "tagged", tag="@x")
    person = settled(conn)["ann"]
    analyst = signed_in(conn, web.base_url, "analyst")
    form = {"whom": "all", "trait": ["name", "city"], "phones": "1"}
    assert analyst.post("/persons/export", data=form).status_code == 422  # no reason
    answer = analyst.post("/persons/export", data=form | {"reason": "月报"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["person"], row["orders"], row["spent_yuan"], row["tags"]) == (str(person), "1", "20.00", "'@x")
    assert (row["name"], row["city"], "phone" in row) == ("'=1+1", "上海", False)
    (deed,) = users.deeds(conn)
    assert (deed.by, deed.act, deed.detail["persons"], deed.detail["reason"]) == ("analyst", "export", 1, "月报")
    admin = signed_in(conn, web.base_url, "administrator")
    masked = admin.post("/persons/export", data=form | {"reason": "核对"}).text
    assert "138****0001" in masked
    assert "13800000001" not in masked


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "＝1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(-5) == -5


def test_views_are_kept_renamed_deleted_and_had_back(web: httpx.Client, conn: psycopg.Connection) -> None:
    operator, analyst = signed_in(conn, web.base_url, "operator"), signed_in(conn, web.base_url, "analyst")
    kept = operator.post("/persons/views", data={"tag": "vip", "silent": "30", "title": "沉默 VIP", "shared": "1"})
    assert kept.headers["location"] == "/persons?tag=vip&silent=30&view=1"
    assert "沉默 VIP" in analyst.get("/persons").text
    mine = analyst.post("/persons/views", data={"stage": "new", "title": "新客", "shared": "1"})
    assert mine.status_code == 303
    assert (
        "新客" not in operator.get("/persons").text.partition("</nav>")[2].partition("<form")[0]
    )  # an analyst shares nothing
    assert analyst.post("/persons/views/1/delete").status_code == 422  # another's
    assert operator.post("/persons/views", data={"title": " "}).status_code == 422
    operator.post("/persons/views/1/rename", data={"title": "久未下单"})
    assert "久未下单" in operator.get("/persons").text
    gone = operator.post("/persons/views/1/delete")
    assert "久未下单" not in analyst.get("/persons").text
    undo(operator, gone)
    assert "久未下单" in operator.get("/persons").text


def test_who_sees_some_persons_finds_no_others(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann", store="湖滨店")
    bought(conn, "bob", store="车站店")
    said(conn, "cem", "contact_added", 3, staff="WangLi")
    said(conn, "dan", "contact_added", 3, staff="WangLi")
    said(conn, "dan", "contact_lost", 2, staff="WangLi", by="customer")
    said(conn, "eve", "profile_updated", traits={"owner": "wangli", "store": "湖滨店"})
    said(conn, "fay", "contact_moved", 2, staff="LiNa", before="WangLi")
    known = settled(conn)
    shop = signed_in(conn, web.base_url, "manager", stores=("湖滨店",))
    sales = signed_in(conn, web.base_url, "salesperson", staff="wangli")
    nobody = signed_in(conn, web.base_url, "salesperson", "new_one")
    assert set(listed(shop)) == {known["ann"], known["eve"]}
    assert set(listed(sales)) == {known["cem"], known["eve"]}
    assert listed(nobody) == []
    assert "还没有属于您的顾客" in nobody.get("/persons").text
    assert listed(shop, ordered=30) == [known["ann"]]
    for client, mine, other in ((shop, "ann", "bob"), (sales, "cem", "dan"), (sales, "eve", "fay")):
        assert client.get(f"/persons/{known[mine]}").status_code == 200
        unknown, hidden = client.get("/persons/99999"), client.get(f"/persons/{known[other]}")
        assert (hidden.status_code, unknown.status_code) == (404, 404)
        assert f"there is no person {known[other]}" in hidden.text
        assert "there is no person 99999" in unknown.text
        assert client.get(f"/persons?q=shop:a={other}").status_code == 200
    assert [
        client.get(path).status_code
        for client in (shop, sales)
        for path in ("/persons/tag", "/persons/export", "/persons/changes")
    ] == [403] * 6
    assert shop.post("/persons/tag", data={"whom": "all", "label": "x", "reason": "y"}).status_code == 403
    assert 'formaction="/persons/tag"' not in shop.get("/persons").text


def test_a_large_scope_is_read_page_after_page(
    web: httpx.Client, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SMALL_SCOPE", 5), ("PAGE", 10)):
        monkeypatch.setattr(found, name, value)
    pond = Pond(conn)
    mine = []
    for n in range(60):
        person = pond.person(**({"store": "S1"} if n % 3 == 0 else {}))
        pond.happened(person, "ordered", store="S2" if n % 2 else "S3", amount_fen=1)
        pond.happened(person, "ordered", NOW - DAY, store="S2" if n % 2 else "S3", amount_fen=1)
        mine += [person] if n % 3 == 0 or n % 2 else []
    shop = signed_in(conn, web.base_url, "manager", stores=("s1", "S2"))
    assert sorted(listed(shop)) == sorted(mine)


def test_the_first_screen_says_why_nothing_came(web: httpx.Client, conn: psycopg.Connection) -> None:
    pond = Walk(conn)
    rule = {"all": [{"count": "ordered", "at_least": 2}]}
    pond.define("segment", "loyal", {"title": {"zh": "熟客", "en": "Loyal"}, "rule": rule})
    bought(conn, "ann")
    known = settled(conn)
    pond.start(JOURNEY, "thanks")
    page = web.get(f"/persons/{known['ann']}").text
    assert "还没有给这位顾客发出过消息" in page
    assert "不在触发人群「熟客」中" in page
    assert "「下单成交」至少 2 次" in page
    assert "不符合" in page


def test_tags_on_a_persons_page(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann")
    person = settled(conn)["ann"]
    wrong = web.post(f"/persons/{person}/tag", data={"label": " ", "reason": "为什么"})
    assert wrong.status_code == 422
    assert "请填 1–200 字的标签" in wrong.text
    web.post(f"/persons/{person}/tag", data={"label": "老朋友"})
    assert "老朋友" in web.get(f"/persons/{person}").text
    taken = web.post(f"/persons/{person}/untag", data={"label": "老朋友"})
    assert tags(conn, person) == {}
    undo(web, taken)
    assert set(tags(conn, person)) == {"老朋友"}
    manager = signed_in(conn, web.base_url, "manager")
    assert manager.post(f"/persons/{person}/tag", data={"label": "x"}).status_code == 403


def test_a_timeline_tells_everything_once(web: httpx.Client, conn: psycopg.Connection) -> None:
    for n in range(95):
        said(conn, "ann", "viewed", 1 + n / 50, page=f"p{n}")
    for n in range(3):
        bought(conn, "ann", 0.5 + n)
    person = settled(conn)["ann"]
    path, looks, orders = f"/persons/{person}?tab=timeline", list[str](), 0
    for _ in range(9):
        html = web.get(path).text.partition('class="timeline"')[2]
        looks += re.findall(r"page (p\d+)", html)
        orders += html.count("下单成交")
        older = re.search(r'id="older"><a [^>]*?href="([^"]+)"', html)
        if older is None:
            break
        path = f"/persons/{person}{unescape(older[1])}"
    assert (len(looks), set(looks), orders) == (95, {f"p{n}" for n in range(95)}, 3)
    fragment = web.get(f"/persons/{person}/older?kind=order").text
    assert fragment.count("下单成交") == 3
    assert "<html" not in fragment
    assert web.get(f"/persons/{person}?tab=nothing").status_code == 404


def test_every_tab_answers_for_a_full_and_an_empty_person(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann")
    said(conn, "ann", "coupon_issued", code="C1", offer="old", value_fen=500)
    said(conn, "ann", "consent_withdrawn", channel="*")
    said(conn, "bob", "viewed", page="x")
    for person in settled(conn).values():
        for tab in ("overview", "journeys", "timeline", "orders", "coupons", "consent", "tasks", "identity"):
            for lang in ("zh", "en"):
                assert web.get(f"/persons/{person}", params={"tab": tab, "lang": lang}).status_code == 200, tab
    assert "consent_withdrawn" not in web.get("/persons/1?tab=consent&lang=zh").text


def test_who_shares_a_device_is_shown_beside_the_person(web: httpx.Client, conn: psycopg.Connection) -> None:
    said(conn, "ann", "viewed", 5, page="x", more={"device": "sofa"})
    settled(conn)
    said(conn, "bob", "viewed", 4, page="y", more={"device": "sofa"})
    people = settled(conn)
    page = web.get(f"/persons/{people['ann']}?tab=identity").text
    assert "共用同一设备或地址" in page
    assert f"/persons/{people['bob']}?tab=identity" in page
    assert "像是同一人" not in web.get(f"/persons/{people['ann']}?tab=overview").text


def test_a_split_shows_what_would_move_and_moves_it(web: httpx.Client, conn: psycopg.Connection) -> None:
    bought(conn, "ann", 5)
    said(conn, "bob", "viewed", 4, page="x")
    said(conn, "bob", "viewed", 3, page="y", more={"pos:t": "card"})
    settled(conn)
    said(conn, "ann", "viewed", 2, page="z", more={"pos:t": "card"})
    person = settled(conn)["ann"]
    identity = web.get(f"/persons/{person}?tab=identity").text
    assert "并入" in identity
    assert f"/persons/{person}/split" in identity
    before = conn.execute("select count(*) as n from merge_log where undone_at is null").fetchone()
    shown = web.get(f"/persons/{person}/split").text
    assert "4 个事件" in shown
    assert (
        conn.execute("select count(*) as n from merge_log where undone_at is null").fetchone() == before
    )  # only looked at
    assert signed_in(conn, web.base_url, "analyst").post(f"/persons/{person}/split").status_code == 403
    admin = signed_in(conn, web.base_url, "administrator")
    answer = admin.post(f"/persons/{person}/split")
    assert answer.status_code == 303
    settled(conn)
    assert len(set(settled(conn).values())) == 2
    assert [deed.act for deed in users.deeds(conn)] == ["split"]
    assert admin.get(f"/persons/{person}/split").status_code == 404  # there is nothing left to split


def test_two_who_are_one_are_joined_by_hand_and_the_mistake_is_taken_back(
    web: httpx.Client, conn: psycopg.Connection
) -> None:
    bought(conn, "ann", 5)
    said(conn, "bob", "viewed", 4, page="x")
    people = settled(conn)
    join = f"/persons/{people['ann']}/join"
    assert f'action="{join}"' in web.get(f"/persons/{people['ann']}?tab=identity").text
    shown = web.get(join, params={"other": str(people["bob"])}).text
    assert "ann" in shown.split("合并以后")[1]
    assert "bob" in shown.split("合并以后")[1]
    assert conn.execute("select count(*) from merge_log").fetchone()[0] == 0  # only looked at
    assert web.get(join, params={"other": "1a"}).status_code == 400
    assert web.get(join, params={"other": str(people["ann"])}).status_code == 404
    assert signed_in(conn, web.base_url, "analyst").post(join, data={"other": "2"}).status_code == 403
    admin = signed_in(conn, web.base_url, "administrator")
    assert admin.post(join, data={"other": str(people["bob"])}).status_code == 303
    assert len(set(settled(conn).values())) == 1
    assert "人工合并" in admin.get(f"/persons/{people['ann']}?tab=identity").text
    assert admin.post(f"/persons/{people['ann']}/split").status_code == 303
    assert settled(conn) == people
    assert [deed.act for deed in users.deeds(conn)] == ["split", "join"]
