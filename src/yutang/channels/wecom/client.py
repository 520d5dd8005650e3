"""WeCom's calls as methods: the table of endpoints, paging, and a look at what an unanswered call has done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from yutang.channels.platform.calls import Caller, PlatformError
from yutang.channels.platform.calls.caller import Files
from yutang.channels.wecom.endpoints import ENDPOINTS

Row = dict[str, Any]

SLACK = timedelta(seconds=60)
"""How far the platform's clock and ours may differ when we look for something by its time."""
WELCOMED = frozenset({41051, 41096})
"""After a try without an answer these codes say that it arrived."""


class WeCom:
    """The calls of one account. All of them raise PlatformError, Unknown and Later, as `Caller.call` does."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def call(self, path: str, args: Mapping[str, Any] | None = None, *, until: datetime | None = None) -> Row:
        """The answer of one endpoint; `args` go into the query or the body, as its verb wants. Raises KeyError for a path
        that is not in the table. What is so already (deleting what is gone) is an empty answer."""
        endpoint = ENDPOINTS[path]
        given = dict(args or {})
        try:
            if endpoint.verb == "GET":
                return self.caller.call(path, query={name: str(value) for name, value in given.items()}, until=until)
            return self.caller.call(path, given, until=until)
        except PlatformError as error:
            if error.code in endpoint.done:
                return {}
            raise

    def pages(
        self, path: str, args: Mapping[str, Any] | None = None, cursor: str = ""
    ) -> Iterator[tuple[list[Row], str]]:
        """Its rows page by page, each with the cursor of the next page: keep it, and begin there another time. The cursor
        of the last page is empty. Rows may come twice. Cursors live for minutes: where one is refused, begin anew."""
        endpoint = ENDPOINTS[path]
        while True:
            given = dict(args or {})
            if cursor:
                given |= {"cursor": cursor} if endpoint.page == "c" else {"offset": int(cursor)}
            answer = self.call(path, given)
            cursor = str(answer.get("next_cursor") or "") if endpoint.page == "c" else _next_offset(answer, cursor)
            yield list(answer.get(endpoint.rows) or []), cursor
            if not cursor:
                return

    def rows(self, path: str, args: Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of an endpoint, with or without pages; for lists that are known to be small."""
        if ENDPOINTS[path].page:
            return [row for rows, _ in self.pages(path, args) for row in rows]
        return list(self.call(path, args).get(ENDPOINTS[path].rows) or [])

    # contacts

    def staff(self) -> list[str]:
        """User ids of those who may have customers, within the app's visible range."""
        return self.call("externalcontact/get_follow_user_list").get("follow_user") or []

    def customers(self, userid: str) -> list[str]:
        """External user ids of one member's customers; none is an empty list, though the platform may call it an error."""
        try:
            return self.call("externalcontact/list", {"userid": userid}).get("external_userid") or []
        except PlatformError as error:
            if error.code == 84061:
                return []
            raise

    def contact(self, external_userid: str) -> Row:
        """``{"external_contact", "follow_user"}`` with all followers, whatever their number."""
        args, found = {"external_userid": external_userid}, {}
        followers: list[Row] = []
        while True:
            answer = self.call("externalcontact/get", args)
            found = found or answer
            followers += answer.get("follow_user") or []
            if not answer.get("next_cursor"):
                return {**found, "follow_user": followers, "next_cursor": ""}
            args = args | {"cursor": answer["next_cursor"]}

    def contacts(self, userids: Collection[str], cursor: str = "") -> Iterator[tuple[list[Row], str]]:
        """One row per relation of up to 100 members of staff, page by page."""
        args = {"userid_list": list(userids), "limit": 100}
        return self.pages("externalcontact/batch/get_by_user", args, cursor)

    def mark_tag(
        self, userid: str, external_userid: str, add: Collection[str] = (), remove: Collection[str] = ()
    ) -> None:
        """Put tags on one relation and take others off, by id; not both empty."""
        args = {"userid": userid, "external_userid": external_userid}
        tags = {"add_tag": list(add), "remove_tag": list(remove)}
        self.call("externalcontact/mark_tag", args | {key: value for key, value in tags.items() if value})

    def welcome(self, code: str, message: Mapping[str, Any], until: datetime) -> None:
        """Welcome a new contact: `message` is ``{"text": {"content"}, "attachments": [...]}``; no try begins after `until`.
        A code that was used up by our own try before, which got no answer, counts as sent."""
        try:
            self.call("externalcontact/send_welcome_msg", {"welcome_code": code, **message}, until=until)
        except PlatformError as error:
            if error.tries == 1 or error.code not in WELCOMED:
                raise

    # files, pages, messages to staff

    def upload(self, kind: str, name: str, content: bytes, media_type: str, attachment_type: int | None = None) -> str:
        """Upload a file (kind: image, voice, video, file); returns its media id, good for 3 days.

        attachment_type: 1 for moments, 2 for the product album, which take no other media ids.
        """
        files: Files = {"media": (name, content, media_type)}
        if attachment_type is None:
            return self.caller.call("media/upload", query={"type": kind}, files=files)["media_id"]
        query = {"media_type": kind, "attachment_type": str(attachment_type)}
        return self.caller.call("media/upload_attachment", query=query, files=files)["media_id"]

    def corp_ticket(self) -> str:
        """The ticket that signs ``wx.config``."""
        return self.caller.ticket("ticket_corp", "get_jsapi_ticket")

    def app_ticket(self) -> str:
        """The ticket that signs ``wx.agentConfig``; another than the corp's."""
        return self.caller.ticket("ticket_app", "ticket/get", {"type": "agent_config"})

    def notify(self, userids: Collection[str], message: Mapping[str, Any]) -> Row:
        """Tell up to 1,000 members of staff; `message` is ``{"msgtype", <msgtype>: {...}}``. The same words to the same
        people within half an hour arrive once."""
        agent = {"touser": "|".join(userids), "agentid": int(self.caller.account.get("agent_id"))}
        twice = {"enable_duplicate_check": 1, "duplicate_check_interval": 1800}
        return self.call("message/send", agent | twice | dict(message))

    # what has an unanswered call done?

    def find_contact_way(self, state: str, since: datetime) -> Row | None:
        """The contact way with our `state` made at `since` or later. A state of ours is on one code only, so this is certain."""
        args = {"start_time": _unix(since - SLACK), "end_time": _unix(self.caller.clock() + SLACK), "limit": 1000}
        for row in self.rows("externalcontact/list_contact_way", args):
            answer = self.call("externalcontact/get_contact_way", {"config_id": row["config_id"]})["contact_way"]
            way = answer[0] if isinstance(answer, list) else answer
            if way.get("state") == state:
                return way
        return None

    def find_mass_message(
        self, chat_type: str, text: str, sender: str, since: datetime, known: Collection[str] = ()
    ) -> str | None:
        """The msgid of a mass task that asks `sender` to send this text, made by API at `since` or later.

        A task has no mark of ours and its receivers cannot be read before it is sent, so two tasks of the same text and
        sender are told apart only by those whose msgid we hold: give them as `known`. Make them one after another,
        and this is certain. Raises PlatformError ``later`` while the task is being dispatched.
        """
        args = {"chat_type": chat_type, "filter_type": 0, "limit": 100} | self._between(since)
        for row in self.rows("externalcontact/get_groupmsg_list_v2", args):
            if row.get("msgid") in known or not _is_ours(row, text, since):
                continue
            tasks = self.rows("externalcontact/get_groupmsg_task", {"msgid": row["msgid"], "limit": 1000})
            if sender in {task.get("userid") for task in tasks}:
                return row["msgid"]
        return None

    def find_moment(self, text: str, since: datetime, known: Collection[str] = ()) -> str | None:
        """The moment_id of a moment of this text made by API at `since` or later, none of those that we hold (`known`).

        It appears some minutes after the call, so None means "not yet" at first; two moments of one text in the same
        minutes cannot be told apart.
        """
        args = {"filter_type": 0, "limit": 20} | self._between(since)
        found = [row for row in self.rows("externalcontact/get_moment_list", args) if _is_ours(row, text, since)]
        return next((row["moment_id"] for row in found if row["moment_id"] not in known), None)

    def transfers(self, handover: str, takeover: str, resigned: bool = False) -> dict[str, Row]:
        """The customers whose transfer between these two was asked for, by external user id, each ``{"status",
        "takeover_time"}``: who is in it needs no second call. Status 5 (no record) is left out."""
        path = f"externalcontact/{'resigned/' if resigned else ''}transfer_result"
        rows = self.rows(path, {"handover_userid": handover, "takeover_userid": takeover})
        return {row["external_userid"]: row for row in rows if row.get("status") != 5}

    def _between(self, since: datetime) -> dict[str, int]:
        return {"start_time": _unix(since - SLACK), "end_time": _unix(self.caller.clock() + SLACK)}


def _unix(at: datetime) -> int:
    return int(at.timestamp())


def _is_ours(row: Row, text: str, since: datetime) -> bool:
    """Same words, made by a program (which leaves no creator) and not before we asked."""
    made = int(row.get("create_time") or 0)
    words = str((row.get("text") or {}).get("content") or "")
    return not row.get("creator") and words == text and made >= _unix(since - SLACK)


def _next_offset(answer: Row, offset: str) -> str:
    """Where the next page begins; empty when the list ends, or stands still."""
    following = int(answer.get("next_offset") or 0)
    return str(following) if int(offset or 0) < following < int(answer.get("total") or 0) else ""
