"""Users, their passwords and sessions, and what is written down of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from ponds import NOON
from yutang import users
from yutang.model import YutangError
from yutang.users import passwords, sessions
from yutang.users.roles import RIGHTS, ROLES

PASSWORD = "丁香开了再回来 one day"


def added(conn: psycopg.Connection, name: str = "wang", role: str = "administrator", **more: Any) -> users.User:
    return users.add(conn, NOON, name, "", role, more.pop("password", PASSWORD), **more)


def test_a_password_fits_its_user_alone(conn: psycopg.Connection) -> None:
    added(conn)
    assert users.check(conn, " WANG ", PASSWORD).name == "wang"  # type: ignore[union-attr]
    for name, password in (("wang", PASSWORD + " "), ("wang", ""), ("wang", PASSWORD * 9), ("li", PASSWORD), ("", "")):
        assert users.check(conn, name, password) is None
    kept = conn.execute("select password from console_user").fetchone()[0]  # type: ignore[index]
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), "as RFC 9106 advises"


def test_the_same_signs_from_another_keyboard_are_the_same_password(conn: psycopg.Connection) -> None:
    added(conn, password="ｙｕｌｉｎ 2026 再见")
    assert users.check(conn, "wang", "yulin 2026 再见") is not None


@pytest.mark.parametrize(
    "password", ["short", "x" * 129, "aaaaaaaaaaaaaaaa", "1234567890", "Qwertyuiop", "WoAiNi1314", "abababababab"]
)
def test_what_is_guessed_first_is_no_password(conn: psycopg.Connection, password: str) -> None:
    with pytest.raises(YutangError):
        added(conn, password=password)
    with pytest.raises(YutangError):
        added(conn, "a-long-name.here", password="a-long-name.here")
    assert not users.any_user(conn)


@pytest.mark.parametrize("name", ["api", "local", "server", "nobody", "new", "", "王", "a b", "-a", "a" * 33])
def test_a_name_stands_for_one_person(conn: psycopg.Connection, name: str) -> None:
    with pytest.raises(YutangError):
        added(conn, name)


def test_old_parameters_are_replaced_when_somebody_signs_in(conn: psycopg.Connection) -> None:
    from argon2 import PasswordHasher

    added(conn)
    weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    conn.execute("update console_user set password = %s", (weak,))
    assert users.check(conn, "wang", PASSWORD) is not None
    kept = conn.execute("select password from console_user").fetchone()[0]  # type: ignore[index]
    assert not passwords.outdated(kept)
    assert users.check(conn, "wang", PASSWORD) is not None


def test_more_at_once_than_the_machine_can_bear_wait_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.05)
    for _ in range(passwords.AT_ONCE):
        assert passwords._turn.acquire(timeout=1)
    try:
        with pytest.raises(users.TooMany):
            passwords.fits(None, "x")
    finally:
        for _ in range(passwords.AT_ONCE):
            passwords._turn.release()


def test_a_session_lasts_as_long_as_it_is_used_and_never_longer_than_a_week(conn: psycopg.Connection) -> None:
    user = added(conn)
    token = users.begin(conn, NOON, user, "10.0.0.1", "Firefox")
    assert users.find(conn, NOON, token).name == "wang"  # type: ignore[union-attr]
    assert users.find(conn, NOON, token + "x") is None
    kept = conn.execute("select token::text from console_session").fetchone()[0]  # type: ignore[index]
    assert token not in kept, "only its hash is kept"
    at = NOON
    while at < NOON + users.VALID - timedelta(hours=6):
        at += timedelta(hours=6)
        assert users.find(conn, at, token) is not None
    assert users.find(conn, NOON + users.VALID, token) is None
    idle = users.begin(conn, NOON, user, "", "")
    assert users.find(conn, NOON + sessions.IDLE, idle) is None


def test_another_password_ends_all_sessions_but_the_one_that_asks(conn: psycopg.Connection) -> None:
    user = added(conn)
    one, two = (users.begin(conn, NOON, user, "", "") for _ in range(2))
    users.set_password(conn, "wang", "another sentence", keep=one)
    assert [users.find(conn, NOON, token) is not None for token in (one, two)] == [True, False]
    users.set_password(conn, "wang", "one more sentence")
    assert users.find(conn, NOON, one) is None


def test_the_last_administrator_stays_one(conn: psycopg.Connection) -> None:
    wang = added(conn)
    added(conn, "li", "operator")
    # One who has no way to sign in could let nobody in.
    added(conn, "ghost", "administrator", password=None)
    for deed in (
        lambda: users.close(conn, NOON, "wang"),
        lambda: users.change(conn, wang, role="operator"),
    ):
        with pytest.raises(YutangError, match="last administrator"):
            deed()
    users.change(conn, users.by_name(conn, "li"), role="administrator")
    users.close(conn, NOON, "Wang")
    assert users.check(conn, "wang", PASSWORD) is None
    users.reopen(conn, "wang")
    assert users.check(conn, "wang", PASSWORD) is not None


def test_an_identity_is_one_users_whatever_its_case(conn: psycopg.Connection) -> None:
    added(conn)
    added(conn, "li", "operator", identity=("wecom", "main", "Guide01"))
    with pytest.raises(YutangError):
        added(conn, "zhao", "operator", identity=("wecom", "main", "GUIDE01"))
    with pytest.raises(YutangError, match="li"):
        users.change(conn, users.by_name(conn, "wang"), kind="wecom", app="main", userid="guide01")
    assert users.by_identity(conn, "wecom", "main", "gUiDe01").name == "li"  # type: ignore[union-attr]
    with pytest.raises(YutangError):
        added(conn, "zhao", "operator", identity=("wecom", "", "x"))


def test_the_first_user_can_let_others_in(conn: psycopg.Connection) -> None:
    with pytest.raises(YutangError, match="administrator"):
        users.check_first(conn, "analyst")
    users.check_first(conn, "administrator")
    added(conn)
    users.check_first(conn, "analyst")


def test_who_sells_in_a_store(conn: psycopg.Connection) -> None:
    added(conn)
    added(conn, "li", "salesperson", stores=["xuhui", "jingan"], staff="guide01")
    added(conn, "zhao", "salesperson", stores=["pudong"], staff="guide02")
    assert users.staff_of(conn, ["jingan", "nowhere"]) == ["guide01"]
    assert users.staff_of(conn, []) == []


def test_the_log_is_read_by_who_what_and_when(conn: psycopg.Connection) -> None:
    for hours, by, about in ((0, "wang", "user/li"), (1, "li", "segment/silent"), (30, "wang", "segment/silent")):
        users.note(conn, NOON + timedelta(hours=hours), by, "draft", about)

    def objects(**asked: Any) -> list[str]:
        return [deed.object for deed in users.deeds(conn, **asked)]

    assert objects() == ["segment/silent", "segment/silent", "user/li"]
    assert objects(by="wang", about="segment") == ["segment/silent"]
    assert objects(about="seg") == []
    assert objects(since=NOON, until=NOON + timedelta(hours=1)) == ["user/li"]
    newest = users.deeds(conn, limit=1)[0]
    assert len(users.deeds(conn, before=newest.audit_id)) == 2


def test_roles_give_what_the_table_says() -> None:
    assert ROLES["administrator"].rights == set(RIGHTS)
    assert "settings" not in ROLES["operator"].rights
    assert not any({"apply", "edit", "settings"} & ROLES[name].rights for name in ("analyst", "manager", "salesperson"))
