"""The emulated city behaves as the platforms do: over HTTP, by their errcodes, in their own time."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from cities import Api, Clock, Living, living
from yutang.channels.platform import crypto
from yutang.emulator import City
from yutang.emulator.people import Customer
from yutang.emulator.wecom import codes, links, mass, tags, welcome
from yutang.emulator.wecom.table import PATHS

DAY = 86_400


@dataclass
class Ear:
    """An address that hears callbacks. `answers`: statuses to give before 200."""

    url: str
    account: dict[str, str]
    answers: list[int] = field(default_factory=list)
    heard: list[dict[str, str]] = field(default_factory=list)
    refused: int = 0

    def hear(self, query: dict[str, str], body: bytes) -> int:
        sealed = fromstring(body).findtext("Encrypt") or ""
        signed = self.account["token"], query["timestamp"], query["nonce"], sealed
        try:
            assert crypto.is_signed(query["msg_signature"], *signed)
            plain = crypto.decrypt(self.account["aes_key"], sealed, self.account["corp_id"])
        except (AssertionError, crypto.BadCipher):
            self.refused += 1
            return 403
        if self.answers and (status := self.answers.pop(0)) != 200:
            return status
        self.heard.append({one.tag: one.text or "" for one in fromstring(plain)})
        return 200


@contextmanager
def hearing(city: City) -> Iterator[Ear]:
    """A receiver of the corp's callbacks."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(ear.hear(dict(parse_qsl(urlsplit(self.path).query)), body))
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ear = Ear(f"http://127.0.0.1:{server.server_port}/callbacks/wecom/main", city.account("wecom"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    city.call_back("wecom", ear.url)
    try:
        yield ear
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def town(clock: Clock) -> Iterator[Living]:
    with living(clock=clock) as town:
        town.city.settings.strict = True
        yield town


@pytest.fixture
def api(town: Living) -> Api:
    return town.api


def friend(city: City, userid: str, name: str = "", state: str = "") -> Customer:
    customer = city.add_customer(name)
    city.befriends(customer, userid, state)
    return customer


def told(city: City, *names: str) -> list[tuple[Any, ...]]:
    """ChangeType and these fields of every event so far."""
    return [(one.get("ChangeType"), *(one.get(name) for name in names)) for one in city.callbacks.told]


# Tokens and the gate


def test_tokens_are_missing_unknown_expired_and_revoked(town: Living, api: Api, clock: Clock) -> None:
    def code() -> int:
        return api.get("externalcontact/get_follow_user_list")["errcode"]

    first, corp = api.token, town.city.account("wecom")
    assert code() == 0
    assert api.fetch() == first
    api.token = ""
    assert code() == 41001
    api.token = first[:-1]
    assert code() == 40014
    api.token = first
    clock.forward(seconds=7201)
    assert code() == 42001
    assert api.fetch() != first
    assert code() == 0
    town.city.revoke_tokens()
    assert code() == 40014
    api.fetch()
    assert code() == 0
    assert api.get("gettoken", corpid=corp["corp_id"], corpsecret="wrong")["errcode"] == 40001
    assert api.get("gettoken", corpid="ww0", corpsecret=corp["secret"])["errcode"] == 40013


def test_each_app_sees_its_range_and_comes_from_its_addresses(town: Living) -> None:
    city = town.city
    other = city.add_app("wecom", "other", visible={"guide02"})
    mine, theirs = friend(city, "guide02"), friend(city, "guide01")
    api = Api(city, "other")
    assert api.token != town.api.token
    assert api.get("externalcontact/get_follow_user_list")["follow_user"] == ["guide02"]
    assert api.get("externalcontact/get", external_userid=mine.external_userid)["errcode"] == 0
    assert api.get("externalcontact/get", external_userid=theirs.external_userid)["errcode"] == 84061
    assert api.get("externalcontact/list", userid="guide01")["errcode"] == 60011
    other.ips = {"203.0.113.9"}
    assert api.get("externalcontact/get_follow_user_list")["errcode"] == 60020


def test_slips_are_caught(town: Living, api: Api) -> None:
    url, query = f"{town.address}/cgi-bin/externalcontact/batch/get_by_user", {"access_token": api.token}
    assert api.post("externalcontact/batch/get_by_user", userid=["guide01"])["errcode"] == 40058
    assert httpx.post(url, params=query, content=b"{").json()["errmsg"].startswith("Warning: wrong json format")
    assert httpx.post(url, params=query).json()["errcode"] == 44002
    assert httpx.get(url, params=query).json()["errcode"] == 43002
    assert httpx.post(url, params=query, content=json.dumps({"cursor": "鱼"}).encode()).json()["errcode"] == 40033
    town.city.settings.strict = False
    assert api.post("externalcontact/batch/get_by_user", userid_list=["guide01"], typo=1)["errcode"] == 84061
    assert httpx.get(f"{town.address}/cgi-bin/no/such").status_code == 404


def test_too_many_calls_shut_the_path_until_the_punishment_is_over(town: Living, api: Api, clock: Clock) -> None:
    town.city.settings.rate.per_api_min = 3
    path = "externalcontact/get_follow_user_list"
    assert [api.get(path)["errcode"] for _ in range(5)] == [0, 0, 0, 45009, 45009]
    assert api.get("user/get", userid="guide01")["errcode"] == 0
    clock.forward(seconds=30)
    assert api.get(path)["errcode"] == 45009
    clock.forward(seconds=31)
    assert api.get(path)["errcode"] == 0
    assert town.city.limits.most["cgi-bin/" + path] == 4


def test_five_marks_at_once_and_no_more(town: Living, api: Api) -> None:
    town.city.faults.slow_answers_s = 1.0
    together = threading.Barrier(8)

    def mark(_: int) -> int:
        together.wait()
        return api.post("externalcontact/mark_tag", userid="guide01")["errcode"]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(mark, range(8)))
    assert sorted(found)[-3:] == [45033] * 3
    assert found.count(41035) == 5


def test_troubles_can_be_switched_on(town: Living, api: Api) -> None:
    town.city.faults.busy_rate = 1
    assert api.get("externalcontact/get_follow_user_list")["errcode"] == -1
    town.city.faults.busy_rate, town.city.faults.bad_gateway_rate = 0, 1
    url = f"{town.address}/cgi-bin/externalcontact/add_contact_way"
    body = {"type": 1, "scene": 2, "user": ["guide01"]}
    assert httpx.post(url, params={"access_token": api.token}, json=body).status_code == 502
    assert town.city.part(codes.Ways).ways == {}
    town.city.faults.bad_gateway_rate, town.city.faults.lost_answers = 0, 1
    assert httpx.post(url, params={"access_token": api.token}, json=body).status_code == 502
    assert len(town.city.part(codes.Ways).ways) == 1


# Callbacks


def test_a_scan_calls_back_encrypted_with_state_and_a_code_that_works_once(
    town: Living, api: Api, clock: Clock
) -> None:
    city = town.city
    way = api.post("externalcontact/add_contact_way", type=1, scene=2, user=["guide01"], state="s_hz_01")
    customer, text = city.add_customer("小鱼"), {"content": "%NICKNAME% 你好"}
    with hearing(city) as ear:
        city.scan(customer, way["qr_code"])
        assert city.deliver() == 1
    (event,) = ear.heard
    assert event["ChangeType"] == "add_external_contact"
    assert (event["UserID"], event["State"]) == ("guide01", "s_hz_01")
    assert event["CreateTime"] == str(int(clock().timestamp()))
    body = {"welcome_code": event["WelcomeCode"], "text": text}
    assert api.post("externalcontact/send_welcome_msg", welcome_code="WC", text=text)["errcode"] == 41050
    assert api.post("externalcontact/send_welcome_msg", welcome_code=body["welcome_code"])["errcode"] == 41089
    assert [api.post("externalcontact/send_welcome_msg", body)["errcode"] for _ in range(2)] == [0, 41051]
    (message,) = city.inbox(customer)
    assert (message.kind, message.sender, message.text) == ("welcome", "guide01", "小鱼 你好")
    city.scan(customer, way["config_id"])
    assert len(city.callbacks.told) == 4, "a friend's second scan is no event: three of staff, one of the customer"


def test_a_welcome_code_dies_after_twenty_seconds(town: Living, api: Api, clock: Clock) -> None:
    friend(town.city, "guide01")
    (code,) = town.city.part(welcome.Welcomes).codes
    clock.forward(seconds=21)
    assert api.post("externalcontact/send_welcome_msg", welcome_code=code, text={"content": "hi"})["errcode"] == 41050


def test_verification_and_confirmation_come_before_friendship(town: Living, api: Api) -> None:
    city, way = town.city, {"type": 1, "scene": 2, "user": ["guide01"]}
    waits = api.post("externalcontact/add_contact_way", way | {"skip_verify": False})["config_id"]
    customer = city.add_customer()
    city.scan(customer, waits)
    assert api.get("externalcontact/get", external_userid=customer.external_userid)["errcode"] == 84061
    city.accepts("guide01", customer)
    assert api.get("externalcontact/get", external_userid=customer.external_userid)["errcode"] == 0
    city.settings.contact_way.half = True
    half = city.add_customer()
    city.scan(half, api.post("externalcontact/add_contact_way", way)["config_id"])
    code = city.callbacks.told[-1]["WelcomeCode"]
    assert api.post("externalcontact/send_welcome_msg", welcome_code=code, text={"content": "hi"})["errcode"] == 0
    city.accepts("guide01", half)
    assert told(city, "ExternalUserID")[-2:] == [
        ("add_half_external_contact", half.external_userid),
        ("add_external_contact", half.external_userid),
    ]
    assert "WelcomeCode" not in city.callbacks.told[-1], "used in the half state, it is not given again"


def test_unanswered_callbacks_come_again_three_times_with_another_envelope(town: Living, clock: Clock) -> None:
    city = town.city
    with hearing(city) as ear:
        ear.answers = [500, 500, 500, 200]
        friend(city, "guide01")
        assert city.deliver() == 0
        for _ in range(4):
            clock.forward(seconds=1)
            city.deliver()
        assert len(ear.heard) == 1
        ear.answers = [500] * 9
        friend(city, "guide01")
        for _ in range(9):
            clock.forward(seconds=1)
            city.deliver()
    assert len(ear.answers) == 5
    assert city.callbacks.failed == 1


def test_callbacks_are_lost_doubled_overtaken_and_forged(town: Living, clock: Clock) -> None:
    city, faults = town.city, town.city.faults
    with hearing(city) as ear:
        faults.lost_callbacks = 1
        lost = friend(city, "guide01")
        faults.lost_callbacks, faults.duplicate_callbacks = 0, 1
        double = friend(city, "guide01")
        faults.duplicate_callbacks, faults.reordered_callbacks = 0, 1
        late = friend(city, "guide01")
        faults.reordered_callbacks = 0
        early = friend(city, "guide01")
        city.deliver()
        clock.forward(seconds=2)
        city.deliver()
        order = [one["ExternalUserID"] for one in ear.heard]
        assert order == [one.external_userid for one in (double, double, early, late)]
        assert lost.external_userid not in order
        faults.forged_callbacks = 1
        friend(city, "guide01")
        city.deliver()
        faults.forged_callbacks, faults.misdirected_callbacks = 0, 1
        friend(city, "guide01")
        city.deliver()
    assert (ear.refused, len(ear.heard)) == (2, 4)


def test_callbacks_leave_by_themselves_while_the_city_is_served() -> None:
    with living(manual=False) as town, hearing(town.city) as ear:
        friend(town.city, "guide01")
        for _ in range(100):
            if ear.heard:
                break
            threading.Event().wait(0.02)
        assert [one["ChangeType"] for one in ear.heard] == ["add_external_contact"]


# Contacts


def test_bulk_reading_gives_a_row_per_relation_through_moving_pages(town: Living, api: Api) -> None:
    city, path = town.city, "externalcontact/batch/get_by_user"
    people = [friend(city, "guide01", state="s1") for _ in range(7)]
    city.befriends(people[0], "guide02")
    pairs = {("guide01", one.external_userid) for one in people} | {("guide02", people[0].external_userid)}
    asked = {"userid_list": ["guide01", "guide02"], "limit": 3}

    def seen() -> list[tuple[str, str]]:
        rows = api.pages(path, "external_contact_list", **asked)
        return [(one["follow_info"]["userid"], one["external_contact"]["external_userid"]) for one in rows]

    assert sorted(seen()) == sorted(pairs)
    first = api.post(path, asked)
    city.faults.moving_pages = True
    again = seen()
    assert set(again) == pairs
    assert len(again) > len(pairs)
    last = api.post(path, asked | {"limit": 100})
    assert last["next_cursor"]
    assert api.post(path, asked | {"cursor": last["next_cursor"]})["external_contact_list"] == []
    assert api.post(path, asked | {"cursor": "x"})["errcode"] == 40058
    town.city.advance(3 * 3600)
    api.fetch()
    assert api.post(path, asked | {"cursor": first["next_cursor"]})["errcode"] == 40058


def test_one_customer_shows_followers_and_who_is_gone(town: Living, api: Api) -> None:
    city = town.city
    customer = friend(city, "guide01", "小鱼", state="s1")
    city.befriends(customer, "guide02")
    api.post(
        "externalcontact/remark",
        userid="guide01", external_userid=customer.external_userid, remark="小鱼-VIP", remark_mobiles=["13900000000"],
    )  # fmt: skip
    found = api.get("externalcontact/get", external_userid=customer.external_userid)
    assert found["external_contact"]["unionid"] == customer.unionid
    first = found["follow_user"][0]
    assert (first["userid"], first["state"], first["remark"]) == ("guide01", "s1", "小鱼-VIP")
    assert first["remark_mobiles"] == ["13900000000"]
    city.deletes(customer, "guide01")
    city.staff_deletes("guide02", customer)
    assert api.get("externalcontact/get", external_userid=customer.external_userid)["errcode"] == 84061
    assert [one for one, *_ in told(city)][-2:] == ["del_follow_user", "del_external_contact"]
    changes = {"userid": "guide01", "external_userid": customer.external_userid, "remark": "x"}
    assert api.post("externalcontact/remark", changes)["errcode"] == 84061
    city.befriends(customer, "guide01", "s2")
    again = api.get("externalcontact/get", external_userid=customer.external_userid)["follow_user"][0]
    assert (again["state"], again["remark"]) == ("s2", "")
    assert api.post("externalcontact/remark", changes | {"remark": "x" * 21})["errcode"] == 40058
    assert api.get("externalcontact/get", external_userid="wmNobody")["errcode"] == 40096


def test_edits_are_told_when_made_in_the_client_and_not_when_made_by_us(town: Living, api: Api) -> None:
    city = town.city
    customer = friend(city, "guide01")
    pair = {"userid": "guide01", "external_userid": customer.external_userid}
    before = len(city.callbacks.told)
    assert api.post("externalcontact/remark", pair | {"remark": "ours"})["errcode"] == 0
    assert len(city.callbacks.told) == before
    city.staff_edits("guide01", customer, mobiles=["13900000001"])
    assert len(city.callbacks.told) == before, "mobiles alone are silent"
    city.staff_edits("guide01", customer, remark="theirs", personal=["爱咖啡"])
    assert told(city)[-1] == ("edit_external_contact",)
    city.settings.callback.api_edit_events = True
    assert api.post("externalcontact/remark", pair | {"remark": "ours"})["errcode"] == 0
    assert len(city.callbacks.told) == before + 2


# Tags, codes, links


def test_tags_have_rules(town: Living, api: Api) -> None:
    city = town.city
    gold = {"name": "金卡"}
    made = api.post("externalcontact/add_corp_tag", group_name="等级", tag=[gold, gold, {"name": "银卡"}])["tag_group"]
    first, second = (one["id"] for one in made["tag"])
    assert api.post("externalcontact/add_corp_tag", group_name="等级", tag=[gold])["errcode"] == 40071
    assert api.post("externalcontact/add_corp_tag", group_name="新", tag=[{"name": "长" * 31}])["errcode"] == 40072
    city.settings.tags.total = 3
    more = api.post("externalcontact/add_corp_tag", group_name="等级", tag=[{"name": "铜卡"}])["tag_group"]
    assert more["group_id"] == made["group_id"], "a known group's name joins it"
    assert api.post("externalcontact/add_corp_tag", group_name="多", tag=[{"name": "多"}])["errcode"] == 40126
    customer = friend(city, "guide01")
    pair = {"userid": "guide01", "external_userid": customer.external_userid}
    assert api.post("externalcontact/mark_tag", pair | {"add_tag": [first, second]})["errcode"] == 0
    assert api.post("externalcontact/mark_tag", pair | {"add_tag": ["etNone"]})["errcode"] == 40068
    assert api.post("externalcontact/mark_tag", pair | {"userid": "guide02", "add_tag": [first]})["errcode"] == 84061
    assert api.post("externalcontact/mark_tag", pair | {"remove_tag": [second]})["errcode"] == 0
    (shown,) = api.get("externalcontact/get", external_userid=customer.external_userid)["follow_user"][0]["tags"]
    assert shown == {"group_name": "等级", "tag_name": "金卡", "tag_id": first, "type": 1}
    theirs = next(iter(city.part(tags.Tags).tags.values()))
    theirs.maker = "another"
    assert api.post("externalcontact/edit_corp_tag", id=first, name="黑卡")["errcode"] == 60011
    theirs.maker = "main"
    ids = [first, second, more["tag"][0]["id"]]
    assert api.post("externalcontact/del_corp_tag", tag_id=ids)["errcode"] == 0
    assert api.post("externalcontact/get_corp_tag_list", {"tag_id": []})["tag_group"] == [], "gone with its last tag"
    (gone,) = api.post("externalcontact/get_corp_tag_list", tag_id=[first])["tag_group"]
    assert gone["tag"][0]["deleted"]
    follower = api.get("externalcontact/get", external_userid=customer.external_userid)["follow_user"][0]
    assert follower["tags"] == []


def test_live_codes_have_rules(town: Living, api: Api, clock: Clock) -> None:
    city, add = town.city, "externalcontact/add_contact_way"
    many = {"type": 2, "scene": 2, "user": ["guide01", "guide02"]}
    assert api.post(add, many | {"state": "x" * 31})["errcode"] == 40058
    assert api.post(add, many | {"type": 3})["errcode"] == 41039
    assert api.post(add, {"type": 1, "scene": 2, "user": ["guide01", "guide02"]})["errcode"] == 40058
    assert api.post(add, many | {"user": ["nobody"]})["errcode"] == 60111
    made = api.post(add, many | {"remark": "店", "is_exclusive": True})["config_id"]
    city.settings.contact_way.quota = 1
    assert api.post(add, many)["errcode"] == 41045
    assert api.post("externalcontact/update_contact_way", config_id=made, user=["guide02"])["errcode"] == 0
    way = api.post("externalcontact/get_contact_way", config_id=made)["contact_way"]
    assert (way["user"], way["remark"]) == (["guide02"], "店")
    assert api.pages("externalcontact/list_contact_way", "contact_way") == [{"config_id": made}]
    clock.forward(days=91)
    api.fetch()
    assert api.pages("externalcontact/list_contact_way", "contact_way") == []
    city.resigns("guide02")
    customer = city.add_customer()
    city.scan(customer, made)
    assert city.people.followers_of(customer.external_userid) == [], "the code is dead with its staff"
    assert api.post("externalcontact/del_contact_way", config_id=made)["errcode"] == 0
    assert api.post("externalcontact/get_contact_way", config_id=made)["errcode"] == 41044
    with pytest.raises(LookupError):
        city.scan(customer, made)


def test_acquisition_links_bring_the_channel_back_and_cost_balance(town: Living, api: Api) -> None:
    city = town.city
    city.settings.acquisition.start_balance = 1
    base = "externalcontact/customer_acquisition"
    link = api.post(f"{base}/create_link", link_name="投放", range={"user_list": ["guide01"]})["link"]
    for customer in (city.add_customer(), city.add_customer()):
        city.scan(customer, link["url"] + "?customer_channel=ad_17")
    rows = api.post(f"{base}/customer", link_id=link["link_id"])["customer_list"]
    assert [(one["userid"], one["state"], one["chat_status"]) for one in rows] == [("guide01", "ad_17", 0)]
    assert links.balance(city) == 0
    assert ("balance_exhausted",) in told(city)
    now = city.stamp()
    found = api.post(f"{base}/statistic", link_id=link["link_id"], start_time=now - 60, end_time=now)
    assert (found["click_link_customer_cnt"], found["new_customer_cnt"]) == (2, 1)


# Mass messages


def results(api: Api, msgid: str, userid: str) -> dict[str, int]:
    rows = api.pages("externalcontact/get_groupmsg_send_result", "send_list", msgid=msgid, userid=userid)
    return {one["external_userid"]: one["status"] for one in rows}


def test_mass_tasks_wait_for_staff_and_go_to_who_chatted_last(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    shared, gone, stranger = friend(city, "guide01"), friend(city, "guide01"), city.add_customer()
    clock.forward(seconds=5)
    city.befriends(shared, "guide02")
    clock.forward(seconds=5)
    city.says(shared, "guide01", "在吗")
    ids = [one.external_userid for one in (shared, gone, stranger)]
    made = api.post("externalcontact/add_msg_template", external_userid=ids, text={"content": "会员日"})
    assert made["fail_list"] == [stranger.external_userid]
    msgid = made["msgid"]
    assert api.post("externalcontact/get_groupmsg_task", msgid=msgid)["errcode"] == 41063
    clock.forward(seconds=31)
    assert api.pages("externalcontact/get_groupmsg_task", "task_list", msgid=msgid) == [
        {"userid": "guide01", "status": 0}
    ]
    assert city.tasks("guide02") == []
    assert set(results(api, msgid, "guide01").values()) == {0}
    city.deletes(gone, "guide01")
    city.taps("guide01", city.tasks("guide01")[0].msgid)
    assert results(api, msgid, "guide01") == {shared.external_userid: 1, gone.external_userid: 2}
    assert [one.text for one in city.inbox(shared) if one.kind == "mass"] == ["会员日"]
    (task,) = api.pages("externalcontact/get_groupmsg_task", "task_list", msgid=msgid)
    assert task == {"userid": "guide01", "status": 2, "send_time": city.stamp()}


def test_the_cap_counts_staffs_own_messages_and_opens_again_the_next_day(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    customer, other = friend(city, "guide01"), friend(city, "guide01")
    city.staff_sends("guide01", [customer], "我自己发的")
    body = {"external_userid": [customer.external_userid], "text": {"content": "hi"}}
    assert api.post("externalcontact/add_msg_template", body)["errcode"] == 41048
    both = body | {"external_userid": [customer.external_userid, other.external_userid]}
    msgid = api.post("externalcontact/add_msg_template", both)["msgid"]
    city.taps("guide01", msgid)
    clock.forward(seconds=31)
    assert results(api, msgid, "guide01") == {customer.external_userid: 3, other.external_userid: 1}
    clock.forward(days=1)
    api.fetch()
    assert api.post("externalcontact/add_msg_template", body)["errcode"] == 0


def test_mass_tasks_can_be_nudged_thrice_and_called_off(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    customer = friend(city, "guide01")
    body = {"external_userid": [customer.external_userid], "text": {"content": "hi"}}
    msgid = api.post("externalcontact/add_msg_template", body)["msgid"]

    def remind() -> int:
        return api.post("externalcontact/remind_groupmsg_send", msgid=msgid)["errcode"]

    assert [remind() for _ in range(4)] == [0, 0, 0, 41094]
    clock.forward(days=1, seconds=1)
    api.fetch()
    assert remind() == 0
    city.faults.never_tap = {"guide01"}
    city.taps("guide01", msgid)
    assert api.post("externalcontact/cancel_groupmsg_send", msgid=msgid)["errcode"] == 0
    assert remind() == 41093
    city.faults.never_tap = set()
    city.taps("guide01", msgid)
    assert [one for one in city.inbox(customer) if one.kind == "mass"] == []
    assert results(api, msgid, "guide01") == {customer.external_userid: 0}
    now = city.stamp()
    (head,) = api.pages(
        "externalcontact/get_groupmsg_list_v2",
        "group_msg_list",
        chat_type="single",
        start_time=now - 2 * DAY,
        end_time=now,
    )
    assert head["msgid"] == msgid
    assert "creator" not in head


def test_tag_filters_choose_among_a_senders_customers_and_blocks_follow(town: Living, api: Api) -> None:
    city = town.city
    group = api.post("externalcontact/add_corp_tag", group_name="g", tag=[{"name": "a"}, {"name": "b"}])["tag_group"]
    a, b = (one["id"] for one in group["tag"])
    people = [friend(city, "guide01") for _ in range(3)]
    for customer, marks in zip(people, ([a], [b], [a, b]), strict=True):
        city.staff_edits("guide01", customer, add_tags=marks)
    wanted = {"group_list": [{"tag_list": [a]}, {"tag_list": [b]}]}
    text = {"content": "hi"}
    msgid = api.post("externalcontact/add_msg_template", sender="guide01", tag_filter=wanted, text=text)["msgid"]
    assert city.tasks("guide01")[0].recipients == [people[2].external_userid]
    city.faults.block_rate = 1
    city.taps("guide01", msgid)
    assert told(city, "ExternalUserID")[-1] == ("del_follow_user", people[2].external_userid)


# Moments


def test_a_moment_is_a_job_then_a_task_then_seen(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    customer = friend(city, "guide01")
    plain = api.upload("media/upload", "a.png", b"x" * 100, type="image")["media_id"]
    scene = {"media_type": "image", "attachment_type": "1"}
    picture = api.upload("media/upload_attachment", "a.png", b"x" * 100, **scene)["media_id"]

    def post(media_id: str) -> dict[str, Any]:
        return api.post(
            "externalcontact/add_moment_task",
            text={"content": "周五会员日"}, attachments=[{"msgtype": "image", "image": {"media_id": media_id}}],
            visible_range={"sender_list": {"user_list": ["guide01", "ghost"]}},
        )  # fmt: skip

    assert post(plain)["errcode"] == 41072
    jobid = post(picture)["jobid"]
    states = []
    for _ in range(3):
        states.append(api.get("externalcontact/get_moment_task_result", jobid=jobid)["status"])
        clock.forward(seconds=3)
    assert states == [1, 2, 3]
    result = api.get("externalcontact/get_moment_task_result", jobid=jobid)["result"]
    assert result["invalid_sender_list"]["user_list"] == ["ghost"]
    named = {"moment_id": result["moment_id"], "userid": "guide01"}
    assert api.post("externalcontact/get_moment_send_result", named)["errcode"] == 41062
    city.taps("guide01", named["moment_id"])
    (seen,) = api.pages("externalcontact/get_moment_send_result", "customer_list", **named)
    assert seen["external_userid"] == customer.external_userid
    city.sees_moment(customer, named["moment_id"])
    assert len(api.post("externalcontact/get_moment_comments", named)["like_list"]) == 1
    assert api.pages("externalcontact/get_moment_task", "task_list", moment_id=named["moment_id"]) == [
        {"userid": "guide01", "publish_status": 1}
    ]
    clock.forward(days=1)
    api.fetch()
    assert api.get("externalcontact/get_moment_task_result", jobid=jobid)["errcode"] == 40058


# Inheritance


def test_a_takeover_takes_a_day_and_moves_corp_tags(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    people = [friend(city, "guide01") for _ in range(3)]
    moved, refusing, known = people
    city.befriends(known, "guide03")
    tag = api.post("externalcontact/add_corp_tag", group_name="g", tag=[{"name": "a"}])["tag_group"]["tag"][0]["id"]
    city.staff_edits("guide01", moved, add_tags=[tag], personal=["mine"])
    ids = [one.external_userid for one in people]
    pair = {"handover_userid": "guide01", "takeover_userid": "guide03"}
    asked = pair | {"external_userid": [*ids, "wmNobody"]}
    answer = api.post("externalcontact/transfer_customer", asked)
    assert [one["errcode"] for one in answer["customer"]] == [0, 0, 0, 40096]
    again = api.post("externalcontact/transfer_customer", asked)["customer"]
    assert [one["errcode"] for one in again] == [40129, 40129, 40129, 40096]
    city.refuses(refusing, "guide03")
    before = len(city.callbacks.told)
    clock.forward(hours=23)

    def states() -> dict[str, int]:
        api.fetch()
        rows = api.pages("externalcontact/transfer_result", "customer", **pair)
        return {one["external_userid"]: one["status"] for one in rows}

    assert states() == dict(zip(ids, (2, 3, 2), strict=True))
    clock.forward(hours=1, seconds=1)
    assert states() == dict(zip(ids, (1, 3, 1), strict=True))
    events = told(city, "UserID", "ExternalUserID", "Source")[before:]
    assert sorted(events, key=str) == sorted(
        [
            ("del_external_contact", "guide01", moved.external_userid, "DELETE_BY_TRANSFER"),
            ("add_external_contact", "guide03", moved.external_userid, None),
            ("del_external_contact", "guide01", known.external_userid, "DELETE_BY_TRANSFER"),
        ],
        key=str,
    )
    follower = api.get("externalcontact/get", external_userid=moved.external_userid)["follow_user"]
    assert [(one["userid"], [t["tag_name"] for t in one["tags"]]) for one in follower] == [("guide03", ["a"])]


def test_a_customer_moves_twice_in_ninety_days(town: Living, api: Api, clock: Clock) -> None:
    customer = friend(town.city, "guide01")
    found = []
    for handover, takeover in itertools.islice(
        itertools.pairwise(itertools.cycle(("guide01", "guide02", "guide03"))), 3
    ):
        body = {"handover_userid": handover, "takeover_userid": takeover, "external_userid": [customer.external_userid]}
        found.append(api.post("externalcontact/transfer_customer", body)["customer"][0]["errcode"])
        clock.forward(days=2)
        api.fetch()
    assert found == [0, 0, 40128]


def test_what_a_leaver_had_is_inherited(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    customer = friend(city, "guide01")
    group = city.makes_group("guide01", "城西福利群")
    body = {"handover_userid": "guide01", "takeover_userid": "guide02", "external_userid": [customer.external_userid]}
    assert api.post("externalcontact/resigned/transfer_customer", body)["errcode"] == 40097
    handed = {"chat_id_list": [group.chat_id, "wrNone"], "new_owner": "guide02"}
    failed = api.post("externalcontact/groupchat/transfer", handed)["failed_chat_list"]
    assert [one["errcode"] for one in failed] == [90500, 90501]
    city.resigns("guide01")
    assert told(city, "UserID")[-1] == ("delete_user", "guide01")
    (row,) = api.post("externalcontact/get_unassigned_list", page_size=1000)["info"]
    assert (row["handover_userid"], row["external_userid"]) == ("guide01", customer.external_userid)
    assert api.get("externalcontact/get", external_userid=customer.external_userid)["errcode"] == 84061
    limit = {"limit": 10, "status_filter": 1}
    (left,) = api.post("externalcontact/groupchat/list", limit)["group_chat_list"]
    assert left == {"chat_id": group.chat_id, "status": 1}
    assert api.post("externalcontact/resigned/transfer_customer", body)["customer"][0]["errcode"] == 0
    assert [one["chat_id"] for one in api.post("externalcontact/groupchat/transfer", handed)["failed_chat_list"]] == [
        "wrNone"
    ]
    clock.forward(days=1, seconds=1)
    api.fetch()
    assert api.get("externalcontact/list", userid="guide02")["external_userid"] == [customer.external_userid]
    assert api.post("externalcontact/groupchat/get", chat_id=group.chat_id)["group_chat"]["owner"] == "guide02"


# Groups


def test_groups_tell_versions_and_overflow_into_new_rooms(town: Living, api: Api) -> None:
    city = town.city
    city.settings.group.members = 3
    group = city.makes_group("guide01", "城西福利群")
    ways = {"scene": 2, "chat_id_list": [group.chat_id], "state": "g_hz", "room_base_name": "城西"}
    assert api.post("externalcontact/groupchat/add_join_way", ways | {"chat_id_list": ["a"] * 6})["errcode"] == 41091
    config = api.post("externalcontact/groupchat/add_join_way", ways)["config_id"]
    code = api.post("externalcontact/groupchat/get_join_way", config_id=config)["join_way"]["qr_code"]
    people = [city.add_customer(f"客{n}") for n in range(3)]
    first = group.version
    places = [city.joins(one, code) for one in people]
    assert places[:2] == [group.chat_id] * 2
    assert places[2] != group.chat_id
    updates = [one for one in city.callbacks.told if one.get("UpdateDetail") == "add_member"]
    assert [one["LastMemVer"] for one in updates[:2]] == [first, updates[0]["CurMemVer"]]
    assert updates[0]["JoinScene"] == 3
    city.removes(people[0], group.chat_id)
    assert city.callbacks.told[-1]["QuitScene"] == 1
    shown = api.post("externalcontact/groupchat/get", chat_id=group.chat_id, need_name=1)["group_chat"]
    assert shown["member_version"] == city.callbacks.told[-1]["CurMemVer"]
    member = shown["member_list"][1]
    assert (member["userid"], member["state"], member["join_scene"]) == (people[1].external_userid, "g_hz", 3)
    assert (member["name"], member["unionid"]) == ("客1", people[1].unionid)
    assert len(api.pages("externalcontact/groupchat/list", "group_chat_list", limit=1)) == 2
    city.settings.group.unfiltered_owners = 2
    assert api.post("externalcontact/groupchat/list", limit=10)["errcode"] == 81017


def test_a_group_task_reaches_the_members_of_the_senders_groups(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    group, customer = city.makes_group("guide01", "群"), city.add_customer()
    city.joins(customer, group.chat_id)
    msgid = api.post(
        "externalcontact/add_msg_template", chat_type="group", sender="guide01", text={"content": "群公告"}
    )["msgid"]
    clock.forward(seconds=31)
    asked = {"msgid": msgid, "userid": "guide01"}
    assert api.pages("externalcontact/get_groupmsg_send_result", "send_list", **asked) == []
    city.taps("guide01", msgid)
    (row,) = api.pages("externalcontact/get_groupmsg_send_result", "send_list", **asked)
    assert (row["chat_id"], row["status"]) == (group.chat_id, mass.DONE)
    assert [(one.kind, one.sender) for one in city.inbox(customer)] == [("group", group.chat_id)]


# Media, statistics, login, notices, customer service


def test_media_dies_after_three_days(town: Living, api: Api, clock: Clock) -> None:
    customer = friend(town.city, "guide01")
    made = api.upload("media/upload", "a.png", b"picture-of-fish", type="image")
    assert isinstance(made["created_at"], str)
    assert api.upload("media/upload", "a.txt", b"x" * 10, type="image")["errcode"] == 40005
    url = f"{town.address}/cgi-bin/media/get"
    query = {"access_token": api.token, "media_id": made["media_id"]}
    assert httpx.get(url, params=query).content == b"picture-of-fish"
    clock.forward(days=3, seconds=1)
    api.fetch()
    body = {"external_userid": [customer.external_userid], "attachments": [{"msgtype": "image", "image": query}]}
    assert api.post("externalcontact/add_msg_template", body)["errcode"] == 40007


def test_statistics_come_the_morning_after(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    customer = friend(city, "guide01")
    city.says(customer, "guide01", "在吗")
    clock.forward(minutes=4)
    city.answers("guide01", customer, "在")
    city.deletes(customer, "guide01")
    now = city.stamp()
    asked = {"userid": ["guide01"], "start_time": now, "end_time": now}
    assert api.post("externalcontact/get_user_behavior_data", asked)["behavior_data"] == []
    clock.forward(hours=18)
    api.fetch()
    (row,) = api.post("externalcontact/get_user_behavior_data", asked)["behavior_data"]
    assert (row["chat_cnt"], row["message_cnt"], row["avg_reply_time"]) == (1, 1, 4)
    assert (row["reply_percentage"], row["negative_feedback_cnt"], row["new_contact_cnt"]) == (100, 1, 1)


def test_login_leads_back_with_a_code_that_works_once(town: Living, api: Api) -> None:
    city, account = town.city, town.city.account("wecom")
    where = {"appid": account["corp_id"], "agentid": account["agent_id"], "state": "S"}
    where["redirect_uri"] = "http://127.0.0.1:9/back?x=1"
    page = httpx.get(f"{town.address}/wwlogin/sso/login", params=where)
    assert "userid=guide02" in page.text
    chosen = httpx.get(f"{town.address}/wwlogin/sso/login", params=where | {"userid": "guide02"})
    query = dict(parse_qsl(urlsplit(chosen.headers["location"]).query))
    assert (query["x"], query["state"]) == ("1", "S")
    assert api.get("auth/getuserinfo", code=query["code"])["userid"] == "guide02"
    assert api.get("auth/getuserinfo", code=query["code"])["errcode"] == 42022
    old = dict(parse_qsl(urlsplit(city.logs_in("guide01", str(page.url))).query))["code"]
    city.advance(301)
    assert api.get("auth/getuserinfo", code=old)["errcode"] == 42003
    city.app("wecom").trusted_domain = "crm.example.com"
    assert "50001" in httpx.get(f"{town.address}/wwlogin/sso/login", params=where).text
    corp, agent = api.get("get_jsapi_ticket"), api.get("ticket/get", type="agent_config")
    assert corp["ticket"] != agent["ticket"]


def test_notices_reach_members_and_repeats_do_not(town: Living, api: Api) -> None:
    body = {"touser": "guide01|ghost", "agentid": 1000002, "msgtype": "text", "text": {"content": "新线索"}}
    for _ in range(2):
        assert api.post("message/send", body | {"enable_duplicate_check": 1})["invaliduser"] == "ghost"
    assert [one.body["content"] for one in town.city.notices("guide01")] == ["新线索"]
    assert api.post("message/send", body | {"touser": "ghost"})["errcode"] == 81013


def test_customer_service_answers_five_times_within_its_window(town: Living, api: Api, clock: Clock) -> None:
    city = town.city
    account, customer = city.add_kf("客服"), city.add_customer()
    city.scan(customer, api.post("kf/add_contact_way", open_kfid=account, scene="s1")["url"])
    city.says(customer, account, "有人吗")
    synced = api.post("kf/sync_msg", open_kfid=account)
    entered, words = synced["msg_list"]
    assert words["text"] == {"content": "有人吗"}
    code = entered["event"]["welcome_code"]
    reply = {"msgtype": "text", "text": {"content": "在"}}
    assert [api.post("kf/send_msg_on_event", reply | {"code": code})["errcode"] for _ in range(2)] == [0, 41050]
    send = reply | {"touser": customer.external_userid, "open_kfid": account}
    assert [api.post("kf/send_msg", send | {"msgid": "m1"})["errcode"] for _ in range(2)] == [0, 0]
    assert len(city.inbox(customer)) == 2, "the same msgid is sent once"
    assert [api.post("kf/send_msg", send)["errcode"] for _ in range(5)] == [0, 0, 0, 0, 95001]
    city.says(customer, account, "?")
    clock.forward(hours=49)
    api.fetch()
    assert api.post("kf/send_msg", send)["errcode"] == 95002
    rest = api.post("kf/sync_msg", open_kfid=account, cursor=synced["next_cursor"])
    assert [one["text"]["content"] for one in rest["msg_list"]] == ["?"]


# The whole


def test_the_same_seed_lives_the_same_life() -> None:
    def life(seed: int) -> list[Any]:
        city = City(seed, Clock())
        city.faults.lost_callbacks = 0.5
        for userid in ("a", "b"):
            city.add_staff(userid)
        for _ in range(20):
            friend(city, city.dice("who").choice("ab"))
        return [*map(dict, city.callbacks.told), city.account("wecom")]

    assert life(1) == life(1)
    assert life(1) != life(2)


def test_another_process_can_drive_the_city(town: Living) -> None:
    def do(action: str, **given: Any) -> Any:
        return httpx.post(f"{town.address}/city/do/{action}", json=given).json()

    made = do("add_customer", name="远客")["result"]
    do("befriends", customer=made["external_userid"], userid="guide01")
    do("answers", userid="guide01", customer=made["external_userid"], text="你好")
    assert [one["text"] for one in do("inbox", customer=made["external_userid"])["result"]] == ["你好"]
    assert "wmNobody" in do("inbox", customer="wmNobody")["error"]
    assert "there is no action" in do("__init__")["error"]
    before = town.city.now()
    do("advance", seconds=60)
    assert (town.city.now() - before).total_seconds() == 60
    assert httpx.post(f"{town.address}/city/settings", json={"mass": {"cap": 4}}).json()["mass"]["cap"] == 4
    assert httpx.post(f"{town.address}/city/faults", json={"bussy_rate": 1}).status_code == 400
    assert httpx.post(f"{town.address}/city/faults", json={"never_tap": ["guide01"]}).status_code == 200
    assert town.city.faults.never_tap == {"guide01"}
    assert httpx.post(f"{town.address}/city/faults", json={"busy_rate": 0.5}).json()["busy_rate"] == 0.5
    assert httpx.post(f"{town.address}/city/settings", json={"strict": "no"}).status_code == 400
    assert httpx.get(f"{town.address}/city/state").json()["customers"] == 1


def test_thousands_of_contacts_come_page_by_page(town: Living, api: Api) -> None:
    city = town.city
    with city.lock:
        for _ in range(3000):
            friend(city, "guide01")
    rows = api.pages("externalcontact/batch/get_by_user", "external_contact_list", userid_list=["guide01"], limit=100)
    assert len({one["external_contact"]["external_userid"] for one in rows}) == 3000


def test_two_cities_live_side_by_side() -> None:
    with living(seed=1) as one, living(seed=2) as two:
        assert one.address != two.address
        friend(one.city, "guide01")
        assert two.api.get("externalcontact/list", userid="guide01")["errcode"] == 84061
        assert one.api.get("externalcontact/list", userid="guide01")["errcode"] == 0


INDEX = """getcallbackip media/upload media/upload_attachment media/uploadimg media/get user/get user/list user/simplelist user/list_id
department/list department/simplelist department/get auth/getuserinfo auth/getuserdetail get_jsapi_ticket ticket/get message/send
webhook/send kf/sync_msg kf/send_msg kf/send_msg_on_event kf/service_state/get kf/service_state/trans kf/customer/batchget"""


def test_the_client_finds_every_path_it_uses() -> None:
    assert {f"cgi-bin/{path}" for path in INDEX.split()} <= set(PATHS)
