"""Live codes that lead into groups, as the platform has them: join ways.

No call lists them and none finds one by its state. So where the making of one was never answered, it is made once more only
when a person says so; the first, if there is one, is a picture that nobody has seen.
"""

from __future__ import annotations

from typing import Any

from yutang.channels.platform.calls import Later, PlatformError, Unknown
from yutang.channels.wecom.desk import Desk
from yutang.db.queries import Queries

sql = Queries(__package__)

PICTURE = 2
"""The platform's kind of join way that is a picture."""
MOST = 5
"""Groups of one join way."""
LONGEST_REMARK = 30
_PATH = "externalcontact/groupchat"
UNANSWERED = (
    "平台没有应答，不知是否已生成；再生成一次：yutang code update。 the platform did not answer, so nobody knows whether it was "
    "made; make it once more with yutang code update"
)


def problem(row: Any) -> str | None:
    """What is wrong with the groups of a code, and what to do; None when nothing is."""
    said = []
    if row.dissolved:
        gone = ", ".join(row.dissolved)
        said.append(
            f"群 {gone} 已解散，请用 yutang code update --chat 指定别的群。 dissolved: name other groups with yutang code update --chat"
        )
    if row.ownerless:
        left = ", ".join(row.ownerless)
        said.append(
            f"群主已离职：{left}，请先移交：yutang channel inherit --resigned。 the owner has left: hand the group over with yutang channel inherit --resigned"
        )
    return " ".join(said) or None


def bring(desk: Desk, row: Any) -> None:
    """Bring the platform to what is written down: make the join way, or change it where it differs."""
    chats = [chat for chat in row.chats if chat not in row.dissolved]
    if not chats:
        return
    if config_id := row.config_id or _make(desk, row, chats):
        _change(desk, row, config_id, chats)


def drop(desk: Desk, row: Any) -> None:
    """Delete it at the platform."""
    if row.config_id is not None:
        desk.wecom.call(f"{_PATH}/del_join_way", {"config_id": row.config_id})


def _make(desk: Desk, row: Any, chats: list[str]) -> str | None:
    """The id of a new join way; None where it may be there already, and the code says so."""
    if row.asked_at is not None:
        return _unanswered(desk, row)
    # Written down before the call: whoever comes after a crash does not ask again.
    sql.code_asked(desk.conn, account=desk.source, name=row.name, now=desk.clock())
    try:
        config_id = desk.wecom.call(f"{_PATH}/add_join_way", _wanted(row, chats))["config_id"]
    except Unknown:
        return _unanswered(desk, row)
    except (PlatformError, Later):
        sql.code_asked(desk.conn, account=desk.source, name=row.name, now=None)
        raise
    sql.code_made(desk.conn, account=desk.source, name=row.name, config_id=config_id, qr_code=None, chats=chats)
    return config_id


def _unanswered(desk: Desk, row: Any) -> None:
    sql.code_problem(desk.conn, account=desk.source, name=row.name, problem=UNANSWERED)


def _change(desk: Desk, row: Any, config_id: str, chats: list[str]) -> None:
    """Its picture and its groups. An update overwrites everything: groups that the platform has added itself stay in."""
    way = _shown(desk, config_id)
    known = {*row.chats, *row.shown_chats}
    added = [chat for chat in way.get("chat_id_list") or [] if row.config_id and chat not in known]
    wanted = _wanted(row, [*chats, *added][-MOST:], way.get("room_base_id") or 1)
    if any(way.get(name) != value for name, value in wanted.items()):
        desk.wecom.call(f"{_PATH}/update_join_way", {"config_id": config_id, **wanted})
        way = _shown(desk, config_id)
    sql.code_made(
        desk.conn, account=desk.source, name=row.name, config_id=config_id, qr_code=way.get("qr_code"),
        chats=way.get("chat_id_list") or [],
    )  # fmt: skip


def _shown(desk: Desk, config_id: str) -> dict[str, Any]:
    return desk.wecom.call(f"{_PATH}/get_join_way", {"config_id": config_id})["join_way"]


def _wanted(row: Any, chats: list[str], room_number: int = 1) -> dict[str, Any]:
    """room_number: counts up with the groups that the platform opens. Whether it opens any is always said: the default is yes."""
    room = {"room_base_name": row.room_name, "room_base_id": room_number} if row.room_name else {}
    return {
        "scene": PICTURE,
        "remark": row.name[:LONGEST_REMARK],
        "auto_create_room": int(bool(row.room_name)),
        "chat_id_list": chats,
        "state": row.state,
        **room,
    }
