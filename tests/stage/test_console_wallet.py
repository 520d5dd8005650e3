"""The coupon wallet over HTTP: who may open it, what it shows, and how its link gets into messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import psycopg
import pytest

from edges import NOW, VAULT, serving
from ponds import Pond
from touches import decided, people
from yutang import config, product
from yutang.channels.contract import Channel, Letter, Result
from yutang.deliver import preference, send
from yutang.deliver.wallet import VALID_DAYS, token
from yutang.model import bucket_of
from yutang.offer.definition import read
from yutang.vault import open_vault

DAY = timedelta(days=1)
OFFERS = """
first_cup:
  sort: coupon
  title: {zh: 首杯八五折, en: First cup}
  discount: {percent: 15}
  value_fen: 300
  valid_days: 14
off:
  sort: coupon
  title: {zh: 满减券, en: Money off}
  discount: {off_fen: 500}
  minimum_fen: 3000
  stackable: true
  valid_days: 14
wake_up:
  sort: ladder
  title: {zh: 回来坐坐, en: Come back}
  down: [85, 43, 28]
  up: [43, 58, 95]
  basket_fen: 2000
  silence_days: 30
  wait_days: 7
  valid_days: 14
new_year:
  sort: red_packet
  title: {zh: 新年红包, en: New Year}
  amount_fen: {from: 100, to: 2000}
  budget_fen: 100000
  valid_days: 14
cup:
  sort: gift
  title: {zh: 马克杯, en: A mug}
  sku: MUG-1
  value_fen: 1500
  valid_days: 14
"""


class Purse:
    """One person's wallet in a browser."""

    def __init__(self, conn: psycopg.Connection, base: str) -> None:
        self.conn, self.pond = conn, Pond(conn, title={"zh": "小鱼咖啡", "en": "Fish Coffee"})
        self.offers = {name: self.pond.define("offer", name, body).definition_id for name, body in read(OFFERS).items()}
        self.person = self.pond.person(name="李")
        self.browser = httpx.Client(base_url=base, timeout=30)

    def has(self, code: str, offer: str, days: float | None = 10, person: int | None = None, **more: Any) -> None:
        row = {
            "code": code, "person_id": person or self.person, "definition_id": self.offers[offer], "version": 1, "rung": None,
            "state": "issued", "uses": 1, "value_fen": 300, "pay_percent": None, "off_fen": None, "minimum_fen": 0,
            "issued_at": NOW - DAY, "valid_from": NOW - DAY, "expires_at": None if days is None else NOW + days * DAY,
        } | more  # fmt: skip
        row |= {"bucket": bucket_of(row["person_id"]), "origin_id": row["person_id"]}
        names = ", ".join(row)
        self.conn.execute(f"insert into coupon ({names}) values ({', '.join(f'%({name})s' for name in row)})", row)  # type: ignore[arg-type]

    def page(self, at: Any = NOW, person: int | None = None, **query: str) -> str:
        found = self.browser.get(f"/w/{token(VAULT, at, person or self.person)}", params=query or None)
        assert found.status_code == 200, found.text
        assert found.headers["x-robots-tag"] == "noindex"
        assert found.headers["cache-control"] == "no-store"
        return unescape(found.text)


@pytest.fixture
def purse(url: str, conn: psycopg.Connection) -> Iterator[Purse]:
    with serving(url, local=False) as base:
        yield Purse(conn, base)


def test_what_can_be_used_is_shown_with_its_terms(purse: Purse) -> None:
    assert "现在没有可用的券" in purse.page()
    purse.has("aa01", "first_cup", 10, pay_percent=85)
    purse.has("bb02", "off", 2.1, off_fen=500, minimum_fen=3000)
    purse.has("cc03", "cup", None)
    purse.has("dd04", "new_year", 20, value_fen=320)
    purse.has("ee05", "first_cup", 10, pay_percent=85, uses=3, valid_from=NOW + DAY)
    purse.has("xx99", "first_cup", 10, person=purse.pond.person())
    page = purse.page()
    for words in (
        "小鱼咖啡",
        "首杯八五折",
        "8.5折",
        "减5元",
        "满30元可用",
        "马克杯",
        "礼品",
        "3.20元红包",
        "长期有效",
        "还剩 2 天",
        "还能用 3 次",
        "2026-03-21 起可用",
        "不与其他券同用",
    ):
        assert words in page, words
    assert page.index("bb02") < page.index("aa01"), "what ends first comes first"
    assert page.count("data:image/svg+xml") == 5
    assert "xx99" not in page
    assert "<script" not in page
    english = purse.page(lang="en")
    assert all(words in english for words in ("15% off", "¥5 off", "from ¥30", "2 days left"))


def test_what_is_over_is_folded(purse: Purse) -> None:
    purse.has("used", "first_cup", 10, pay_percent=85, state="redeemed", uses=0)
    purse.has("late", "first_cup", -1, pay_percent=85)
    purse.has("ended", "off", -3, off_fen=500, state="expired")
    purse.has("kept", "off", 3, off_fen=500, state="reserved")
    page = purse.page()
    head, past = page.split('<details class="past">')
    assert "用过和过期的（3）" in past
    assert (past.count("已使用"), past.count("已过期")) == (1, 2)
    assert "正占用" in head
    assert "late" not in head, "its time is over, whoever has seen to it"


def test_below_the_coupons_stands_what_the_person_is_likely_to_buy(purse: Purse) -> None:
    assert "为您挑选" not in purse.page(), "nobody has foretold anything"
    goods = [
        {"id": "A1", "title": "燕麦拿铁", "price_fen": 1850, "url": "https://shop.example/a1"},
        {"id": "B2", "title": "挂耳咖啡", "stock": 0},
        {"id": "C3", "title": "马克杯 <大>"},
        *({"id": f"D{n}", "title": f"豆子{n}"} for n in range(5)),
    ]
    product.put(purse.conn, NOW, goods)
    purse.conn.execute("insert into product_number (product) select product from product order by product")
    purse.conn.execute(
        "insert into product_prediction select %s, %s, array_agg(number order by number) from product_number",
        (bucket_of(purse.person), purse.person),
    )
    page = purse.page()
    picked = page.split("为您挑选")[1]
    assert '<a href="https://shop.example/a1" rel="noreferrer">燕麦拿铁</a>' in picked
    assert "¥18.50" in picked
    assert "挂耳咖啡" not in page, "it is sold out"
    assert [n for n in range(5) if f"豆子{n}" in picked] == [0, 1], "four of them, the likeliest first"
    assert "Picked for you" in purse.page(lang="en")
    assert "为您挑选" not in purse.page(person=purse.pond.person()), "the list is one person's"


def test_a_ladder_tells_nobody_what_comes_next(purse: Purse) -> None:
    purse.has("aa01", "wake_up", 10, pay_percent=85, rung=1)
    page = purse.page()
    assert "8.5折" in page
    assert "专属" in page
    assert not any(words in page for words in ("4.3折", "2.8折", "5.8折", "9.5折", "第 1 档", "下一"))


def test_a_link_is_one_persons_and_ends(purse: Purse) -> None:
    purse.has("aa01", "first_cup", pay_percent=85)
    assert "aa01" in purse.page(NOW - (VALID_DAYS - 1) * DAY)
    good = token(VAULT, NOW, purse.person)
    bad = [
        token(VAULT, NOW - (VALID_DAYS + 1) * DAY, purse.person), preference.token(VAULT, NOW, purse.person), good[:-1], good[::-1],
        "x", token(VAULT, NOW, 10**12),
    ]  # fmt: skip
    for one in bad:
        found = purse.browser.get(f"/w/{one}")
        assert found.status_code == 410
        assert "链接已失效" in found.text
        assert "券还在您名下" in found.text
        assert "aa01" not in found.text
    assert purse.browser.get(f"/p/{good}").status_code == 404, "a wallet's link opens nothing else"


class Kept(Channel):
    """Keeps the letters."""

    name, handle = "email", None

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, conn: psycopg.Connection, now: Any, letters: Any) -> list[Result]:  # noqa: ARG002
        self.letters += letters
        return [Result.sent() for _ in letters]


def test_letters_carry_the_link(conn: psycopg.Connection, home: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    channel, [person] = Kept(), people(conn, 1)
    monkeypatch.setenv(config.PUBLIC_URL.name, "https://crm.example.com/")
    decided(conn, [person], channel="email", now=NOW, body="您的券：{{ wallet }}")
    send(conn, NOW, channels={"email": channel})
    [letter] = channel.letters
    assert letter.body == f"您的券：https://crm.example.com/w/{token(open_vault(), NOW, person)}"
