"""What a letter looks like to the platform: the words with their links, or the fields of a template. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yutang.channels.contract import Letter
from yutang.channels.platform.grants import fields

TEMPLATE, LINK, SUBSCRIBE = "template", "link", "subscribe"


def custom(letter: Letter) -> dict[str, Any]:
    """The body of a customer service message: text, with each link on lines of its own."""
    links = [f"{one.get('title', '')}\n{one['url']}".strip() for one in letter.attachments if one["kind"] == LINK]
    text = "\n\n".join([letter.body, *links])
    return {"touser": letter.address, "msgtype": "text", "text": {"content": text}}


def named(letter: Letter, kind: str) -> Mapping[str, Any] | None:
    """The notice of this kind (`TEMPLATE` or `SUBSCRIBE`) that the letter names, if it does."""
    return next((one for one in letter.attachments if one.get("kind") == kind), None)


def template(letter: Letter) -> dict[str, Any]:
    """The body of the template message that the letter names; the touch id makes a repeat recognisable."""
    notice = named(letter, TEMPLATE)
    assert notice is not None
    body: dict[str, Any] = {
        "touser": letter.address,
        "template_id": notice["template"],
        "url": notice.get("url", ""),
        "client_msg_id": str(letter.touch_id),
        "data": {name: {"value": str(value)} for name, value in notice["data"].items()},
    }
    if page := notice.get("miniprogram"):
        body["miniprogram"] = {"appid": page["app_id"], "pagepath": page.get("page", "")}
    return body


def check(attachment: Mapping[str, Any]) -> list[str]:
    """What is wrong with an attachment of a message on this channel, each with its fix; empty: nothing.

    ``{"kind": "template", "template", "data": {field: text}, "url"?, "miniprogram"?: {"app_id", "page"?}}``,
    ``{"kind": "subscribe", "template", "data": {field: text}, "page"?}`` or ``{"kind": "link", "url", "title"?}``.
    """
    kind = attachment.get("kind")
    if kind == SUBSCRIBE:
        return fields.check(attachment)
    if kind == LINK:
        return [] if attachment.get("url") else ["link: 缺少 url。 url is missing"]
    if kind != TEMPLATE:
        return [
            f"公众号不支持附件 '{kind}'，可用 link、template、subscribe。 use link, template or subscribe here, not '{kind}'"
        ]
    problems = []
    if not attachment.get("template"):
        problems.append("template: 填写后台的模板 ID。 write the template's id from the platform's console")
    data = attachment.get("data")
    if not isinstance(data, Mapping) or not data:
        problems.append("template: data 应为 {字段: 文字}。 data must be {field: text}")
    page = attachment.get("miniprogram")
    if page is not None and not (isinstance(page, Mapping) and page.get("app_id")):
        problems.append("template: miniprogram 需要 app_id。 miniprogram needs app_id")
    return problems


def problems(attachment: Mapping[str, Any]) -> list[str]:
    """The same for a rendered attachment, whose words may still be cut to size."""
    return fields.problems(attachment) if attachment.get("kind") == SUBSCRIBE else check(attachment)
