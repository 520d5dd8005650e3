"""What can come of a call other than an answer, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from yutang.model import Reason

Sort = Literal["bug", "config", "gone", "later", "busy"]
"""bug: our request or an id in it is wrong; config: somebody must change a setting; gone: the person, the member of staff or
what ties them is no longer there (read it again); later: ask again in some minutes; busy: the platform or the way to it failed."""

NETWORK = -1
"""The code of a call that never got an answer: to its caller the same as the platform's own "busy"."""

_HINT = re.compile(r"hint: ?\[([\w.\-]{1,100})\]")
_FROM = re.compile(r"from ip: ?([0-9a-fA-F.:]{3,45})")


@dataclass(frozen=True)
class Meaning:
    """What an error code means, and what an operator does about it, in both languages."""

    sort: Sort
    zh: str = ""
    en: str = ""


BUG = Meaning("bug", "请求参数有误：请把路径与 hint 反馈给开发者", "a parameter is wrong: report the path and the hint")
BUSY = Meaning("busy", "平台繁忙或网络不通，稍后自动重试", "the platform is busy or out of reach; it is tried again")


class PlatformError(Exception):
    """The platform refused. `sort` says what kind of refusal it is, `zh` and `en` what to do.

    hint: the reference that the platform's support asks for, else "". ip: where the platform saw us come from, when it
    said so. tries: how often it was asked; after more than one, an earlier try may have had its effect.
    """

    def __init__(
        self, code: int, hint: str, path: str, meaning: Meaning = BUG, *, ip: str = "", tries: int = 1
    ) -> None:
        self.code, self.hint, self.path, self.meaning, self.ip, self.tries = code, hint, path, meaning, ip, tries
        super().__init__(f"{path}: {code} {meaning.zh} {meaning.en}" + (f" [{hint}]" if hint else ""))

    @property
    def sort(self) -> Sort:
        return self.meaning.sort

    @property
    def zh(self) -> str:
        return self.meaning.zh

    @property
    def en(self) -> str:
        return self.meaning.en


class Unknown(Exception):
    """Something was to be made and no answer came: it may be there or not. Look for it before asking again."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path}: 不知是否成功，先查再试。 no answer; look whether it is there before trying again")


class Later(Exception):
    """Not now: nothing was asked. The budget of the path is used up, or the platform wants to be left in peace until then."""

    def __init__(self, until: datetime, reason: Reason) -> None:
        self.until, self.reason = until, reason
        super().__init__(f"{reason.zh} {reason.en} ({until.isoformat()})")


def hint_of(errmsg: str) -> str:
    """The one part of an errmsg that is kept; the rest may repeat what we sent."""
    found = _HINT.search(errmsg)
    return found[1] if found else ""


def ip_of(errmsg: str) -> str:
    """The address that the platform saw, or ""."""
    found = _FROM.search(errmsg)
    return found[1] if found else ""
