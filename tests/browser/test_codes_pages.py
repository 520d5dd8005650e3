"""Live codes, posters, the wallet and the desk in a real Chromium, at both sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from browsers import at_sizes, check_accessible
from cities import VAULT
from edges import serving
from ponds import Pond
from touches import decided
from wecoms import Mirror, mirrored
from yutang import channels, deliver
from yutang.channels.staff.send import Staff
from yutang.channels.wecom.codes import Code
from yutang.deliver.wallet import token
from yutang.handles import handle_key, kind_of
from yutang.model import bucket_of
from yutang.web.access import Session, sign_session

DAY = timedelta(days=1)
WEST = "/codes/wecom/main/west"


class Shop:
    """A pond with codes, people who came by them, coupons and a task."""

    def __init__(self, mirror: Mirror, base: str) -> None:
        self.mirror, self.base, self.conn, self.pond = mirror, base, mirror.conn, Pond(mirror.conn)
        self.now = mirror.city.now()
        book = channels.CODES["wecom"]
        west = Code("west", ("guide01", "guide02"), "城西店", ("来源/门店",), "西-{name}")
        for code in (west, Code("east", ("guide01",)), Code("old", ("guide02",), "城东店")):
            book.add(self.conn, self.now, mirror.account, code)
        mirror.tend()
        book.add(self.conn, self.now, mirror.account, Code("fresh", ("guide01",)))
        self.conn.execute("update wecom_code set made_at = made_at - interval '90 days' where name = 'old'")
        for n in range(20):
            person = self.pond.person(name=f"客{n}")
            self.pond.happened(
                person, "contact_added", self.now - n * DAY, code="west" if n % 3 else "east", staff="guide01"
            )
        self.offer = self.pond.define(
            "offer",
            "cup",
            {"sort": "coupon", "title": {"zh": "首杯券", "en": "First"}, "pay_percent": 85, "off_fen": None},
        )

    def coupon(self, person: int, code: str, days: int, state: str = "issued") -> None:
        self.conn.execute(
            """insert into coupon (code, bucket, person_id, origin_id, definition_id, version, state, uses, value_fen, pay_percent,
                                   issued_at, valid_from, expires_at)
               values (%s, %s, %s, %s, %s, 1, %s, 1, 300, 85, %s, %s, %s)""",
            (
                code,
                bucket_of(person),
                person,
                person,
                self.offer.definition_id,
                state,
                self.now,
                self.now,
                self.now + days * DAY,
            ),
        )


@pytest.fixture
def shop(url: str, conn: psycopg.Connection) -> Iterator[Shop]:
    with mirrored(conn) as mirror, serving(url, clock=mirror.city.now) as base:
        yield Shop(mirror, base)


def fits(page: Any) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@at_sizes
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/codes", "codes"),
        ("/codes?q=nothing", "codes-none"),
        (WEST, "code"),
        ("/codes/wecom/main/fresh", "code-making"),
        ("/codes/new", "code-new"),
        (f"{WEST}/edit", "code-edit"),
        (f"{WEST}/poster", "code-poster"),
        (f"{WEST}/poster?layout=cards&size=A5", "code-cards"),
    ],
)
def test_every_page_can_be_used_by_everybody(
    shop: Shop, opened: Any, shot: Callable[[Any, str], Any], size: dict[str, int], path: str, name: str
) -> None:
    with opened(viewport=size) as page:
        page.goto(shop.base + path)
        page.wait_for_load_state("load")
        assert fits(page)
        check_accessible(page)
        shot(page, name)


@at_sizes
def test_a_code_is_made_and_its_picture_appears_by_itself(shop: Shop, opened: Any, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{shop.base}/codes")
        page.get_by_role("link", name="新建活码").click()
        page.get_by_label("名称").fill("橱窗")
        page.get_by_label("店员guide01").check()
        page.get_by_role("button", name="新建").click()
        page.get_by_text("正在等平台生成二维码…").first.wait_for()
        shop.mirror.tend()
        picture = page.get_by_alt_text("「橱窗」的二维码")
        picture.wait_for()
        assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 100
        check_accessible(page)
        page.get_by_role("link", name="打印海报").click()
        page.get_by_label("大字").fill("扫码领新人券")
        page.get_by_role("button", name="更新预览").click()
        page.locator("svg.sheet text", has_text="扫码领新人券").wait_for()
        with page.expect_download() as download:
            page.get_by_role("link", name="下载 PDF").click()
        assert download.value.suggested_filename == "橱窗-A4.pdf"


@at_sizes
def test_retiring_asks_first(shop: Shop, opened: Any, shot: Any, size: dict[str, int]) -> None:
    with opened(viewport=size) as page:
        page.goto(f"{shop.base}/codes/wecom/main/old")
        page.get_by_role("button", name="停用").click()
        dialog = page.get_by_role("dialog")
        assert "停用「old」？" in dialog.inner_text()
        check_accessible(page)
        shot(page, "code-retire")
        dialog.get_by_role("button", name="取消").click()
        page.get_by_role("button", name="停用").click()
        page.get_by_role("dialog").get_by_role("button", name="确定").click()
        page.get_by_text("活码「old」已停用").wait_for()
        assert page.get_by_role("link", name="old", exact=True).count() == 0


@at_sizes
def test_the_wallet_needs_no_script(shop: Shop, opened: Any, shot: Any, size: dict[str, int]) -> None:
    person = shop.pond.person(name="李")
    for code, days, state in (
        ("aa01", 3, "issued"),
        ("bb02", 20, "issued"),
        ("cc03", 3, "redeemed"),
        ("dd04", -1, "expired"),
    ):
        shop.coupon(person, code, days, state)
    link = f"{shop.base}/w/{token(VAULT, shop.now, person)}"
    with opened(viewport=size, java_script_enabled=False) as page:
        page.goto(link)
        assert page.get_by_text("aa01").is_visible()
        assert not page.get_by_text("bb02").is_visible()
        page.locator("summary.ticket").nth(1).click()
        assert page.get_by_text("bb02").is_visible()
        page.get_by_text("用过和过期的（2）").click()
        assert page.get_by_text("已使用").is_visible()
    with opened(viewport=size) as page:
        page.goto(link)
        assert (
            page.get_by_alt_text("券码 aa01 的二维码").evaluate("one => one.decode().then(() => one.naturalWidth)") > 50
        )
        assert fits(page)
        check_accessible(page)
        shot(page, "wallet")
    with opened(r"410", viewport=size) as page:
        page.goto(f"{shop.base}/w/x")
        check_accessible(page)
        shot(page, "wallet-gone")


@at_sizes
def test_the_desk_copies_the_words(shop: Shop, opened: Any, shot: Any, size: dict[str, int]) -> None:
    mirror, conn = shop.mirror, shop.conn
    fish = mirror.city.add_customer("李二")
    mirror.city.scan(fish, channels.CODES["wecom"].one(conn, mirror.account, "west").qr_code)
    mirror.catch_up()
    userid = conn.execute("select userid from wecom_relation").fetchone().userid
    person = shop.pond.person(name="李二", owner=userid)
    shop.coupon(person, "aa01", 3)
    full = f"external_userid@{mirror.account.get('corp_id')}"
    key = handle_key(VAULT.handle_secret, full, kind_of(full), fish.external_userid)
    conn.execute(
        "insert into handle (key, person_id, origin_id, event_id) values (%s, %s, %s, 1)", (key, person, person)
    )
    task = {"to": "owner", "within_hours": 4, "escalate_to": None, "escalate_after_hours": None}
    decided(
        conn,
        [person],
        channel="staff",
        message="call",
        now=shop.now,
        task=task,
        deadline=shop.now + DAY * 9,
        subject="回电话",
        body="问问口味",
    )
    deliver.send(conn, shop.now, channels={"staff": Staff()})
    cookie = sign_session(VAULT, shop.now, Session("wecom", "main", userid))
    with opened(viewport=size) as page:
        page.context.add_cookies([{"name": "session", "value": cookie, "url": shop.base}])
        for path, name in (
            ("", "desk"),
            ("/customers", "desk-customers"),
            (f"?external_userid={fish.external_userid}", "desk-customer"),
        ):
            page.goto(f"{shop.base}/desk/wecom/main{path}")
            assert fits(page)
            check_accessible(page)
            shot(page, name)
        button = page.get_by_role("button", name="复制这段话")
        button.click()
        page.get_by_role("button", name="已复制").wait_for()
        page.get_by_role("button", name="已完成").click()
        page.get_by_text("已记下，谢谢。").wait_for()
