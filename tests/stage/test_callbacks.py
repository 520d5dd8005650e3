"""The receiver of callbacks as the platforms meet it; what they send is encrypted by another library."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from wechatpy.crypto import WeChatCrypto as AppCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as CorpCrypto

from edges import NOW, VAULT, serving
from yutang import identity, ingest, profile
from yutang.channels.platform import account, callback
from yutang.channels.platform.crypto import encrypt, sign

TOKEN, KEY = "yutangtoken", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
NEW_TOKEN, NEW_KEY = "newtoken", "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"
CORP, APP = "ww00yutangtest01", "wx00yutangtest01"
PAIR = {"token": TOKEN, "aes_key": KEY}
WECOM = {"corp_id": CORP, "agent_id": "1000002", "secret": "s"} | PAIR
STAMP = int(NOW.timestamp())
ADDED = f"""<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>
<CreateTime>{STAMP - 60}</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[change_external_contact]]></Event>
<ChangeType><![CDATA[add_external_contact]]></ChangeType><UserID><![CDATA[guide01]]></UserID></xml>"""


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(url: str, clock: Clock) -> Iterator[httpx.Client]:
    with serving(url, local=False, clock=clock) as base, httpx.Client(base_url=base, timeout=30) as client:
        yield client


@pytest.fixture
def wecom(conn: psycopg.Connection) -> None:
    account.add(conn, VAULT, NOW, "wecom", "main", WECOM)


def kept(conn: psycopg.Connection) -> list[Any]:
    return conn.execute("select * from callback order by event_id").fetchall()


def sealed(text: str, crypto: Any = None, nonce: str = "n0nce") -> tuple[dict[str, str], str]:
    """Query and body of a callback, made by the other library."""
    crypto = crypto or CorpCrypto(TOKEN, KEY, CORP)
    envelope = crypto.encrypt_message(text, nonce, str(STAMP))
    encrypted, signature = (envelope.split(f"<{n}><![CDATA[")[1].split("]]>")[0] for n in ("Encrypt", "MsgSignature"))
    body = f"<xml><ToUserName><![CDATA[x]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt><AgentID/></xml >"
    return {"msg_signature": signature, "timestamp": str(STAMP), "nonce": nonce}, body


def send(web: httpx.Client, text: str, path: str = "wecom/main", crypto: Any = None) -> httpx.Response:
    query, body = sealed(text, crypto)
    return web.post(f"/callbacks/{path}", params=query, content=body.encode())


def refused(answer: httpx.Response, status: int, reason: str) -> str:
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert set(answer.json()) == {"reason", "detail"}
    assert not {TOKEN, KEY} & set(answer.text.split())
    return answer.json()["detail"]


@pytest.mark.usefixtures("wecom")
def test_the_address_is_confirmed_at_once_with_the_plain_bytes(web: httpx.Client) -> None:
    for n in range(40):  # of so many, some hold a plus sign
        echo = encrypt(KEY, f"echo {n} 鱼".encode(), CORP)
        query = {"msg_signature": sign(TOKEN, "1", "n", echo), "timestamp": "1", "nonce": "n", "echostr": echo}
        begun = time.perf_counter()
        answer = web.get("/callbacks/wecom/main", params=query)
        assert time.perf_counter() - begun < 0.5
        assert (answer.status_code, answer.content) == (200, f"echo {n} 鱼".encode())
    with_plus = echo if "+" in echo else next(e for e in iter(lambda: encrypt(KEY, b"e", CORP), None) if "+" in e)
    signature = sign(TOKEN, "1", "n", with_plus)
    for written in (quote(with_plus, safe=""), with_plus):
        raw = f"/callbacks/wecom/main?msg_signature={signature}&timestamp=1&nonce=n&echostr={written}"
        assert web.get(raw).status_code == 200, "a plus sign survives, encoded or not"
    assert refused(web.get(raw.replace("nonce=n", "nonce=m")), 403, "bad_signature")
    plain = {"signature": sign(TOKEN, "1", "n"), "timestamp": "1", "nonce": "n", "echostr": "e"}
    assert refused(web.get("/callbacks/wecom/main", params=plain), 403, "bad_signature")


@pytest.mark.usefixtures("wecom")
def test_a_callback_is_kept_once_as_it_came(web: httpx.Client, conn: psycopg.Connection) -> None:
    with ThreadPoolExecutor(4) as senders:
        answers = list(senders.map(lambda _: send(web, ADDED), range(8)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, b"success")}
    (event,) = kept(conn)
    assert (event.source, event.type, event.props) == ("wecom:main", "callback", {"text": ADDED})
    assert (event.at, event.received_at) == (NOW - timedelta(seconds=60), NOW)
    assert (event.handles, event.keys, len(event.source_id)) == ({}, [], 64)
    assert send(web, ADDED.replace("guide01", "guide02")).content == b"success"
    assert len(kept(conn)) == 2


@pytest.mark.usefixtures("wecom")
def test_a_hint_is_given_at_commit(url: str, conn: psycopg.Connection) -> None:
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute("listen callback")
        with conn.transaction():
            assert ingest.keep_raw(conn, NOW, "wecom:main", b"<xml/>", NOW)
            assert not list(listener.notifies(timeout=0.1))
        assert [n.channel for n in listener.notifies(timeout=5, stop_after=1)] == ["callback"]
        assert not ingest.keep_raw(conn, NOW, "wecom:main", b"<xml/>", NOW)
        assert not list(listener.notifies(timeout=0.1))


@pytest.mark.usefixtures("wecom")
def test_the_json_variants_are_read(web: httpx.Client, conn: psycopg.Connection) -> None:
    for n, name in enumerate(("Encrypt", "encrypt")):
        encrypted = encrypt(KEY, b'{"CreateTime": %d}' % (STAMP - n), CORP)
        query = {"msg_signature": sign(TOKEN, "1", "n", encrypted), "timestamp": "1", "nonce": "n"}
        assert web.post("/callbacks/wecom/main", params=query, json={name: encrypted}).content == b"success"
    assert [event.at for event in kept(conn)] == [NOW, NOW - timedelta(seconds=1)]


@pytest.mark.usefixtures("wecom")
@pytest.mark.parametrize("stamp", ["", "0x1", str(STAMP + 3600), "9" * 30, "-1e9", "1760000000000"])
def test_a_time_that_is_missing_or_to_come_is_now(web: httpx.Client, conn: psycopg.Connection, stamp: str) -> None:
    assert send(web, ADDED.replace(str(STAMP - 60), stamp)).content == b"success"
    assert [event.at for event in kept(conn)] == [NOW]


@pytest.mark.usefixtures("wecom")
def test_what_is_theirs_is_kept_even_if_it_cannot_be_read(web: httpx.Client, conn: psycopg.Connection) -> None:
    encrypted = encrypt(KEY, b"\xff\0<xml", CORP)
    query = {"msg_signature": sign(TOKEN, "1", "n", encrypted), "timestamp": "1", "nonce": "n"}
    assert web.post("/callbacks/wecom/main", params=query, json={"encrypt": encrypted}).content == b"success"
    assert [event.props for event in kept(conn)] == [{"text": "\ufffd\ufffd<xml"}]


@pytest.mark.usefixtures("wecom")
def test_what_is_not_theirs_is_refused(
    web: httpx.Client, conn: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    query, body = sealed(ADDED)
    path = "/callbacks/wecom/main"
    wrong = query | {"msg_signature": "0" * 40}
    assert "Token" in refused(web.post(path, params=wrong, content=body), 403, "bad_signature")
    refused(web.post(path, content=body), 403, "bad_signature")
    refused(web.post(path, params=query | {"timestamp": "1"}, content=body), 403, "bad_signature")
    refused(web.post(path, params=query, content=body.replace("Encrypt>", "Encrypted>")), 400, "bad_shape")
    refused(web.post(path, params=query, content=b"\xff\xfe"), 400, "bad_shape")
    assert "corp id" in refused(send(web, ADDED, crypto=CorpCrypto(TOKEN, KEY, "ww_other")), 400, "bad_shape")
    refused(send(web, ADDED, crypto=CorpCrypto(TOKEN, NEW_KEY, CORP)), 400, "bad_shape")
    garbage = {"msg_signature": sign(TOKEN, "1", "n", "%%%"), "timestamp": "1", "nonce": "n"}
    refused(web.post(path, params=garbage, json={"Encrypt": "%%%"}), 400, "bad_shape")
    refused(web.post(path, params=garbage, json={"Encrypt": ["x"]}), 400, "bad_shape")
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
    assert "entities" in refused(web.post(path, params=query, content=laughs), 400, "bad_shape")
    large = web.post(path, params=query, content=b"x" * 1_000_001)
    assert (large.status_code, "1,000,000" in large.text) == (413, True)
    for unknown in ("wecom/other", "nowhere/main", "wecom/%00"):
        refused(web.post(f"/callbacks/{unknown}", params=query, content=body), 404, "not_found")
        refused(web.get(f"/callbacks/{unknown}", params=query), 404, "not_found")
    refused(web.put(path, content=body), 405, "not_allowed")
    assert kept(conn) == []
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert not [secret for secret in (TOKEN, KEY, "guide01") if secret in said]


@pytest.mark.usefixtures("wecom")
@pytest.mark.parametrize(
    "changed", [{"token": NEW_TOKEN}, {"aes_key": NEW_KEY}, {"token": NEW_TOKEN, "aes_key": NEW_KEY}]
)
def test_after_a_change_both_pairs_hold_for_an_hour(
    web: httpx.Client, conn: psycopg.Connection, clock: Clock, changed: dict[str, str]
) -> None:
    account.add(conn, VAULT, NOW, "wecom", "main", changed)
    pair = PAIR | changed
    old, new = CorpCrypto(TOKEN, KEY, CORP), CorpCrypto(pair["token"], pair["aes_key"], CORP)
    texts = iter(f"<xml><N>{n}</N></xml>" for n in range(9))
    clock.now += timedelta(minutes=59)
    account.add(conn, VAULT, clock.now, "wecom", "main", {"secret": "other"})
    assert send(web, next(texts), crypto=old).content == b"success"
    assert send(web, next(texts), crypto=new).content == b"success"
    clock.now += timedelta(minutes=1)
    assert send(web, next(texts), crypto=old).status_code in (400, 403)
    assert send(web, next(texts), crypto=new).content == b"success"
    assert len(kept(conn)) == 3


def signed(token: str = TOKEN) -> dict[str, str]:
    return {"signature": sign(token, str(STAMP), "n"), "timestamp": str(STAMP), "nonce": "n"}


@pytest.mark.parametrize("kind", ["official_account", "miniprogram"])
def test_an_app_without_a_key_is_signed_only(web: httpx.Client, conn: psycopg.Connection, kind: str) -> None:
    account.add(conn, VAULT, NOW, kind, "main", {"app_id": APP, "secret": "s", "token": TOKEN})
    path = f"/callbacks/{kind}/main"
    answer = web.get(path, params=signed() | {"echostr": "5927782489442352469+/="})
    assert (answer.status_code, answer.content) == (200, b"5927782489442352469+/=")
    refused(web.get(path, params=signed("other") | {"echostr": "1"}), 403, "bad_signature")
    for body in (ADDED, json.dumps({"CreateTime": STAMP, "MsgType": "event"})):
        assert web.post(path, params=signed(), content=body.encode()).content == b"success"
    refused(web.post(path, params=signed("other"), content=ADDED.encode()), 403, "bad_signature")
    refused(web.post(path, params=signed(), content=b"<xml"), 400, "bad_shape")
    assert "--aes-key" in refused(web.post(path, params=signed(), json={"Encrypt": "x"}), 400, "bad_shape")
    assert [(event.source, event.at) for event in kept(conn)] == [
        (f"{kind}:main", NOW - timedelta(seconds=60)),
        (f"{kind}:main", NOW),
    ]


def test_an_app_with_a_key_never_relies_on_the_open_signature(web: httpx.Client, conn: psycopg.Connection) -> None:
    account.add(conn, VAULT, NOW, "official_account", "main", {"app_id": APP, "secret": "s"} | PAIR)
    path = "/callbacks/official_account/main"
    assert web.get(path, params=signed() | {"echostr": "77"}).content == b"77"
    assert "safe mode" in refused(web.post(path, params=signed(), content=ADDED.encode()), 400, "bad_shape")
    query, body = sealed(ADDED, AppCrypto(TOKEN, KEY, APP))
    refused(web.post(path, params=signed(), content=body), 403, "bad_signature")
    assert kept(conn) == []
    assert web.post(path, params=signed() | query, content=body).content == b"success"
    compatible = body.replace("<Encrypt>", "<MsgType>event</MsgType><Encrypt>")
    assert web.post(path, params=signed() | query, content=compatible).content == b"success"
    assert [event.props["text"] for event in kept(conn)] == [ADDED]


def test_receipts_come_by_the_key_in_their_address(web: httpx.Client, conn: psycopg.Connection) -> None:
    given = {"provider": "aliyun", "key_id": "k", "key_secret": "s", "sign": "鱼塘"}
    address = callback.address(VAULT, account.add(conn, VAULT, NOW, "sms", "main", given))
    body = b'[{"phone_number":"13800000000","success":true}]'
    for _ in range(2):
        answer = web.post(address, content=body)
        assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "成功"})
    refused(web.post(address[:-1], content=body + b" "), 403, "bad_signature")
    refused(web.post(address.split("?")[0], content=body + b" "), 403, "bad_signature")
    refused(web.get(address), 403, "bad_signature")
    (event,) = kept(conn)
    assert (event.source, event.at) == ("sms:main", NOW)
    assert "13800000000" not in str(event.props), "a phone number stands nowhere in plain text"
    assert VAULT.unseal_text(event.props["sealed"]) == body.decode()


@pytest.mark.usefixtures("wecom")
def test_a_callback_belongs_to_nobody_and_stops_nobody(conn: psycopg.Connection) -> None:
    ingest.keep_raw(conn, NOW, "wecom:main", ADDED.encode(), NOW)
    ingest.add_source(conn, NOW, "shop", "店铺")
    view = {"id": "1", "source": "shop", "type": "viewed", "at": NOW.isoformat(), "handles": {"shop:a": "1"}}
    assert ingest.record(conn, VAULT, NOW, [view]).accepted == 1
    ingest.keep_raw(conn, NOW, "wecom:main", b"<xml><A>2</A></xml>", NOW)
    (alone,) = conn.execute("select min(event_id) from event").fetchone()  # type: ignore[misc]
    assert identity.resolve_events(conn, NOW, [alone]) == ()
    while identity.resolve(conn, NOW).busy():
        pass
    while profile.refresh(conn, NOW).busy():
        pass
    tables = ("person", "person_event", "profile", "identity_case", "reject")
    counts = {t: conn.execute(f"select count(*) from {t}").fetchone()[0] for t in tables}  # type: ignore[arg-type, index]
    assert counts == {"person": 1, "person_event": 1, "profile": 1, "identity_case": 0, "reject": 0}


def test_a_real_stamp_is_a_utc_instant() -> None:
    assert callback.time_of(b"<xml><CreateTime>1760000000</CreateTime></xml>", NOW) == datetime(
        2025, 10, 9, 8, 53, 20, tzinfo=UTC
    )
