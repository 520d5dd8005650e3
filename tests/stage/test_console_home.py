"""The overview: figures against the span before, what needs somebody, and what each role sees."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import psycopg
import pytest

from commands import Run
from edges import NOW, VAULT, signed_in
from touches import decided, people
from yutang import deliver, worker
from yutang.channels import configured
from yutang.ingest import add_source, record
from yutang.web.pages.home.figures import Card, overview, retention

DAY = timedelta(days=1)


def orders(conn: psycopg.Connection, *said: tuple[str, int, int]) -> None:
    """Orders of a member, so many days ago, of so many yuan; the loop has run."""
    add_source(conn, NOW, "shop", "店铺")
    events = [
        {
            "id": f"o{n}",
            "source": "shop",
            "type": "ordered",
            "at": (NOW - days * DAY).isoformat(),
            "handles": {"shop:a": member},
            "props": {"order_id": f"o{n}", "amount_fen": yuan * 100},
        }
        for n, (member, days, yuan) in enumerate(said)
    ]
    assert record(conn, VAULT, NOW, events).rejected == []
    worker.settle(conn, NOW, configured(VAULT))


def by_word(cards: list[Card]) -> dict[str, Card]:
    return {card.word: card for card in cards}


def test_a_span_is_told_against_the_one_before(conn: psycopg.Connection) -> None:
    orders(conn, ("ann", 40, 10), ("ann", 3, 30), ("bob", 2, 50), ("bob", 2, 5), ("eve", 35, 15))
    found = overview(conn, NOW, 30)
    cards = by_word(found.cards)
    assert (cards["people"].all, cards["people"].value, cards["people"].before) == (3, 1, 2)
    assert (cards["orders"].value, cards["orders"].before) == (3, 2)
    assert (cards["sales"].value, cards["sales"].before) == (8500, 2500)
    assert cards["sales"].change == pytest.approx(2.4)
    assert (cards["repurchase"].value, cards["repurchase"].before) == (
        0.5,
        0.0,
    )  # ann of ann and bob: the same day is one visit
    assert [stage.people for stage in found.funnel] == [1, 1, 1, 1]
    assert found.funnel[2].spent_fen == 5500
    assert (len(found.dates), sum(found.orders)) == (30, 3)


def test_who_came_back_is_told_by_the_month_of_the_first_order(conn: psycopg.Connection) -> None:
    orders(conn, ("ann", 62, 1), ("bob", 62, 1), ("ann", 31, 1), ("ann", 1, 1), ("bob", 1, 1), ("eve", 1, 1))
    assert [(c.month.isoformat(), c.size, c.shares) for c in retention(conn, NOW)] == [
        ("2026-01-01", 2, [0.5, 1.0]),
        ("2026-03-01", 1, []),
    ]


def test_the_page_shows_the_span_that_is_asked_for(web: httpx.Client, conn: psycopg.Connection) -> None:
    orders(conn, ("ann", 40, 10), ("ann", 3, 30))
    month, week = web.get("/").text, web.get("/?days=7").text
    for html, days in ((month, 30), (week, 7)):
        assert f"对比前 {days} 天" in html
        assert re.search(rf'href="\?days={days}" aria-current="true"', html)
    assert "¥30" in week
    assert "data-chart" in week
    assert "hx-get" not in week  # nothing is waiting: it stays as it is
    assert web.get("/?days=nonsense&lang=en").status_code == 200


def test_while_events_wait_it_looks_again_by_itself(web: httpx.Client, conn: psycopg.Connection) -> None:
    add_source(conn, NOW, "shop", "店铺")
    record(
        conn,
        VAULT,
        NOW,
        [{"id": "e", "source": "shop", "type": "viewed", "at": NOW.isoformat(), "handles": {"shop:a": "1"}}],
    )
    page = web.get("/").text
    assert "正在处理 1 个新事件" in page
    assert re.search(r'id="overview" hx-get="/" hx-trigger="every', page)
    assert "http-equiv" not in page


def test_an_empty_pond_says_what_to_do_first(web: httpx.Client, conn: psycopg.Connection) -> None:
    page = web.get("/").text
    for path in ("/setup", "/data", "/data/imports/new"):
        assert f'class="button small" href="{path}"' in page
    add_source(conn, NOW, "shop", "店铺")
    assert "已完成" in web.get("/").text


def test_a_silent_source_is_said_with_a_way_there(web: httpx.Client, conn: psycopg.Connection) -> None:
    orders(conn, ("ann", 3, 1))
    conn.execute("update event set received_at = %s where source = 'shop'", (NOW - 5 * DAY,))
    page = web.get("/").text
    assert re.search(r'<li class="bad"><a href="/data">来源「店铺」已 5 天没有数据', page)


def test_each_role_sees_its_own(base: str, conn: psycopg.Connection) -> None:
    orders(conn, ("ann", 3, 1))
    with signed_in(conn, base, "salesperson", staff="li") as web:
        page = web.get("/").text
        assert "salesperson，你好" in page
        assert "销售额" not in page
        assert 'href="/data"' not in page
    with signed_in(conn, base, "manager", stores=["东店"]) as web:
        assert "东店" in web.get("/").text
    with signed_in(conn, base, "analyst") as web:
        assert "销售额" in web.get("/").text
    assert httpx.get(base).status_code == 401  # somebody is set up, so nothing is open any more


def test_letters_that_fail_or_that_nobody_sends_are_no_quiet_day(
    web: httpx.Client, conn: psycopg.Connection, yutang: Run
) -> None:
    early = NOW - DAY / 24
    decided(conn, people(conn, 2), channel="email", now=early)
    decided(conn, people(conn, 3), message="broken", body="{{ person.city }}", now=early)
    decided(conn, people(conn, 1), message="late", now=early, deadline=early - DAY)
    deliver.send(conn, early, channels=configured(VAULT))
    html = web.get("/").text
    assert re.search(r'href="/deliveries/reasons">近一天有 3 条消息发送失败', html), (
        "what came too late nobody can mend"
    )
    assert "2 条消息等着发，没有进程在发</a> <small>邮件" in html
    assert "YUTANG_SMTP_URL" in yutang("doctor", code=1).stdout
