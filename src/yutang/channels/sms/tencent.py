"""Tencent Cloud: sms of 2021-01-11, signed with TC3-HMAC-SHA256."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from yutang.channels.platform.account import Account
from yutang.channels.sms.provider import NO_CODE, Receipt, Refused, Reply, Request, base_of, time_of, touch_of

ALGORITHM = "TC3-HMAC-SHA256"
VERSION = "2021-01-11"
SERVICE = "sms"
REGION = "ap-guangzhou"
LOOKS_AHEAD = timedelta(minutes=10)
MOST_PER_PAGE = 100


def signature(secret: str, service: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Hex signature over a POST of ``/`` whose `headers` (lower-case names) are all signed."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
    canonical = "\n".join(("POST", "/", "", lines, ";".join(names), sha256(body).hexdigest()))
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    scope = f"{day}/{service}/tc3_request"
    text = f"{ALGORITHM}\n{int(now.timestamp())}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    return hmac.new(key, text.encode(), sha256).hexdigest()


class Tencent:
    """Its list of a number's messages shows only those that have a receipt."""

    name = "tencent"
    address = "https://sms.tencentcloudapi.com"
    lists_all = False

    def sign(self, account: Account, action: str, params: Mapping[str, Any], now: datetime, nonce: str) -> Request:  # noqa: ARG002
        url = base_of(account, self) + "/"
        content = json.dumps(params, ensure_ascii=False).encode()
        signed = {"content-type": "application/json; charset=utf-8", "host": urlsplit(url).netloc}
        scope = f"{now.astimezone(UTC):%Y-%m-%d}/{SERVICE}/tc3_request"
        value = signature(account.get("key_secret"), SERVICE, signed, content, now)
        names = ";".join(sorted(signed))
        credential = f"Credential={account.get('key_id')}/{scope}, SignedHeaders={names}, Signature={value}"
        headers = signed | {
            "x-tc-action": action,
            "x-tc-version": VERSION,
            "x-tc-timestamp": str(int(now.timestamp())),
            "x-tc-region": account.get("region") or REGION,
            "authorization": f"{ALGORITHM} {credential}",
        }
        return Request(url, headers, content)

    def sending(
        self, account: Account, number: str, attachment: Mapping[str, Any], touch_id: int
    ) -> tuple[str, dict[str, Any]]:
        return "SendSms", {
            "PhoneNumberSet": [number],
            "SmsSdkAppId": account.get("sdk_app_id"),
            "SignName": account.get("sign"),
            "TemplateId": attachment["template"],
            "TemplateParamSet": in_order(attachment.get("params", {})),
            "SessionContext": str(touch_id),
        }

    def sent(self, answer: Mapping[str, Any]) -> str:
        row = next(iter(_response(answer).get("SendStatusSet") or []), {})
        if row.get("Code") != "Ok":
            raise Refused(str(row.get("Code") or NO_CODE), str(row.get("Message") or ""))
        return str(row.get("SerialNo", ""))

    def looking(self, account: Account, number: str, at: datetime) -> list[tuple[str, dict[str, Any]]]:
        return [
            (
                "PullSmsSendStatusByPhoneNumber",
                {
                    "PhoneNumber": number,
                    "BeginTime": int(at.timestamp()),
                    "EndTime": int((at + LOOKS_AHEAD).timestamp()),
                    "Offset": 0,
                    "Limit": MOST_PER_PAGE,
                    "SmsSdkAppId": account.get("sdk_app_id"),
                },
            )
        ]

    def found(self, answer: Mapping[str, Any], touch_id: int) -> str | None:
        rows = _response(answer).get("PullSmsSendStatusSet") or []
        ours = (row for row in rows if str(row.get("SessionContext", "")) == str(touch_id))
        return next((str(row.get("SerialNo", "")) for row in ours), None)

    def receipts(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Receipt]:
        return [
            Receipt(
                str(part["sid"]),
                touch_of(part.get("ext")),
                part.get("report_status") == "SUCCESS",
                str(part.get("errmsg", "")),
                time_of(part.get("user_receive_time"), at),
            )
            for part in parts
            if part.get("sid")
        ]

    def replies(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Reply]:
        """They carry no number of their own: person, time and text tell them apart."""
        return [
            Reply(f"{_number(part)} {part.get('time')} {part['text']}", _number(part), str(part["text"]), at)
            for part in parts
            if part.get("mobile") and "text" in part
        ]


def in_order(params: Mapping[str, Any]) -> list[str]:
    """Parameters are places ``{1}``, ``{2}``, …: their names are the numbers."""
    return [str(params[name]) for name in sorted(params, key=int)]


def _response(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises Refused."""
    response = answer.get("Response") or {}
    if error := response.get("Error"):
        raise Refused(str(error.get("Code") or NO_CODE), str(error.get("Message") or ""))
    return response


def _number(part: Mapping[str, Any]) -> str:
    return f"+{part.get('nationcode') or '86'}{part['mobile']}"
