"""The dashboard and the questions in the console: what they find, how they are asked, and what they say when they cannot answer."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import psycopg
import pytest

from edges import NOW, signed_in
from ponds import Pond
from yutang import lake, users
from yutang.insight.questions import PANELS, QUESTIONS

DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lake lies."""
    monkeypatch.setenv("YUTANG_LAKE_URL", str(tmp_path / "lake"))
    return tmp_path / "lake"


def seen(web: httpx.Client, path: str, until: str = r"(?!.*hx-get=)", most: float = 60) -> str:
    """The page once nothing is counted any more."""
    end = time.monotonic() + most
    while True:
        page = web.get(path)
        assert page.status_code == 200, page.text
        if not re.search(r'id="(panels|answer)" hx-get', page.text) and re.search(until, page.text, re.S):
            return html.unescape(page.text)
        assert time.monotonic() < end, page.text
        time.sleep(0.1)


def titles(page: str) -> dict[str, str]:
    """What each panel has found."""
    return dict(re.findall(r'<h2 id="h-(\w+)">([^<]*)</h2>', page))


def table(page: str) -> list[list[str]]:
    """The rows of the page's last table."""
    body = re.findall(r"<tbody>(.*?)</tbody>", page, re.S)[-1]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)]


def looked(pond: Pond, people: int, buyers: int, days: int) -> None:
    """So many people look, so many days ago; so many of them order a day later, for ten yuan."""
    for n in range(people):
        person = pond.person(store="西湖店" if n % 2 else "东店")
        pond.happened(person, "viewed", NOW - days * DAY)
        if n < buyers:
            pond.happened(
                person, "ordered", NOW - (days - 1) * DAY, order_id=f"{person}-{days}", amount_fen=1000, store="西湖店"
            )


def test_the_dashboard_says_what_it_has_found(web: httpx.Client, conn: psycopg.Connection) -> None:
    pond = Pond(conn)
    looked(pond, 10, 4, days=20)
    looked(pond, 5, 4, days=45)
    lake.keep(conn, NOW)
    page = seen(web, "/insight")
    found = titles(page)
    assert [name for name in found if name != "all"] == [name for name, _ in PANELS]
    assert found["funnel"] == "7 天内 40.0% 从「浏览」走到「下单成交」（比前一期 ▼ 40.0 个百分点）"
    assert "data-chart" in page
    assert "数据截至 2026-03-20 12:00" in page
    assert '<td class="n">40元</td>' in page, "the week of the orders, in the table beside the line"
    year = titles(seen(web, "/insight?days=365"))
    assert year["funnel"] == "7 天内 53.3% 从「浏览」走到「下单成交」", "8 of 15, and nobody in the year before"
    assert seen(web, "/insight?days=nonsense&lang=en").count("<h2") == page.count("<h2")


def test_a_shop_that_hears_of_no_views_still_knows_who_orders_again(
    web: httpx.Client, conn: psycopg.Connection
) -> None:
    pond = Pond(conn)
    for n in range(8):
        person = pond.person()
        pond.happened(person, "ordered", NOW - 50 * DAY, order_id=f"a{n}", amount_fen=1000)
        if n < 2:
            pond.happened(person, "ordered", NOW - 30 * DAY, order_id=f"b{n}", amount_fen=500)
        elif n < 5:
            pond.happened(person, "ordered", NOW - 5 * DAY, order_id=f"c{n}", amount_fen=500)
    lake.keep(conn, NOW)
    page = seen(web, "/insight")
    assert titles(page)["funnel"] == "30 天内 25.0% 再次下单", "two of eight; the others came 45 days later"
    (people,) = re.findall(r'href="(/persons\?rule=[^"]*)"', page)
    assert "count: ordered, exactly: 1" in httpx.URL(people).params["rule"]
    assert web.get(people).status_code == 200


def test_sales_are_told_of_weeks_that_are_over(web: httpx.Client, conn: psycopg.Connection) -> None:
    """NOW is a Friday: the week of March 9 is the last whole one."""
    pond = Pond(conn)
    ann, bob = pond.person(), pond.person()
    for person, days, yuan in ((ann, 17, 100), (ann, 9, 30), (bob, 10, 100), (bob, 0, 9999)):
        pond.happened(person, "ordered", NOW - days * DAY, order_id=f"{person}-{days}", amount_fen=yuan * 100)
    lake.keep(conn, NOW)
    page = seen(web, "/insight")
    assert titles(page)["sales"] == "2026-03-09 这一周净销售 ¥130（比前一期 ▲ 30%），50% 的买家是复购"
    chart = json.loads(re.search(r"data-chart='([^']*)'", page)[1])  # type: ignore[index]
    assert chart["x"][-2:] == ["2026-03-02", "2026-03-09"]
    assert [line["data"][-2:] for line in chart["series"]] == [[0, 30], [100, 100]], (
        "returning, new; not the running week"
    )


def test_every_question_has_a_page(web: httpx.Client, conn: psycopg.Connection) -> None:
    looked(Pond(conn), 6, 3, days=3)
    lake.keep(conn, NOW)
    listed = seen(web, "/insight")
    for known in QUESTIONS:
        assert f'href="/insight/{known.name}"' in listed
        page = seen(web, f"/insight/{known.name}?lang=zh")
        assert known.says["zh"] in page
        for param in known.params:
            assert f'name="{param.name}"' in page
        assert f"yutang insight {known.name}" in page
        assert known.says["en"] in seen(web, f"/insight/{known.name}?lang=en")
    assert web.get("/insight/funel").status_code == 404


def test_the_address_holds_what_was_asked(web: httpx.Client, conn: psycopg.Connection) -> None:
    looked(Pond(conn), 10, 4, days=20)
    lake.keep(conn, NOW)
    asked = {"steps": "viewed,ordered", "within": "2d", "since": "2026-02-01", "by": "trait:store"}
    path = f"/insight/funnel?{urlencode(asked)}"
    page = seen(web, path, until="下载 CSV")
    assert [line[0] for line in table(page)] == ["东店", "东店", "西湖店", "西湖店"]
    assert [line[3] for line in table(page)] == ["5", "2", "5", "2"]
    assert 'value="trait:store"' in page
    assert "--by trait:store" in page
    assert "windowFunnel" not in page
    assert "asof join" in page.lower()
    file = web.get(f"/insight/funnel/csv?{urlencode(asked)}")
    assert file.headers["content-disposition"] == 'attachment; filename="funnel.csv"'
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert rows[0] == ["分组", "步", "事件", "人数", "占第一步", "占上一步"]
    assert rows[2] == ["东店", "2", "下单成交", "2", "0.4", "0.4"]


def test_a_file_holds_yuan_and_no_formulas(web: httpx.Client, conn: psycopg.Connection) -> None:
    pond = Pond(conn)
    pond.happened(pond.person(), "ordered", NOW, order_id="1", amount_fen=123456, store="=1+1")
    lake.keep(conn, NOW)
    seen(web, "/insight/sales?by=store")
    rows = list(csv.reader(io.StringIO(web.get("/insight/sales/csv?by=store").content.decode("utf-8-sig"))))
    assert rows[1][:2] == ["2026-03-01", "'=1+1"]
    assert rows[1][rows[0].index("净销售")] == "1234.56"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("within=soon", "看不懂「soon」，请写时长，如 7d、12h、30m"),
        ("since=2026-03-01&until=2026-02-01", "起始日在结束日之后，请对调。"),
        ("steps=viewed", "看不懂「viewed」，请写按顺序的事件"),
    ],
)
def test_what_cannot_be_read_is_said_beside_the_field(
    web: httpx.Client, conn: psycopg.Connection, asked: str, said: str
) -> None:
    lake.keep(conn, NOW)
    page = web.get(f"/insight/funnel?{asked}")
    assert page.status_code == 422
    assert said in html.unescape(page.text)
    assert f'value="{asked.partition("=")[2].partition("&")[0]}"' in page.text, "what was typed stays"
    assert web.get(f"/insight/funnel/csv?{asked}").status_code == 400


def test_an_empty_lake_is_filled_by_a_button(web: httpx.Client, conn: psycopg.Connection) -> None:
    looked(Pond(conn), 4, 1, days=2)
    for path in ("/insight", "/insight/sales"):
        page = web.get(path).text
        assert "数据湖还是空的" in page
        assert 'action="/insight/archive"' in page
        assert "hx-get" not in page
    assert web.get("/insight/sales/csv").status_code == 503
    assert web.post("/insight/archive", data={"to": "/insight"}).status_code == 200
    found = seen(web, "/insight", until="数据截至")
    assert titles(found)["funnel"].startswith("7 天内 25.0%")
    assert [(deed.act, deed.object) for deed in users.deeds(conn, about="lake")] == [("archive", "lake")]


def test_while_another_archives_the_button_says_so(web: httpx.Client, conn: psycopg.Connection) -> None:
    conn.execute("select pg_advisory_lock(hashtextextended('chores', 0))")
    web.post("/insight/archive")
    assert "后台正在归档或训练" in seen(web, "/insight", until="归档没有成功")


def test_half_an_answer_is_never_shown(
    base: str, conn: psycopg.Connection, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked(Pond(conn), 4, 1, days=2)
    lake.keep(conn, NOW)
    next(place.glob("orders/*/*.parquet")).unlink()
    with httpx.Client(base_url=base, timeout=30) as web:
        page = seen(web, "/insight", until="数据湖答不上来")
        assert 'id="panel-' not in page
        monkeypatch.setenv("YUTANG_LAKE_URL", "clickhouse://nobody@127.0.0.1:1/lake?cluster=pond")
        page = seen(web, "/insight/funnel?since=7d", until="数据湖答不上来")
        assert "127.0.0.1" in page
        assert "<tbody>" not in page
        assert web.get("/insight/funnel/csv?since=7d").status_code == 503


def test_each_role_sees_what_it_may(base: str, conn: psycopg.Connection) -> None:
    looked(Pond(conn), 2, 1, days=2)
    with signed_in(conn, base, "analyst") as web:
        assert "请管理员或运营归档" in web.get("/insight").text
        assert web.post("/insight/archive").status_code == 403
        assert 'href="/insight"' in web.get("/").text
    with signed_in(conn, base, "operator") as web:
        assert 'action="/insight/archive"' in web.get("/insight").text
    with signed_in(conn, base, "salesperson") as web:
        for path in ("/insight", "/insight/funnel", "/insight/funnel/csv", "/predictions"):
            assert web.get(path).status_code == 403, path
