"""Live codes in the console: made, watched until the platform has them, printed, changed, taken back, retired; and who may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from PIL import Image

from cities import VAULT
from edges import serving
from ponds import Pond
from wecoms import Mirror, mirrored
from yutang import channels, users
from yutang.channels.platform import account
from yutang.channels.platform.account import Account
from yutang.channels.wecom.codes import Code
from yutang.model import bucket_of
from yutang.web.pages.codes import picture

MAIN = "/codes/wecom/main"
DAY = timedelta(days=1)
FORM = {"account": "wecom:main", "to": "staff", "users": "guide01", "skip_verify": "1"}


class Console:
    """The console over a pond whose WeCom is a city."""

    def __init__(self, mirror: Mirror, web: httpx.Client) -> None:
        self.mirror, self.web, self.conn = mirror, web, mirror.conn
        self.pond = Pond(mirror.conn)

    @property
    def now(self) -> Any:
        return self.mirror.city.now()

    def page(self, path: str, web: httpx.Client | None = None, **query: str) -> str:
        found = (web or self.web).get(path, params=query or None)
        assert found.status_code == 200, found.text
        return unescape(found.text)

    def made(self, name: str, **more: Any) -> str:
        """A code that the platform has made; its path."""
        answer = self.web.post("/codes/new", data=FORM | {"name": name} | more)
        assert answer.status_code == 303, unescape(answer.text)
        self.mirror.tend()
        assert answer.headers["location"] == f"{MAIN}/{quote(name)}"
        return answer.headers["location"]

    def came(
        self, code: str, days_ago: float = 1, *, ordered: bool = False, type: str = "contact_added", **props: Any
    ) -> int:
        person = self.pond.person(name=f"客{self.pond.numbers.__next__()}")
        at = self.now - days_ago * DAY
        self.pond.happened(person, type, at, code=code, **props)
        if ordered:
            self.conn.execute(
                "insert into tally (bucket, person_id, type, n, amount, first_at, last_at) values (%s, %s, 'ordered', 1, 900, %s, %s)",
                (bucket_of(person), person, at, at),
            )
        return person

    def as_user(self, role: str, **more: Any) -> httpx.Client:
        user = users.add(self.conn, self.now, f"a_{role}", role, role, "correct horse battery", **more)
        token = users.begin(self.conn, self.now, user, "127.0.0.1", "test")
        return httpx.Client(
            base_url=self.web.base_url, headers=self.web.headers, cookies={"console": token}, timeout=30
        )

    def kept(self, name: str) -> Code:
        return channels.CODES["wecom"].one(self.conn, self.mirror.account, name)


@pytest.fixture
def console(url: str, conn: psycopg.Connection) -> Iterator[Console]:
    with (
        mirrored(conn) as mirror,
        serving(url, clock=mirror.city.now) as base,
        httpx.Client(base_url=base, headers={"Origin": base}, timeout=30) as web,
    ):
        yield Console(mirror, web)


def test_a_code_is_made_watched_and_printed(console: Console) -> None:
    assert "还没有活码" in console.page("/codes")
    assert "店员guide01" in console.page("/codes/new")
    answer = console.web.post("/codes/new", data=FORM | {"name": "湖滨_1", "store": "湖滨店", "tags": "来源/门店"})
    path = answer.headers["location"]
    assert (answer.status_code, path) == (303, f"{MAIN}/{quote('湖滨_1')}")
    page = console.page(path)
    assert "正在等平台生成" in page
    assert f'data-progress="{path}/progress"' in page
    assert console.web.get(f"{path}/qr.png").status_code == 404
    assert console.web.get(f"{path}/poster").status_code == 404

    with console.web.stream("GET", f"{path}/progress") as stream:
        lines = stream.iter_lines()
        assert any("正在等平台生成" in line for line in lines)
        console.mirror.tend()
        assert "event: done" in lines, "the page looks again by itself"
    code = console.kept("湖滨_1")
    assert (code.users, code.store, code.tags) == (("guide01",), "湖滨店", ("来源/门店",))

    assert f'src="{path}/qr.png"' in console.page(path)
    png = console.web.get(f"{path}/qr.png")
    assert (png.status_code, png.headers["content-type"]) == (200, "image/png")
    assert Image.open(BytesIO(png.content)).size > (100, 100)
    assert "attachment" in console.web.get(f"{path}/qr.png?save=1").headers["content-disposition"]
    assert f"{console.mirror.city.address}/phone" in console.page(path), "the customer can be played"

    words = {"title": "扫码进店", "words": "<b>新品</b>", "layout": "cards", "size": "A5"}
    poster = console.web.get(f"{path}/poster", params=words).text
    assert poster.count("扫码进店</text>") == 4, "a preview of each card"
    assert "&lt;b&gt;新品" in poster
    link = unescape(poster.split('href="/codes')[-1].split('"')[0])
    for size in ("A4", "A5"):
        pdf = console.web.get(f"/codes{link}&size={size}")
        assert (pdf.status_code, pdf.content[:5]) == (200, b"%PDF-")
        assert b"STSong-Light" in pdf.content


def test_what_came_of_a_code(console: Console) -> None:
    west, east = console.made("west", store="城西店"), console.made("east")
    assert "这段时间还没有人扫" in console.page(west)
    shown = [console.came("west", n, ordered=n < 3) for n in range(1, 5)]
    console.came("west", 200, ordered=True)
    console.came("east", 1)
    console.came("west", 1, type="coupon_redeemed")
    page = console.page(f"{west}?days=7")
    for word, n in (("扫码", 4), ("成为联系人", 4), ("之后下单", 2)):
        assert f'<span>{word}</span> <span class="n"><strong>{n}</strong>' in page
    assert "data-chart" in page
    assert f"/persons/{shown[0]}" in page
    listed = console.page("/codes", days="7")
    assert listed.index(f'href="{west}"') < listed.index(f'href="{east}"'), "most scans first"
    assert "<dd>4" in listed
    by_name = console.page("/codes", sort="name")
    assert by_name.index(f'href="{east}"') < by_name.index(f'href="{west}"')


def test_codes_are_filtered_and_those_without_scans_are_marked(console: Console) -> None:
    west, east = console.made("west", store="城西店", tags="来源/门店"), console.made("east")
    console.mirror.city.advance(40 * 24 * 3600)
    console.made("new")
    console.came("east", 3)
    page = console.page("/codes")
    assert "1 张 30 天没人扫" in page
    quiet = console.page("/codes", state="quiet")
    assert f'href="{west}"' in quiet
    assert f'href="{east}"' not in quiet
    for query in ({"store": "城西店"}, {"q": "门店"}, {"q": "WEST"}):
        found = console.page("/codes", **query)
        assert f'href="{west}"' in found
        assert f'href="{east}"' not in found
    assert "没有符合的活码" in console.page("/codes", q="nothing")
    assert console.web.post(f"{west}/retire").status_code == 303
    assert f'href="{west}"' not in console.page("/codes")
    assert f'href="{west}"' in console.page("/codes", state="retired")
    assert "已停用" in console.page(west), "its history stays"
    assert console.web.get(f"{west}/edit").status_code == 404
    assert console.web.post(f"{west}/retire").status_code == 404


def test_a_long_list_is_read_page_by_page(console: Console) -> None:
    for n in range(45):
        channels.CODES["wecom"].add(console.conn, console.now, console.mirror.account, Code(f"c{n:02}", ("guide01",)))
    first = console.page("/codes", sort="name")
    assert first.count('<div class="what">') == 30
    second = console.page("/codes", sort="name", after="wecom:main/c29")
    assert [f"{MAIN}/c{n}" in second for n in (29, 30, 44)] == [False, True, True]
    assert 'rel="next"' not in second


def test_an_error_keeps_what_was_typed(console: Console) -> None:
    typed = FORM | {"name": "a b", "store": "湖滨店", "tags": "没有斜杠", "remark": "湖滨-{name}"}
    answer = console.web.post("/codes/new", data=typed)
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert "a b" in page
    assert 'role="alert"' in page
    assert all(word in page for word in ('value="a b"', 'value="湖滨店"', "没有斜杠", 'value="湖滨-{name}"'))
    assert 'value="guide01" checked' in page
    console.made("west")
    taken = console.web.post("/codes/new", data=FORM | {"name": "west"})
    assert (taken.status_code, "已存在" in unescape(taken.text)) == (422, True)
    nobody = console.web.post("/codes/new", data={"account": "wecom:main", "to": "staff", "name": "x"})
    assert (nobody.status_code, "二选一" in unescape(nobody.text)) == (422, True)
    wrong = console.web.post(f"{MAIN}/west/edit", data=FORM | {"tags": "坏的", "remark": "留着"})
    assert (wrong.status_code, 'value="留着"' in unescape(wrong.text)) == (422, True)


def test_a_change_is_told_to_the_platform_and_taken_back(console: Console) -> None:
    path = console.made("west", store="城西店", tags="来源/门店", remark="西-{name}")
    picture_before = console.kept("west").qr_code
    form = {"to": "staff", "users": ["guide01", "guide02"], "store": "城东店", "remark": "东-{name}"}
    assert console.web.post(f"{path}/edit", data=form).status_code == 303
    page = console.page(path)
    assert all(word in page for word in ("已保存", "城东店", "店员guide02", "东-{name}"))
    console.mirror.tend()
    code = console.kept("west")
    assert (code.users, code.tags, code.skip_verify, code.qr_code) == (
        ("guide01", "guide02"),
        (),
        False,
        picture_before,
    )
    deed = users.deeds(console.conn, about="code/wecom:main/west")[0]
    assert (deed.act, deed.detail["before"]["store"]) == ("edit_code", "城西店")
    assert console.web.post(f"{path}/undo/{deed.audit_id}").status_code == 303
    back = console.kept("west")
    assert (back.users, back.tags, back.store, back.remark) == (("guide01",), ("来源/门店",), "城西店", "西-{name}")
    assert console.web.post(f"{path}/undo/{deed.audit_id - 1}").status_code == 404


def test_codes_into_groups_and_of_an_official_account(console: Console) -> None:
    group = console.mirror.city.makes_group("guide01", "城西福利群")
    console.mirror.catch_up()
    console.mirror.pass_time(60)
    answer = console.web.post(
        "/codes/new", data=FORM | {"name": "room", "to": "groups", "chats": group.chat_id, "room_name": "福利群", "tags": "来源/门店"}
    )  # fmt: skip
    assert answer.status_code == 303, "what belongs to staff alone is left out"
    assert "城西福利群" in console.page(f"{MAIN}/room")

    account.add(
        console.conn, VAULT, console.now, "official_account", "main", console.mirror.city.account("official_account")
    )
    assert 'name="days"' in console.page("/codes/new", account="official_account:main")
    made = {"account": "official_account:main", "name": "window", "days": "7", "store": "湖滨店"}
    assert console.web.post("/codes/new", data=made).status_code == 303
    accounts = account.every(console.conn, VAULT)
    channels.connected(VAULT, accounts, console.mirror.city.now)["official_account"].tend(console.conn, console.now)
    page = console.page("/codes/official_account/main/window")
    assert "湖滨店" in page
    assert "qr.png" in page
    assert console.web.get("/codes/official_account/main/window/qr.png").content.startswith(b"\x89PNG")
    fans = [console.came("window", 1, type="followed", channel="official_account") for _ in range(2)]
    console.came("window", 1, type="scanned")
    page = console.page("/codes/official_account/main/window?days=7")
    assert '<span>扫码</span> <span class="n"><strong>3</strong>' in page
    assert '<span>新关注</span> <span class="n"><strong>2</strong>' in page
    assert f"/persons/{fans[0]}" in page
    assert "新关注" not in console.page("/codes", account="wecom:main")


def test_a_picture_that_cannot_be_had_is_said(console: Console) -> None:
    path = console.made("west")
    console.conn.execute("update wecom_code set qr_code = 'http://169.254.169.254/latest'")
    page = console.page(path)
    assert "不在平台的域名下" in page
    assert "http://169.254.169.254/latest" in page
    assert "/poster" not in page
    assert console.web.get(f"{path}/qr.png").status_code == 502
    assert "这里放二维码" not in console.page(f"{path}/poster")
    assert console.web.get(f"{path}/poster.pdf").status_code == 502


def test_who_may_see_which_codes(console: Console) -> None:
    west, east = console.made("west", store="城西店"), console.made("east", store="城东店")
    with console.as_user("analyst") as analyst, console.as_user("salesperson") as seller:
        for web in (analyst, seller):
            assert web.get("/codes").status_code == 403
            assert web.get(f"{west}/qr.png").status_code == 403
            assert web.post("/codes/new", data=FORM | {"name": "x"}).status_code == 403
    with console.as_user("manager", stores=["城西店"]) as manager:
        page = console.page("/codes", manager)
        assert (f'href="{west}"' in page, f'href="{east}"' in page) == (True, False)
        for part in ("", "/edit", "/poster", "/qr.png", "/poster.pdf", "/progress"):
            assert manager.get(f"{east}{part}").status_code == 404, part
        for part in ("edit", "retire", "undo/1"):
            assert manager.post(f"{east}/{part}", data=FORM).status_code == 404, part
        assert "城东店" not in console.page("/codes/new", manager)
        for store in ("城东店", ""):
            refused = manager.post("/codes/new", data=FORM | {"name": "x", "store": store})
            assert (refused.status_code, "您负责的门店" in refused.text) == (422, True)
            assert manager.post(f"{west}/edit", data=FORM | {"store": store}).status_code == 422
        assert manager.post("/codes/new", data=FORM | {"name": "x", "store": "城西店"}).status_code == 303
        ours, theirs = console.came("west", 1, store="城西店"), console.came("west", 1, store="城东店")
        page = console.page(west, manager)
        assert f"/persons/{ours}" in page
        assert f"/persons/{theirs}" not in page


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("https://wework.qpic.cn/wwpic/1_2/0", True),
        ("https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=x", True),
        ("http://127.0.0.1:7000/city/qr/x", True),
        ("http://127.0.0.1:7001/city/qr/x", False),
        ("https://127.0.0.1:7000/x", False),
        ("http://wework.qpic.cn/x", False),
        ("https://wework.qpic.cn:8443/x", False),
        ("https://qpic.cn.evil.example/x", False),
        ("https://evilqpic.cn/x", False),
        ("https://wework.qpic.cn@evil.example/x", False),
        ("http://user@127.0.0.1:7000/x", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_pictures_come_from_the_platform_alone(address: str, fine: bool) -> None:
    assert picture.is_theirs(kept("http://127.0.0.1:7000"), address) is fine


def kept(base: str) -> Account:
    return Account("wecom", "main", {"base_url": base}, {})


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """A platform that gives this for a picture."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "headers", "why"),
    [
        (200, b"\x89PNG\r\n\x1a\n" + b"0" * picture.LARGEST, {}, "picture.away"),
        (200, b"<svg/>", {"Content-Type": "image/png"}, "picture.none"),
        (302, b"", {"Location": "http://127.0.0.1/"}, "picture.away"),
        (404, b"\x89PNG\r\n\x1a\n", {}, "picture.away"),
        (200, b"\x89PNG\r\n\x1a\n0", {}, ""),
    ],
)
def test_no_more_is_read_than_a_picture_needs(status: int, body: bytes, headers: dict[str, str], why: str) -> None:
    with answering(status, body, **headers) as base:
        found = picture.fetch(kept(base), f"{base}/x")
        assert (found.why, found.data is None) == (why, bool(why))
    assert picture.fetch(kept(base), f"{base}/x") is found, "kept for a while"
