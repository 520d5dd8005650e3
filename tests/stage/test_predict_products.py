"""Products that people are likely to buy next: trained, kept, told by command, API and message, and never what cannot be had."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest

from commands import Run
from edges import BEARER, serving
from goods import habitual, ordered
from touches import NOW as SENT_AT
from touches import attempt, decided
from yutang import definitions, product
from yutang.brand import load_brand, publish, shipped
from yutang.channels.sandbox.send import Sandbox
from yutang.clock import system_now
from yutang.deliver import compose as composing
from yutang.deliver import send
from yutang.predict.products.told import products
from yutang.predict.products.train import KEPT
from yutang.predict.report import report
from yutang.predict.train import train

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LAST = date(2026, 3, 1)
DAYS = 200


@pytest.fixture(scope="module")
def baskets() -> Any:
    return habitual(400, 60, DAYS, seed=1)


@pytest.fixture
def trained(conn: psycopg.Connection, baskets: Any) -> psycopg.Connection:
    ordered(conn, baskets, LAST, DAYS)
    train(conn, NOW)
    return conn


def ids(conn: psycopg.Connection, person: int, now: datetime = NOW, most: int = 10) -> list[str]:
    return [one.id for one in products(conn, person, now, most).products]


def settings(conn: psycopg.Connection, **words: Any) -> None:
    body = {"recommend": definitions.POND["recommend"] | words}
    definitions.publish(conn, NOW, "pond", "pond", body, "test")


def test_everybody_is_told_what_they_buy_above_all(trained: psycopg.Connection, baskets: Any) -> None:
    told = hits = 0
    for person in range(0, 400, 5):
        mine = baskets.product[baskets.person == person].tolist()
        top = {f"P{one}" for one, _ in Counter(mine).most_common(2)}
        told += len(top)
        hits += len(top & set(ids(trained, person + 1)))
    assert hits / told > 0.9
    rows = trained.execute("select products from product_prediction").fetchall()
    assert len(rows) == 400
    assert {len(row.products) for row in rows} == {KEPT}
    assert all(len(set(row.products)) == KEPT for row in rows)
    assert products(trained, 1, NOW).products[0].title.startswith("商品")
    assert products(trained, 9999, NOW).products == []


def test_the_model_stands_in_the_report_with_its_figures_and_the_same_data_say_the_same(
    trained: psycopg.Connection,
) -> None:
    model = next(one for one in report(trained, NOW).models if one.name == "products")
    assert model.state == "serving"
    told = {one["name"]: one["accuracy"]["recall"] for one in model.metrics["results"]}
    assert told[model.metrics["chosen"]] == max(told.values())
    before = trained.execute("select person_id, products from product_prediction order by 1").fetchall()
    train(trained, NOW)
    assert trained.execute("select person_id, products from product_prediction order by 1").fetchall() == before


def test_what_became_of_the_lists_is_kept_as_drift(trained: psycopg.Connection) -> None:
    told = {person: ids(trained, person) for person in range(1, 401)}
    later = habitual(400, 60, 14, seed=1)
    fresh = later.where(later.day >= 0)
    trained.execute("update person_event set event_id = -event_id")
    ordered(trained, fresh, LAST + timedelta(14), 14)
    train(trained, NOW + timedelta(days=14))
    first: dict[int, tuple[int, set[str]]] = {}
    for person, day, which in zip(fresh.person.tolist(), fresh.day.tolist(), fresh.product.tolist(), strict=True):
        if person not in first or day < first[person][0]:
            first[person] = (day, set())
        if first[person][0] == day:
            first[person][1].add(f"P{which}")
    expected = np.mean([len(set(told[person + 1]) & bought) / len(bought) for person, (_, bought) in first.items()])
    row = trained.execute(
        "select d.metrics from model_drift d join model m using (model_id) where m.name = 'products'"
    ).fetchone()
    assert row.metrics["people"] == len(first)
    assert row.metrics["recall"] == pytest.approx(expected)


def test_what_cannot_be_had_is_not_told_from_the_moment_it_is_said(trained: psycopg.Connection) -> None:
    first, second, third, *rest = ids(trained, 7)
    product.put(
        trained,
        NOW,
        [{"id": first, "title": "卖完了", "stock": 0}, {"id": second, "title": "下架了", "on_sale": False}],
    )
    product.put(trained, NOW, [{"id": third, "title": "燕麦奶", "price_fen": 1250, "category": "乳品", "stock": 1}])
    assert ids(trained, 7)[0] == third
    assert ids(trained, 7)[: len(rest) + 1] == [third, *rest]
    assert len(ids(trained, 7)) == 10, "others stand in for what is gone"
    shown = products(trained, 7, NOW).products[0]
    assert (shown.title, shown.price_fen, shown.stock) == ("燕麦奶", 1250, 1)
    settings(trained, never_categories=["乳品"])
    assert ids(trained, 7)[0] == rest[0]
    settings(trained, never=[rest[0]])
    assert rest[0] not in ids(trained, 7)
    assert ids(trained, 7)[0] == third
    product.put(trained, NOW, [{"id": first, "stock": 5}])
    assert ids(trained, 7)[0] == first


def test_what_was_bought_this_morning_is_not_told_again_where_the_pond_says_so(trained: psycopg.Connection) -> None:
    settings(trained, not_again_days=30)
    bought = {row.p for row in trained.execute(
        """select i ->> 'product' as p from person_event e cross join lateral jsonb_array_elements(e.props -> 'items') i
           where e.person_id = 7 and e.day >= %s""", (LAST - timedelta(29),))}  # fmt: skip
    assert bought
    assert not bought & set(ids(trained, 7, most=KEPT))
    first = ids(trained, 7)[0]
    trained.execute(
        """insert into person_event (bucket, person_id, type, at, event_id, day, amount, props)
           values (7, 7, 'ordered', %s, 999999, %s, 1, %s::jsonb)""",
        (NOW, LAST + timedelta(1), json.dumps({"items": [{"product": first}]})),
    )
    assert first not in ids(trained, 7, most=KEPT)
    assert first in ids(trained, 7, NOW + timedelta(days=32), KEPT)


def test_excluded_products_are_in_nobodys_list(conn: psycopg.Connection, baskets: Any) -> None:
    ordered(conn, baskets, LAST, DAYS)
    product.put(conn, NOW, [{"id": "P3", "title": "酒", "category": "酒类"}])
    settings(conn, never=["P0", "P1"], never_categories=["酒类"])
    train(conn, NOW)
    told = {row.product for row in conn.execute(
        "select distinct n.product from product_prediction f cross join lateral unnest(f.products) u (number) join product_number n using (number)")}  # fmt: skip
    assert len(told) > 50
    assert not told & {"P0", "P1", "P3"}


def test_without_lines_nothing_is_said_and_the_report_says_why(conn: psycopg.Connection) -> None:
    train(conn, NOW)
    model = next(one for one in report(conn, NOW).models if one.name == "products")
    assert model.state == "abstained"
    assert "products" in model.verdict["en"]
    assert products(conn, 1, NOW).version is None


# the catalogue


def test_rows_change_what_they_name_and_nothing_else(conn: psycopg.Connection) -> None:
    whole = {"id": "A1", "title": "拿铁", "price_fen": 1800, "stock": 3, "on_sale": True, "category": "咖啡",
             "picture": "https://shop.example/a.png", "url": "https://shop.example/a"}  # fmt: skip
    assert product.put(conn, NOW, [whole, {"id": "B2", "title": "蛋糕"}]) == product.Put(2, 0, 0, [])
    later = NOW + timedelta(hours=1)
    assert product.put(conn, later, [{"id": "A1", "stock": 2}, {"id": "B2", "title": "蛋糕"}]) == product.Put(
        0, 1, 1, []
    )
    found = product.find(conn, "A1")
    assert found is not None
    assert {name: getattr(found, name) for name in whole} == whole | {"stock": 2}
    assert found.at == later
    assert product.find(conn, "B2").at == NOW, "what is the same is not written"
    product.put(conn, later, [{"id": "A1", "stock": None, "url": None}, {"id": "A1", "price_fen": 1700}])
    assert (product.find(conn, "A1").stock, product.find(conn, "A1").url, product.find(conn, "A1").price_fen) == (
        None,
        None,
        1700,
    )


@pytest.mark.parametrize(("row", "detail"), [
    ({"title": "x"}, "'id' is missing"),
    ({"id": "N1"}, "product 'N1' is new: give it a title"),
    ({"id": "N1", "title": "x", "stock": -1}, "'stock' is a whole number, 0 or more (null: not counted)"),
    ({"id": "N1", "title": "x", "price": 1}, "'price' is no field of a product"),
    ({"id": "N1", "title": "x", "url": "javascript:alert(1)"}, "'url' is an address that begins with https://"),
    ({"id": "N1", "title": None}, "'title' cannot be taken away"),
    ({"id": "N1", "title": "x", "on_sale": 1}, "'on_sale' is true or false"),
    ({"id": "N\0", "title": "x"}, "'id' is a text"),
])  # fmt: skip
def test_a_wrong_row_is_named_and_the_others_are_taken(
    conn: psycopg.Connection, row: dict[str, Any], detail: str
) -> None:
    found = product.put(conn, NOW, [{"id": "G1", "title": "好"}, row])
    assert found.added == 1
    assert [bad.index for bad in found.rejected] == [1]
    assert detail in found.rejected[0].detail
    assert product.find(conn, "N1") is None


def test_the_catalogue_comes_from_a_file(yutang: Run, tmp_path: Any, conn: psycopg.Connection) -> None:
    file = tmp_path / "商品.csv"
    file.write_text(
        "商品编码,商品名称,价格,库存,是否上架,品类\nA1,拿铁,18.50,7,是,咖啡\nB2,蛋糕,26,,否,\nC3,,1,1,是,\nD4,面包,很贵,1,是,\n",
        "utf-8",
    )
    dry = yutang("import", "products", str(file), "--dry-run").stdout
    assert "Dry run" in dry
    assert product.find(conn, "A1") is None
    said = yutang("import", "products", str(file)).stdout
    assert "row 4: 商品“C3”是新的，请给出名称 title。 product 'C3' is new: give it a title" in said
    assert "row 5: column '价格': 不是金额，请写元，例如 12.50。 not an amount" in said
    latte = product.find(conn, "A1")
    assert (latte.title, latte.price_fen, latte.stock, latte.on_sale, latte.category) == ("拿铁", 1850, 7, True, "咖啡")
    assert (product.find(conn, "B2").stock, product.find(conn, "B2").on_sale) == (None, False)
    lines = tmp_path / "stock.jsonl"
    lines.write_text('{"id": "A1", "stock": 0}\n', "utf-8")
    assert "改动 changed 1" in yutang("import", "products", str(lines)).stdout
    assert product.find(conn, "A1").stock == 0
    wrong = yutang("import", "products", str(lines), "--map", "nothing=id", code=2)
    assert "no column 'nothing'" in wrong.stderr


# who asks


@pytest.fixture
def web(url: str) -> Iterator[httpx.Client]:
    with serving(url, clock=lambda: NOW) as base, httpx.Client(base_url=base, headers=BEARER, timeout=30) as client:
        yield client


def test_the_api_takes_goods_and_tells_lists(web: httpx.Client, trained: psycopg.Connection) -> None:
    before = web.get("/v1/persons/7/products").json()
    assert [one["id"] for one in before["products"]] == ids(trained, 7)
    assert before["version"] == 1
    first = before["products"][0]["id"]
    answer = web.put("/v1/products", json=[{"id": first, "title": "卖完了", "stock": 0}, {"id": "", "title": "x"}])
    assert answer.status_code == 200
    assert answer.json() == {"added": 1, "changed": 0, "same": 0,
                             "rejected": [{"index": 1, "detail": "缺少 id：请写订单里用的商品编码。 'id' is missing: the product as order lines name it"}]}  # fmt: skip
    assert web.get(f"/v1/products/{first}").json()["stock"] == 0
    assert web.get("/v1/products/none").status_code == 404
    assert first not in [one["id"] for one in web.get("/v1/persons/7/products").json()["products"]]
    assert web.put("/v1/products", json=[{"id": "x"}] * 1001).status_code == 413
    assert web.put("/v1/products", json={"id": "x"}).status_code == 400
    assert web.get("/v1/persons/99999/products").status_code == 404
    assert web.get("/v1/persons/7/products", headers={"Authorization": "Bearer no"}).status_code == 401


def test_the_command(yutang: Run, conn: psycopg.Connection, baskets: Any) -> None:
    ordered(conn, baskets, system_now().date() - timedelta(1), DAYS)
    assert "Nothing to tell" in yutang("predict", "products", "7").stdout
    yutang("predict", "train")
    told = json.loads(yutang("predict", "products", "7", "--json").stdout)["products"]
    assert [one["id"] for one in told] == ids(conn, 7, system_now())
    assert told[0]["title"] in yutang("predict", "products", "7").stdout
    assert "recall@10" in yutang("predict", "report").stdout


# messages


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUTANG_SECRET", "a secret for tests")


WORDS = """{{ person.name }}{% if products %}：{% for one in products[:2] %}{{ one.title }}{% if one.price %} {{ one.price }}{% endif %}；{% endfor %}{% endif %}"""


def bodies(conn: psycopg.Connection) -> dict[int, str]:
    send(conn, SENT_AT, channels={"sandbox": Sandbox()})
    return {row.person_id: row.body for row in conn.execute("select person_id, body from sandbox_message")}


def test_a_message_names_what_the_person_is_likely_to_buy(trained: psycopg.Connection) -> None:
    first, second, *_ = ids(trained, 7)
    product.put(trained, NOW, [{"id": first, "title": "燕麦奶", "price_fen": 1250}])
    trained.execute("insert into person (bucket, person_id, created_at) values (5000 & 1023, 5000, %s)", (NOW,))
    decided(trained, [7, 5000], body=WORDS)
    assert bodies(trained) == {7: f"朋友：燕麦奶 12.50元；商品{second[1:]}；", 5000: "朋友"}


def test_a_message_sees_predictions_and_prints_none_that_is_not_there(conn: psycopg.Connection) -> None:
    conn.execute("insert into person (bucket, person_id, created_at) values (7, 7, %s), (8, 8, %s)", (NOW, NOW))
    conn.execute(
        """insert into prediction (bucket, person_id, name, value, at, model_id)
           values (7, 7, 'p_alive', 0.25, %s, 1), (7, 7, 'next_order_day', %s, %s, 1)""",
        (NOW, (date(2026, 3, 9) - date(2000, 1, 1)).days, NOW),
    )
    [told, silent] = decided(
        conn,
        [7, 8],
        body="{{ person.predictions.next_order_day }}{% if person.predictions.p_alive < 0.3 %}!{% endif %}",
    )
    assert bodies(conn) == {7: "2026-03-09!"}
    assert attempt(conn, told).state == "sent"
    assert attempt(conn, silent).state == "failed"
    decided(conn, [8], message="asks", body="好{% if person.predictions.p_alive %}吗{% endif %}")
    assert bodies(conn)[8] == "好"


def test_authors_see_them_in_the_preview(url: str, trained: psycopg.Connection) -> None:
    publish(trained, NOW - timedelta(days=1), load_brand(shipped()["luckin"]))
    typed = {"title_zh": "喜欢", "title_en": "", "subject": "几样", "channel": "sandbox", "do": "save"}
    first = ids(trained, 7)[0]
    with serving(url) as base, httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as client:

        def seen(body: str, **more: str) -> str:
            return unescape(client.post("/messages/preview", data=typed | {"body": body} | more).text)

        assert "林小满：燕麦拿铁 18元；桂花酒酿蛋糕 26元；" in seen(WORDS)
        assert f"商品{first[1:]}；" in seen(WORDS, see_person="7")
        assert "2026-03-09" in seen("{{ person.predictions.next_order_day }}")
        assert "products" in seen("{% for one in product %}{{ one.title }}{% endfor %}")
        page = unescape(client.get("/messages/welcome/edit").text)
    assert "{% for product in products[:3] %}" in page
    assert "{{ person.predictions.p_alive }}" in page


def test_only_messages_that_ask_cost_a_look(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Watched:
        def __init__(self, real: Any) -> None:
            self.real = real

        def __getattr__(self, name: str) -> Any:
            looked.append(name)
            return getattr(self.real, name)

    from yutang.deliver import foretold as module

    monkeypatch.setattr(module, "sql", Watched(module.sql))
    conn.execute(
        "insert into person (bucket, person_id, created_at) select n, n, %s from generate_series(1, 5) n", (NOW,)
    )
    decided(conn, [1, 2])
    decided(conn, [3], message="product talk", body="our products are good, predictions too; {{ person.name }}")
    bodies(conn)
    assert looked == []
    decided(conn, [4, 5], message="asks", body="{{ products | length }}")
    assert bodies(conn)[4] == "0"
    assert looked == ["products"]
    assert composing.foretold is module.foretold
