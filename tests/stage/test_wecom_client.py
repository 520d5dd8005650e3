"""The WeCom client against the city: every endpoint of the table, paging, and what is found after an unanswered call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from cities import START, VAULT, Clock, Living, living
from yutang.channels.platform.calls import Caller, Later, PlatformError, Unknown
from yutang.channels.platform.calls.dialect import EVERY, Limit
from yutang.channels.wecom.client import WeCom
from yutang.channels.wecom.dialect import DIALECT
from yutang.channels.wecom.endpoints import ENDPOINTS
from yutang.db.connect import connect
from yutang.emulator import City
from yutang.emulator.limits import MARK_TAG
from yutang.emulator.people import Customer
from yutang.emulator.wecom import welcome

DAY = 86_400
X = "externalcontact"
LINK, CHAT, GREETING = f"{X}/customer_acquisition", f"{X}/groupchat", f"{X}/group_welcome_template"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


@dataclass
class World:
    """A served city in strict mode, our client of it, and one customer who is a contact of guide01."""

    city: City
    clock: Clock
    wecom: WeCom
    customer: Customer
    pauses: list[float] = field(default_factory=list)

    @property
    def stamp(self) -> int:
        return self.city.stamp()

    def call(self, path: str, **args: Any) -> dict[str, Any]:
        return self.wecom.call(path, args)

    def forward(self, **span: float) -> None:
        self.clock.forward(**span)

    def span(self) -> dict[str, int]:
        return {"start_time": self.stamp - DAY, "end_time": self.stamp}

    # what other calls need to be there

    def tag(self) -> str:
        made = self.call(f"{X}/add_corp_tag", group_name="等级", tag=[{"name": "金卡"}])
        return made["tag_group"]["tag"][0]["id"]

    def way(self, state: str = "s_1") -> str:
        return self.call(f"{X}/add_contact_way", type=1, scene=2, state=state, user=["guide01"])["config_id"]

    def link(self) -> str:
        made = self.call(f"{LINK}/create_link", link_name="投放", range={"user_list": ["guide01"]})
        return made["link"]["link_id"]

    def chat(self) -> str:
        return self.city.makes_group("guide01", "城西福利群").chat_id

    def join_way(self) -> str:
        return self.call(f"{CHAT}/add_join_way", scene=2, auto_create_room=0, chat_id_list=[self.chat()])["config_id"]

    def greeting(self) -> str:
        return self.call(f"{GREETING}/add", text={"content": "欢迎%NICKNAME%"})["template_id"]

    def mass(self, text: str = "会员日今晚开抢") -> str:
        to = [self.customer.external_userid]
        made = self.call(
            f"{X}/add_msg_template", chat_type="single", external_userid=to, sender="guide01", text={"content": text}
        )
        return made["msgid"]

    def dispatched(self) -> str:
        msgid = self.mass()
        self.forward(minutes=1)
        return msgid

    def job(self, text: str = "周五会员日") -> str:
        to = {"sender_list": {"user_list": ["guide01"]}}
        return self.call(f"{X}/add_moment_task", text={"content": text}, visible_range=to)["jobid"]

    def moment(self) -> str:
        jobid = self.job()
        self.forward(minutes=1)
        moment_id = self.call(f"{X}/get_moment_task_result", jobid=jobid)["result"]["moment_id"]
        self.city.taps("guide01", moment_id)
        return moment_id

    def product(self) -> dict[str, Any]:
        media = self.wecom.upload("image", "杯.png", PNG, "image/png", attachment_type=2)
        picture = {"type": "image", "image": {"media_id": media}}
        return {"description": "拿铁", "price": 1990, "attachments": [picture]}

    def album(self) -> str:
        return self.call(f"{X}/add_product_album", **self.product())["product_id"]

    def rule(self) -> str:
        return self.call(f"{X}/add_intercept_rule", **RULE)["rule_id"]

    def code(self) -> str:
        url = f"{self.city.address}/wwlogin/sso/login?" + "appid=" + self.city.corp_id
        back = self.city.logs_in("guide01", url + "&redirect_uri=https%3A%2F%2Fcrm.example.com%2F&state=s")
        return parse_qs(urlsplit(back).query)["code"][0]

    def welcome_code(self) -> str:
        """As the callback would bring it."""
        relation = self.city.relation("guide01", self.customer)
        assert relation is not None
        return welcome.issue(self.city, relation)

    def pair(self) -> dict[str, Any]:
        return {"userid": "guide01", "external_userid": self.customer.external_userid}

    def move(self) -> dict[str, Any]:
        return {
            "handover_userid": "guide01", "takeover_userid": "guide02", "external_userid": [self.customer.external_userid]
        }  # fmt: skip


RULE: dict[str, Any] = {
    "rule_name": "返现词", "word_list": ["加私人微信"], "intercept_type": 2,
    "applicable_range": {"user_list": ["guide01"], "department_list": []},
}  # fmt: skip
HEIRS = {"handover_userid": "guide01", "takeover_userid": "guide02"}
TEXT = {"text": {"content": "你好"}}

Example = Callable[[World], tuple[dict[str, Any], str | None]]
EXAMPLES: dict[str, Example | tuple[dict[str, Any], str | None]] = {
    f"{X}/get_follow_user_list": ({}, "follow_user"),
    f"{X}/list": ({"userid": "guide01"}, "external_userid"),
    f"{X}/get": lambda w: ({"external_userid": w.customer.external_userid}, "external_contact"),
    f"{X}/batch/get_by_user": ({"userid_list": ["guide01"], "limit": 100}, "external_contact_list"),
    f"{X}/remark": lambda w: (w.pair() | {"remark": "小鱼-VIP", "remark_mobiles": ["13900000000"]}, None),
    f"{X}/get_corp_tag_list": ({"tag_id": [], "group_id": []}, "tag_group"),
    f"{X}/add_corp_tag": ({"group_name": "等级", "tag": [{"name": "金卡"}]}, "tag_group"),
    f"{X}/edit_corp_tag": lambda w: ({"id": w.tag(), "name": "黑卡"}, None),
    f"{X}/del_corp_tag": lambda w: ({"tag_id": [w.tag()]}, None),
    f"{X}/mark_tag": lambda w: (w.pair() | {"add_tag": [w.tag()]}, None),
    f"{X}/add_contact_way": ({"type": 1, "scene": 2, "user": ["guide01"], "state": "s_1"}, "config_id"),
    f"{X}/get_contact_way": lambda w: ({"config_id": w.way()}, "contact_way"),
    f"{X}/list_contact_way": lambda w: (w.span() | {"limit": 1000}, "contact_way"),
    f"{X}/update_contact_way": lambda w: ({"config_id": w.way(), "remark": "万象城店"}, None),
    f"{X}/del_contact_way": lambda w: ({"config_id": w.way()}, None),
    f"{LINK}/list_link": ({"limit": 100}, "link_id_list"),
    f"{LINK}/get": lambda w: ({"link_id": w.link()}, "link"),
    f"{LINK}/create_link": ({"link_name": "投放", "range": {"user_list": ["guide01"]}}, "link"),
    f"{LINK}/update_link": lambda w: ({"link_id": w.link(), "link_name": "投放B"}, None),
    f"{LINK}/delete_link": lambda w: ({"link_id": w.link()}, None),
    f"{LINK}/customer": lambda w: ({"link_id": w.link(), "limit": 1000}, "customer_list"),
    f"{LINK}/statistic": lambda w: ({"link_id": w.link()} | w.span(), "new_customer_cnt"),
    f"{LINK}_quota": ({}, "balance"),
    f"{X}/send_welcome_msg": lambda w: ({"welcome_code": w.welcome_code()} | TEXT, None),
    f"{CHAT}/list": ({"status_filter": 0, "owner_filter": {"userid_list": ["guide01"]}, "limit": 1000}, "group_chat_list"),
    f"{CHAT}/get": lambda w: ({"chat_id": w.chat(), "need_name": 1}, "group_chat"),
    f"{CHAT}/add_join_way": lambda w: ({"scene": 2, "auto_create_room": 1, "chat_id_list": [w.chat()]}, "config_id"),
    f"{CHAT}/get_join_way": lambda w: ({"config_id": w.join_way()}, "join_way"),
    f"{CHAT}/update_join_way": lambda w: ({"config_id": w.join_way(), "scene": 2, "chat_id_list": [w.chat()]}, None),
    f"{CHAT}/del_join_way": lambda w: ({"config_id": w.join_way()}, None),
    f"{CHAT}/transfer": lambda w: ({"chat_id_list": [w.chat()], "new_owner": "guide02"}, "failed_chat_list"),
    f"{CHAT}/onjob_transfer": lambda w: ({"chat_id_list": [w.chat()], "new_owner": "guide02"}, "failed_chat_list"),
    f"{CHAT}/statistic": lambda w: ({"day_begin_time": w.stamp - DAY, "owner_filter": {"userid_list": ["guide01"]}}, "items"),
    f"{CHAT}/statistic_group_by_day": lambda w: ({"day_begin_time": w.stamp - DAY, "owner_filter": {"userid_list": ["guide01"]}}, "items"),
    f"{GREETING}/add": (TEXT, "template_id"),
    f"{GREETING}/edit": lambda w: ({"template_id": w.greeting()} | TEXT, None),
    f"{GREETING}/get": lambda w: ({"template_id": w.greeting()}, "text"),
    f"{GREETING}/del": lambda w: ({"template_id": w.greeting()}, None),
    f"{X}/add_msg_template": lambda w: ({"chat_type": "single", "external_userid": [w.customer.external_userid]} | TEXT, "msgid"),
    f"{X}/get_groupmsg_list_v2": lambda w: ({"chat_type": "single", "filter_type": 0, "limit": 100} | w.span(), "group_msg_list"),
    f"{X}/get_groupmsg_task": lambda w: ({"msgid": w.dispatched(), "limit": 1000}, "task_list"),
    f"{X}/get_groupmsg_send_result": lambda w: ({"msgid": w.dispatched(), "userid": "guide01", "limit": 1000}, "send_list"),
    f"{X}/remind_groupmsg_send": lambda w: ({"msgid": w.mass()}, None),
    f"{X}/cancel_groupmsg_send": lambda w: ({"msgid": w.mass()}, None),
    f"{X}/add_moment_task": (TEXT | {"visible_range": {"sender_list": {"user_list": ["guide01"]}}}, "jobid"),
    f"{X}/get_moment_task_result": lambda w: ({"jobid": w.job()}, "status"),
    f"{X}/cancel_moment_task": lambda w: ({"moment_id": w.moment()}, None),
    f"{X}/get_moment_list": lambda w: ({"filter_type": 2, "limit": 20} | w.span(), "moment_list"),
    f"{X}/get_moment_task": lambda w: ({"moment_id": w.moment(), "limit": 1000}, "task_list"),
    f"{X}/get_moment_customer_list": lambda w: ({"moment_id": w.moment(), "userid": "guide01", "limit": 1000}, "customer_list"),
    f"{X}/get_moment_send_result": lambda w: ({"moment_id": w.moment(), "userid": "guide01", "limit": 5000}, "customer_list"),
    f"{X}/get_moment_comments": lambda w: ({"moment_id": w.moment(), "userid": "guide01"}, "like_list"),
    f"{X}/add_product_album": lambda w: (w.product(), "product_id"),
    f"{X}/get_product_album": lambda w: ({"product_id": w.album()}, "product"),
    f"{X}/get_product_album_list": ({"limit": 100}, "product_list"),
    f"{X}/update_product_album": lambda w: ({"product_id": w.album(), "price": 2190}, None),
    f"{X}/delete_product_album": lambda w: ({"product_id": w.album()}, None),
    f"{X}/add_intercept_rule": (RULE, "rule_id"),
    f"{X}/get_intercept_rule_list": ({}, "rule_list"),
    f"{X}/get_intercept_rule": lambda w: ({"rule_id": w.rule()}, "rule"),
    f"{X}/update_intercept_rule": lambda w: ({"rule_id": w.rule(), "rule_name": "返现"}, None),
    f"{X}/del_intercept_rule": lambda w: ({"rule_id": w.rule()}, None),
    f"{X}/transfer_customer": lambda w: (w.move() | {"transfer_success_msg": "由小王继续服务"}, "customer"),
    f"{X}/transfer_result": (HEIRS, "customer"),
    f"{X}/resigned/transfer_customer": lambda w: (w.city.resigns("guide01") or w.move(), "customer"),
    f"{X}/resigned/transfer_result": (HEIRS, "customer"),
    f"{X}/get_unassigned_list": ({"page_size": 1000}, "info"),
    f"{X}/get_user_behavior_data": lambda w: ({"userid": ["guide01"]} | w.span(), "behavior_data"),
    "user/get": ({"userid": "guide01"}, "name"),
    "user/list": ({"department_id": 1}, "userlist"),
    "user/simplelist": ({"department_id": 1}, "userlist"),
    "department/list": ({}, "department"),
    "department/simplelist": ({}, "department_id"),
    "auth/getuserinfo": lambda w: ({"code": w.code()}, "userid"),
    "auth/getuserdetail": lambda w: ({"user_ticket": w.call("auth/getuserinfo", code=w.code())["user_ticket"]}, "mobile"),
    "get_jsapi_ticket": ({}, "ticket"),
    "ticket/get": ({"type": "agent_config"}, "ticket"),
    "message/send": ({"touser": "guide01", "agentid": 1000002, "msgtype": "text"} | TEXT, "msgid"),
}  # fmt: skip
"""By path: the arguments, and what the answer must hold."""
FILES = {"media/upload", "media/upload_attachment"}


def client(conn: psycopg.Connection, there: Living, pauses: list[float]) -> WeCom:
    caller = Caller(conn, VAULT, there.accounts["wecom"], there.city.now, DIALECT, pauses.append)
    return WeCom(caller)


@pytest.fixture
def world(conn: psycopg.Connection) -> Iterator[World]:
    clock, pauses = Clock(), []
    with living(conn, clock=clock) as there:
        there.city.settings.strict = True
        customer = there.city.add_customer("小鱼")
        there.city.befriends(customer, "guide01")
        yield World(there.city, clock, client(conn, there, pauses), customer, pauses)


def test_every_endpoint_has_an_example() -> None:
    assert set(EXAMPLES) | FILES == set(ENDPOINTS)


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_platform_understands_us(world: World, path: str) -> None:
    example = EXAMPLES[path]
    args, key = example(world) if callable(example) else example
    answer = world.wecom.call(path, args)
    assert answer["errcode"] == 0
    assert key is None or key in answer
    endpoint = ENDPOINTS[path]
    if endpoint.rows:
        assert isinstance(answer[endpoint.rows], list)
    assert ("next_cursor" in answer or path == f"{X}/get") == (endpoint.page == "c")
    assert ("next_offset" in answer) == (endpoint.page == "o")


# what the thin methods do


def test_files_get_their_media_ids(world: World) -> None:
    plain = world.wecom.upload("image", "海报.png", PNG, "image/png")
    album = world.wecom.upload("image", "海报.png", PNG, "image/png", attachment_type=2)
    assert plain != album
    world.call(f"{X}/send_welcome_msg", welcome_code=world.welcome_code(),
               attachments=[{"msgtype": "image", "image": {"media_id": plain}}])  # fmt: skip


def test_customers_one_by_one_and_in_bulk(world: World) -> None:
    others = [world.city.add_customer(f"客{n}") for n in range(7)]
    for other in others:
        world.city.befriends(other, "guide01")
    every = {world.customer.external_userid, *(one.external_userid for one in others)}
    assert set(world.wecom.customers("guide01")) == every
    assert world.wecom.customers("guide02") == []
    assert set(world.wecom.staff()) == {"guide01", "guide02", "guide03"}
    found = world.wecom.contact(world.customer.external_userid)
    assert [one["userid"] for one in found["follow_user"]] == ["guide01"]
    rows = [row for page, _ in world.wecom.contacts(["guide01"]) for row in page]
    assert {row["external_contact"]["external_userid"] for row in rows} == every


def test_a_reader_goes_on_where_it_stopped(world: World) -> None:
    for n in range(11):
        world.way(f"s_{n}")
    world.city.faults.moving_pages = True
    path, args = f"{X}/list_contact_way", world.span() | {"limit": 4}
    rows, cursor = next(world.wecom.pages(path, args))
    found = [row["config_id"] for row in rows]
    pages = list(world.wecom.pages(path, args, cursor))
    found += [row["config_id"] for page, _ in pages for row in page]
    assert len(set(found)) == 11
    assert pages[-1][1] == ""
    assert len(found) > 11, "rows come twice, and nobody minds"


def test_offsets_page_too(world: World) -> None:
    owners = {"owner_filter": {"userid_list": ["guide01", "guide02", "guide03"]}}
    args = {"day_begin_time": world.stamp - DAY, "limit": 2} | owners
    assert [len(rows) for rows, _ in world.wecom.pages(f"{CHAT}/statistic", args)] == [2, 1]
    assert len(world.wecom.rows(f"{CHAT}/statistic", args)) == 3


def test_tags_are_put_on_and_taken_off(world: World) -> None:
    tag = world.tag()
    relation = world.city.relation("guide01", world.customer)
    assert relation is not None
    world.wecom.mark_tag("guide01", world.customer.external_userid, add=[tag])
    assert tag in relation.tags
    world.wecom.mark_tag("guide01", world.customer.external_userid, remove=[tag])
    assert tag not in relation.tags


def test_what_is_gone_already_is_deleted(world: World) -> None:
    config_id = world.way()
    for _ in range(2):
        world.call(f"{X}/del_contact_way", config_id=config_id)
    with pytest.raises(PlatformError) as caught:
        world.call(f"{X}/get_contact_way", config_id=config_id)
    assert caught.value.sort == "gone"


def test_staff_are_told_once(world: World) -> None:
    for _ in range(2):
        world.wecom.notify(["guide01"], {"msgtype": "text", "text": {"content": "小鱼想买大杯"}})
    assert len(world.city.notices("guide01")) == 1


def test_tickets_of_pages_are_of_two_kinds_and_kept(world: World) -> None:
    assert world.wecom.corp_ticket() != world.wecom.app_ticket()
    before = world.wecom.app_ticket()
    world.forward(hours=1)
    assert world.wecom.app_ticket() == before


# welcomes


def test_a_welcome_that_got_no_answer_counts_as_sent(world: World) -> None:
    code = world.welcome_code()
    world.wecom.caller.token()
    world.city.faults.lost_answers = 1
    # The network comes back while we pause.
    world.wecom.caller.pause = lambda _: setattr(world.city.faults, "lost_answers", 0)
    world.wecom.welcome(code, TEXT, world.clock() + timedelta(seconds=15))
    assert [message.text for message in world.city.inbox(world.customer) if message.kind == "welcome"] == ["你好"]


def test_a_welcome_is_not_tried_again_when_its_time_is_over(world: World) -> None:
    code = world.welcome_code()
    world.wecom.caller.token()
    world.city.faults.bad_gateway_rate = 1
    with pytest.raises(PlatformError) as caught:
        world.wecom.welcome(code, TEXT, world.clock())
    assert (caught.value.sort, caught.value.tries) == ("busy", 1)


def test_a_welcome_sent_from_elsewhere_is_said_so(world: World) -> None:
    code, until = world.welcome_code(), world.clock() + timedelta(seconds=15)
    world.wecom.welcome(code, TEXT, until)
    with pytest.raises(PlatformError) as caught:
        world.wecom.welcome(code, TEXT, until)
    assert caught.value.code == 41051


# what has an unanswered call done?


def unanswered(world: World, make: Callable[[], Any]) -> None:
    """It takes effect, and its answer is lost."""
    world.wecom.caller.token()
    world.city.faults.lost_answers = 1
    with pytest.raises(Unknown):
        make()
    world.city.faults.lost_answers = 0


def test_a_lost_contact_way_is_found_by_its_state(world: World) -> None:
    since = world.clock()
    for state in ("other1", "other2"):
        world.way(state)
    assert world.wecom.find_contact_way("mine", since) is None
    unanswered(world, lambda: world.way("mine"))
    world.forward(seconds=30)
    found = world.wecom.find_contact_way("mine", since)
    assert found is not None
    assert found["user"] == ["guide01"]
    assert found["qr_code"]


def test_a_lost_mass_task_is_found_once_it_is_dispatched(world: World) -> None:
    known, since = [world.mass("早")], world.clock()
    unanswered(world, lambda: world.mass("早"))
    with pytest.raises(PlatformError) as caught:
        world.wecom.find_mass_message("single", "早", "guide01", since, known)
    assert caught.value.sort == "later", "not yet to be seen"
    world.forward(minutes=1)
    found = world.wecom.find_mass_message("single", "早", "guide01", since, known)
    assert found is not None
    assert found not in known
    assert world.wecom.find_mass_message("single", "早", "guide02", since, known) is None
    assert world.wecom.find_mass_message("single", "晚", "guide01", since, known) is None
    assert world.wecom.find_mass_message("group", "早", "guide01", since, known) is None
    assert world.wecom.find_mass_message("single", "早", "guide01", since, [*known, found]) is None
    world.forward(minutes=5)
    assert world.wecom.find_mass_message("single", "早", "guide01", world.clock(), known) is None, "older than our call"


def test_a_lost_moment_is_found(world: World) -> None:
    since = world.clock()
    unanswered(world, lambda: world.job("周五"))
    world.forward(minutes=1)
    found = world.wecom.find_moment("周五", since)
    assert found is not None
    assert world.wecom.find_moment("周五", since, [found]) is None
    assert world.wecom.find_moment("周六", since) is None


@pytest.mark.parametrize("resigned", [False, True])
def test_a_lost_transfer_shows_in_its_result(world: World, resigned: bool) -> None:
    if resigned:
        world.city.resigns("guide01")
    path = f"{X}/{'resigned/' if resigned else ''}transfer_customer"
    assert world.wecom.transfers("guide01", "guide02", resigned) == {}
    unanswered(world, lambda: world.wecom.call(path, world.move()))
    assert set(world.wecom.transfers("guide01", "guide02", resigned)) == {world.customer.external_userid}


# a whole afternoon of faults


def test_a_revoked_token_is_not_noticed_by_the_caller(world: World) -> None:
    world.wecom.staff()
    world.city.revoke_tokens()
    assert len(world.wecom.staff()) == 3


def test_reading_comes_through_a_bad_day(world: World) -> None:
    world.city.faults.busy_rate, world.city.faults.bad_gateway_rate = 0.15, 0.15
    for n in range(12):
        world.wecom.call("user/get", {"userid": f"guide0{n % 3 + 1}"})
    assert world.pauses, "there were second tries"


def test_too_often_makes_everybody_wait(world: World) -> None:
    world.wecom.staff()
    world.city.faults.rate_limited = {f"cgi-bin/{X}/get_follow_user_list"}
    for _ in range(5):
        with pytest.raises(Later) as caught:
            world.wecom.staff()
        assert caught.value.until == world.clock() + timedelta(seconds=60)
    made = "select count(*) as n from channel_call where errcode = 45009"
    assert world.wecom.caller.conn.execute(made).fetchone().n == 1  # type: ignore[union-attr]


def test_four_workers_never_pass_the_citys_limits(conn: psycopg.Connection, url: str) -> None:
    """Time runs sixty times as fast, so that a few seconds are a few of the city's minutes."""
    limit, began = 60, time.monotonic()
    dialect = replace(DIALECT, limits=(Limit(EVERY, limit, 10**6, date(2020, 1, 1)),))
    done: list[int] = []

    def work(there: Living, external_userid: str, tag: str) -> None:
        with connect(url) as mine:
            wecom = WeCom(Caller(mine, VAULT, there.accounts["wecom"], there.city.now, dialect))
            while time.monotonic() < began + 5:
                try:
                    wecom.mark_tag("guide01", external_userid, add=[tag])
                    done.append(1)
                except Later:
                    time.sleep(0.01)

    with living(conn, clock=lambda: START + timedelta(minutes=time.monotonic() - began)) as there:
        there.city.settings.rate.per_api_min, there.city.settings.rate.per_api_hour = limit, 0
        customer = there.city.add_customer("小鱼")
        there.city.befriends(customer, "guide01")
        made = client(conn, there, []).call(f"{X}/add_corp_tag", {"group_name": "等级", "tag": [{"name": "金卡"}]})
        tag = made["tag_group"]["tag"][0]["id"]
        with ThreadPoolExecutor(4) as pool:
            for one in [pool.submit(work, there, customer.external_userid, tag) for _ in range(4)]:
                one.result()
        assert not there.city.limits.refused
        assert there.city.limits.most[MARK_TAG] <= limit
        assert there.city.limits.most_at_once[MARK_TAG] <= 5
    assert len(done) > limit
