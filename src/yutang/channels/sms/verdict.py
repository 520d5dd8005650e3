"""What a provider's refusal means for a letter: data, first match from the top."""

from __future__ import annotations

from datetime import datetime, timedelta

from yutang.channels.contract import Result
from yutang.channels.sms.provider import Refused
from yutang.model import Reason

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

FLOW = "isv.BUSINESS_LIMIT_CONTROL"
FLOW_LEVELS = (("天级", DAY), ("小时级", HOUR), ("分钟级", MINUTE))
"""Aliyun names the limit in words."""

LIMITS = (
    ("LimitExceeded.PhoneNumberThirtySecondLimit", MINUTE),
    ("LimitExceeded.PhoneNumberOneHourLimit", HOUR),
    ("LimitExceeded.PhoneNumberDailyLimit", DAY),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", DAY),
    ("LimitExceeded", HOUR),
    ("RequestLimitExceeded", MINUTE),
    ("Throttling", MINUTE),
    ("isv.DAY_LIMIT_CONTROL", DAY),
    ("isv.MONTH_LIMIT_CONTROL", DAY),
)
"""Codes that mean "not now", and when to ask again."""

BLOCKED = ("FailedOperation.PhoneNumberInBlacklist", "isv.MOBILE_IN_BLACKLIST", "isv.BLACK_LIST")
NO_NUMBER = ("isv.MOBILE_NUMBER_ILLEGAL", "InvalidParameterValue.IncorrectPhoneNumber")
MENDED_BY_OPERATOR = (
    "AuthFailure",
    "UnauthorizedOperation",
    "InvalidAccessKey",
    "IncompleteSignature",
    "Signature",
    "InvalidTimeStamp",
    "Forbidden",
    "isp.RAM_PERMISSION_DENY",
    "isv.AMOUNT_NOT_ENOUGH",
    "isv.OUT_OF_SERVICE",
    "FailedOperation.InsufficientBalanceInSmsPackage",
    "FailedOperation.InvalidSdkAppId",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "isv.SMS_SIGNATURE_ILLEGAL",
)
"""Keys, rights, balance, signature: it waits while somebody mends it."""
PASSING = ("isp.", "InternalError", "ServiceUnavailable")


def verdict(now: datetime, refused: Refused) -> Result:
    """`detail` holds the code only: the provider's words may repeat the number."""
    code, detail = refused.code, f"短信服务商拒绝 the provider refused: {refused.code}"
    if code.startswith(FLOW):
        pause = next((pause for word, pause in FLOW_LEVELS if word in refused.words), HOUR)
        return Result.wait(now + pause, Reason.QUOTA)
    for start, pause in LIMITS:
        if code.startswith(start):
            return Result.wait(now + pause, Reason.QUOTA)
    if code.startswith(BLOCKED):
        return Result.failed(detail, Reason.BLOCKED)
    if code.startswith(NO_NUMBER):
        return Result.failed(detail, Reason.NO_ADDRESS)
    return Result.retry(detail) if code.startswith((*MENDED_BY_OPERATOR, *PASSING)) else Result.failed(detail)
