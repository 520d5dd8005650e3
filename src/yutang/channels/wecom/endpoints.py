"""The calls of WeCom that are used, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from yutang.channels.platform.calls.dialect import Retry


@dataclass(frozen=True)
class Endpoint:
    """One call. page: ``c`` by cursor, ``o`` by offset, empty for none; rows: the key of its list.

    retry: see `Retry`. done: codes that say that what was asked for is so already.
    """

    path: str
    verb: Literal["GET", "POST"]
    retry: Retry
    page: Literal["c", "o", ""] = ""
    rows: str = ""
    done: frozenset[int] = frozenset()


NO_TAG, NO_WAY, NO_MOMENT = frozenset({40068}), frozenset({41044}), frozenset({41060})

_X = "externalcontact"
_LINK = f"{_X}/customer_acquisition"
_CHAT = f"{_X}/groupchat"
_WELCOME = f"{_X}/group_welcome_template"


def _rows() -> Iterator[Endpoint]:
    yield from _contacts()
    yield from _codes()
    yield from _groups()
    yield from _campaigns()
    yield from _staff()


def _contacts() -> Iterator[Endpoint]:
    yield Endpoint(f"{_X}/get_follow_user_list", "GET", "read", rows="follow_user")
    yield Endpoint(f"{_X}/list", "GET", "read", rows="external_userid")
    yield Endpoint(f"{_X}/get", "GET", "read", "c", "follow_user")
    yield Endpoint(f"{_X}/batch/get_by_user", "POST", "read", "c", "external_contact_list")
    yield Endpoint(f"{_X}/remark", "POST", "effect")
    yield Endpoint(f"{_X}/get_corp_tag_list", "POST", "read", rows="tag_group")
    # A second try finds the tag that the first has made: 40071.
    yield Endpoint(f"{_X}/add_corp_tag", "POST", "effect")
    yield Endpoint(f"{_X}/edit_corp_tag", "POST", "effect")
    yield Endpoint(f"{_X}/del_corp_tag", "POST", "effect", done=NO_TAG)
    yield Endpoint(f"{_X}/mark_tag", "POST", "effect")


def _codes() -> Iterator[Endpoint]:
    yield Endpoint(f"{_X}/add_contact_way", "POST", "create")
    yield Endpoint(f"{_X}/get_contact_way", "POST", "read")
    yield Endpoint(f"{_X}/list_contact_way", "POST", "read", "c", "contact_way")
    yield Endpoint(f"{_X}/update_contact_way", "POST", "effect")
    yield Endpoint(f"{_X}/del_contact_way", "POST", "effect", done=NO_WAY)
    yield Endpoint(f"{_LINK}/list_link", "POST", "read", "c", "link_id_list")
    yield Endpoint(f"{_LINK}/get", "POST", "read")
    yield Endpoint(f"{_LINK}/create_link", "POST", "create")
    yield Endpoint(f"{_LINK}/update_link", "POST", "effect")
    yield Endpoint(f"{_LINK}/delete_link", "POST", "effect")
    yield Endpoint(f"{_LINK}/customer", "POST", "read", "c", "customer_list")
    yield Endpoint(f"{_LINK}/statistic", "POST", "read")
    yield Endpoint(f"{_LINK}_quota", "GET", "read", rows="quota_list")
    yield Endpoint(f"{_X}/send_welcome_msg", "POST", "once")


def _groups() -> Iterator[Endpoint]:
    yield Endpoint(f"{_CHAT}/list", "POST", "read", "c", "group_chat_list")
    yield Endpoint(f"{_CHAT}/get", "POST", "read")
    yield Endpoint(f"{_CHAT}/add_join_way", "POST", "create")
    yield Endpoint(f"{_CHAT}/get_join_way", "POST", "read")
    yield Endpoint(f"{_CHAT}/update_join_way", "POST", "effect")
    yield Endpoint(f"{_CHAT}/del_join_way", "POST", "effect", done=NO_WAY)
    yield Endpoint(f"{_CHAT}/transfer", "POST", "create")
    yield Endpoint(f"{_CHAT}/onjob_transfer", "POST", "create")
    yield Endpoint(f"{_CHAT}/statistic", "POST", "read", "o", "items")
    yield Endpoint(f"{_CHAT}/statistic_group_by_day", "POST", "read", rows="items")
    yield Endpoint(f"{_WELCOME}/add", "POST", "create")
    yield Endpoint(f"{_WELCOME}/edit", "POST", "effect")
    yield Endpoint(f"{_WELCOME}/get", "POST", "read")
    yield Endpoint(f"{_WELCOME}/del", "POST", "effect")


def _campaigns() -> Iterator[Endpoint]:
    yield Endpoint(f"{_X}/add_msg_template", "POST", "create")
    yield Endpoint(f"{_X}/get_groupmsg_list_v2", "POST", "read", "c", "group_msg_list")
    yield Endpoint(f"{_X}/get_groupmsg_task", "POST", "read", "c", "task_list")
    yield Endpoint(f"{_X}/get_groupmsg_send_result", "POST", "read", "c", "send_list")
    # Every reminder rings at a member of staff, and three a day are allowed.
    yield Endpoint(f"{_X}/remind_groupmsg_send", "POST", "create")
    yield Endpoint(f"{_X}/cancel_groupmsg_send", "POST", "effect", done=frozenset({41093}))
    yield Endpoint(f"{_X}/add_moment_task", "POST", "create")
    yield Endpoint(f"{_X}/get_moment_task_result", "GET", "read")
    yield Endpoint(f"{_X}/cancel_moment_task", "POST", "effect", done=NO_MOMENT)
    yield Endpoint(f"{_X}/get_moment_list", "POST", "read", "c", "moment_list")
    yield Endpoint(f"{_X}/get_moment_task", "POST", "read", "c", "task_list")
    yield Endpoint(f"{_X}/get_moment_customer_list", "POST", "read", "c", "customer_list")
    yield Endpoint(f"{_X}/get_moment_send_result", "POST", "read", "c", "customer_list")
    yield Endpoint(f"{_X}/get_moment_comments", "POST", "read")
    yield Endpoint(f"{_X}/add_product_album", "POST", "create")
    yield Endpoint(f"{_X}/get_product_album", "POST", "read")
    yield Endpoint(f"{_X}/get_product_album_list", "POST", "read", "c", "product_list")
    yield Endpoint(f"{_X}/update_product_album", "POST", "effect")
    yield Endpoint(f"{_X}/delete_product_album", "POST", "effect")
    yield Endpoint(f"{_X}/add_intercept_rule", "POST", "create")
    yield Endpoint(f"{_X}/get_intercept_rule_list", "GET", "read", rows="rule_list")
    yield Endpoint(f"{_X}/get_intercept_rule", "POST", "read")
    yield Endpoint(f"{_X}/update_intercept_rule", "POST", "effect")
    yield Endpoint(f"{_X}/del_intercept_rule", "POST", "effect")


def _staff() -> Iterator[Endpoint]:
    yield Endpoint(f"{_X}/transfer_customer", "POST", "create")
    yield Endpoint(f"{_X}/transfer_result", "POST", "read", "c", "customer")
    yield Endpoint(f"{_X}/resigned/transfer_customer", "POST", "create")
    yield Endpoint(f"{_X}/resigned/transfer_result", "POST", "read", "c", "customer")
    yield Endpoint(f"{_X}/get_unassigned_list", "POST", "read", "c", "info")
    yield Endpoint(f"{_X}/get_user_behavior_data", "POST", "read", rows="behavior_data")
    yield Endpoint("user/get", "GET", "read")
    yield Endpoint("user/list", "GET", "read", rows="userlist")
    yield Endpoint("user/simplelist", "GET", "read", rows="userlist")
    yield Endpoint("department/list", "GET", "read", rows="department")
    yield Endpoint("department/simplelist", "GET", "read", rows="department_id")
    yield Endpoint("auth/getuserinfo", "GET", "read")
    yield Endpoint("auth/getuserdetail", "POST", "read")
    yield Endpoint("get_jsapi_ticket", "GET", "read")
    yield Endpoint("ticket/get", "GET", "read")
    yield Endpoint("media/upload", "POST", "effect")
    yield Endpoint("media/upload_attachment", "POST", "effect")
    # The platform drops a second one itself: we always ask it to.
    yield Endpoint("message/send", "POST", "effect")


ENDPOINTS: dict[str, Endpoint] = {endpoint.path: endpoint for endpoint in _rows()}
"""By path."""
