"""The overview, the data area and the deliveries in a real Chromium, at both sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from browsers import at_sizes, check_accessible
from edges import NOW, VAULT, serving
from touches import decided, people
from yutang import worker
from yutang.channels import configured
from yutang.channels.contract import Channel, Result
from yutang.channels.sandbox.send import Sandbox
from yutang.deliver import send
from yutang.ingest import add_source, record

DAY = timedelta(days=1)
PEOPLE = "手机号,姓名,等级\n13900000001,王,金卡\n13900000002,李,\nbad,赵,银卡\n"


class Broken(Channel):
    name = "sms"

    def send(self, conn, now, letters):  # noqa: ARG002
        return [Result.failed("the provider knows no such template") for _ in letters]


@pytest.fixture
def empty(url: str, home: Path) -> Iterator[str]:  # noqa: ARG001 - files are uploaded into the home folder
    with serving(url) as address:
        yield address


@pytest.fixture
def base(empty: str, conn: psycopg.Connection) -> str:
    """A pond of three months, with refused events and deliveries of every kind."""
    add_source(conn, NOW, "shop", "微商城")
    events = [
        {
            "id": f"o{n}",
            "source": "shop",
            "type": "ordered",
            "at": (NOW - n % 80 * DAY).isoformat(),
            "handles": {"shop:a": f"m{n % 23}"},
            "props": {"order_id": f"o{n}", "amount_fen": 1000 + n},
        }
        for n in range(300)
    ]
    bad = [events[0] | {"id": f"b{n}", "source": "mini", "handles": {"phone": "13800000000"}} for n in range(3)]
    record(conn, VAULT, NOW, events + bad)
    worker.settle(conn, NOW, configured(VAULT))
    decided(conn, people(conn, 60), now=NOW)
    decided(conn, people(conn, 2), channel="sms", message="late", now=NOW, deadline=NOW + DAY)
    send(conn, NOW, channels={"sandbox": Sandbox(), "sms": Broken()})
    worker.settle(conn, NOW, configured(VAULT))
    return empty


def fits(page: Any) -> bool:
    """Nothing makes the page itself scroll sideways."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@at_sizes
def test_every_page_can_be_used(opened: Any, shot: Callable[..., Path], base: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        for name, path in (
            ("home", "/"),
            ("deliveries", "/deliveries"),
            ("delivery-reasons", "/deliveries/reasons"),
            ("data", "/data"),
            ("rejects", "/data/rejects"),
            ("rejects-reason", "/data/rejects?reason=unknown_source"),
            ("imports", "/data/imports"),
            ("import-new", "/data/imports/new"),
            ("schema", "/schema"),
            ("schema-en", "/schema?lang=en"),
            ("import-new-zh", "/data/imports/new?lang=zh"),
        ):
            page.goto(base + path)
            page.locator("[hx-get]").wait_for(state="detached")  # the figures are there
            shot(page, name)
            check_accessible(page)
            assert fits(page), name
        page.goto(f"{base}/deliveries?state=failed")
        page.locator("main table a").first.click()
        shot(page, "delivery")
        check_accessible(page)


@at_sizes
def test_an_empty_pond_leads_on(opened: Any, shot: Callable[..., Path], empty: str, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        page.goto(empty)
        shot(page, "home-empty")
        check_accessible(page)
        page.get_by_role("link", name="导入顾客和订单").click()
        page.wait_for_url("**/data/imports/new")


def test_the_figures_come_by_themselves(opened: Any, empty: str, conn: psycopg.Connection) -> None:
    with opened() as page:
        page.goto(empty)
        assert page.locator(".kpis").count() == 0
        page.evaluate("window.same = true")
        add_source(conn, NOW, "shop", "店铺")
        order = {
            "id": "o1",
            "source": "shop",
            "type": "ordered",
            "at": NOW.isoformat(),
            "handles": {"shop:a": "1"},
            "props": {"order_id": "o1", "amount_fen": 1200},
        }
        record(conn, VAULT, NOW, [order])
        worker.settle(conn, NOW, configured(VAULT))
        page.locator(".kpis").wait_for(timeout=15_000)
        assert "¥12" in page.locator(".kpis").inner_text()
        page.locator("#sales-chart canvas").wait_for()
        assert page.evaluate("window.same")  # the page was never loaded anew


@at_sizes
def test_a_file_from_the_form_to_its_undoing(
    opened: Any, shot: Callable[..., Path], empty: str, size: dict[str, int]
) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{empty}/data/imports/new")
        page.set_input_files("#file", {"name": "people.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()})
        page.get_by_role("button", name="下一步").click()
        page.wait_for_url("**/data/imports/file/*")
        shot(page, "import-check")
        check_accessible(page)
        assert fits(page)
        checked = page.url
        page.goto(f"{checked}?lang=en")
        assert fits(page), "in English, too, where reasons are long"
        page.goto(f"{checked}?lang=zh")
        page.get_by_label("等级").select_option("-")
        page.get_by_role("button", name="重新检查").click()
        assert page.get_by_label("等级").input_value() == "-"
        page.get_by_role("button", name="导入 3 行").click()
        page.wait_for_url("**/data/imports/1")
        page.locator("main .mark", has_text="完成").wait_for()
        shot(page, "import-done")
        check_accessible(page)
        page.get_by_role("button", name="撤销整次导入").click()
        page.get_by_role("dialog").wait_for()
        shot(page, "import-undo-question")
        check_accessible(page)
        page.get_by_role("dialog").get_by_role("button", name="确定").click()
        page.locator("main .mark", has_text="已撤销").wait_for()


def test_what_failed_is_tried_again_after_a_question(opened: Any, base: str) -> None:
    with opened() as page:
        page.goto(f"{base}/deliveries/reasons")
        page.get_by_role("button", name="全部重试").click()
        page.get_by_role("dialog").get_by_role("button", name="取消").click()
        assert page.get_by_role("button", name="全部重试").count() == 1
        page.get_by_role("button", name="全部重试").click()
        page.get_by_role("dialog").get_by_role("button", name="确定").click()
        page.locator(".told", has_text="2 条放回队列").wait_for()


def test_refused_events_enter_after_a_question(opened: Any, base: str, conn: psycopg.Connection) -> None:
    add_source(conn, NOW, "mini", "小程序")
    with opened() as page:
        page.goto(f"{base}/data/rejects")
        page.get_by_role("button", name="重新收取").click()
        page.get_by_role("dialog").get_by_role("button", name="确定").click()
        page.locator(".told", has_text="收下 3 个").wait_for()
