"""Aliyun: dysmsapi of 2017-05-25, signed with ACS3-HMAC-SHA256."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from yutang.channels.platform.account import Account
from yutang.channels.sms.provider import NO_CODE, Receipt, Refused, Reply, Request, base_of, days_of, time_of, touch_of

ALGORITHM = "ACS3-HMAC-SHA256"
VERSION = "2017-05-25"
MOST_PER_PAGE = 50


def signature(secret: str, method: str, path: str, query: str, headers: Mapping[str, str], body_hash: str) -> str:
    """Hex signature over a request whose `headers` (lower-case names) are all signed."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join((method, path, query, lines, ";".join(names), body_hash))
    text = f"{ALGORITHM}\n{sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


class Aliyun:
    """Numbers travel in the body, never in an address that somebody may log."""

    name = "aliyun"
    address = "https://dysmsapi.aliyuncs.com"
    lists_all = True

    def sign(self, account: Account, action: str, params: Mapping[str, Any], now: datetime, nonce: str) -> Request:
        url = urlsplit(base_of(account, self) + "/")
        content = "&".join(f"{_quoted(k)}={_quoted(str(v))}" for k, v in sorted(params.items())).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "host": url.netloc,
            "x-acs-action": action,
            "x-acs-content-sha256": sha256(content).hexdigest(),
            "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": nonce,
            "x-acs-version": VERSION,
        }
        signed = signature(account.get("key_secret"), "POST", url.path, "", headers, headers["x-acs-content-sha256"])
        names = ";".join(sorted(headers))
        credential = f"Credential={account.get('key_id')},SignedHeaders={names},Signature={signed}"
        return Request(url.geturl(), headers | {"authorization": f"{ALGORITHM} {credential}"}, content)

    def sending(
        self, account: Account, number: str, attachment: Mapping[str, Any], touch_id: int
    ) -> tuple[str, dict[str, Any]]:
        return "SendSms", {
            "PhoneNumbers": _local(number),
            "SignName": account.get("sign"),
            "TemplateCode": attachment["template"],
            "TemplateParam": json.dumps(
                {name: str(value) for name, value in attachment.get("params", {}).items()}, ensure_ascii=False
            ),
            "OutId": str(touch_id),
        }

    def sent(self, answer: Mapping[str, Any]) -> str:
        _raise_refusal(answer)
        return str(answer.get("BizId", ""))

    def looking(self, account: Account, number: str, at: datetime) -> list[tuple[str, dict[str, Any]]]:  # noqa: ARG002
        common = {"PhoneNumber": _local(number), "PageSize": MOST_PER_PAGE, "CurrentPage": 1}
        return [("QuerySendDetails", common | {"SendDate": day.strftime("%Y%m%d")}) for day in days_of(at)]

    def found(self, answer: Mapping[str, Any], touch_id: int) -> str | None:
        """The list has our number and not the provider's."""
        _raise_refusal(answer)
        rows = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
        return "" if any(str(row.get("OutId", "")) == str(touch_id) for row in rows) else None

    def receipts(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Receipt]:
        return [
            Receipt(
                str(part["biz_id"]),
                touch_of(part.get("out_id")),
                part.get("success") is True,
                str(part.get("err_code", "")),
                time_of(part.get("report_time"), at),
            )
            for part in parts
            if part.get("biz_id")
        ]

    def replies(self, parts: Sequence[Mapping[str, Any]], at: datetime) -> list[Reply]:
        return [
            Reply(
                str(part["sequence_id"]),
                str(part["phone_number"]),
                str(part["content"]),
                time_of(part.get("send_time"), at),
            )
            for part in parts
            if part.get("sequence_id") and part.get("phone_number") and "content" in part
        ]


def _raise_refusal(answer: Mapping[str, Any]) -> None:
    if answer.get("Code") != "OK":
        raise Refused(str(answer.get("Code") or NO_CODE), str(answer.get("Message") or ""))


def _local(number: str) -> str:
    """Eleven digits inside China, else country code and number."""
    return number.removeprefix("+86") if number.startswith("+86") else number.removeprefix("+")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
