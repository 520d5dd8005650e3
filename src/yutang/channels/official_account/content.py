"""What a letter looks like to the platform: the words with their links, or the fields of a template. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yutang.channels.contract import Letter

TEMPLATE, LINK = "template", "link"


def custom(letter: Letter) -> dict[str, Any]:
    """The body of a customer service message: text, with each link on lines of its own."""
    links = [f"{one.get('title', '')}\n{one['url']}".strip() for one in letter.attachments if one["kind"] == LINK]
    text = "\n\n".join([letter.body, *links])
    return {"touser": letter.address, "msgtype": "text", "text": {"content": text}}


def template_of(letter: Letter) -> Mapping[str, Any] | None:
    """The template message that the letter names, if it does."""
    return next((one for one in letter.attachments if one.get("kind") == TEMPLATE), None)


def template(letter: Letter) -> dict[str, Any]:
    """The body of the template message that the letter names; the touch id makes a repeat recognisable."""
    named = template_of(letter)
    assert named is not None
    body: dict[str, Any] = {
        "touser": letter.address,
        "template_id": named["template"],
        "url": named.get("url", ""),
        "client_msg_id": str(letter.touch_id),
        "data": {name: {"value": str(value)} for name, value in named["data"].items()},
    }
    if page := named.get("miniprogram"):
        body["miniprogram"] = {"appid": page["app_id"], "pagepath": page.get("page", "")}
    return body


def check(attachment: Mapping[str, Any]) -> list[str]:
    """What is wrong with an attachment of a message on this channel, each with its fix; empty: nothing.

    ``{"kind": "template", "template", "data": {field: text}, "url"?, "miniprogram"?: {"app_id", "page"?}}`` or
    ``{"kind": "link", "url", "title"?}``.
    """
    kind = attachment.get("kind")
    if kind == LINK:
        return [] if attachment.get("url") else ["link: 缺少 url。 url is missing"]
    if kind != TEMPLATE:
        return [f"公众号不支持附件 '{kind}'，可用 link、template。 use link or template here, not '{kind}'"]
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
