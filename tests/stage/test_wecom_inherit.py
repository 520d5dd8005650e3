"""Who leaves hands over: groups, customers, codes; and who may sign in and look on."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from cities import VAULT
from wecoms import Mirror, mirrored, truth
from yutang.channels.wecom import codes, inherit, login, sidebar
from yutang.channels.wecom.codes import Code
from yutang.emulator.people import Customer
from yutang.model import YutangError

DAY = 24 * 3600


def settle(mirror: Mirror) -> None:
    """A day passes, and what was asked for comes about."""
    mirror.pass_time(DAY + 7200, steps=13)
    mirror.catch_up()
    mirror.pass_time(120)


def friends(mirror: Mirror, number: int, userid: str = "guide01") -> list[Customer]:
    found = [mirror.city.add_customer() for _ in range(number)]
    for customer in found:
        mirror.city.befriends(customer, userid)
    mirror.catch_up()
    mirror.city.advance(600)
    return found


def states(mirror: Mirror, kind: str = "customer") -> dict[str, str]:
    return {row.id: row.state for row in inherit.listing(mirror.conn, mirror.account, "guide01") if row.kind == kind}


def test_a_leaver_hands_over_groups_customers_and_codes(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        people = friends(mirror, 105)
        mirror.city.befriends(people[0], "guide02")
        group = mirror.city.makes_group("guide01", "老客群")
        codes.add(conn, mirror.city.now(), mirror.account, Code("door", ("guide01",)))
        mirror.catch_up()
        mirror.pass_time(60)
        mirror.city.resigns("guide01")
        mirror.catch_up()
        mirror.city.refuses(people[1], "guide02")
        assert mirror.of("contact_lost") == []

        planned = inherit.begin(conn, mirror.city.now(), mirror.account, "guide01", "guide02", resigned=True)
        assert planned == 105 + 1 + 1
        assert inherit.begin(conn, mirror.city.now(), mirror.account, "guide01", "guide03", resigned=True) == 0
        mirror.tend()
        assert mirror.calls("transfer_customer") == 2, "a hundred at a time"
        assert (group.owner, states(mirror, "group")) == ("guide02", {group.chat_id: "done"})
        assert codes.one(conn, mirror.account, "door").users == ("guide02",)
        assert set(states(mirror).values()) == {"waiting"}

        settle(mirror)
        found = states(mirror)
        assert found.pop(people[1].external_userid) == "refused"
        assert set(found.values()) == {"done"}
        moved = mirror.of("contact_moved")
        assert len(moved) == 104, "each is told once"
        assert all(fact.props == {"staff": "guide02", "before": "guide01", "channel": "wecom"} for fact in moved)
        assert len(mirror.of("contact_added")) == 106, "nobody who is handed over is welcomed as new"
        assert mirror.of("contact_lost") == []
        assert mirror.pairs() - {(people[1].external_userid, "guide01")} == truth(mirror)
        before = mirror.calls("transfer_result")
        mirror.pass_time(DAY)
        assert mirror.calls("transfer_result") == before, "nobody asks when all is known"


def test_on_the_job_the_platforms_answer_stands_beside_each_customer(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        fish, carp = friends(mirror, 2)
        for takeover, handover in (("guide02", "guide01"), ("guide01", "guide02")):
            mirror.api.fetch()
            mirror.api.post("externalcontact/transfer_customer", handover_userid=handover, takeover_userid=takeover,
                            external_userid=[fish.external_userid])  # fmt: skip
            mirror.city.advance(DAY + 60)
            mirror.catch_up()
        mirror.pass_time(120)
        assert mirror.pairs() == truth(mirror)
        now = mirror.city.now()
        assert inherit.begin(conn, now, mirror.account, "guide01", "guide03", resigned=False) == 2
        mirror.tend()
        rows = {row.id: row for row in inherit.listing(conn, mirror.account, "guide01")}
        assert (rows[fish.external_userid].state, rows[fish.external_userid].errcode) == ("failed", 40128)
        assert rows[carp.external_userid].state == "waiting"
        settle(mirror)
        assert [fact.props["staff"] for fact in mirror.of("contact_moved", carp)] == ["guide03"]
        assert mirror.of("contact_lost", carp) == []
        assert mirror.pairs() == truth(mirror)


@pytest.mark.parametrize("lost", ["lost_answers", "bad_gateway_rate"])
def test_an_unanswered_request_is_not_repeated_blindly(conn: psycopg.Connection, lost: str) -> None:
    with mirrored(conn) as mirror:
        people = friends(mirror, 3)
        inherit.begin(conn, mirror.city.now(), mirror.account, "guide01", "guide02", resigned=False)
        setattr(mirror.city.faults, lost, 1)
        mirror.tend()
        setattr(mirror.city.faults, lost, 0)
        mirror.pass_time(900)
        settle(mirror)
        assert states(mirror) == {customer.external_userid: "done" for customer in people}
        assert len(mirror.of("contact_moved")) == 3


def test_the_night_finds_a_handover_whose_callbacks_were_lost(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (fish,) = friends(mirror, 1)
        inherit.begin(conn, mirror.city.now(), mirror.account, "guide01", "guide02", resigned=False)
        mirror.tend()
        mirror.city.advance(DAY + 60)
        mirror.tend()
        late = mirror.told()
        mirror.pass_time(120)
        assert mirror.pairs() == truth(mirror) == {(fish.external_userid, "guide02")}
        mirror.hear(late)
        mirror.pass_time(7200)
        assert [len(mirror.of(f"contact_{word}", fish)) for word in ("added", "moved", "lost")] == [1, 1, 0]


def sent_back(mirror: Mirror, state: str, userid: str = "guide01") -> tuple[str, str]:
    """The browser after the city's login page: code and state."""
    base = f"{mirror.city.address}/wwlogin/sso/login"
    url = login.browser_url(mirror.account, "https://crm.example.com/back?next=%2F", state, base)
    query = parse_qs(urlsplit(mirror.city.logs_in(userid, url)).query)
    assert query["next"] == ["/"]
    return query["code"][0], query["state"][0]


def test_signing_in_is_for_members_once_and_in_one_browser(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        wecom, now = mirror.desk.wecom, mirror.city.now()
        code, state = sent_back(mirror, login.state(VAULT, now, "browser"))
        with pytest.raises(login.Refused, match="browser"):
            login.come_back(conn, VAULT, now, wecom, "another", state, code)
        assert login.come_back(conn, VAULT, now, wecom, "browser", state, code) == "guide01"
        with pytest.raises(login.Refused, match="used up"):
            login.come_back(conn, VAULT, now, wecom, "browser", state, code)
        with pytest.raises(login.Refused, match="log in again"):
            login.come_back(conn, VAULT, now, wecom, "browser", login.state(VAULT, now, "browser"), code)
        late = login.state(VAULT, now - timedelta(hours=1), "browser")
        with pytest.raises(login.Refused, match="too long"):
            login.come_back(conn, VAULT, now, wecom, "browser", late, "code")
        for broken in ("", "a.b.c", state.replace(".", "", 1)):
            with pytest.raises(login.Refused):
                login.come_back(conn, VAULT, now, wecom, "browser", broken, "code")


def test_the_sidebar_shows_staff_their_own_customers(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror:
        (fish,) = friends(mirror, 1)
        assert sidebar.may_see(conn, mirror.account, "guide01", fish.external_userid)
        assert not sidebar.may_see(conn, mirror.account, "guide02", fish.external_userid)
        now, wecom, url = mirror.city.now(), mirror.desk.wecom, "https://crm.example.com/side"
        one, two = sidebar.for_config(wecom, now, url), sidebar.for_agent_config(wecom, now, url)
        sidebar.for_config(wecom, now, url)
        assert mirror.calls("get_jsapi_ticket") == mirror.calls("ticket/get") == 1, "tickets are kept"
        assert one.signature == sidebar.sign(wecom.corp_ticket(), one.nonce, one.timestamp, url)
        assert two.signature == sidebar.sign(wecom.app_ticket(), two.nonce, two.timestamp, url)
        assert wecom.corp_ticket() != wecom.app_ticket()


def test_nobody_hands_over_to_himself(conn: psycopg.Connection) -> None:
    with mirrored(conn) as mirror, pytest.raises(YutangError, match="guide01"):
        inherit.begin(conn, mirror.city.now(), mirror.account, "guide01", "guide01", resigned=False)
