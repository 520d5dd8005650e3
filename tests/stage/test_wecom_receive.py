"""Callbacks of WeCom become relations, welcomes, groups and facts, whatever order they come in."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from wecoms import Mirror, arrived, called_back, mirrored, truth
from yutang.channels.wecom import codes
from yutang.channels.wecom.codes import Code


def made(mirror: Mirror, name: str = "package_card", **more: object) -> Code:
    """A live code, made in the city."""
    codes.add(mirror.conn, mirror.city.now(), mirror.account, Code(name, ("guide01",), **more))  # type: ignore[arg-type]
    mirror.tend()
    code = codes.one(mirror.conn, mirror.account, name)
    assert code.qr_code
    return code


def test_a_scan_is_told_at_once_with_its_code_and_its_welcome(conn: psycopg.Connection, url: str) -> None:
    with mirrored(conn) as mirror, called_back(mirror, url):
        code, fish = made(mirror, store="杭州万象城店"), mirror.city.add_customer("小鱼")
        calls = mirror.calls("")
        mirror.city.scan(fish, code.qr_code)
        assert mirror.city.deliver() == len(arrived(mirror)) > 0
        mirror.hear(arrived(mirror))
        (fact,) = mirror.of("contact_added")
        assert dict(fact.props) == {
            "staff": "guide01", "code": "package_card", "state": code.state, "store": "杭州万象城店", "way": "qr",
            "channel": "wecom",
        }  # fmt: skip
        assert fact.handles == {f"external_userid@{mirror.city.corp_id}": fish.external_userid}
        assert mirror.calls("") == calls, "hearing asks nobody"
        (welcome,) = mirror.rows("select * from wecom_welcome")
        assert (welcome.external_userid, welcome.staff, welcome.used_at) == (fish.external_userid, "guide01", None)
        assert welcome.expires_at - fact.at == timedelta(seconds=20)
        answer = mirror.api.post(
            "externalcontact/send_welcome_msg", welcome_code=welcome.code, text={"content": "你好"}
        )
        assert answer["errcode"] == 0, "the code that was kept is the real one"

        mirror.hear(arrived(mirror))
        assert len(mirror.rows("select from wecom_welcome")) == len(mirror.of("contact_added")) == 1

        mirror.tend()
        (profile,) = mirror.of("profile_updated")
        assert profile.handles["unionid"] == fish.unionid
        assert profile.props["traits"]["name"] == "小鱼"


def test_a_code_gives_its_tags_and_its_remark(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        code, fish = made(mirror, tags=("渠道/包裹卡",), remark="{name}·包裹卡"), mirror.city.add_customer("小鱼")
        mirror.city.scan(fish, code.qr_code)
        mirror.catch_up()
        mirror.pass_time(60)
        relation = mirror.city.relation("guide01", fish)
        assert relation.remark == "小鱼·包裹卡"
        (row,) = mirror.rows("select remark, tags from wecom_relation")
        assert (row.remark, row.tags) == (relation.remark, list(relation.tags))
        assert [fact.props["tag"] for fact in mirror.of("tagged")] == ["渠道/包裹卡"]
        assert mirror.calls("mark_tag") == 1


def test_leaving_is_told_once_by_whoever_ended_it_first(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        fish, carp = mirror.city.add_customer(), mirror.city.add_customer()
        mirror.city.befriends(fish, "guide01")
        mirror.city.befriends(carp, "guide02")
        mirror.catch_up()
        mirror.city.advance(60)
        mirror.city.deletes(fish, "guide01")
        mirror.city.staff_deletes("guide02", carp)
        heard = mirror.told()
        mirror.hear(heard)
        late = dict(mirror.city.callbacks.told[-2]) | {"ChangeType": "del_external_contact"}
        mirror.hear([mirror.raw(late), *heard])
        mirror.pass_time(120)
        lost = {(fact.props["staff"], fact.props["by"]) for fact in mirror.of("contact_lost")}
        assert lost == {("guide01", "customer"), ("guide02", "staff")}
        assert len(mirror.of("contact_lost")) == 2
        assert mirror.pairs() == set()

        mirror.city.befriends(fish, "guide01")
        mirror.catch_up()
        assert len(mirror.of("contact_added", fish)) == 2, "who comes again is new"
        assert mirror.pairs() == truth(mirror)


def test_half_and_whole_are_one_welcome_of_one_person(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        mirror.city.settings.contact_way.half = True
        code, fish = made(mirror), mirror.city.add_customer()
        mirror.city.scan(fish, code.qr_code)
        mirror.hear(mirror.told())
        assert mirror.rows("select state from wecom_relation")[0].state == "pending"
        mirror.city.advance(3600)
        mirror.city.accepts("guide01", fish)
        mirror.catch_up()
        assert mirror.rows("select state from wecom_relation")[0].state == "active"
        assert len(mirror.of("contact_added")) == 1
        assert mirror.of("contact_lost") == []


def test_one_bad_callback_hides_nothing(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        fish = mirror.city.add_customer()
        mirror.city.befriends(fish, "guide01")
        good = mirror.told()
        broken = [
            mirror.raw({"Event": "change_external_contact", "ChangeType": "add_external_contact", "CreateTime": 1}),
            mirror.raw({"Event": "brand_new", "ChangeType": "whatever", "CreateTime": 1760000000}),
        ]
        mirror.hear([*broken, *good])
        assert len(mirror.of("contact_added", fish)) == 1


@pytest.mark.parametrize("lost", [False, True])
def test_groups_follow_their_versions(conn: psycopg.Connection, lost: bool) -> None:
    with mirrored(conn) as mirror:
        fish, carp, eel = (mirror.city.add_customer() for _ in range(3))
        group = mirror.city.makes_group("guide01", "城西福利群")
        mirror.catch_up()
        mirror.pass_time(60)
        mirror.city.joins(fish, group.chat_id)
        mirror.city.joins(carp, group.chat_id)
        if lost:
            mirror.told()
        mirror.city.leaves(fish, group.chat_id)
        mirror.city.joins(eel, group.chat_id)
        reads = mirror.calls("groupchat/get")
        mirror.catch_up()
        mirror.pass_time(60)
        assert (mirror.calls("groupchat/get") > reads) == lost, (
            "the list is read where a version was missed, and only there"
        )
        inside = "select member from wecom_group_member where left_at is null and kind = 'customer' order by 1"
        assert [row.member for row in mirror.rows(inside)] == sorted(group.customers())
        assert len(mirror.of("group_joined", carp)) == len(mirror.of("group_joined", eel)) == 1
        joined = mirror.of("group_joined", carp)[0]
        assert (joined.props["group"], joined.props["name"], joined.props["way"]) == (
            group.chat_id,
            "城西福利群",
            "invited",
        )
        if not lost:
            assert [fact.props["by"] for fact in mirror.of("group_left", fish)] == ["self"]

        mirror.city.advance(60)
        mirror.city.dissolves(group.chat_id)
        mirror.catch_up()
        mirror.pass_time(60)
        assert mirror.rows(inside) == []
        assert [fact.props["by"] for fact in mirror.of("group_left", carp)] == ["dismissed"]


def test_who_leaves_the_corp_stands_on_no_code(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        codes.add(conn, mirror.city.now(), mirror.account, Code("store", ("guide01", "guide02")))
        codes.add(conn, mirror.city.now(), mirror.account, Code("alone", ("guide01",)))
        mirror.tend()
        mirror.city.resigns("guide01")
        mirror.catch_up()
        store, alone = (codes.one(conn, mirror.account, name) for name in ("store", "alone"))
        way = mirror.api.post("externalcontact/get_contact_way", config_id=store.config_id)["contact_way"]
        assert (way["user"], store.users, store.problem) == (["guide02"], ("guide02",), None)
        assert alone.problem, "nobody is left for it, and it says so"

        codes.update(conn, mirror.city.now(), mirror.account, Code("alone", ("guide03",)))
        mirror.tend()
        fish = mirror.city.add_customer()
        mirror.city.scan(fish, alone.qr_code)
        mirror.catch_up()
        (fact,) = mirror.of("contact_added", fish)
        assert (fact.props["staff"], fact.props["code"]) == ("guide03", "alone")


def test_a_code_is_never_made_twice(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        mirror.city.faults.lost_answers = 1
        codes.add(conn, mirror.city.now(), mirror.account, Code("store", ("guide01",)))
        mirror.tend()
        assert codes.one(conn, mirror.account, "store").config_id is None
        mirror.city.faults.lost_answers = 0
        mirror.pass_time(600)
        code = codes.one(conn, mirror.account, "store")
        ways = mirror.api.post("externalcontact/list_contact_way", limit=100)["contact_way"]
        assert [way["config_id"] for way in ways] == [code.config_id]
        codes.retire(conn, mirror.city.now(), mirror.account, "store")
        mirror.tend()
        assert mirror.api.post("externalcontact/list_contact_way", limit=100)["contact_way"] == []


def test_a_bad_day_of_callbacks_over_the_wire(conn: psycopg.Connection, url: str) -> None:
    with mirrored(conn) as mirror, called_back(mirror, url):
        faults, dice = mirror.city.faults, mirror.city.dice("bad day")
        faults.lost_callbacks, faults.duplicate_callbacks, faults.reordered_callbacks = 0.2, 0.3, 0.3
        faults.forged_callbacks = faults.misdirected_callbacks = 0.1
        people, heard = [mirror.city.add_customer() for _ in range(12)], 0
        for _ in range(60):
            customer, userid = dice.choice(people), dice.choice(["guide01", "guide02"])
            if mirror.city.relation(userid, customer) in mirror.city.people.customers_of(userid):
                dice.choice([mirror.city.deletes, lambda c, u: mirror.city.staff_deletes(u, c)])(customer, userid)
            else:
                mirror.city.befriends(customer, userid)
            mirror.city.advance(dice.choice([1, 5, 90]))
            mirror.city.deliver()
            raws = arrived(mirror)
            mirror.hear(raws[heard:])
            heard = len(raws)
        mirror.pass_time(120)
        mirror.city.advance(24 * 3600)
        mirror.tend()
        mirror.pass_time(120)
        assert mirror.city.callbacks.lost > 0
        assert mirror.pairs() == truth(mirror)
        added = {
            (fact.handles[f"external_userid@{mirror.city.corp_id}"], fact.props["staff"])
            for fact in mirror.of("contact_added")
        }
        assert truth(mirror) <= added
