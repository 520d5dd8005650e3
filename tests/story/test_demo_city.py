"""The demo's city, a few days of it: what the pond says happened is what the city's own people did and found in their phones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest

from yutang.app import App, opened
from yutang.cli.town import alive
from yutang.db.connect import connect
from yutang.demo import city
from yutang.vault import open_vault
from yutang.web.edge import Edge
from yutang.web.serve import Running

DAYS, CUSTOMERS = 9, 10


@pytest.fixture
def town(home) -> Iterator[city.Town]:  # noqa: ARG001
    with opened() as app:

        @contextmanager
        def edge(url: str, clock: Callable[[], datetime]) -> Iterator[str]:
            parts = Edge.open(url, app.vault, clock)
            try:
                with Running(parts, "127.0.0.1", 0).in_background("edge") as address:
                    yield address
            finally:
                parts.close()

        with city.lived(app, edge, days=DAYS, customers=CUSTOMERS) as town:
            yield town


def test_the_figures_of_the_pond_are_those_of_the_city(town: city.Town) -> None:
    did = Counter(act.what for act in town.population.acts)
    customers = list(town.city.people.customers.values())
    found = [message for one in customers for message in town.city.inbox(one)]
    kinds = Counter(message.kind for message in found)
    figures = town.figures
    assert town.population.problem == ""
    assert figures["contacts_added"] == figures["by_code"] == did["scan"] == CUSTOMERS
    assert figures["welcomed"] == kinds["welcome"] == CUSTOMERS
    assert figures["orders"] == did["buy"] > 0
    assert figures["persons"] == CUSTOMERS, "till, contact and follower are one person"
    assert did["tap"] > 0, "staff were asked, and some tapped"
    assert 0 < figures["touches_sent"] - figures["welcomed"] <= kinds["mass"], (
        "sent is what phones have; a tap just now is read later"
    )
    for one in customers:
        texts = [m.text for m in town.city.inbox(one) if m.kind in ("welcome", "mass") and "券码" in m.text]
        assert len(texts) == len(set(texts)), "nobody is told of one coupon twice"


def test_a_visitor_is_welcomed_while_the_city_lives_on(town: city.Town) -> None:
    """What the phone page does: somebody scans, and the loop, running by itself, answers."""
    with connect(town.url) as conn, alive(App(town.url, open_vault()), town):
        visitor = town.city.add_customer("访客")
        code = next(iter(conn.execute("select config_id from wecom_code where name = 'package_card'")))[0]
        town.city.scan(visitor, code)
        town.city.settle()
        for _ in range(100):
            if inbox := town.city.inbox(visitor):
                break
            time.sleep(0.1)
        assert [message.kind for message in inbox] == ["welcome"]
        assert "卡片" in inbox[0].text, "the code's own welcome"
