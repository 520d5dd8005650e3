"""The offers' pages and the counter, over HTTP: what an operator and whoever stands at a till would notice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, serving, signed_in
from ponds import Pond
from yutang import definitions, offer, users
from yutang.brand import drafts, load_brand, publish, shipped
from yutang.brand.folder import read_brand
from yutang.offer import Wanted

FILE = "offers.yml"
COUPON = {
    "sort": "coupon", "name": "rainy_day", "title_zh": "雨天券", "mode": "pay", "pay": "8.5", "value": "3", "minimum": "12.5",
    "valid_days": "14", "per_person": "1", "together": "alone", "do": "save",
}  # fmt: skip


@pytest.fixture
def web(url: str, conn: psycopg.Connection) -> Iterator[httpx.Client]:
    publish(conn, NOW - timedelta(days=1), load_brand(shipped()["luckin"]))
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:
        yield client


def version(web: httpx.Client, path: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', web.get(path).text)
    assert found is not None
    return found[1]


def given(conn: psycopg.Connection, name: str, person: int) -> str:
    """A coupon of an offer in service for a person."""
    found = definitions.current(conn, "offer", name)
    assert found is not None
    [granted] = offer.issue(conn, NOW, [Wanted(person, found.definition_id, None, 7)])
    assert granted.code is not None, granted
    return granted.code


def test_the_list_shows_every_offer_and_finds_one(web: httpx.Client) -> None:
    page = unescape(web.get("/offers").text)
    assert "首杯立减 5 元" in page
    assert "阶梯券" in page
    assert "老友六折券" in page
    found = web.get("/offers", params={"q": "六折"}).text
    assert "wake_up" in found
    assert "first_cup" not in found
    ladders = web.get("/offers", params={"sort": "ladder"}).text
    assert "cup_ladder" in ladders
    assert "wake_up" not in ladders
    assert "没有符合条件的优惠" in web.get("/offers", params={"q": "没有"}).text
    assert "The cup ladder" in web.get("/offers", params={"lang": "en"}).text


def test_an_offer_is_told_in_words_with_its_figures(web: httpx.Client, conn: psycopg.Connection) -> None:
    pond = Pond(conn)
    given(conn, "wake_up", pond.person())
    page = unescape(web.get("/offers/wake_up").text)
    assert "6折" in page
    assert "共 2,000 份" in page
    assert "剩 1,999 / 2,000" in page
    assert 'hx-get="/offers/wake_up/figures"' in page, "what looks at every coupon comes after the page"
    assert "第" in web.get("/offers/cup_ladder/figures").text
    whole = unescape(web.get("/offers/wake_up", params={"figures": 1}).text)
    assert "近 60 天" in whole
    assert "P90" in whole
    assert "还没有核销" in whole
    assert "P90" in web.get("/offers/wake_up/forecast").text
    assert web.get("/offers/nothing").status_code == 404


def test_a_new_coupon_is_drafted_and_undone(web: httpx.Client, conn: psycopg.Connection) -> None:
    answer = web.post("/offers/new", data=COUPON | {"version": "0"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/offers/rainy_day/edit")
    text = drafts.working(conn).text(FILE)
    assert "# 30 days without an order" in (text or ""), "comments stay"
    body = read_brand(drafts.working(conn).files).offers["rainy_day"]
    assert (body["pay_percent"], body["value_fen"], body["minimum_fen"], body["valid_days"]) == (85, 300, 1250, 14)
    assert body["title"] == {"zh": "雨天券", "en": "雨天券"}
    assert definitions.current(conn, "offer", "rainy_day") is None, "drafted is not in service"
    listed = unescape(web.get("/offers").text)
    assert "雨天券" in listed
    assert "草稿" in listed
    assert "还没有上线" in web.get("/offers/rainy_day").text
    assert web.post("/offers/undo").status_code == 303
    assert "雨天券" not in web.get("/offers").text
    assert [(deed.act, deed.object) for deed in users.deeds(conn)] == [("draft", FILE)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pay": "85"}, "填 0.1 到 9.9"),
        ({"minimum": "十二"}, "最多两位小数"),
        ({"title_zh": ""}, "必填"),
        ({"name": "first_cup"}, "已有这个编号"),
        ({"name": "雨"}, "只用小写字母"),
        ({"valid_days": "0"}, "超出允许的范围"),
        ({"value": ""}, "打折的券要填预计成本"),
        ({"uses": "3"}, "offers.yml:"),
    ],
)
def test_an_error_says_where_and_keeps_what_was_typed(
    web: httpx.Client, conn: psycopg.Connection, change: dict[str, str], said: str
) -> None:
    typed = COUPON | {"version": "0", "sku": "", "title_en": "Rainy <b>day</b>"} | change
    answer = web.post("/offers/new", data=typed)
    page = unescape(answer.text)
    assert (answer.status_code, said in page) == (422, True), page
    assert 'value="Rainy &lt;b&gt;day&lt;/b&gt;"' in answer.text
    assert all(f'value="{value}"' in page for name, value in change.items() if value and name != "uses")
    assert not drafts.working(conn).changed


def test_an_edit_touches_only_what_was_changed(web: httpx.Client, conn: psycopg.Connection) -> None:
    before = drafts.working(conn).text(FILE)
    assert before is not None
    form = {"sort": "coupon", "title_zh": "老友六折券", "title_en": "40% off, for old friends", "mode": "pay", "pay": "6",
            "value": "8", "minimum": "0", "valid_days": "10", "per_person": "3", "stock": "2,500", "together": "alone",
            "margin_floor_percent": "0", "do": "save"}  # fmt: skip
    at = version(web, "/offers/wake_up/edit")
    assert web.post("/offers/wake_up/edit", data=form | {"version": at}).status_code == 303
    after = drafts.working(conn).text(FILE)
    assert after == before.replace("stock: 2000", "stock: 2500")
    stale = web.post("/offers/wake_up/edit", data=form | {"version": at, "stock": "99"})
    assert (stale.status_code, 'value="99"' in stale.text) == (409, True)


def test_rungs_are_added_moved_and_taken_away_without_losing_the_form(web: httpx.Client) -> None:
    form: dict[str, Any] = {"sort": "ladder", "name": "deep", "title_zh": "深", "down": ["9", "7"], "up": ["8"], "basket": "20",
                            "version": "0"}  # fmt: skip
    for do, rungs in (("add:down", ["9", "7", ""]), ("later:down:0", ["7", "9"]), ("cut:down:1", ["9"])):
        answer = web.post("/offers/new", data=form | {"do": do})
        assert answer.status_code == 200
        assert re.findall(r'name="down" value="([^"]*)"', answer.text) == rungs
        assert 'value="深"' in answer.text
        assert 'value="deep"' in answer.text
    assert web.post("/offers/new", data=form | {"do": "save"}).status_code == 303
    assert "9 折 → 7 折" in re.sub(r"\s+", " ", re.sub("<[^>]+>", "", web.get("/offers").text))


def test_red_packets_and_gifts_and_groups(web: httpx.Client, conn: psycopg.Connection) -> None:
    packet = {"sort": "red_packet", "name": "packet", "title_zh": "红包", "amount_from": "1", "amount_to": "20", "budget": "1,000",
              "valid_days": "1", "per_person": "1", "do": "save"}  # fmt: skip
    assert web.post("/offers/new", data=packet | {"version": "0"}).status_code == 303
    gift = {"sort": "gift", "name": "mug", "title_zh": "杯子", "sku": "MUG-1", "value": "15", "hand_over": "with_order", "valid_days": "30",
            "per_person": "1", "together": "with", "stack": "treat", "excludes": "wake_up", "per_day": "1", "do": "save"}  # fmt: skip
    at = version(web, "/offers/new?sort=gift")
    assert web.post("/offers/new", data=gift | {"version": at}).status_code == 303
    offers = read_brand(drafts.working(conn).files).offers
    assert (offers["packet"]["least_fen"], offers["packet"]["most_fen"], offers["packet"]["budget_fen"]) == (
        100,
        2000,
        100_000,
    )
    mug = offers["mug"]
    assert (mug["stackable"], mug["stack"], mug["excludes"], mug["limits"]["per_day"]) == (
        True,
        "treat",
        ["wake_up"],
        1,
    )
    page = unescape(web.get("/offers/mug/edit").text)
    assert 'value="treat"' in page
    assert re.search(r'value="wake_up" checked', page)


def test_the_preview_is_what_customers_see(web: httpx.Client, conn: psycopg.Connection) -> None:
    seen = web.post("/offers/preview", data=COUPON)
    assert seen.status_code == 200
    assert "8.5 折" in seen.text
    assert "满 12.5 元可用" in unescape(seen.text)
    assert "<html" not in seen.text
    assert 'id="preview"' in seen.text
    assert "填完左边的必填项" in web.post("/offers/preview", data=COUPON | {"pay": ""}).text
    assert not drafts.working(conn).changed


def test_a_delete_warns_where_it_is_used_and_keeps_other_comments(web: httpx.Client, conn: psycopg.Connection) -> None:
    page = web.get("/offers/wake_up/edit")
    assert "dormant" in page.text
    assert "data-confirm" in page.text
    answer = web.post("/offers/wake_up/delete", data={"version": version(web, "/offers/wake_up/edit")})
    assert answer.status_code == 303
    text = drafts.working(conn).text(FILE)
    assert text is not None
    assert "wake_up" not in text
    assert "# 30 days without an order" in text
    assert "草稿中已删除" in web.get("/offers").text
    web.post("/offers/undo")
    assert "草稿中已删除" not in web.get("/offers").text


def test_a_code_is_looked_up_and_redeemed_once(web: httpx.Client, conn: psycopg.Connection) -> None:
    person = Pond(conn).person()
    code = given(conn, "first_cup", person)
    low = web.post("/counter", data={"code": code, "amount": "10", "do": "check"})
    assert "不能使用" in low.text
    assert "未达到使用门槛金额" in low.text
    good = web.post("/counter", data={"code": f" {code.upper()} ", "amount": "20", "do": "check"})
    assert "可以使用" in good.text
    assert "¥5.00" in good.text
    assert f'href="/persons/{person}"' in good.text
    assert conn.execute("select count(*) as n from redemption").fetchone().n == 0, "asking books nothing"  # type: ignore[union-attr]
    use = {"code": code, "amount": "20", "do": "redeem", "request": "counter:1"}
    booked = web.post("/counter", data=use)
    assert (booked.status_code, booked.headers["location"]) == (303, "/counter")
    assert "减 5.00 元" in unescape(web.get("/counter").text)
    again = web.post("/counter", data=use | {"request": "counter:2"})
    assert "券已核销过" in again.text
    row = conn.execute("select discount_fen from redemption where state = 'done'").fetchall()
    assert [r.discount_fen for r in row] == [500]
    whole = web.get("/offers/first_cup", params={"figures": 1}).text
    assert f'href="/persons/{person}"' in whole, "the newest redemption"
    assert [(deed.act, deed.object) for deed in users.deeds(conn)] == [("redeem", "offer/first_cup")]


def test_codes_are_not_found_by_trying(web: httpx.Client) -> None:
    answers = [web.post("/counter", data={"code": f"0000{n:012}", "do": "check"}).status_code for n in range(31)]
    assert (answers[0], answers[29], answers[30]) == (200, 200, 429)


def test_each_role_does_what_it_may(web: httpx.Client, conn: psycopg.Connection) -> None:
    code = given(conn, "first_cup", Pond(conn).person())
    signed_in(conn, web.base_url, "administrator").close()
    with signed_in(conn, web.base_url, "analyst") as analyst:
        page = analyst.get("/offers/first_cup")
        assert page.status_code == 200
        assert "/edit" not in page.text
        assert "/counter" not in page.text
        assert "/offers/new" not in analyst.get("/offers").text
        refused = [analyst.get("/offers/first_cup/edit"), analyst.get("/counter"), analyst.post("/offers/new", data=COUPON),
                   analyst.post("/offers/first_cup/delete", data={}), analyst.post("/counter", data={"code": code})]  # fmt: skip
        assert [answer.status_code for answer in refused] == [403] * 5
    with signed_in(conn, web.base_url, "salesperson", staff="guide01") as guide:
        assert guide.get("/offers").status_code == 403
        seen = guide.post("/counter", data={"code": code, "amount": "20", "do": "check"})
        assert "可以使用" in seen.text
        assert "/persons/" not in seen.text.split("<main")[1], "not a person of theirs"
    assert web.post("/offers/new", data=COUPON, headers={"Origin": "https://elsewhere.example"}).status_code in (
        401,
        403,
    )


def test_without_files_nothing_can_be_edited(url: str, conn: psycopg.Connection) -> None:
    Pond(conn)
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as web:
        page = web.get("/offers")
        assert page.status_code == 200
        assert "yutang brand load" in page.text
        assert "/offers/new" not in page.text
        assert web.get("/offers/x/edit").status_code == 404
