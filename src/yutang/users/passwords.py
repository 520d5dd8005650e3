"""Passwords: what may be one, how it is kept, and how many are tried at once."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from yutang.model import YutangError

SHORTEST = 10
"""Characters of a password. NIST SP 800-63B asks for eight, and for no rules about their kinds."""
LONGEST = 128
FEWEST_KINDS = 5
"""Different characters: ``1111111111`` is long and no password."""
_COMMON = (
    "1234567890 0123456789 0987654321 qwertyuiop 1q2w3e4r5t 1qaz2wsx3edc password12 password123 password1234 passw0rd123 "
    "woaini1314 woaini1314520 woaini520520 a123456789 1234567890a qwerty123456 qwerty12345 administrator admin123456 "
    "admin12345 yutang12345 yutang123456 iloveyou123 5201314520 1314520520 123456789a 12345678910 123123123123"
)
COMMON = frozenset(_COMMON.split())
"""Those that are tried first, as far as they are long enough."""

AT_ONCE = 4
"""Hashes that are computed at the same time; each takes 64 MiB."""
PATIENCE_SECONDS = 5.0

_hasher = PasswordHasher()
"""Argon2id as RFC 9106 advises where memory is dear: 64 MiB, 3 passes, 4 lanes."""
_turn = threading.BoundedSemaphore(AT_ONCE)


class TooMany(YutangError):
    """More people sign in at this moment than passwords can be compared."""


def check(name: str, password: str) -> None:
    """Raises YutangError for a password that is too short, too long, the name itself, or among the first that anybody tries."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise YutangError(
            f"密码要 {SHORTEST}–{LONGEST} 个字符，可用一句话。 a password has {SHORTEST} to {LONGEST} characters; a sentence will do"
        )
    plain = password.strip().lower()
    if plain == name.strip().lower():
        raise YutangError("密码不能和登录名相同。 the password must not be the name")
    if len(set(plain)) < FEWEST_KINDS or plain in COMMON:
        raise YutangError("这个密码太常见，换一句话。 this password is among the first that are tried; take a sentence")


def hashed(password: str) -> str:
    """What is kept of a password. Raises TooMany."""
    with _Turn():
        return _hasher.hash(_same(password))


def fits(kept: str | None, password: str) -> bool:
    """Is it the password of this hash? Takes as long when there is none (None). Raises TooMany."""
    with _Turn():
        # Asked for whether it is needed or not: the time taken says nothing of who is a user.
        nobody = _nobody()
        try:
            _hasher.verify(kept or nobody, _same(password[: LONGEST + 1]))
        except (Argon2Error, InvalidHashError):
            return False
    return kept is not None and len(password) <= LONGEST


@cache
def _nobody() -> str:
    """Compared with when there is no such user. Not made before the first sign-in: it takes as long as all else that a command loads."""
    return _hasher.hash("nobody has this password")


def outdated(kept: str) -> bool:
    """Was it hashed with other parameters than those of today?"""
    return _hasher.check_needs_rehash(kept)


def _same(password: str) -> str:
    """Keyboards write the same sign in several ways, full width or half (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


class _Turn:
    def __enter__(self) -> None:
        if not _turn.acquire(timeout=PATIENCE_SECONDS):
            raise TooMany("现在登录的人太多，请稍后再试。 too many people sign in just now; try again in a moment")

    def __exit__(self, *_: object) -> None:
        _turn.release()
