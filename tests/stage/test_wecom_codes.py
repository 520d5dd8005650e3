"""Live codes that lead into groups: made once, kept as the platform has them, and known by whoever joins by them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from wecoms import Mirror, mirrored
from yutang.channels.wecom import codes
from yutang.channels.wecom.codes import Code
from yutang.emulator.wecom.groups import Group, Groups
from yutang.model import YutangError


def opened(mirror: Mirror, *names: str, owner: str = "guide01") -> list[Group]:
    """Groups that both sides know."""
    found = [mirror.city.makes_group(owner, name) for name in names]
    mirror.catch_up()
    mirror.pass_time(60)
    return found


def made(mirror: Mirror, *chats: Group, name: str = "west", **more: Any) -> Code:
    """A code into these groups, as it is once the errands are done."""
    ids = tuple(group.chat_id for group in chats)
    codes.add(mirror.conn, mirror.city.now(), mirror.account, Code(name, chats=ids, **more))
    mirror.tend()
    return kept(mirror, name)


def kept(mirror: Mirror, name: str = "west") -> Code:
    return codes.one(mirror.conn, mirror.account, name)


def ways(mirror: Mirror) -> list[dict[str, Any]]:
    """The ledger: every join way that the city has."""
    return list(mirror.city.part(Groups).ways.values())


def test_whoever_joins_by_a_code_is_known_by_it(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (group,) = opened(mirror, "城西福利群")
        code = made(mirror, group, store="城西店")
        fish, carp = mirror.city.add_customer(), mirror.city.add_customer()
        mirror.city.scan(fish, code.qr_code)
        mirror.city.joins(carp, group.chat_id)
        mirror.catch_up()
        mirror.pass_time(60)
        (scanned,), (invited,) = mirror.of("group_joined", fish), mirror.of("group_joined", carp)
        assert scanned.props == {
            "group": group.chat_id, "name": "城西福利群", "code": "west", "store": "城西店", "way": "qr",
        }  # fmt: skip
        assert (invited.props["way"], invited.props.get("code")) == ("invited", None)
        reads = mirror.calls("groupchat/get")
        mirror.city.leaves(fish, group.chat_id)
        mirror.catch_up()
        mirror.pass_time(60)
        assert len(mirror.of("group_left", fish)) == 1
        assert mirror.calls("groupchat/get") == reads, (
            "only who scanned is read; other changes come with their callback"
        )


def test_the_platform_has_what_was_asked_for(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        one, two = opened(mirror, "一群", "二群")
        code, plain = made(mirror, one, room_name="城西福利群"), made(mirror, two, name="plain")
        west, lone = ways(mirror)
        assert (west["config_id"], west["qr_code"], west["state"]) == (code.config_id, code.qr_code, code.state)
        assert (west["chat_id_list"], west["auto_create_room"], west["room_base_name"]) == (
            [one.chat_id],
            1,
            "城西福利群",
        )
        assert lone["auto_create_room"] == 0, "no group is opened that nobody asked for"

        changed = Code("west", chats=(two.chat_id, one.chat_id), room_name="福利群")
        codes.update(conn, mirror.city.now(), mirror.account, changed)
        mirror.tend()
        (west, _) = ways(mirror)
        assert (west["chat_id_list"], west["room_base_name"]) == ([two.chat_id, one.chat_id], "福利群")
        assert (west["state"], kept(mirror).qr_code) == (code.state, code.qr_code), "picture and state stay"
        codes.retire(conn, mirror.city.now(), mirror.account, "west")
        mirror.tend()
        assert [way["config_id"] for way in ways(mirror)] == [plain.config_id]
        assert [one.name for one in codes.listing(conn, mirror.account)] == ["plain", "west"]


def test_groups_that_the_platform_opens_itself_stay_with_the_code(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        mirror.city.settings.group.members = 2
        (group,) = opened(mirror, "城西福利群")
        code = made(mirror, group, room_name="城西福利群")
        people = [mirror.city.add_customer() for _ in range(3)]
        for customer in people:
            mirror.city.scan(customer, code.qr_code)
        mirror.catch_up()
        mirror.pass_time(60)
        assert {fact.props["code"] for one in people for fact in mirror.of("group_joined", one)} == {"west"}
        rooms = ways(mirror)[0]["chat_id_list"]
        assert len({mirror.of("group_joined", one)[0].props["group"] for one in people}) == len(rooms) == 3

        codes.update(conn, mirror.city.now(), mirror.account, Code("west", chats=(group.chat_id,), room_name="新群"))
        mirror.tend()
        (way,) = ways(mirror)
        assert (way["chat_id_list"], way["room_base_id"], way["room_base_name"]) == (rooms, 3, "新群")
        assert list(kept(mirror).chats) == rooms
        codes.update(conn, mirror.city.now(), mirror.account, Code("west", chats=(group.chat_id,), room_name="新群"))
        mirror.tend()
        assert kept(mirror).chats == (group.chat_id,), "groups that are known may be taken out"


def test_without_an_answer_nothing_is_made_again_until_somebody_says_so(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (group,) = opened(mirror, "城西福利群")
        mirror.city.faults.lost_answers = 1
        codes.add(conn, mirror.city.now(), mirror.account, Code("west", chats=(group.chat_id,)))
        mirror.tend()
        mirror.city.faults.lost_answers = 0
        mirror.pass_time(2 * 24 * 3600)
        code = kept(mirror)
        assert (len(ways(mirror)), code.config_id) == (1, None)
        assert "yutang code update" in (code.problem or "")
        codes.update(conn, mirror.city.now(), mirror.account, Code("west", chats=(group.chat_id,)))
        mirror.tend()
        code = kept(mirror)
        assert (len(ways(mirror)), code.problem) == (2, None)
        fish = mirror.city.add_customer()
        mirror.city.scan(fish, code.qr_code)
        mirror.catch_up()
        mirror.pass_time(60)
        assert mirror.of("group_joined", fish)[0].props["code"] == "west"


def test_what_the_platform_refuses_is_asked_again(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (group,) = opened(mirror, "城西福利群")
        mirror.city.faults.rate_limited = {"cgi-bin/externalcontact/groupchat/add_join_way"}
        assert made(mirror, group).config_id is None
        mirror.city.faults.rate_limited = set()
        mirror.pass_time(7200)
        assert (len(ways(mirror)), kept(mirror).problem) == (1, None)
        assert kept(mirror).qr_code


def test_a_code_says_what_is_wrong_with_its_groups(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        one, two = opened(mirror, "一群", "二群")
        (other,) = opened(mirror, "三群", owner="guide02")
        made(mirror, one, two, other)
        mirror.city.resigns("guide02")
        mirror.city.dissolves(one.chat_id)
        mirror.catch_up()
        said = kept(mirror).problem or ""
        assert one.chat_id in said
        assert "code update --chat" in said
        assert "guide02" in said
        assert "inherit --resigned" in said
        assert two.chat_id not in said

        mirror.api.post("externalcontact/groupchat/transfer", chat_id_list=[other.chat_id], new_owner="guide01")
        mirror.pass_time(2 * 24 * 3600, steps=20)
        assert (kept(mirror).problem, kept(mirror).chats) == (None, (two.chat_id, other.chat_id))
        assert ways(mirror)[0]["chat_id_list"] == [two.chat_id, other.chat_id]
        for group in (two, other):
            mirror.city.dissolves(group.chat_id)
        mirror.catch_up()
        mirror.pass_time(2 * 24 * 3600, steps=20)
        assert "code update --chat" in (kept(mirror).problem or ""), "nothing is left of it, and that is said"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (Code("a"), "二选一"),
        (Code("a", ("guide01",), chats=("wr1",)), "二选一"),
        (Code("a", chats=("wr1", "wr2", "wr3", "wr4", "wr5", "wr6")), "5 个群"),
        (Code("a", chats=("wr1",), room_name="字" * 41), "40 字"),
        (Code("a", ("guide01",), room_name="群"), "群名只用于群活码"),
        (Code("a", chats=("wr1",), tags=("来源/门店",)), "没有标签"),
    ],
)
def test_a_code_leads_to_staff_or_into_groups(conn: psycopg.Connection, code: Code, told: str) -> None:
    with mirrored(conn, synced=False) as mirror, pytest.raises(YutangError, match=told):
        codes.add(conn, mirror.city.now(), mirror.account, code)


def test_a_code_does_not_change_sides(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        made(mirror, *opened(mirror, "一群"))
        with pytest.raises(YutangError, match="不能互换"):
            codes.update(conn, mirror.city.now(), mirror.account, Code("west", ("guide01",)))
