"""SMS through Aliyun or Tencent: signed requests, approved words, flow control, receipts, and answers such as R."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from litestar import Request, Response, post
from litestar.datastructures import State

from yutang.emulator import people
from yutang.emulator.signatures import Signed, aliyun_fault, tencent_fault

if TYPE_CHECKING:
    from yutang.emulator.city import City
    from yutang.emulator.people import Customer

KIND, ALIYUN, TENCENT = "sms", "aliyun", "tencent"
CHINA = timezone(timedelta(hours=8))
Answer = tuple[int, dict[str, Any]]
TEMPLATES = {
    ALIYUN: {"SMS_400000001": "${text}", "SMS_400000002": "${text} 拒收请回复R"},
    TENCENT: {"400001": "{1}", "400002": "{1} 拒收请回复R"},
}
FLOW = ((60, 1), (3600, 5), (86_400, 10))
"""Seconds, and how many messages one number may get within them."""
SKEW_S = {ALIYUN: 900, TENCENT: 300}


@dataclass(frozen=True)
class Sent:
    """One message to one number. `there`: it reached a phone; `at`: Unix seconds."""

    provider: str
    number: str
    serial: str
    out_id: str
    text: str
    at: int
    there: bool


@dataclass
class Sms:
    """The operator's approved templates and its messages. `flow`: limits per number; empty switches them off.

    gone: numbers that no longer exist, whose receipts say so. refused: numbers on the operator's own list.
    """

    templates: dict[str, dict[str, str]] = field(default_factory=lambda: {k: dict(v) for k, v in TEMPLATES.items()})
    flow: tuple[tuple[int, int], ...] = FLOW
    sent: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    log: list[Sent] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    provider: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


class _Refused(Exception):
    """A message that is not taken: a code and its words."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code)
        self.code, self.words = code, words


def handle(city: City, request: Signed) -> Answer:
    """Status and body for one request to either platform: they are told apart by their headers."""
    with city.lock:
        if "x-tc-action" in request.headers:
            return _tencent(city, request)
        return _aliyun(city, request)


def _aliyun(city: City, request: Signed) -> Answer:
    """SendSms of 2017-05-25, signed with ACS3-HMAC-SHA256; parameters in the query or in a form."""
    app, part = city.app(KIND), city.part(Sms)
    ids = {"RequestId": city.new_id("", 24)}
    fault = aliyun_fault(request, app.id, app.secret, city.now(), SKEW_S[ALIYUN])
    nonce = request.headers.get("x-acs-signature-nonce", "")
    if fault is None and (not nonce or nonce in part.nonces):
        fault = "SignatureNonceUsed"
    if fault:
        return 403 if "AccessKey" not in fault else 404, ids | {
            "Code": fault,
            "Message": "请检查签名 check the signature",
        }
    part.nonces.add(nonce)
    action, version = (request.headers.get(f"x-acs-{name}", "") for name in ("action", "version"))
    if action not in ("SendSms", "QuerySendDetails") or version != "2017-05-25":
        return 404, ids | {"Code": "InvalidAction.NotFound", "Message": "Specified api is not found."}
    given = dict(request.query) | dict(parse_qsl(request.body.decode("utf-8", "replace")))
    if action == "QuerySendDetails":
        return 200, ids | {"Code": "OK", "Message": "OK"} | _aliyun_details(part, given)
    try:
        return 200, ids | {"Code": "OK", "Message": "OK", "BizId": _send_aliyun(city, given)}
    except _Refused as refused:
        return 200, ids | {"Code": refused.code, "Message": refused.words}


def _aliyun_details(part: Sms, given: Mapping[str, str]) -> dict[str, Any]:
    """QuerySendDetails: what one number was sent on one day of China, with or without a receipt."""
    rows = [
        {
            "PhoneNum": one.number, "OutId": one.out_id, "Content": one.text, "SendStatus": 3 if one.there else 2,
            "ErrCode": "DELIVERED" if one.there else "MK:0001", "SendDate": f"{_china(one.at):%Y-%m-%d %H:%M:%S}",
        }
        for one in part.log
        if one.provider == ALIYUN and one.number == given.get("PhoneNumber")
        and f"{_china(one.at):%Y%m%d}" == given.get("SendDate")
    ]  # fmt: skip
    return {"TotalCount": len(rows), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


def _send_aliyun(city: City, given: Mapping[str, str]) -> str:
    """The BizId of all. Raises _Refused."""
    numbers = [one for one in given.get("PhoneNumbers", "").split(",") if one]
    if not numbers:
        raise _Refused("MissingPhoneNumbers", "PhoneNumbers is mandatory for this action.")
    if len(numbers) > 1000:
        raise _Refused("isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
    if given.get("SignName") != city.corp_name:
        raise _Refused("isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法")
    text = _filled(city, given.get("TemplateCode", ""), given.get("TemplateParam", ""))
    plain = [_number(one) for one in numbers]
    if not all(plain):
        raise _Refused("isv.MOBILE_NUMBER_ILLEGAL", "非法手机号")
    for one in plain:
        if limit := _over(city, one):
            raise _Refused("isv.BUSINESS_LIMIT_CONTROL", f"触发{limit}级流控Permits:{dict(city.part(Sms).flow)[limit]}")
    biz_id = f"{city.dice('sms').randrange(10**17, 10**18)}^0"
    for one in plain:
        _arrives(city, one, text, ALIYUN, biz_id, given.get("OutId", ""))
    return biz_id


def _filled(city: City, code: str, params: str) -> str:
    """An Aliyun template with its parameters. Raises _Refused."""
    text = city.part(Sms).templates[ALIYUN].get(code)
    if text is None:
        raise _Refused("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
    try:
        values = json.loads(params or "{}")
    except ValueError as error:
        raise _Refused("isv.INVALID_JSON_PARAM", "JSON参数不合法，只接受字符串值") from error
    names = set(re.findall(r"\$\{(\w+)\}", text))
    if missing := names - set(values):
        raise _Refused("isv.TEMPLATE_MISSING_PARAMETERS", f"模板缺少变量 {', '.join(sorted(missing))}")
    return re.sub(r"\$\{(\w+)\}", lambda found: str(values[found[1]]), text)


def _tencent(city: City, request: Signed) -> Answer:
    """SendSms of 2021-01-11, signed with TC3-HMAC-SHA256; always 200."""
    app, request_id = city.app(KIND), city.new_id("", 24)
    fault = tencent_fault(request, app.id, app.secret, city.now(), SKEW_S[TENCENT])
    action = request.headers["x-tc-action"]
    if fault is None and action not in ("SendSms", "PullSmsSendStatusByPhoneNumber"):
        fault = "InvalidAction"
    if fault is None and request.headers.get("x-tc-version") != "2021-01-11":
        fault = "NoSuchVersion"
    try:
        given = json.loads(request.body or b"{}")
    except ValueError:
        fault = fault or "InvalidParameter"
    if fault is None and action != "SendSms":
        return 200, {"Response": {"PullSmsSendStatusSet": _tencent_status(city, given), "RequestId": request_id}}
    if fault is None and not 0 < len(given.get("PhoneNumberSet") or []) <= 200:
        fault = "InvalidParameterValue.MissingPhoneNumber"
    if fault:
        return 200, {"Response": {"Error": {"Code": fault, "Message": fault}, "RequestId": request_id}}
    rows = [_one_tencent(city, given, number) for number in given["PhoneNumberSet"]]
    return 200, {"Response": {"SendStatusSet": rows, "RequestId": request_id}}


def _tencent_status(city: City, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """PullSmsSendStatusByPhoneNumber: receipts of one number within a span."""
    number, span = _number(str(given.get("PhoneNumber"))), range(given.get("BeginTime", 0), given.get("EndTime", 0) + 1)
    return [
        {
            "UserReceiveTime": one.at, "CountryCode": "86", "SubscriberNumber": one.number, "PhoneNumber": f"+86{one.number}",
            "SerialNo": one.serial, "ReportStatus": "SUCCESS" if one.there else "FAIL",
            "Description": "DELIVRD" if one.there else "MK:0001", "SessionContext": one.out_id,
        }
        for one in city.part(Sms).log
        if one.provider == TENCENT and one.number == number and one.at in span
    ]  # fmt: skip


def _one_tencent(city: City, given: Mapping[str, Any], number: str) -> dict[str, Any]:
    """The row of one number."""
    row = {"PhoneNumber": number, "SessionContext": given.get("SessionContext", ""), "IsoCode": "CN"}
    try:
        serial = _send_tencent(city, given, number)
    except _Refused as refused:
        return row | {"SerialNo": "", "Fee": 0, "Code": refused.code, "Message": refused.words}
    return row | {"SerialNo": serial, "Fee": 1, "Code": "Ok", "Message": "send success"}


def _send_tencent(city: City, given: Mapping[str, Any], number: str) -> str:
    """The SerialNo. Raises _Refused."""
    if str(given.get("SmsSdkAppId")) != city.account(KIND).get("sdk_app_id"):
        raise _Refused("FailedOperation.InvalidSdkAppId", "sdkappid not exist")
    if given.get("SignName") != city.corp_name:
        raise _Refused("FailedOperation.SignatureIncorrectOrUnapproved", "signature is not approved")
    template = city.part(Sms).templates[TENCENT].get(str(given.get("TemplateId")))
    values = given.get("TemplateParamSet") or []
    if template is None:
        raise _Refused("FailedOperation.TemplateIncorrectOrUnapproved", "template is not approved")
    if len(re.findall(r"\{\d+\}", template)) != len(values):
        raise _Refused("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "parameters do not match")
    plain = _number(number) if number.startswith("+") else ""
    if not plain:
        raise _Refused("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number")
    if plain in city.part(Sms).refused:
        raise _Refused("FailedOperation.PhoneNumberInBlacklist", "phone number in blacklist")
    if limit := _over(city, plain):
        word = {60: "ThirtySecondLimit", 3600: "OneHourLimit"}.get(limit, "DailyLimit")
        raise _Refused(f"LimitExceeded.PhoneNumber{word}", "too many messages to this number")
    text = re.sub(r"\{(\d+)\}", lambda found: str(values[int(found[1]) - 1]), template)
    serial = f"2640:{city.dice('sms').randrange(10**20, 10**21)}"
    _arrives(city, plain, text, TENCENT, serial, str(given.get("SessionContext", "")))
    return serial


def _number(text: str) -> str:
    """Eleven digits of a Chinese mobile; empty for anything else."""
    found = re.fullmatch(r"(?:\+?86|0086)?(1\d{10})", text)
    return found[1] if found else ""


def _over(city: City, number: str) -> int:
    """The seconds of the limit that one more message would break; 0 when there is none."""
    part, now = city.part(Sms), city.now().timestamp()
    return next((span for span, most in part.flow if sum(now - at < span for at in part.sent[number]) >= most), 0)


def _arrives(city: City, number: str, text: str, provider: str, serial: str, out_id: str) -> None:
    """Into the phone of whoever has the number, and a receipt for the sender."""
    part = city.part(Sms)
    part.sent[number].append(city.now().timestamp())
    owner = by_phone(city, number)
    there = owner is not None and number not in part.gone
    part.log.append(Sent(provider, number, serial, out_id, text, city.stamp(), there))
    if owner is not None and there:
        part.provider[number] = provider
        people.receives(city, owner, KIND, city.corp_name, f"【{city.corp_name}】{text}")
    receipt = _aliyun_receipt if provider == ALIYUN else _tencent_receipt
    _push(city, [receipt(city, number, serial, out_id, there)])


def by_phone(city: City, number: str) -> Customer | None:
    return next((one for one in city.people.customers.values() if one.phone == number), None)


def _china(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, CHINA)


def _clock(city: City) -> str:
    return f"{_china(city.stamp()):%Y-%m-%d %H:%M:%S}"


def _aliyun_receipt(city: City, number: str, serial: str, out_id: str, there: bool) -> dict[str, Any]:
    return {
        "phone_number": number, "send_time": _clock(city), "report_time": _clock(city), "success": there,
        "err_code": "DELIVERED" if there else "MK:0001", "err_msg": "用户接收成功" if there else "空号",
        "sms_size": "1", "biz_id": serial, "out_id": out_id,
    }  # fmt: skip


def _tencent_receipt(city: City, number: str, serial: str, out_id: str, there: bool) -> dict[str, Any]:
    return {
        "user_receive_time": _clock(city), "nationcode": "86", "mobile": number, "sid": serial,
        "report_status": "SUCCESS" if there else "FAIL", "errmsg": "DELIVRD" if there else "MK:0001",
        "description": "用户短信送达成功" if there else "空号", "ext": out_id,
    }  # fmt: skip


def replies(city: City, customer: Customer, text: str) -> None:
    """The customer answers the last SMS, for instance with R. Raises LookupError when there was none."""
    provider = city.part(Sms).provider.get(customer.phone)
    if provider is None:
        raise LookupError("没有可回复的短信。 there is no SMS to answer")
    if provider == TENCENT:
        _push(city, {
            "extend": "01", "mobile": customer.phone, "nationcode": "86", "sign": city.corp_name, "text": text,
            "time": city.stamp(),
        })  # fmt: skip
        return
    _push(city, [{
        "phone_number": customer.phone, "send_time": _clock(city), "content": text, "sign_name": city.corp_name,
        "dest_code": "106900000001", "sequence_id": city.dice("sms").randrange(10**9, 10**10),
    }])  # fmt: skip


def _push(city: City, body: Any) -> None:
    """To the account's receipt address, as JSON."""
    city.callbacks.post(city.app(KIND), json.dumps(body, ensure_ascii=False).encode())


@post("/sms/", status_code=200)
async def messages(request: Request[Any, Any, State]) -> Response[bytes]:
    """Both platforms at one address. A signature covers the path that the sender saw, or only a slash."""
    city: City = request.app.state.city
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = Signed("POST", ("/sms/", "/sms", "/"), dict(request.query_params), headers, await request.body())
    if city.faults.slow_answers_s:
        await asyncio.sleep(city.faults.slow_answers_s)
    status, body = handle(city, signed)
    return Response(json.dumps(body, ensure_ascii=False).encode(), status_code=status, media_type="application/json")


ROUTES = [messages]
