"""Live codes: pictures that lead to the account, and say afterwards which one it was by the scene that each carries.

A code is written down with a scene of ours before the platform is asked for its picture. Asking twice is harmless: both
pictures carry the same scene, so whoever scans either is told under the same name.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

from yutang.channels.platform.account import Account
from yutang.channels.platform.calls.caller import Caller
from yutang.channels.platform.calls.errors import Later, PlatformError
from yutang.db.queries import Queries
from yutang.model import YutangError

sql = Queries(__package__)

ARRIVALS = ("followed",)
"""The events by which somebody comes by a code."""
CREATE = "cgi-bin/qrcode/create"
PICTURE = "/cgi-bin/showqrcode?ticket="
PICTURES = "https://mp.weixin.qq.com"
"""Where the pictures of accounts at the platform itself (``*.weixin.qq.com``) are; an emulator keeps its own."""
LONGEST_DAYS = 30
AT_ONCE = 20
"""How many codes one call of `tend` asks for."""
LEASE = timedelta(minutes=5)
AGAIN = timedelta(hours=1)
"""When to ask again where somebody has to change a setting first."""
OVER = "已过期，yutang code update 可重新生成。 it has ended; yutang code update makes a new picture"
_NAME = re.compile(r"[\w\-]{1,64}")


@dataclass(frozen=True)
class Code:
    """A live code as kept. qr_code: address of the picture, None while it is being made. problem: why it does not work.

    store: where it hangs. days: how long its picture works, 1 to 30; 0: for ever (100,000 codes of an account at most).
    expires_at: when it ends. Nobody receives whoever scans it, so `users`, `chats`, `tags`, `remark` and `room_name`, which
    live codes of other channels have, stay empty.
    """

    name: str
    users: tuple[str, ...] = ()
    store: str | None = None
    tags: tuple[str, ...] = ()
    remark: str = ""
    chats: tuple[str, ...] = ()
    room_name: str = ""
    days: int = 0
    scene: str = ""
    qr_code: str | None = None
    problem: str | None = None
    expires_at: datetime | None = None
    retired_at: datetime | None = None
    made_at: datetime | None = None


def add(conn: psycopg.Connection, now: datetime, account: Account, code: Code) -> Code:
    """Write a new code down; `tend` asks the platform for its picture. Returns it with its scene.

    Raises YutangError when the name is taken or something is not as the platform wants it.
    """
    _check(code)
    scene, given = secrets.token_hex(6), {"name": code.name, "store": code.store, "days": code.days}
    if not sql.add_code(conn, account=account.name, scene=scene, now=now, **given).rowcount:
        raise YutangError(
            f"活码 {code.name} 已存在，请换名字或用 update。 the code {code.name} exists; take another name, or update it"
        )
    return one(conn, account, code.name)


def update(conn: psycopg.Connection, now: datetime, account: Account, code: Code) -> Code:
    """Change a code's store; one without a picture that works is asked for again, under the same scene. Raises YutangError."""
    _check(code)
    _known(sql.update_code(conn, account=account.name, name=code.name, store=code.store, now=now).rowcount, code.name)
    return one(conn, account, code.name)


def retire(conn: psycopg.Connection, now: datetime, account: Account, name: str) -> None:
    """Take a code out of service: no picture is made for it any more. Raises YutangError.

    The platform cannot delete one that hangs already: whoever scans it is still told under its name.
    """
    _known(sql.retire_code(conn, account=account.name, name=name, now=now).rowcount, name)


def listing(conn: psycopg.Connection, account: Account) -> list[Code]:
    """Our codes, by name, retired ones too."""
    return [_code(account, row) for row in sql.codes(conn, account=account.name, name=None)]


def one(conn: psycopg.Connection, account: Account, name: str) -> Code:
    """Raises YutangError when there is none of this name."""
    row = sql.codes(conn, account=account.name, name=name).fetchone()
    _known(row is not None, name)
    return _code(account, row)


def of_scenes(conn: psycopg.Connection, account: Account, scenes: Collection[str]) -> dict[str, dict[str, str]]:
    """What facts say of those scenes that are ours: ``{"code"}``, and ``store`` where there is one."""
    rows = sql.codes_of_scenes(conn, account=account.name, scenes=sorted(scenes)) if scenes else ()
    return {row.scene: {"code": row.name} | ({"store": row.store} if row.store else {}) for row in rows}


def picture(account: Account, ticket: str) -> str:
    """The address of a code's picture."""
    base = account.get("base_url").rstrip("/")
    theirs = (urlsplit(base).hostname or "").endswith(".weixin.qq.com")
    return f"{PICTURES if theirs else base}{PICTURE}{quote(ticket, safe='')}"


def tend(conn: psycopg.Connection, now: datetime, account: Account, caller: Caller) -> int:
    """Ask for the pictures that are waited for, and take note of codes that have ended; returns how many were done."""
    claimed = sql.claim_codes(conn, account=account.name, now=now, again=now + LEASE, limit=AT_ONCE).fetchall()
    return sum(_make(conn, now, account, caller, row) for row in claimed)


def _make(conn: psycopg.Connection, now: datetime, account: Account, caller: Caller, row: Any) -> bool:
    """A platform that is busy is asked again when the lease has run out."""
    of = {"account": account.name, "name": row.name}
    if row.ticket is not None:
        sql.code_problem(conn, **of, problem=OVER, again=None)
        return True
    try:
        answer = caller.call(CREATE, _body(row))
    except PlatformError as error:
        if error.sort not in ("busy", "later"):
            again = now + AGAIN if error.sort == "config" else None
            sql.code_problem(conn, **of, problem=f"{error.code} {error.zh} {error.en}", again=again)
        return False
    except Later:
        return False
    seconds = answer.get("expire_seconds")
    until = now + timedelta(seconds=int(seconds)) if row.days and seconds else None
    return sql.code_made(conn, **of, ticket=answer["ticket"], until=until).rowcount > 0


def _body(row: Any) -> dict[str, Any]:
    """Its time is always said: what the platform takes for none has changed over the years."""
    scene = {"action_info": {"scene": {"scene_str": row.scene}}}
    if row.days:
        return {"action_name": "QR_STR_SCENE", "expire_seconds": row.days * 86_400, **scene}
    return {"action_name": "QR_LIMIT_STR_SCENE", **scene}


def _code(account: Account, row: Any) -> Code:
    address = picture(account, row.ticket) if row.ticket else None
    return Code(
        row.name, store=row.store, days=row.days, scene=row.scene, qr_code=address, problem=row.problem,
        expires_at=row.until, retired_at=row.retired_at, made_at=row.made_at,
    )  # fmt: skip


def _known(there: Any, name: str) -> None:
    if not there:
        raise YutangError(f"没有在用的活码 {name}。 there is no code {name} in use; see yutang code list")


def _check(code: Code) -> None:
    if not _NAME.fullmatch(code.name):
        raise YutangError(
            f"活码名 '{code.name}'：1–64 个字母、数字、汉字、_ 或 -。 a code's name has 1 to 64 letters, digits, _ or -"
        )
    if code.users or code.chats or code.tags or code.remark or code.room_name:
        raise YutangError(
            f"公众号活码 {code.name} 没有员工、群、标签和备注，请去掉 --staff、--chat、--room、--tag、--remark。 "
            "a code of an official account has no staff, groups, tags or remark: leave these options out"
        )
    if not 0 <= code.days <= LONGEST_DAYS:
        raise YutangError(
            f"活码 {code.name}：有效期 1–{LONGEST_DAYS} 天，永久则不写。 its picture works 1 to {LONGEST_DAYS} days; leave it out for ever"
        )
