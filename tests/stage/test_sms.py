"""SMS against the city and against a scripted provider: signatures, receipts, opt-outs, and what is never sent twice."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from cities import VAULT, Clock, Living, living
from posts import called_back, letter, listen, raw, sound
from scripted import HANG_UP, scripted
from yutang.channels.contract import Answer, Fact, Result
from yutang.channels.platform import account
from yutang.channels.sms import aliyun, client, content, provider, tencent
from yutang.channels.sms.receive import wants_out
from yutang.channels.sms.send import Sms
from yutang.channels.sms.verdict import verdict
from yutang.emulator import sms as city_sms
from yutang.emulator.people import Customer
from yutang.model import Reason

KIND = "sms"
WORDS = "会员日全场八折 拒收请回复R"
TEMPLATES = {
    "tencent": {"kind": "sms", "template": "400002", "params": {"1": "会员日全场八折"}},
    "aliyun": {"kind": "sms", "template": "SMS_400000002", "params": {"text": "会员日全场八折"}},
}
GIVEN = {
    "provider": "aliyun", "key_id": "LTAIexample", "key_secret": "secret", "sign": "鱼塘咖啡", "base_url": "http://x",
}  # fmt: skip
ALIYUN_OK = {"Code": "OK", "Message": "OK", "BizId": "9001^0"}


class Desk:
    """The channel, and the city where there is one."""

    def __init__(self, conn: psycopg.Connection, clock: Clock, name: str, given: Mapping[str, str]) -> None:
        self.conn, self.clock, self.name = conn, clock, name
        self.channel = Sms(VAULT, account.add(conn, VAULT, clock(), KIND, "main", given), clock)

    def send(self, touch: int, number: str, **more: Any) -> Result:
        attachment = TEMPLATES[self.name] | more
        (result,) = self.channel.send(self.conn, self.clock(), [letter(touch, number, WORDS, attachment)])
        return result

    def hears(self, raws: list[Any]) -> None:
        with self.conn.transaction():
            self.channel.hear(self.conn, self.clock(), raws)

    def news(self) -> list[Answer | Fact]:
        with self.conn.transaction():
            return self.channel.receive(self.conn, self.clock())


class CityDesk(Desk):
    def __init__(self, conn: psycopg.Connection, clock: Clock, name: str, world: Living) -> None:
        super().__init__(conn, clock, name, world.city.account(KIND) | {"provider": name})
        self.city = world.city
        listen(self.city, KIND)

    def sends(self, touch: int, customer: Customer) -> Result:
        return self.send(touch, f"+86{customer.phone}")

    def hear(self) -> None:
        self.hears(called_back(self.city, KIND))


@pytest.fixture(params=["tencent", "aliyun"])
def desk(request: pytest.FixtureRequest, conn: psycopg.Connection) -> Iterator[CityDesk]:
    clock = Clock()
    with living(conn, clock=clock, kinds=(), staff=()) as world:
        yield CityDesk(conn, clock, request.param, world)


@contextmanager
def scripted_desk(conn: psycopg.Connection, name: str, answer: Any) -> Iterator[tuple[Desk, Any]]:
    """A provider that answers as told; requests are told apart by their action."""
    with scripted() as server:
        server.answers["/"] = answer
        more = {"sdk_app_id": "1400000001"} if name == "tencent" else {}
        yield Desk(conn, Clock(), name, GIVEN | {"provider": name, "base_url": server.address} | more), server


def by_action(**answers: Any) -> Any:
    def answer(heard: Any) -> Any:
        named = {key.lower(): value for key, value in heard.headers.items()}
        found = answers[named.get("x-acs-action") or named["x-tc-action"]]
        return found.pop(0) if isinstance(found, list) else found

    return answer


def test_a_letter_arrives_and_its_receipt_comes_back(desk: CityDesk) -> None:
    customer = desk.city.add_customer()
    result = desk.sends(1, customer)
    assert result.state == "sent"
    assert result.provider_id
    assert [message.text for message in desk.city.inbox(customer)] == ["【鱼塘咖啡】会员日全场八折 拒收请回复R"]
    assert desk.sends(1, customer) == result, "the same letter again"
    assert len(desk.city.inbox(customer)) == 1
    raws = called_back(desk.city, KIND)
    desk.hears(raws)
    (answer,) = desk.news()
    assert isinstance(answer, Answer)
    assert (answer.touch_id, answer.person_id, answer.type, answer.at) == (1, 1001, "message_delivered", desk.clock())
    desk.hears(raws)
    assert desk.news() == [answer], "the door keeps one of each key"


def test_a_number_that_is_gone_is_reported(desk: CityDesk) -> None:
    customer = desk.city.add_customer()
    desk.city.part(city_sms.Sms).gone.add(customer.phone)
    assert desk.sends(1, customer).state == "sent"
    desk.hear()
    (answer,) = desk.news()
    assert (answer.type, answer.props) == ("message_failed", {"reason": "permanent", "code": "MK:0001"})


def test_whoever_answers_r_is_left_alone(desk: CityDesk) -> None:
    customer = desk.city.add_customer()
    desk.sends(1, customer)
    desk.hear()
    desk.news()
    for text in ("几点开门", "r "):
        desk.clock.forward(seconds=1)
        city_sms.replies(desk.city, customer, text)
    raws = called_back(desk.city, KIND)
    desk.hears(raws)
    told = desk.news()
    assert [(fact.type, fact.props) for fact in told] == [
        ("message_received", {"channel": KIND, "kind": "text", "text": "几点开门"}),
        ("consent_withdrawn", {"channel": KIND}),
    ]
    assert {fact.handles["phone"][-11:] for fact in told if isinstance(fact, Fact)} == {customer.phone}
    assert not any(customer.phone in fact.key for fact in told)
    sound(told)
    desk.hears(raws)
    assert [fact.key for fact in desk.news()] == [fact.key for fact in told]


def test_the_flow_limit_makes_letters_wait(desk: CityDesk) -> None:
    """Every minute somebody wants to write: what the provider refuses waits, and all that is called sent has arrived."""
    customer = desk.city.add_customer()
    waiting = 0
    for touch in range(1, 80):
        result = desk.sends(touch, customer)
        if result.state != "sent":
            assert (result.state, result.reason) == ("retry", Reason.QUOTA)
            assert result.until
            assert result.until > desk.clock()
            waiting += 1
        desk.clock.forward(seconds=50)
    times = [message.at for message in desk.city.inbox(customer)]
    assert 5 < len(times) == 79 - waiting <= 10
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(times))


def test_a_letter_without_an_answer_is_settled_by_its_receipt(desk: CityDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = desk.city.add_customer()

    def loses(request: provider.Request) -> tuple[None, str]:
        exchange(request)
        return None, "HTTP 502"

    with monkeypatch.context() as patch:
        exchange = client._exchange
        patch.setattr(client, "_exchange", loses)
        waits = desk.sends(1, customer)
    assert (waits.state, waits.reason) == ("retry", Reason.TEMPORARY)
    assert desk.sends(1, customer) == waits
    desk.hear()
    assert [answer.type for answer in desk.news()] == ["message_delivered"]
    assert desk.sends(1, customer).state == "sent"
    assert len(desk.city.inbox(customer)) == 1


def test_a_number_on_the_providers_list_is_blocked(conn: psycopg.Connection) -> None:
    clock = Clock()
    with living(conn, clock=clock, kinds=(), staff=()) as world:
        desk = CityDesk(conn, clock, "tencent", world)
        customer = desk.city.add_customer()
        desk.city.part(city_sms.Sms).refused.add(customer.phone)
        assert desk.sends(1, customer).reason is Reason.BLOCKED


@pytest.mark.parametrize(
    ("name", "listed", "state"),
    [
        (
            "aliyun",
            {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [{"OutId": "1", "SendStatus": 1}]}},
            "sent",
        ),
        ("tencent", {"Response": {"PullSmsSendStatusSet": [{"SessionContext": "1", "SerialNo": "77"}]}}, "sent"),
        ("tencent", {"Response": {"PullSmsSendStatusSet": [{"SessionContext": "2", "SerialNo": "78"}]}}, "failed"),
    ],
)
def test_after_no_answer_the_providers_list_decides(
    conn: psycopg.Connection, name: str, listed: dict[str, Any], state: str
) -> None:
    answers = by_action(SendSms=HANG_UP, QuerySendDetails=listed, PullSmsSendStatusByPhoneNumber=listed)
    with scripted_desk(conn, name, answers) as (desk, server):
        waits = desk.send(1, "+8613900000001")
        assert (waits.state, waits.reason) == ("retry", Reason.TEMPORARY)
        assert desk.send(1, "+8613900000001") == waits, "too early to ask"
        assert len(server.heard) == 1
        desk.clock.at = waits.until
        result = desk.send(1, "+8613900000001")
        assert result.state == state
        assert (result.reason is Reason.GAVE_UP) == (state == "failed")
        assert sum(b"SignName" in one.body for one in server.heard) == 1, "sent once"


def test_what_the_list_would_show_and_does_not_is_sent_again(conn: psycopg.Connection) -> None:
    empty = {"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [{"OutId": "8", "SendStatus": 3}]}}
    answers = by_action(SendSms=[HANG_UP, ALIYUN_OK], QuerySendDetails=empty)
    with scripted_desk(conn, "aliyun", answers) as (desk, server):
        waits = desk.send(1, "+8613900000001")
        desk.clock.at = waits.until
        assert desk.send(1, "+8613900000001") == Result.sent("9001^0")
        assert desk.send(1, "+8613900000001") == Result.sent("9001^0")
        assert [one.headers["x-acs-action"] for one in server.heard] == ["SendSms", "QuerySendDetails", "SendSms"]


def test_a_list_that_cannot_be_read_decides_nothing(conn: psycopg.Connection) -> None:
    answers = by_action(SendSms=HANG_UP, QuerySendDetails=(503, b"busy"))
    with scripted_desk(conn, "aliyun", answers) as (desk, server):
        desk.clock.at = desk.send(1, "+8613900000001").until
        assert desk.send(1, "+8613900000001").state == "retry"
        assert len(server.heard) == 2


def test_an_unreachable_provider_is_tried_again(conn: psycopg.Connection) -> None:
    desk = Desk(conn, Clock(), "aliyun", GIVEN | {"base_url": "http://127.0.0.1:9"})
    assert desk.send(1, "+8613900000001").state == "retry"
    assert desk.send(1, "+8613900000001").until is None, "it surely was not sent, so nothing is waited for"


def test_no_number_is_kept_or_told(conn: psycopg.Connection) -> None:
    refusal = {"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "13900000001 非法手机号"}
    with scripted_desk(conn, "aliyun", refusal) as (desk, server):
        result = desk.send(1, "+8613900000001")
        assert result.reason is Reason.NO_ADDRESS
        assert "13900000001" not in result.detail
        assert server.heard[0].query == {}, "numbers travel in the body"
        for table in ("sms_out", "sms_receipt", "channel_call"):
            rows = desk.conn.execute(f"select t::text from {table} t").fetchall()
            assert not any("13900000001" in row[0] for row in rows)


@pytest.mark.parametrize(
    ("attachment", "body", "says"),
    [
        ({"kind": "link"}, WORDS, "sms"),
        ({"kind": "sms"}, WORDS, "模板编号"),
        ({"kind": "sms", "template": "T", "params": ["a"]}, WORDS, "params"),
        ({"kind": "sms", "template": "T", "purpose": "spam"}, WORDS, "purpose"),
        ({"kind": "sms", "template": "T"}, "会员日全场八折", "拒收请回复R"),
    ],
)
def test_the_check_says_what_is_missing(attachment: dict[str, Any], body: str, says: str) -> None:
    (problem,) = content.check(attachment, body)
    assert says in problem


@pytest.mark.parametrize("body", ["新品上市，拒收请回复R", "上新 回T退订", "上新 拒收回复TD", "上新 退订回T"])
def test_every_usual_way_out_is_known(body: str) -> None:
    assert content.check({"kind": "sms", "template": "T"}, body) == []
    assert content.check({"kind": "sms", "template": "T", "purpose": "notice"}, "您的取餐码是 6") == []


def test_marketing_without_a_way_out_is_not_sent(conn: psycopg.Connection) -> None:
    with scripted_desk(conn, "aliyun", ALIYUN_OK) as (desk, server):
        (result,) = desk.channel.send(conn, desk.clock(), [letter(1, "+8613900000001", "八折", TEMPLATES["aliyun"])])
        assert result.state == "failed"
        assert server.heard == []


def test_tencents_parameters_are_numbered() -> None:
    many = {str(n): f"v{n}" for n in range(11, 0, -1)}
    assert tencent.in_order(many) == [f"v{n}" for n in range(1, 12)]
    assert content.check_params({"params": many}, numbered=True) == []
    assert content.check_params({"params": {"name": "x"}}, numbered=True) != []
    assert content.check_params({"params": {"name": "x"}}, numbered=False) == []


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("R", True),
        ("r。", True),
        ("ＴＤ", True),
        (" 退订 ", True),
        ("T", True),
        ("好的 R 你", False),
        ("", False),
        ("退订是什么", False),
    ],
)
def test_stop_words(text: str, out: bool) -> None:
    assert wants_out(text) is out


@pytest.mark.parametrize(
    ("code", "words", "state", "reason", "wait"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10", "retry", Reason.QUOTA, timedelta(days=1)),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", "retry", Reason.QUOTA, timedelta(hours=1)),
        ("Throttling.User", "", "retry", Reason.QUOTA, timedelta(minutes=1)),
        ("LimitExceeded.PhoneNumberDailyLimit", "", "retry", Reason.QUOTA, timedelta(days=1)),
        ("isv.AMOUNT_NOT_ENOUGH", "", "retry", Reason.TEMPORARY, None),
        ("AuthFailure.SignatureFailure", "", "retry", Reason.TEMPORARY, None),
        ("isp.SYSTEM_ERROR", "", "retry", Reason.TEMPORARY, None),
        ("isv.SMS_TEMPLATE_ILLEGAL", "", "failed", Reason.PERMANENT, None),
        ("FailedOperation.PhoneNumberInBlacklist", "", "failed", Reason.BLOCKED, None),
    ],
)
def test_refusals(code: str, words: str, state: str, reason: Reason, wait: timedelta | None) -> None:
    now = datetime(2026, 3, 20, tzinfo=UTC)
    result = verdict(now, provider.Refused(code, words))
    assert (result.state, result.reason, result.until) == (state, reason, wait and now + wait)


def test_aliyuns_signature_is_the_one_of_its_manual() -> None:
    """The example of Aliyun's page on ACS3-HMAC-SHA256."""
    nothing = sha256(b"").hexdigest()
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com", "x-acs-action": "RunInstances", "x-acs-content-sha256": nothing,
        "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }  # fmt: skip
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    made = aliyun.signature("YourAccessKeySecret", "POST", "/", query, headers, nothing)
    assert made == "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"


def test_tencents_signature_is_the_one_of_its_manual() -> None:
    """The example of Tencent Cloud's page on TC3-HMAC-SHA256."""
    headers = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    at = datetime.fromtimestamp(1551113065, UTC)
    made = tencent.signature("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", headers, body, at)
    assert made == "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
def test_a_whole_request_is_signed(conn: psycopg.Connection, name: str) -> None:
    """The signature once more, from the request alone and by another road."""
    with scripted_desk(conn, name, {}) as (desk, _):
        asked = desk.channel.provider.sign(
            desk.channel.account, "SendSms", {"SignName": "鱼塘 ~*", "Number": "+86139"}, desk.clock(), "n0nce"
        )
    claimed = dict(part.strip().split("=", 1) for part in asked.headers["authorization"].split(" ", 1)[1].split(","))
    names = claimed["SignedHeaders"].split(";")
    lines = "".join(f"{n}:{asked.headers[n]}\n" for n in names)
    digest = sha256(asked.content).hexdigest()
    text = sha256(f"POST\n/\n\n{lines}\n{';'.join(names)}\n{digest}".encode()).hexdigest()
    if name == "aliyun":
        key, text = b"secret", f"ACS3-HMAC-SHA256\n{text}"
        assert asked.content.decode() == "Number=%2B86139&SignName=%E9%B1%BC%E5%A1%98%20~%2A"
    else:
        stamp = int(desk.clock().timestamp())
        key = b"TC3secret"
        for part in ("2026-03-20", "sms", "tc3_request"):
            key = hmac.new(key, part.encode(), sha256).digest()
        text = f"TC3-HMAC-SHA256\n{stamp}\n2026-03-20/sms/tc3_request\n{text}"
        assert json.loads(asked.content) == {"SignName": "鱼塘 ~*", "Number": "+86139"}
    assert claimed["Signature"] == hmac.new(key, text.encode(), sha256).hexdigest()


def test_a_day_ends_in_china() -> None:
    before = datetime(2026, 3, 20, 15, 59, 30, tzinfo=UTC)
    assert [day.isoformat() for day in provider.days_of(before)] == ["2026-03-20", "2026-03-21"]
    assert [day.isoformat() for day in provider.days_of(before + timedelta(minutes=1))] == ["2026-03-21"]


def test_other_systems_receipts_are_forgotten(desk: CityDesk) -> None:
    foreign = {
        "phone_number": "13900000001",
        "biz_id": "5^0",
        "success": True,
        "err_code": "DELIVERED",
        "out_id": "abc",
    }
    foreign |= {"mobile": "13900000001", "sid": "5", "report_status": "SUCCESS", "errmsg": "DELIVRD"}
    for text in (json.dumps([foreign]), "not json", "[1, 2]", "{}"):
        desk.hears([raw(text.encode(), desk.clock())])
    assert desk.news() == []
    assert desk.conn.execute("select count(*) from sms_receipt").fetchone() == (1,)
    desk.clock.forward(days=4)
    desk.channel.tend(desk.conn, desk.clock())
    assert desk.conn.execute("select count(*) from sms_receipt").fetchone() == (0,)
