"""The desk beside a chat: who this is, why now, what to say, what the customer holds; and all customers of a member of staff."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from test_web_desk import DESK, asked, person_of
from test_web_login import Console, console, customer_of  # noqa: F401 - a fixture

from cities import VAULT
from ponds import Pond
from walks import Walk
from yutang import worker
from yutang.channels import configured
from yutang.model import bucket_of

JOURNEY = """
trigger: {event: ordered}
class: service
steps:
  - task: call_back
"""


def page(browser: Any, path: str = DESK, **query: str) -> str:
    found = browser.get(path, params=query or None)
    assert found.status_code == 200, found.text
    return unescape(found.text)


def test_all_that_helps_in_talking_to_a_customer(console: Console) -> None:  # noqa: F811
    fish = customer_of(console, "guide01")
    person, conn, now = person_of(console, fish), console.mirror.conn, console.mirror.city.now()
    offer = Pond(conn).define(
        "offer", "first_cup",
        {"sort": "coupon", "title": {"zh": "首杯券", "en": "First cup"}, "pay_percent": 85, "off_fen": None, "stackable": False},
    )  # fmt: skip
    conn.execute(
        """insert into coupon (code, bucket, person_id, origin_id, definition_id, version, state, uses, value_fen, pay_percent, issued_at,
                               valid_from, expires_at)
           values ('aa01', %s, %s, %s, %s, %s, 'issued', 1, 300, 85, %s, %s, %s)""",
        (bucket_of(person), person, person, offer.definition_id, offer.version, now, now, now + timedelta(days=3)),
    )
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        about = page(browser, external_userid=fish.external_userid)
        assert "最近没有给这位顾客发过消息" in about
        assert all(
            words in about
            for words in ("首杯券", "8.5折", "还剩 3 天", 'data-copy="aa01"', "最近动态", "下单成交 ¥26.00")
        )
        asked(console, person)
        about = browser.get(DESK, params={"external_userid": fish.external_userid}).text
        assert 'data-copy="问问&lt;b&gt;口味&lt;/b&gt;"' in about
        assert "复制这段话" in about


def test_why_a_task_was_given_is_said(console: Console) -> None:  # noqa: F811
    fish = customer_of(console, "guide01")
    person, conn, now = person_of(console, fish), console.mirror.conn, console.mirror.city.now()
    walk = Walk(conn)
    task = {"to": "owner", "within_hours": 4, "escalate_to": None, "escalate_after_hours": None}
    body = {
        "title": {"zh": "回电话", "en": "Call"},
        "subject": "回电话",
        "body": "问问口味",
        "channel": "staff",
        "task": task,
    }
    walk.define("message", "call_back", body)
    walk.start(JOURNEY, "again")
    walk.happened(person, "ordered", now, order_id="o9", amount_fen=2600)
    worker.settle(conn, now, configured(VAULT))
    with console.browser() as browser:
        console.signs_in(browser, "guide01")
        about = page(browser, external_userid=fish.external_userid)
        assert "这件任务：" in about
        assert "旅程「甲」" in about
        assert "问问口味" in about
        assert "旅程「甲」" in page(browser), "the list says it too"


def test_my_customers_are_mine_newest_first(console: Console) -> None:  # noqa: F811
    conn, now = console.mirror.conn, console.mirror.city.now()
    rows = [(f"wm{n:03}", "guide01", "active", now - timedelta(days=n), f"备注{n}" if n % 2 else "") for n in range(70)]
    rows += [("wm900", "guide02", "active", now, "别人的"), ("wm901", "guide01", "lost", now, "走了的")]
    for external, userid, state, since, remark in rows:
        conn.execute(
            "insert into wecom_relation (account, external_userid, userid, state, since, remark) values ('wecom:main', %s, %s, %s, %s, %s)",
            (external, userid, state, since, remark),
        )
        conn.execute(
            "insert into wecom_contact (account, external_userid, name) values ('wecom:main', %s, %s)",
            (external, f"鱼{external}"),
        )
    mine = f"{DESK}/customers"
    with console.browser() as browser:
        assert browser.get(mine).headers["location"] == f"/login/wecom/main?to={mine}"
        console.signs_in(browser, "guide01")
        first = page(browser, mine)
        assert first.count("external_userid=wm") == 30
        assert first.index("鱼wm000") < first.index("备注1") < first.index("鱼wm002")
        assert "别人的" not in first
        assert "走了的" not in first
        second = page(browser, mine, after="wm029")
        assert ("wm029" in second.replace("after=wm029", ""), "wm030" in second, "wm059" in second) == (
            False,
            True,
            True,
        )
        last = page(browser, mine, after="wm059")
        assert last.count("external_userid=wm") == 10
        assert 'rel="next"' not in last
        assert page(browser, mine, q="备注6").count("external_userid=wm") == 5
        assert page(browser, mine, q="鱼WM06").count("external_userid=wm") == 10
        assert "没有找到" in page(browser, mine, q="100%")
        for odd in ("\0", "'", "wm999"):
            assert browser.get(mine, params={"after": odd, "q": odd}).status_code == 200
        console.signs_in(browser, "guide03")
        assert "还没有客户" in page(browser, mine)


@pytest.mark.parametrize("path", [DESK, f"{DESK}/customers"])
def test_who_has_no_session_signs_in(console: Console, path: str) -> None:  # noqa: F811
    with console.browser() as browser:
        assert browser.get(path).status_code == 303
        assert browser.get(path.replace("main", "other")).status_code == 303
