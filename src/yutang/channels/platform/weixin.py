"""What official accounts and mini-programs have in common: their accounts, and what a refusal means for a letter."""

from __future__ import annotations

from datetime import datetime, timedelta

from yutang.channels.contract import Result
from yutang.channels.platform.account import AES_KEY, CALLBACK_TOKEN, Field, base_url
from yutang.channels.platform.calls.errors import Later, PlatformError
from yutang.model import Reason

FIELDS = (
    Field("app_id", True, False, "AppID，wx 开头", "app id, begins with wx", pattern=r"[A-Za-z0-9_-]{1,64}"),
    Field("secret", True, True, "AppSecret", "secret of the app"),
    CALLBACK_TOKEN,
    Field(
        "aes_key",
        False,
        True,
        "回调 EncodingAESKey，43 位，安全模式必填",
        "callback EncodingAESKey, 43 characters; needed in safe mode",
        pattern=AES_KEY,
    ),
    base_url("https://api.weixin.qq.com"),
)
"""Of either kind of account. Without an AES key its callbacks come unencrypted."""

AGAIN = timedelta(minutes=1)
"""When to ask again after the platform has said: later."""
UNKNOWN = Result.failed(
    "没有收到平台的答复，为免重复不再发送。 no answer came; not sent again", Reason.GAVE_UP, partly=True
)


def refused(error: PlatformError | Later, now: datetime) -> Result:
    """What a refusal means for a letter that has not been sent; `detail` names the code, never the person."""
    if isinstance(error, Later):
        return Result.wait(error.until, error.reason)
    if error.sort == "later":
        return Result.wait(now + AGAIN, Reason.QUOTA)
    detail = f"{error.code} {error.zh} {error.en}"
    return Result.failed(detail) if error.sort in ("bug", "gone") else Result.retry(detail)
