"""The city's official account, mini-program, SMS and shop: they refuse, count and call back as the real ones do."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from cities import Clock, living
from edges import free_port
from yutang.channels import ACCOUNT_FIELDS
from yutang.channels.platform import callback
from yutang.channels.platform.account import Account
from yutang.channels.platform.xml import read
from yutang.channels.sms.aliyun import Aliyun
from yutang.channels.sms.tencent import Tencent
from yutang.cli import emulator
from yutang.emulator import City, miniprogram, official_account, shop, sms
from yutang.emulator.account_calls import Logins
from yutang.vault import Vault, open_vault

OA, MP = "official_account", "miniprogram"
NOTICE = {"thing1": {"value": "新品上市"}, "thing2": {"value": "到店试喝"}, "time3": {"value": "2026-03-21"}}


class Weixin:
    """A bare client of one account."""

    def __init__(self, city: City, kind: str) -> None:
        self.of = city.account(kind)
        self.http = httpx.Client(base_url=city.address, timeout=10)
        self.token = self.stable()["access_token"]

    def stable(self, **more: Any) -> dict[str, Any]:
        asked = {"grant_type": "client_credential", "appid": self.of["app_id"], "secret": self.of["secret"]}
        return self.http.post("/cgi-bin/stable_token", json=asked | more).json()

    def plain(self) -> dict[str, Any]:
        asked = {"grant_type": "client_credential", "appid": self.of["app_id"], "secret": self.of["secret"]}
        return self.http.get("/cgi-bin/token", params=asked).json()

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self.http.get(path, params={"access_token": self.token} | query).json()

    def post(self, path: str, /, **body: Any) -> dict[str, Any]:
        return self.http.post(path, params={"access_token": self.token}, json=body).json()


class World:
    """A city whose clock stands, with clients and what was called back."""

    def __init__(self, city: City, clock: Clock) -> None:
        self.city, self.clock = city, clock
        self.oa, self.mp = Weixin(city, OA), Weixin(city, MP)
        self.fish = city.add_customer("小鱼")

    def told(self, event: str) -> list[Any]:
        return [one for one in self.city.callbacks.told if one.get("Event") == event]

    def openid(self, kind: str = OA) -> str:
        return self.city.openid(self.fish, self.city.app(kind).id)


@pytest.fixture
def world() -> Iterator[World]:
    clock = Clock()
    with living(clock=clock) as found:
        yield World(found.city, clock)


def test_the_stable_token_stays_and_the_plain_one_kills_the_one_before(world: World) -> None:
    oa = world.oa
    assert oa.stable()["access_token"] == oa.token
    first, second = oa.plain()["access_token"], oa.plain()["access_token"]
    assert len({first, second, oa.token}) == 3
    world.clock.forward(minutes=6)
    oa.token, stable = first, oa.token
    assert oa.get("/cgi-bin/tags/get")["errcode"] == 42001, "the old plain token lives five minutes"
    oa.token = second
    assert oa.get("/cgi-bin/tags/get")["errcode"] == 0
    oa.token = stable
    assert oa.get("/cgi-bin/tags/get")["errcode"] == 0, "the two sorts know nothing of each other"
    world.clock.forward(minutes=110)
    renewed = oa.stable()
    assert renewed["access_token"] != stable
    assert renewed["expires_in"] == 7200


def test_forcing_a_token_is_counted(world: World) -> None:
    forced = world.oa.stable(force_refresh=True)
    assert forced["access_token"] != world.oa.token
    assert world.oa.get("/cgi-bin/tags/get")["errcode"] in (40001, 40014)
    assert world.oa.stable(force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        world.clock.forward(seconds=31)
        assert "access_token" in world.oa.stable(force_refresh=True)
    world.clock.forward(seconds=31)
    assert world.oa.stable(force_refresh=True)["errcode"] == 45009


def test_wrong_credentials_and_foreign_tokens_are_told_apart(world: World) -> None:
    assert world.oa.stable(secret="x")["errcode"] == 40125
    assert world.oa.stable(appid="wx0")["errcode"] == 40013
    assert world.oa.stable(grant_type="x")["errcode"] == 40002
    world.mp.token = world.oa.token
    assert world.mp.post("/wxa/getwxacodeunlimit", scene="a")["errcode"] == 48002


def scene_code(world: World, scene: str = "fx_1", seconds: int = 600) -> dict[str, Any]:
    info = {"scene": {"scene_str": scene}}
    return world.oa.post("/cgi-bin/qrcode/create", expire_seconds=seconds, action_name="QR_STR_SCENE", action_info=info)


def test_a_scene_code_says_so_with_and_without_its_prefix(world: World) -> None:
    ticket = scene_code(world)["ticket"]
    world.city.scan(world.fish, ticket)
    world.city.scan(world.fish, f"https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket={ticket}")
    assert [one["EventKey"] for one in world.told("subscribe")] == ["qrscene_fx_1"]
    assert [one["EventKey"] for one in world.told("SCAN")] == ["fx_1"]
    info = world.oa.get("/cgi-bin/user/info", openid=world.openid())
    assert (info["subscribe"], info["qr_scene_str"], info["unionid"]) == (1, "fx_1", world.fish.unionid)
    assert "nickname" not in info
    world.city.unfollows(world.fish)
    assert world.oa.get("/cgi-bin/user/info", openid=world.openid())["subscribe"] == 0
    world.clock.forward(minutes=11)
    with pytest.raises(LookupError):
        world.city.scan(world.fish, ticket)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (
            {
                "action_name": "QR_STR_SCENE",
                "expire_seconds": 31 * 86_400,
                "action_info": {"scene": {"scene_str": "a"}},
            },
            40052,
        ),
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "a" * 65}}}, 40053),
        ({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}}, 40053),
        ({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100_001}}}, 40053),
        ({"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "shop"}}}, 0),
    ],
)
def test_limits_of_scene_codes(world: World, asked: dict[str, Any], code: int) -> None:
    assert world.oa.post("/cgi-bin/qrcode/create", **asked)["errcode"] == code


def custom(world: World, text: str = "你好") -> int:
    return world.oa.post("/cgi-bin/message/custom/send", touser=world.openid(), msgtype="text", text={"content": text})[
        "errcode"
    ]


def test_custom_messages_need_an_act_and_are_counted(world: World) -> None:
    assert custom(world) == 40003, "nobody of that openid was ever seen"
    world.city.follows(world.fish)
    assert [custom(world) for _ in range(4)] == [0, 0, 0, 45047]
    world.clock.forward(seconds=61)
    assert custom(world) == 45015
    world.city.says(world.fish, world.city.app(OA).id, "在吗")
    assert [custom(world) for _ in range(6)] == [0] * 5 + [45047]
    world.clock.forward(hours=49)
    world.oa.token = world.oa.stable()["access_token"]
    assert custom(world) == 45015
    world.city.unfollows(world.fish)
    assert custom(world) == 43004
    assert [one.kind for one in world.city.inbox(world.fish)] == ["custom"] * 8


def template(world: World, **more: Any) -> dict[str, Any]:
    body = {"touser": world.openid(), "template_id": "TPL_NOTICE", "data": NOTICE} | more
    return world.oa.post("/cgi-bin/message/template/send", **body)


def test_a_template_message_is_sent_once_per_client_msg_id(world: World) -> None:
    world.city.follows(world.fish)
    first, again = template(world, client_msg_id="t1"), template(world, client_msg_id="t1")
    assert first["msgid"] == again["msgid"] != template(world, client_msg_id="t2")["msgid"]
    assert len(world.city.inbox(world.fish)) == 2
    finished = world.told("TEMPLATESENDJOBFINISH")
    assert (finished[0]["MsgID"], finished[0]["Status"]) == (first["msgid"], "success")
    world.city.faults.block_rate = 1
    template(world, client_msg_id="t3")
    assert world.told("TEMPLATESENDJOBFINISH")[-1]["Status"] == "failed:user block"


def test_templates_check_their_fields(world: World) -> None:
    world.city.follows(world.fish)
    assert template(world, template_id="TPL_X")["errcode"] == 40037
    assert template(world, data={"thing1": {"value": "a"}})["errcode"] == 47003
    assert template(world, data=NOTICE | {"thing1": {"value": "长" * 21}})["errcode"] == 47003
    world.city.unfollows(world.fish)
    assert template(world)["errcode"] == 43004


def test_subscription_notices_use_up_grants(world: World) -> None:
    openid = world.openid(MP)
    miniprogram.login(world.city, world.fish)
    data = {"thing1": {"value": "买一送一"}, "time2": {"value": "2026-03-21"}, "thing3": {"value": "门店通用"}}
    asked = {"touser": openid, "template_id": "SUB_COUPON", "page": "pages/gift?c=1", "data": data}
    path = "/cgi-bin/message/subscribe/send"
    assert world.mp.post(path, **asked)["errcode"] == 43101
    world.city.grants(world.fish, "SUB_COUPON")
    world.city.grants(world.fish, "SUB_COUPON")
    world.city.grants(world.fish, "SUB_COUPON", accepts=False)
    assert [world.mp.post(path, **asked)["errcode"] for _ in range(3)] == [0, 0, 43101]
    answers = [
        one["SubscribeMsgPopupEvent"]["List"]["SubscribeStatusString"]
        for one in world.told("subscribe_msg_popup_event")
    ]
    assert answers == ["accept", "accept", "reject"]
    world.city.follows(world.fish)
    biz = {
        "touser": world.openid(),
        "template_id": "SUB_OA_COUPON",
        "data": {k: data[k] for k in ("thing1",)} | {"thing2": {"value": "a"}},
    }
    assert world.oa.post("/cgi-bin/message/subscribe/bizsend", **biz)["errcode"] == 43101
    world.city.grants(world.fish, "SUB_OA_COUPON")
    assert world.oa.post("/cgi-bin/message/subscribe/bizsend", **biz)["errcode"] == 0


def test_a_login_code_works_once_and_not_for_long(world: World) -> None:
    def session(code: str) -> dict[str, Any]:
        asked = {"appid": world.mp.of["app_id"], "secret": world.mp.of["secret"], "js_code": code}
        return world.mp.http.get("/sns/jscode2session", params=asked | {"grant_type": "authorization_code"}).json()

    code = miniprogram.login(world.city, world.fish)
    found = session(code)
    assert (found["openid"], found["unionid"]) == (world.openid(MP), world.fish.unionid)
    assert session(code)["errcode"] == 40163
    late = miniprogram.login(world.city, world.fish)
    world.clock.forward(seconds=301)
    assert session(late)["errcode"] == 40029
    number = world.city.part(Logins).new(world.city, world.city.app(MP), world.fish)
    told = world.mp.post("/wxa/business/getuserphonenumber", code=number)
    assert told["phone_info"]["purePhoneNumber"] == world.fish.phone
    assert world.mp.post("/wxa/business/getuserphonenumber", code=number)["errcode"] == 40163


def test_a_mini_program_code_is_a_picture(world: World) -> None:
    query = {"access_token": world.mp.token}
    answer = world.mp.http.post("/wxa/getwxacodeunlimit", params=query, json={"scene": "s=hz1", "page": "pages/a"})
    assert answer.content.startswith(b"\x89PNG")
    assert world.mp.post("/wxa/getwxacodeunlimit", scene="x" * 33)["errcode"] == 40169


def test_fans_are_paged_and_tagged(world: World) -> None:
    fans = [world.city.add_customer() for _ in range(3)]
    for one in fans:
        world.city.follows(one)
    ids = [world.city.openid(one, world.oa.of["app_id"]) for one in fans]
    listed = world.oa.get("/cgi-bin/user/get")
    assert (listed["total"], listed["data"]["openid"]) == (3, ids)
    assert world.oa.get("/cgi-bin/user/get", next_openid=ids[-1])["count"] == 0
    tag = world.oa.post("/cgi-bin/tags/create", tag={"name": "爱拿铁"})["tag"]["id"]
    assert world.oa.post("/cgi-bin/tags/create", tag={"name": "爱拿铁"})["errcode"] == 45157
    tagging = "/cgi-bin/tags/members/batchtagging"
    assert world.oa.post(tagging, openid_list=ids[:2], tagid=tag)["errcode"] == 0
    assert world.oa.post(tagging, openid_list=ids * 17, tagid=tag)["errcode"] == 40032
    assert world.oa.post("/cgi-bin/user/tag/get", tagid=tag)["data"]["openid"] == ids[:2]
    world.city.settings.oa.tags_per_fan = 1
    other = world.oa.post("/cgi-bin/tags/create", tag={"name": "爱美式"})["tag"]["id"]
    assert world.oa.post(tagging, openid_list=ids, tagid=other)["errcode"] == 45059
    assert world.oa.get("/cgi-bin/user/info", openid=ids[2])["tagid_list"] == [], "all or nobody"


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A place that takes posts: its address, and (query, body) of each."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(httpx.URL(self.path).params), self.rfile.read(int(self.headers["content-length"]))))
            body = b'{"accepted":1,"rejected":[]}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()


def test_callbacks_of_the_account_open_with_its_keys(world: World) -> None:
    of = world.city.account(OA)
    account = Account(OA, "main", {"app_id": of["app_id"]}, {"token": of["token"], "aes_key": of["aes_key"]})
    with receiver() as (url, got):
        world.city.call_back(OA, url)
        world.city.scan(world.fish, scene_code(world)["ticket"])
        assert world.city.deliver() == 1
    query, body = got[0]
    assert query["encrypt_type"] == "aes"
    opened = read(callback.open_callback(account, Vault(b"s" * 32), world.city.now(), query, body).decode())
    assert (opened["Event"], opened["EventKey"], opened["FromUserName"]) == (
        "subscribe",
        "qrscene_fx_1",
        world.openid(),
    )


def message(world: World, provider: Any, template: str, params: dict[str, str], **changes: str) -> dict[str, Any]:
    """One SMS, signed by our own client for the provider."""
    given = world.city.account("sms") | {"provider": provider.name} | changes
    account = Account("sms", "main", given, {"key_secret": given["key_secret"]})
    wanted = {"template": template, "params": params}
    action, body = provider.sending(account, f"+86{world.fish.phone}", wanted, 42)
    nonce = f"n{world.city.stamp()}{template}{len(world.city.part(sms.Sms).nonces)}"
    request = provider.sign(account, action, body, world.city.now(), nonce)
    return httpx.post(request.url, headers=dict(request.headers), content=request.content).json()


def test_an_sms_through_aliyun(world: World) -> None:
    with receiver() as (url, got):
        world.city.call_back("sms", f"{url}/callbacks/sms/main?key=k")
        sent = message(world, Aliyun(), "SMS_400000002", {"text": "会员日"})
        assert sent["Code"] == "OK"
        assert world.city.inbox(world.fish)[-1].text == "【鱼塘咖啡】会员日 拒收请回复R"
        assert message(world, Aliyun(), "SMS_400000002", {"text": "再来"})["Code"] == "isv.BUSINESS_LIMIT_CONTROL"
        world.city.replies(world.fish, "R")
        assert world.city.deliver() == 2
    assert got[0][0]["key"] == "k"
    (receipt,), (reply,) = json.loads(got[0][1]), json.loads(got[1][1])
    assert (receipt["biz_id"], receipt["out_id"], receipt["success"]) == (sent["BizId"], "42", True)
    assert (reply["phone_number"], reply["content"]) == (world.fish.phone, "R")


def test_aliyun_refuses_what_is_not_signed_or_not_approved(world: World) -> None:
    assert message(world, Aliyun(), "SMS_400000002", {}, key_secret="wrong")["Code"] == "SignatureDoesNotMatch"
    assert message(world, Aliyun(), "SMS_400000002", {}, key_id="other")["Code"] == "InvalidAccessKeyId.NotFound"
    assert message(world, Aliyun(), "SMS_1", {})["Code"] == "isv.SMS_TEMPLATE_ILLEGAL"
    assert message(world, Aliyun(), "SMS_400000002", {})["Code"] == "isv.TEMPLATE_MISSING_PARAMETERS"
    assert message(world, Aliyun(), "SMS_400000001", {"text": "a"}, sign="别家")["Code"] == "isv.SMS_SIGNATURE_ILLEGAL"
    assert world.city.inbox(world.fish) == []


def test_an_sms_through_tencent(world: World) -> None:
    def row(*given: Any, **changes: str) -> dict[str, Any]:
        return message(world, Tencent(), *given, **changes)["Response"]["SendStatusSet"][0]

    with receiver() as (url, got):
        world.city.call_back("sms", url)
        sent = row("400002", {"1": "会员日"})
        assert (sent["Code"], sent["SessionContext"]) == ("Ok", "42")
        assert row("400002", {"1": "再来"})["Code"].startswith("LimitExceeded.PhoneNumber")
        world.clock.forward(minutes=2)
        world.city.part(sms.Sms).gone.add(world.fish.phone)
        row("400002", {"1": "空号"})
        world.city.deliver()
    receipts = [json.loads(body)[0] for _, body in got]
    assert [one["report_status"] for one in receipts] == ["SUCCESS", "FAIL"]
    assert receipts[0]["sid"] == sent["SerialNo"]
    wrong = message(world, Tencent(), "400002", {"1": "x"}, key_secret="wrong")
    assert wrong["Response"]["Error"]["Code"] == "AuthFailure.SignatureFailure"
    assert row("9", {"1": "x"})["Code"] == "FailedOperation.TemplateIncorrectOrUnapproved"


def test_what_a_number_was_sent_can_be_asked(world: World) -> None:
    given = world.city.account("sms")
    account = Account("sms", "main", given, {"key_secret": given["key_secret"]})
    for provider, code, params in ((Aliyun(), "SMS_400000001", {"text": "a"}), (Tencent(), "400001", {"1": "a"})):
        world.clock.forward(hours=25)
        message(world, provider, code, params)
        asked = provider.looking(account, f"+86{world.fish.phone}", world.city.now())
        answers = []
        for n, (action, body) in enumerate(asked):
            request = provider.sign(account, action, body, world.city.now(), f"look{provider.name}{n}")
            answers.append(httpx.post(request.url, headers=dict(request.headers), content=request.content).json())
        assert any(provider.found(one, 42) is not None for one in answers), provider.name
        assert all(provider.found(one, 43) is None for one in answers), provider.name


def test_the_till_tells_yutang_of_the_order_and_its_coupon(world: World) -> None:
    with receiver() as (url, got):
        world.city.shop = (url, "key")
        order = world.city.buys(world.fish, 900, ["AB12CD"])
        world.city.registers(world.fish)
        world.city.registers(world.fish)
    event, redeemed = json.loads(got[0][1])
    assert (event["type"], event["source"]) == ("ordered", "city")
    assert redeemed["type"] == "coupon_redeemed"
    assert redeemed["props"] == {"code": "AB12CD", "order_id": order.order_id, "amount_fen": 1000}
    assert [one["type"] for _, body in got[1:] for one in json.loads(body)] == ["registered"], "a member once"
    assert event["props"]["coupon_codes"] == ["AB12CD"]
    assert (event["props"]["amount_fen"], event["props"]["discount_fen"]) == (900, 1000)
    assert event["handles"]["unionid"] == world.fish.unionid
    assert event["handles"][f"external_userid@{world.city.corp_id}"] == world.fish.external_userid
    assert shop.orders_of(world.city, world.fish) == [order]
    world.city.shop = ("http://127.0.0.1:9", "key")
    with pytest.raises(shop.ShopError, match="did not answer"):
        world.city.buys(world.fish)
    assert len(shop.orders_of(world.city, world.fish)) == 2, "the purchase has happened all the same"


def test_codes_are_read_out_of_messages() -> None:
    assert shop.codes_in(["好久不见，送你一张券，券码 K7WQ2M，3 天内有效", "券码：K7WQ2M", "coupon code NEW-1234"]) == [
        "NEW-1234",
        "K7WQ2M",
    ]
    assert shop.codes_in(["没有券"]) == []


def test_two_accounts_of_one_kind_do_not_mix(world: World) -> None:
    other = world.city.add_app(OA, "second")
    second = official_account.account_of(world.city, other)
    official_account.subscribe(world.city, second, world.fish)
    assert world.oa.get("/cgi-bin/user/get")["total"] == 0
    assert world.city.openid(world.fish, other.id) != world.openid()


@contextmanager
def command(*options: str) -> Iterator[subprocess.Popen[str]]:
    """`yutang emulator` as a process of its own."""
    given = [sys.executable, "-m", "yutang.cli", "emulator", *options]
    with subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_starts_a_city_that_can_be_connected_and_ends_cleanly() -> None:
    port = str(free_port())
    with command("--port", port, "--live", "--speed", "20000") as process:
        assert process.stdout
        assert process.stderr
        lines: list[str] = []
        while not any(" buy " in line for line in lines):
            lines.append(process.stdout.readline())
        assert httpx.get(f"http://127.0.0.1:{port}/phone").status_code == 200
        with command("--port", port) as second:
            _, complaint = second.communicate(timeout=30)
            assert second.returncode == 2
            assert f"端口 {port}" in complaint
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    asked = [shlex.split(line) for line in lines if line.strip().startswith("yutang channel add")]
    assert [words[3] for words in asked] == list(ACCOUNT_FIELDS)
    for words in asked:
        given = dict(zip(words[6::2], words[7::2], strict=True))
        fields = {field.option: field for field in ACCOUNT_FIELDS[words[3]]}
        assert set(given) <= set(fields)
        assert all(name in given for name, field in fields.items() if field.required)
        assert all(re.fullmatch(fields[name].pattern, value) for name, value in given.items())


def test_with_an_address_callbacks_and_orders_go_there(world: World, home: Path) -> None:  # noqa: ARG001
    with receiver() as (url, got):
        emulator.connect(world.city, url, None)
        world.city.follows(world.fish)
        world.city.buys(world.fish)
        assert world.city.deliver() == 1
    assert len(got) == 2
    sms_url = world.city.app("sms").callback_url
    account = Account("sms", "main", {}, {})
    assert sms_url == url + callback.address(open_vault(), account)
    assert world.city.shop == (url, open_vault().api_key)
