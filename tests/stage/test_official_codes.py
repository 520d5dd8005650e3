"""Live codes of an official account: written down, made at the platform, told by name when somebody scans them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from commands import Run, said
from posts import called_back, listen, sound
from yutang.channels import CODES
from yutang.channels.contract import Fact
from yutang.channels.official_account import codes
from yutang.channels.official_account.codes import CREATE, Code
from yutang.channels.official_account.send import OfficialAccount
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import caller
from yutang.emulator import official_account as oa
from yutang.emulator.people import Customer
from yutang.model import YutangError
from yutang.vault import open_vault

KIND = "official_account"


class Desk:
    """The account's channel and the city's side of it."""

    def __init__(self, conn: psycopg.Connection, world: Living, clock: Clock) -> None:
        self.conn, self.city, self.clock = conn, world.city, clock
        self.kept = world.accounts[KIND]
        self.channel = OfficialAccount(VAULT, self.kept, clock)
        listen(world.city, KIND)

    def add(self, name: str, **given: object) -> Code:
        """A code that is written down; the platform has not been asked yet."""
        return codes.add(self.conn, self.clock(), self.kept, Code(name, **given))  # type: ignore[arg-type]

    def made(self, name: str, **given: object) -> Code:
        self.add(name, **given)
        self.channel.tend(self.conn, self.clock())
        return self.one(name)

    def one(self, name: str) -> Code:
        return codes.one(self.conn, self.kept, name)

    def scans(self, customer: Customer, code: Code) -> list[Fact]:
        """What is told of a scan."""
        assert code.qr_code
        self.city.scan(customer, code.qr_code)
        raws = called_back(self.city, KIND)
        with self.conn.transaction():
            self.channel.hear(self.conn, self.clock(), raws)
            news = self.channel.receive(self.conn, self.clock())
        sound(news)
        return [one for one in news if isinstance(one, Fact)]

    def calls(self) -> int:
        return self.conn.execute("select from channel_call where path = %s", (CREATE,)).rowcount

    def scenes(self) -> list[oa.Scene]:
        """What the platform has made."""
        return list(self.city.part(oa.Accounts).scenes.values())


@pytest.fixture
def desk(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(caller, "PAUSES", {sort: tuple(0.0 for _ in waits) for sort, waits in caller.PAUSES.items()})
    clock = Clock()
    with living(conn, clock=clock, kinds=(KIND,), staff=()) as world:
        yield Desk(conn, world, clock)


def test_a_scan_is_told_by_the_codes_name_and_store(desk: Desk) -> None:
    poster, table = desk.made("poster_a", store="城西店"), desk.made("餐桌-5")
    assert desk.calls() == 2
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.calls() == 2, "asked once each"
    assert [scene.until for scene in desk.scenes()] == [None, None], "for ever"
    assert len({poster.scene, table.scene} | {"poster_a", "餐桌-5"}) == 4, "opaque, each its own"
    customer = desk.city.add_customer()
    (followed,) = desk.scans(customer, poster)
    assert (followed.type, followed.props) == (
        "followed",
        {"channel": KIND, "code": "poster_a", "store": "城西店"},
    )
    desk.clock.forward(seconds=5)
    (scanned,) = desk.scans(customer, table)
    assert (scanned.type, scanned.props) == ("scanned", {"code": "餐桌-5"})


def test_scenes_of_others_keep_their_own_words(desk: Desk) -> None:
    desk.made("poster_a", store="城西店")
    foreign = oa.Scene(oa.main(desk.city).app, "T", "poster_a", "http://weixin.qq.com/q/T", None)
    desk.city.part(oa.Accounts).scenes["T"] = foreign
    (fact,) = desk.scans(desk.city.add_customer(), Code("x", qr_code=codes.picture(desk.kept, "T")))
    assert fact.props == {"channel": KIND, "code": "poster_a"}


def test_a_code_survives_a_lost_answer(desk: Desk) -> None:
    """Asked twice, the platform has two pictures; whoever scans either comes by the same code."""
    before = desk.made("other").scene
    desk.add("poster_a")
    desk.city.faults.lost_answers = 1
    desk.channel.tend(desk.conn, desk.clock())
    desk.city.faults.lost_answers = 0
    assert desk.one("poster_a").qr_code is None
    first = [scene for scene in desk.scenes() if scene.value != before]
    assert first, "it had been made"
    assert desk.channel.tend(desk.conn, desk.clock()) == 0, "put off for some minutes"
    desk.clock.forward(minutes=6)
    assert desk.channel.tend(desk.conn, desk.clock()) == 1
    code = desk.one("poster_a")
    assert {scene.value for scene in desk.scenes()} == {before, code.scene}
    for n, picture in enumerate([code, Code("old", qr_code=codes.picture(desk.kept, first[0].ticket))]):
        (fact,) = desk.scans(desk.city.add_customer(), picture)
        assert fact.props["code"] == "poster_a", n


def test_a_code_that_ends_says_so_and_can_have_another_picture(desk: Desk) -> None:
    code = desk.made("weekend", days=2)
    assert code.expires_at == desk.clock() + timedelta(days=2)
    assert desk.scenes()[0].until == int(code.expires_at.timestamp())
    desk.clock.forward(days=2)
    desk.channel.tend(desk.conn, desk.clock())
    over = desk.one("weekend")
    assert over.problem
    assert "已过期" in over.problem
    codes.update(desk.conn, desk.clock(), desk.kept, Code("weekend", store="城东店"))
    desk.channel.tend(desk.conn, desk.clock())
    again = desk.one("weekend")
    assert (again.problem, again.scene, again.store) == (None, code.scene, "城东店")
    assert again.qr_code != code.qr_code
    assert again.expires_at == desk.clock() + timedelta(days=2)
    (fact,) = desk.scans(desk.city.add_customer(), again)
    assert fact.props == {"channel": KIND, "code": "weekend", "store": "城东店"}


def test_a_change_of_store_keeps_the_picture(desk: Desk) -> None:
    code = desk.made("poster_a", store="城西店")
    codes.update(desk.conn, desk.clock(), desk.kept, Code("poster_a", store="城东店"))
    desk.channel.tend(desk.conn, desk.clock())
    assert (desk.one("poster_a").qr_code, desk.calls()) == (code.qr_code, 1)
    (fact,) = desk.scans(desk.city.add_customer(), code)
    assert fact.props["store"] == "城东店"


def test_a_retired_code_is_not_made_and_what_hangs_is_still_told(desk: Desk) -> None:
    code = desk.made("poster_a")
    desk.add("never")
    for name in ("poster_a", "never"):
        codes.retire(desk.conn, desk.clock(), desk.kept, name)
    desk.channel.tend(desk.conn, desk.clock())
    assert [(one.name, one.retired_at) for one in codes.listing(desk.conn, desk.kept)] == [
        ("never", desk.clock()),
        ("poster_a", desk.clock()),
    ]
    assert desk.calls() == 1
    (fact,) = desk.scans(desk.city.add_customer(), code)
    assert fact.props["code"] == "poster_a"
    for change in (codes.retire, lambda *of: codes.update(*of[:3], Code(of[3]))):
        with pytest.raises(YutangError, match="没有在用的活码"):
            change(desk.conn, desk.clock(), desk.kept, "poster_a")


def test_when_all_lasting_codes_are_used_up_it_says_what_to_do(desk: Desk) -> None:
    desk.city.settings.oa.qr_perm = 1
    assert desk.made("one").problem is None
    full = desk.made("two")
    assert full.problem
    assert full.problem.startswith("45029")
    assert "--days" in full.problem
    assert desk.made("three", days=30).qr_code
    desk.city.settings.oa.qr_perm = 2
    asked = desk.calls()
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.calls() == asked, "not at every turn"
    desk.clock.forward(hours=2)
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.one("two").problem is None
    assert desk.one("two").qr_code


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (Code("poster a"), "poster a"),
        (Code("a" * 65), "64"),
        (Code("a", users=("guide01",)), "--staff"),
        (Code("a", chats=("wr1",)), "--chat"),
        (Code("a", tags=("来源/海报",)), "--tag"),
        (Code("a", remark="海报"), "--remark"),
        (Code("a", room_name="群"), "--room"),
        (Code("a", days=31), "1–30"),
        (Code("a", days=-1), "1–30"),
    ],
)
def test_what_such_a_code_cannot_have_is_named(desk: Desk, code: Code, says: str) -> None:
    with pytest.raises(YutangError, match=says):
        codes.add(desk.conn, desk.clock(), desk.kept, code)
    assert codes.listing(desk.conn, desk.kept) == []
    with pytest.raises(YutangError, match="没有在用的活码 a"):
        desk.one("a")
    assert CODES[KIND] is codes


def test_a_name_is_given_once_in_each_account(desk: Desk) -> None:
    desk.add("poster_a")
    with pytest.raises(YutangError, match="已存在"):
        desk.add("poster_a")
    other = Account(KIND, "second", {"app_id": "wx2"}, {})
    assert codes.add(desk.conn, desk.clock(), other, Code("poster_a")).scene != desk.one("poster_a").scene


def test_pictures_are_where_the_platform_keeps_them() -> None:
    for base, host in (
        ("https://api.weixin.qq.com", "https://mp.weixin.qq.com"),
        ("https://sh.api.weixin.qq.com/", "https://mp.weixin.qq.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://weixin.qq.com.example.com", "https://weixin.qq.com.example.com"),
    ):
        address = codes.picture(Account(KIND, "main", {"base_url": base}, {}), "gQ+/=&a")
        assert address.startswith(f"{host}/cgi-bin/showqrcode?ticket=")
        assert parse_qs(urlsplit(address).query) == {"ticket": ["gQ+/=&a"]}


def test_by_command(conn: psycopg.Connection, yutang: Run) -> None:
    def code(*arguments: str, ends: int = 0) -> str:
        return said(yutang("code", *arguments, code=ends))

    with living(conn, vault=open_vault(), kinds=(KIND, "wecom"), staff=("guide01",)) as world:
        shown = code("add", KIND, "poster_a", "--store", "城西店", "--days", "7")
        (scene,) = world.city.part(oa.Accounts).scenes.values()
        assert scene.ticket in shown
        assert "--staff" in code("add", KIND, "b", "--staff", "guide01", ends=2)
        assert "--days" in code("add", "wecom", "b", "--staff", "guide01", "--days", "7", ends=2)
        code("update", KIND, "poster_a", "--store", "城东店")
        shown = json.loads(code("list", KIND, "--json"))
        assert (shown["name"], shown["store"], shown["days"], shown["scene"]) == ("poster_a", "城东店", 7, scene.value)
        code("retire", KIND, "poster_a")
        assert "已停用" in code("list", KIND)
