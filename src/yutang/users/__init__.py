"""Who may open the console, what each may do there, and what was done."""

from yutang.users.audit import Deed, deeds, given_another, note
from yutang.users.book import (
    add,
    any_user,
    by_identity,
    by_name,
    change,
    check,
    check_first,
    close,
    every,
    reopen,
    set_password,
    staff_of,
)
from yutang.users.keys import every_key, give, revoke, revoked, used
from yutang.users.passwords import SHORTEST, TooMany
from yutang.users.person import User
from yutang.users.roles import RIGHTS, ROLES, Right, Role
from yutang.users.sessions import VALID, begin, end, end_all, find, open_sessions

__all__ = [
    "RIGHTS",
    "ROLES",
    "SHORTEST",
    "VALID",
    "Deed",
    "Right",
    "Role",
    "TooMany",
    "User",
    "add",
    "any_user",
    "begin",
    "by_identity",
    "by_name",
    "change",
    "check",
    "check_first",
    "close",
    "deeds",
    "end",
    "end_all",
    "every",
    "every_key",
    "find",
    "give",
    "given_another",
    "note",
    "open_sessions",
    "reopen",
    "revoke",
    "revoked",
    "set_password",
    "staff_of",
    "used",
]
