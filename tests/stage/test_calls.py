"""Calls: tokens fetched once, second tries by kind of call, a pace that no window exceeds, records without contents."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import psycopg
import pytest

from scripted import HANG_UP, Clock, Heard, Scripted, scripted
from yutang.channels.platform.account import Account
from yutang.channels.platform.calls import Caller, Dialect, Later, PlatformError, Unknown, trim
from yutang.channels.platform.calls.dialect import EVERY, Limit
from yutang.channels.platform.calls.pace import LEASE, WIDTH
from yutang.channels.platform.calls.weixin import WEIXIN
from yutang.channels.wecom.dialect import DIALECT
from yutang.clock import system_now
from yutang.db.connect import connect
from yutang.model import Reason
from yutang.vault import Vault

NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
VAULT = Vault(b"a secret of a test")
READ, EFFECT, CREATE = (
    "externalcontact/get",
    "externalcontact/mark_tag",
    "externalcontact/add_msg_template",
)
OK = {"errcode": 0, "errmsg": "ok"}
HINT = "hint: [1700000000_12_ab], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=1"


@pytest.fixture
def platform() -> Iterator[Scripted]:
    """Gives tokens AT1, AT2, …; other answers are the test's."""
    numbers = count(1)
    with scripted() as one:
        one.answers["/cgi-bin/gettoken"] = lambda _: OK | {"access_token": f"AT{next(numbers)}", "expires_in": 7200}
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


def account(platform: Scripted, secret: str = "the-app-secret") -> Account:
    return Account(
        "wecom", "main", {"corp_id": "wwA", "agent_id": "1", "base_url": platform.address}, {"secret": secret}
    )


@pytest.fixture
def caller(conn: psycopg.Connection, platform: Scripted, clock: Clock) -> Caller:
    return Caller(conn, VAULT, account(platform), clock, DIALECT, clock.pause)


def path(of: str) -> str:
    return f"/cgi-bin/{of}"


def error(code: int, text: str = "no") -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"{text}, {HINT}"}


# tokens


def test_a_token_is_fetched_once_and_kept_sealed(caller: Caller, platform: Scripted, clock: Clock) -> None:
    caller.call(READ, query={"external_userid": "wmY1"})
    clock.forward(7200 - 301)
    caller.call(READ, query={"external_userid": "wmY1"})
    assert [one.query["access_token"] for one in platform.of(path(READ))] == ["AT1", "AT1"]
    assert len(platform.of("/cgi-bin/gettoken")) == 1
    assert platform.heard[0].query == {"corpid": "wwA", "corpsecret": "the-app-secret"}
    kept = caller.conn.execute("select * from channel_token").fetchall()
    assert "AT1" not in str(kept)
    assert "the-app-secret" not in str(kept)


def test_a_token_is_replaced_five_minutes_before_its_end(caller: Caller, platform: Scripted, clock: Clock) -> None:
    caller.call(READ)
    clock.forward(7200 - 300)
    caller.call(READ)
    assert [one.query["access_token"] for one in platform.of(path(READ))] == ["AT1", "AT2"]


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_replaced_once(caller: Caller, platform: Scripted, code: int) -> None:
    platform.answers[path(CREATE)] = [error(code), OK | {"msgid": "msgA"}]
    assert caller.call(CREATE, {"chat_type": "single"})["msgid"] == "msgA"
    platform.answers[path(CREATE)] = error(code)
    with pytest.raises(PlatformError) as caught:
        caller.call(CREATE, {"chat_type": "single"})
    assert caught.value.code == code
    assert len(platform.of(path(CREATE))) == 4
    assert len(platform.of("/cgi-bin/gettoken")) == 3


def test_twenty_who_meet_a_revoked_token_fetch_one(url: str, platform: Scripted) -> None:
    valid = {"AT2"}
    platform.answers[path(READ)] = lambda heard: OK if heard.query["access_token"] in valid else error(40014)
    numbers = count(1)

    def slow_token(_: Heard) -> dict[str, Any]:
        time.sleep(0.2)
        return OK | {"access_token": f"AT{next(numbers)}", "expires_in": 7200}

    platform.answers["/cgi-bin/gettoken"] = slow_token
    at_once = threading.Barrier(20)

    def one(_: int) -> None:
        with connect(url) as conn:
            mine = Caller(conn, VAULT, account(platform), lambda: NOW, DIALECT)
            at_once.wait()
            mine.call(READ)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))
    assert len(platform.of("/cgi-bin/gettoken")) == 2, "the first ever, and one in place of the revoked"


@pytest.mark.parametrize("code", [40001, 40013, 40091, 60020])
def test_a_refused_secret_is_not_tried_again_for_a_minute(
    caller: Caller, platform: Scripted, clock: Clock, code: int
) -> None:
    platform.answers["/cgi-bin/gettoken"] = error(code)
    for _ in range(50):
        with pytest.raises(PlatformError) as caught:
            caller.call(READ)
        assert (caught.value.sort, caught.value.code, caught.value.hint) == ("config", code, "1700000000_12_ab")
        assert caught.value.zh
        assert caught.value.en
    assert len(platform.heard) == 1, "2,000 wrong questions an hour and the platform blocks us"
    clock.forward(61)
    with pytest.raises(PlatformError):
        caller.call(READ)
    assert len(platform.heard) == 2


def test_another_secret_is_tried_at_once(caller: Caller, platform: Scripted, clock: Clock) -> None:
    platform.answers["/cgi-bin/gettoken"] = lambda heard: (
        OK | {"access_token": "AT", "expires_in": 7200} if heard.query["corpsecret"] == "right" else error(40001)
    )
    with pytest.raises(PlatformError):
        caller.call(READ)
    mended = Caller(caller.conn, VAULT, account(platform, "right"), clock, DIALECT, clock.pause)
    assert mended.call(READ) == OK
    with pytest.raises(PlatformError):
        caller.call(READ)


def test_a_busy_platform_gives_a_token_after_some_tries(caller: Caller, platform: Scripted) -> None:
    platform.answers["/cgi-bin/gettoken"] = [
        error(-1),
        (502, b"<html>"),
        OK | {"access_token": "AT", "expires_in": 7200},
    ]
    assert caller.call(READ) == OK


def test_an_old_token_serves_while_no_new_one_can_be_had(caller: Caller, platform: Scripted, clock: Clock) -> None:
    caller.call(READ)
    clock.forward(7000)
    platform.answers["/cgi-bin/gettoken"] = (502, b"")
    assert caller.call(READ) == OK
    assert caller.call(READ) == OK
    assert len(platform.of("/cgi-bin/gettoken")) == 1 + 4, "one failed fetch of four tries, believed by the second call"
    clock.forward(200)
    with pytest.raises(PlatformError) as caught:
        caller.call(READ)
    assert caught.value.sort == "busy"


def test_a_stable_token_is_asked_for_by_post(conn: psycopg.Connection, platform: Scripted, clock: Clock) -> None:
    platform.answers["/cgi-bin/stable_token"] = {"access_token": "ST1", "expires_in": 7200}
    settings = {"app_id": "wxA", "base_url": platform.address}
    oa = Caller(conn, VAULT, Account("official_account", "main", settings, {"secret": "s"}), clock, WEIXIN, clock.pause)
    assert oa.call("cgi-bin/user/info", query={"openid": "oFAN1"}) == OK
    asked = platform.of("/cgi-bin/stable_token")[0]
    assert asked.json == {"grant_type": "client_credential", "appid": "wxA", "secret": "s", "force_refresh": False}
    oa.call("sns/jscode2session", query={"js_code": "c"})
    assert "access_token" not in platform.of("/sns/jscode2session")[0].query


def test_a_ticket_is_kept(caller: Caller, platform: Scripted, clock: Clock) -> None:
    platform.answers[path("ticket/get")] = OK | {"ticket": "TK", "expires_in": 7200}
    assert {caller.ticket("ticket_app", "ticket/get", {"type": "agent_config"}) for _ in range(3)} == {"TK"}
    clock.forward(7000)
    caller.ticket("ticket_app", "ticket/get", {"type": "agent_config"})
    assert len(platform.of(path("ticket/get"))) == 2


# second tries

NO_ANSWERS = [HANG_UP, (502, b"<html>bad gateway</html>"), (200, b"<html>"), (200, b"[1]"), (404, {"detail": "no"})]


@pytest.mark.parametrize("nothing", NO_ANSWERS, ids=["hang up", "502", "not JSON", "no object", "404"])
@pytest.mark.parametrize("call", [READ, EFFECT])
def test_what_changes_nothing_more_is_asked_again(
    caller: Caller, platform: Scripted, clock: Clock, call: str, nothing: Any
) -> None:
    platform.answers[path(call)] = [nothing, nothing, nothing, OK]
    assert caller.call(call, {}) == OK
    assert [round(wait, 1) for wait in clock.pauses] == [pytest.approx(s, rel=0.26) for s in (0.5, 2, 8)]
    platform.answers[path(call)] = nothing
    with pytest.raises(PlatformError) as caught:
        caller.call(call, {})
    assert (caught.value.sort, caught.value.tries) == ("busy", 4)
    assert len(platform.of(path(call))) == 8


@pytest.mark.parametrize("nothing", NO_ANSWERS[:3], ids=["hang up", "502", "not JSON"])
def test_what_would_make_a_second_one_is_not_asked_again(caller: Caller, platform: Scripted, nothing: Any) -> None:
    platform.answers[path(CREATE)] = nothing
    with pytest.raises(Unknown):
        caller.call(CREATE, {})
    assert len(platform.of(path(CREATE))) == 1


def test_a_call_that_never_left_is_not_unknown(caller: Caller, clock: Clock) -> None:
    caller.call(READ)
    settings = dict(caller.account.settings) | {"base_url": "http://127.0.0.1:9"}
    caller.account = replace(caller.account, settings=settings)
    with pytest.raises(PlatformError) as caught:
        caller.call(CREATE, {})
    assert caught.value.sort == "busy"
    assert len(clock.pauses) == 3


@pytest.mark.parametrize("code", [-1, 6000])
@pytest.mark.parametrize("call", [READ, CREATE])
def test_busy_is_asked_again_three_times(caller: Caller, platform: Scripted, code: int, call: str) -> None:
    platform.answers[path(call)] = [error(code), error(code), error(code), OK]
    assert caller.call(call, {}) == OK
    platform.answers[path(call)] = error(code)
    with pytest.raises(PlatformError) as caught:
        caller.call(call, {})
    assert caught.value.sort == "busy"
    assert len(platform.of(path(call))) == 8


@pytest.mark.parametrize(
    ("code", "sort"),
    [(40058, "bug"), (41035, "bug"), (99999, "bug"), (48002, "config"), (60011, "config"), (701008, "config"),
     (84061, "gone"), (40096, "gone"), (41063, "later")],
)  # fmt: skip
def test_a_refusal_is_final_and_sorted(caller: Caller, platform: Scripted, code: int, sort: str) -> None:
    platform.answers[path(READ)] = error(code)
    with pytest.raises(PlatformError) as caught:
        caller.call(READ)
    assert (caught.value.sort, caught.value.hint, caught.value.path) == (sort, "1700000000_12_ab", READ)
    assert caught.value.ip == "203.0.113.7"
    assert len(platform.of(path(READ))) == 1


def test_no_try_begins_after_its_time(caller: Caller, platform: Scripted, clock: Clock) -> None:
    platform.answers[path(READ)] = HANG_UP
    with pytest.raises(PlatformError):
        caller.call(READ, until=clock.now + timedelta(seconds=2))
    assert len(platform.of(path(READ))) == 2


def test_a_missing_errcode_is_success_and_words_stay_as_they_are(caller: Caller, platform: Scripted) -> None:
    platform.answers[path(EFFECT)] = {"old": "style"}
    assert caller.call(EFFECT, {"remark": "小鱼"}) == {"old": "style"}
    assert "小鱼".encode() in platform.of(path(EFFECT))[0].body


def test_a_call_inside_a_transaction_is_refused(caller: Caller, platform: Scripted) -> None:
    with caller.conn.transaction(), pytest.raises(RuntimeError):
        caller.call(READ)
    assert platform.heard == []


# records


def test_every_try_is_recorded_without_its_contents(caller: Caller, platform: Scripted) -> None:
    platform.answers[path(EFFECT)] = [HANG_UP, error(40058, "bad mobile 13900000000")]
    with pytest.raises(PlatformError):
        caller.call(EFFECT, {"remark_mobiles": ["13900000000"], "welcome_code": "WC0001"})
    rows = caller.conn.execute("select * from channel_call order by call_id").fetchall()
    assert [(row.path, row.errcode, row.hint) for row in rows] == [
        ("gettoken", 0, ""), (EFFECT, None, "RemoteProtocolError"), (EFFECT, 40058, "1700000000_12_ab")
    ]  # fmt: skip
    assert [row.number for row in rows] == [1, 1, 2]
    assert rows[1].body_hash == rows[2].body_hash != rows[0].body_hash
    for secret in ("13900000000", "WC0001", "AT1", "the-app-secret", "bad mobile"):
        assert secret not in str(rows)
    assert trim(caller.conn, NOW + timedelta(days=14)) == 0
    assert trim(caller.conn, NOW + timedelta(days=14, minutes=1)) == 3


def test_no_error_shows_the_token(caller: Caller, platform: Scripted) -> None:
    platform.answers[path(CREATE)] = HANG_UP
    with pytest.raises(Unknown) as caught:
        caller.call(CREATE, {})
    assert "AT1" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "the-app-secret" not in repr(caller.account)


# pace


def slow(limit: int, hour: int = 100_000, share: float = 0.7) -> Dialect:
    return replace(DIALECT, limits=(Limit(EVERY, limit, hour, date(2020, 1, 1), share),))


def attempt(caller: Caller, call: str = READ) -> Later | None:
    try:
        caller.call(call, {})
    except Later as later:
        return later
    return None


def test_no_window_of_a_minute_holds_more_than_the_limit(
    conn: psycopg.Connection, platform: Scripted, clock: Clock
) -> None:
    caller = Caller(conn, VAULT, account(platform), clock, slow(20), clock.pause)
    times = []
    for _ in range(150):
        later = attempt(caller)
        if later is None:
            times.append(clock.now)
        else:
            assert later.until > clock.now
            assert later.reason == Reason.QUOTA
        clock.forward(1.3)
    most = max(sum(begin <= one < begin + timedelta(seconds=60) for one in times) for begin in times)
    assert most <= 20
    assert len(times) >= 0.9 * 14 * 150 * 1.3 / 60, "and about 70% of it is used"


def test_an_hours_limit_holds_too(conn: psycopg.Connection, platform: Scripted, clock: Clock) -> None:
    caller = Caller(conn, VAULT, account(platform), clock, slow(60, hour=100), clock.pause)
    done = 0
    for _ in range(120):
        done += attempt(caller) is None
        clock.forward(30)
    assert 60 <= done <= 100


def test_a_call_comes_through_at_the_time_that_was_said(
    conn: psycopg.Connection, platform: Scripted, clock: Clock
) -> None:
    caller = Caller(conn, VAULT, account(platform), clock, slow(10), clock.pause)
    while (later := attempt(caller)) is None:
        pass
    clock.now = later.until - timedelta(milliseconds=50)
    assert attempt(caller) is not None
    clock.now = later.until
    assert attempt(caller) is None


def test_too_often_rests_the_path_longer_and_longer(caller: Caller, platform: Scripted, clock: Clock) -> None:
    caller.call(READ)
    platform.answers[path(READ)] = error(45009)
    rests = []
    for _ in range(8):
        later = attempt(caller)
        assert later is not None
        rests.append((later.until - clock.now).total_seconds())
        asked = len(platform.of(path(READ)))
        clock.forward(rests[-1] - 1)
        assert attempt(caller) is not None
        assert len(platform.of(path(READ))) == asked, "a resting path is not asked"
        assert attempt(caller, EFFECT) is None, "another path does not rest"
        clock.forward(1)
    assert rests == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    platform.answers[path(READ)] = OK
    clock.forward(1)
    assert attempt(caller) is None
    clock.forward(2 * 3600 + 1)
    platform.answers[path(READ)] = error(45009)
    later = attempt(caller)
    assert later is not None
    assert (later.until - clock.now).total_seconds() == 60


def hammer(url: str, platform: Scripted, dialect: Dialect, clock: Callable[[], datetime], seconds: float) -> int:
    """Four workers call as fast as they may; returns how many calls came through."""
    end = time.monotonic() + seconds

    def one(_: int) -> int:
        done = 0
        with connect(url) as conn:
            caller = Caller(conn, VAULT, account(platform), clock, dialect)
            while time.monotonic() < end:
                if attempt(caller) is None:
                    done += 1
                else:
                    time.sleep(0.01)
        return done

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(one, range(4)))


def test_four_workers_together_stay_below_the_limit(url: str, platform: Scripted) -> None:
    """A clock that runs sixty times as fast makes a second of every minute; the platform's own counts are the judges."""
    began, base = time.monotonic(), system_now()
    stamps: list[float] = []

    def minutes() -> float:
        return time.monotonic() - began

    def counted(_: Heard) -> dict[str, Any]:
        stamps.append(minutes())
        return OK

    platform.answers[path(READ)] = counted
    done = hammer(url, platform, slow(40), lambda: base + timedelta(minutes=minutes()), 4)
    assert done == len(stamps)
    stamps.sort()
    most = max(sum(begin <= one < begin + 1 for one in stamps) for begin in stamps)
    assert most <= 40
    assert done >= 40, "and work goes on"


def test_never_more_than_five_at_once(url: str, platform: Scripted) -> None:
    def takes_a_while(_: Heard) -> dict[str, Any]:
        time.sleep(0.05)
        return OK

    platform.answers[path(READ)] = takes_a_while
    with ThreadPoolExecutor(12) as pool:

        def one(_: int) -> None:
            with connect(url) as conn:
                caller = Caller(conn, VAULT, account(platform), system_now, DIALECT)
                for _ in range(3):
                    caller.call(READ)

        list(pool.map(one, range(12)))
    assert len(platform.of(path(READ))) == 36
    assert platform.most_at_once == WIDTH


def held_slots(conn: psycopg.Connection, caller: Caller, clock: Clock) -> None:
    """As if five workers had been killed in the midst of a call."""
    caller.call(READ)
    conn.execute("update channel_slot set holder = 'dead', until = %s", (clock.now + LEASE,))


def test_the_slots_of_killed_workers_come_back(caller: Caller, platform: Scripted, clock: Clock) -> None:
    held_slots(caller.conn, caller, clock)
    later = attempt(caller)
    assert later is not None
    assert len(platform.of(path(READ))) == 1
    clock.forward(LEASE.total_seconds())
    assert attempt(caller) is None


def test_a_slot_is_given_back_whatever_happens(caller: Caller, platform: Scripted) -> None:
    platform.answers[path(CREATE)] = HANG_UP
    for _ in range(7):
        with pytest.raises(Unknown):
            caller.call(CREATE, {})
    assert len(platform.of(path(CREATE))) == 7


def test_too_many_at_once_makes_a_path_narrow_for_a_minute(
    url: str, caller: Caller, platform: Scripted, clock: Clock
) -> None:
    platform.answers[path(EFFECT)] = error(45033)
    assert attempt(caller, EFFECT) is not None
    open_slots = "select count(*) from channel_slot where path = %s and until <= %s"
    platform.answers[path(EFFECT)] = lambda _: OK | {"free": _free(url, open_slots, clock)}
    caller.conn.execute("update channel_slot set until = %s where path = %s and slot in (1, 2)", (NOW + LEASE, EFFECT))
    assert attempt(caller, EFFECT) is not None, "two are the most now, and both are taken"
    clock.forward(60)
    assert caller.call(EFFECT, {})["free"] == 2


def _free(url: str, statement: str, clock: Clock) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute(statement, (EFFECT, clock.now)).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]


def test_limits_hold_from_a_date() -> None:
    assert DIALECT.limit(READ, date(2022, 1, 1)).minute == 2_000
    assert DIALECT.limit(READ, date(2026, 1, 1)).minute == 10_000
    assert DIALECT.limit("externalcontact/add_moment_task", date(2026, 1, 1)).minute == 10
