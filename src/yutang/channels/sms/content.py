"""What a message must have to go out as SMS: an approved template, its parameters, and the way out for its reader. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WAYS_OUT = re.compile(r"(?:拒收|退订)请?回复?\s?(?:R|T|TD)|回复?\s?(?:R|T|TD)\s?(?:退订|拒收)", re.IGNORECASE)
OPT_OUT = "拒收请回复R"


def check(attachment: Mapping[str, Any], body: str) -> list[str]:
    """What is wrong with an attachment and the words beside it, each with its fix; empty: nothing.

    ``{"kind": "sms", "template": "SMS_1", "params": {name: text}, "purpose": "marketing" | "notice"}``, marketing unless it
    says otherwise. `body` mirrors the approved template: it is what people see in Yutang, the template is what is sent.
    """
    kind = attachment.get("kind")
    if kind != "sms":
        return [f"短信只支持附件 sms，不支持 '{kind}'。 use sms here, not '{kind}'"]
    found = []
    if not attachment.get("template"):
        found.append("template: 填写已审核的模板编号。 write the number of an approved template")
    if not isinstance(attachment.get("params", {}), Mapping):
        found.append("params: 应为 {变量名: 文字}。 it must be {name: text}")
    purpose = attachment.get("purpose", "marketing")
    if purpose not in ("marketing", "notice"):
        found.append("purpose: 填 marketing 或 notice。 write marketing or notice")
    if purpose != "notice" and not WAYS_OUT.search(body):
        found.append(
            f"营销短信的模板与正文须含「{OPT_OUT}」。 a marketing template, and the text here, must end with {OPT_OUT}"
        )
    return found


def check_params(attachment: Mapping[str, Any], numbered: bool) -> list[str]:
    """numbered: the provider's places are ``{1}``, ``{2}``, …, so the names must be 1, 2, …"""
    names = sorted(attachment.get("params", {}))
    if numbered and sorted(names, key=len) != [str(n) for n in range(1, len(names) + 1)]:
        return ["params: 腾讯云的变量名应为 1、2、3…。 with Tencent, parameters are named 1, 2, 3, …"]
    return []
