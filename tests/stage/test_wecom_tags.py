"""Tags go one way each: staff's come in as facts, Yutang's go out, and nothing goes round."""

from __future__ import annotations

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wecoms import Mirror, mirrored
from yutang.channels.contract import Wish
from yutang.channels.wecom import tags
from yutang.emulator.people import Customer


def made(mirror: Mirror, group: str, *names: str) -> list[str]:
    """Tags of the corp; returns their ids."""
    answer = mirror.api.post("externalcontact/add_corp_tag", group_name=group, tag=[{"name": n} for n in names])
    return [tag["id"] for tag in answer["tag_group"]["tag"]]


def friend(mirror: Mirror, *staff: str) -> Customer:
    customer = mirror.city.add_customer()
    for userid in staff:
        mirror.city.befriends(customer, userid)
    mirror.catch_up()
    return customer


def words(mirror: Mirror, customer: Customer) -> list[tuple[str, str]]:
    return [(one.type, one.props["tag"]) for one in mirror.facts.values()
            if one.type in ("tagged", "untagged") and customer.external_userid in one.handles.values()]  # fmt: skip


def carried(mirror: Mirror, customer: Customer, userid: str) -> set[str]:
    relation = mirror.city.relation(userid, customer)
    assert relation is not None
    return set(relation.tags)


def test_what_staff_tag_is_told_of_the_person_not_of_the_relation(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        gold, silver = made(mirror, "等级", "金卡", "银卡")
        fish = friend(mirror, "guide01", "guide02")
        mirror.city.staff_edits("guide01", fish, add_tags=[gold], remark="老客")
        mirror.catch_up()
        mirror.city.staff_edits("guide02", fish, add_tags=[gold, silver])
        mirror.catch_up()
        assert words(mirror, fish) == [("tagged", "等级/金卡"), ("tagged", "等级/银卡")]
        mirror.city.staff_edits("guide01", fish, remove_tags=[gold])
        mirror.catch_up()
        assert len(words(mirror, fish)) == 2, "the other one still says so"
        mirror.city.staff_edits("guide02", fish, remove_tags=[gold])
        mirror.catch_up()
        assert words(mirror, fish)[2:] == [("untagged", "等级/金卡")]
        assert mirror.calls("mark_tag") == 0
        row = mirror.rows("select remark from wecom_relation where userid = 'guide01'")[0]
        assert row.remark == "老客"


def test_a_tag_that_is_called_otherwise_or_is_gone(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        gold, silver = made(mirror, "等级", "金卡", "银卡")
        fish = friend(mirror, "guide01")
        mirror.city.staff_edits("guide01", fish, add_tags=[gold, silver])
        mirror.catch_up()
        mirror.city.settings.callback.api_edit_events = True
        mirror.api.post("externalcontact/edit_corp_tag", id=gold, name="黑卡")
        mirror.catch_up()
        assert set(words(mirror, fish)[2:]) == {("tagged", "等级/黑卡"), ("untagged", "等级/金卡")}
        mirror.api.post("externalcontact/del_corp_tag", tag_id=[silver])
        mirror.catch_up()
        assert words(mirror, fish)[4:] == [("untagged", "等级/银卡")]


def test_our_tags_go_to_every_follower_and_come_back_as_nothing(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        mirror.city.settings.callback.api_edit_events = True
        fish = friend(mirror, "guide01", "guide02")
        tags.manage(conn, mirror.city.now(), mirror.account, ["鱼塘/沉睡", "鱼塘/常客"])
        tags.mirror(conn, mirror.city.now(), mirror.account, [Wish(fish.external_userid, "鱼塘/沉睡", True),
                                                            Wish(fish.external_userid, "等级/金卡", True)])  # fmt: skip
        mirror.tend()
        mirror.catch_up()
        (tag,) = carried(mirror, fish, "guide01")
        assert carried(mirror, fish, "guide02") == {tag}
        assert words(mirror, fish) == []
        assert mirror.calls("mark_tag") == 2

        mirror.city.staff_edits("guide01", fish, remove_tags=[tag])
        mirror.catch_up()
        mirror.catch_up()
        assert carried(mirror, fish, "guide01") == {tag}, "what staff do to it is put right"
        assert (mirror.calls("mark_tag"), words(mirror, fish)) == (3, [])

        mirror.city.befriends(fish, "guide03")
        mirror.catch_up()
        assert carried(mirror, fish, "guide03") == {tag}, "a new follower gets it, too"
        tags.mirror(conn, mirror.city.now(), mirror.account, [Wish(fish.external_userid, "鱼塘/沉睡", False)])
        mirror.tend()
        mirror.catch_up()
        assert [carried(mirror, fish, f"guide0{n}") for n in (1, 2, 3)] == [set(), set(), set()]
        assert mirror.calls("mark_tag") == 7


def test_while_a_new_follower_has_not_been_read_no_tag_is_taken_for_gone(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (gold,) = made(mirror, "等级", "金卡")
        fish = friend(mirror, "guide01")
        mirror.city.staff_edits("guide01", fish, add_tags=[gold])
        mirror.catch_up()
        mirror.city.advance(60)
        mirror.city.befriends(fish, "guide02")
        mirror.city.staff_deletes("guide01", fish)
        mirror.hear(mirror.told())
        with conn.transaction():
            tags.tell(conn, mirror.city.now(), mirror.account, [fish.external_userid])
        mirror.collect()
        assert words(mirror, fish) == [("tagged", "等级/金卡")]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["staff adds", "staff drops", "we give", "we take", "hear"]),
        st.integers(0, 3),
        st.integers(1, 2),
    ),
    max_size=14,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_both_sides_agree_at_rest_and_the_calls_are_bounded(
    conn: psycopg.Connection, acts: list[tuple[str, int, int]]
) -> None:
    """Two tags of staff's, two of ours, two followers; edits of the API call back, the worst case for loops."""
    with mirrored(conn) as mirror:
        city, ours, theirs = mirror.city, ["鱼塘/甲", "鱼塘/乙"], ["等级/甲", "等级/乙"]
        city.settings.callback.api_edit_events = True
        ids = [*made(mirror, "等级", "甲", "乙"), *made(mirror, "鱼塘", "甲", "乙")]
        tags.manage(conn, city.now(), mirror.account, ours)
        mirror.catch_up()
        tags.manage(conn, city.now(), mirror.account, ours)
        fish = friend(mirror, "guide01", "guide02")
        wanted: dict[str, bool] = {}
        before, ordered = mirror.calls("mark_tag"), 0
        for act, tag, staff in acts:
            city.advance(40)
            if act == "hear":
                mirror.catch_up()
            elif act.startswith("staff"):
                change = "add_tags" if act == "staff adds" else "remove_tags"
                city.staff_edits(f"guide0{staff}", fish, **{change: [ids[tag]]})
                ordered += 1
            elif tag >= 2:
                wanted[ours[tag - 2]] = act == "we give"
                tags.mirror(
                    conn, city.now(), mirror.account, [Wish(fish.external_userid, ours[tag - 2], act == "we give")]
                )
                ordered += 2
        for _ in range(3):
            city.advance(40)
            mirror.catch_up()
        calls = mirror.calls("mark_tag") - before
        mirror.catch_up()
        assert mirror.calls("mark_tag") - before == calls <= ordered, (
            "at rest nobody calls; each change costs a call per follower"
        )
        has = {n: carried(mirror, fish, f"guide0{n}") for n in (1, 2)}
        for name, give in wanted.items():
            assert all((ids[2 + ours.index(name)] in tags_) == give for tags_ in has.values())
        told: set[str] = set()
        for type, tag in words(mirror, fish):
            (told.add if type == "tagged" else told.discard)(tag)
        assert told == {name for name, id in zip(theirs, ids, strict=False) if id in has[1] | has[2]}
        for table in (
            "wecom_relation",
            "wecom_contact",
            "wecom_errand",
            "wecom_sync",
            "wecom_wish",
            "wecom_tag",
            "channel_news",
        ):
            conn.execute(f"delete from {table}")  # type: ignore[arg-type]
