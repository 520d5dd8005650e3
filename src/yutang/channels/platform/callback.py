"""What platforms call back: is it theirs, and what does it say? No web and no database here.

Three ways, told apart by what the account has: encrypted (it has an AES key), signed only (a token alone), and by a key
in the address (neither: receipts of SMS).
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from yutang.channels.platform.account import Account
from yutang.channels.platform.crypto import BadCipher, decrypt, is_signed
from yutang.channels.platform.xml import Unreadable, read
from yutang.model import YutangError
from yutang.vault import Vault

Query = Mapping[str, str]


class NotTheirs(YutangError):
    """The signature or the key is wrong: this does not come from the platform."""


REFUSED = (BadCipher, Unreadable)
"""It may well be theirs, but what it says cannot be read."""


def key(vault: Vault, account: Account) -> str:
    """What the address of an account without a token carries as ``key``."""
    return vault.derive(f"callback:{account.source}").hex()[:32]


def address(vault: Vault, account: Account) -> str:
    """The path to enter in the platform's console."""
    path = f"/callbacks/{account.kind}/{account.name}"
    return path if account.get("token") else f"{path}?key={key(vault, account)}"


def check_address(account: Account, now: datetime, query: Query) -> bytes:
    """What to answer, byte for byte, when the platform asks whether this address is ours.

    A corp asks encrypted; an app asks in the open even where its callbacks are encrypted. Raises NotTheirs, BadCipher.
    """
    echo = query.get("echostr", "")
    if account.get("corp_id") or query.get("msg_signature"):
        return _decrypted(account, now, query, echo)
    if not account.get("token") or not _signed(account, now, query):
        raise _not_theirs()
    return echo.encode("utf-8", "surrogateescape")


def open_callback(account: Account, vault: Vault, now: datetime, query: Query, body: bytes) -> bytes:
    """The message that a callback brings. Raises NotTheirs, BadCipher or Unreadable."""
    if not account.get("token"):
        if not hmac.compare_digest(
            query.get("key", "").encode("utf-8", "surrogateescape"), key(vault, account).encode()
        ):
            raise NotTheirs(
                "地址里的 key 不对。 the key in the address is wrong; `yutang channel list` shows the address"
            )
        return body
    if not account.get("aes_key"):
        return _plain(account, now, query, body)
    envelope = read(_text(body))
    encrypted = envelope.get("Encrypt") or envelope.get("encrypt")
    if not isinstance(encrypted, str):
        raise Unreadable(
            "没有加密内容，请在平台后台选择安全模式。 nothing encrypted is in it; choose safe mode in the platform's console"
        )
    return _decrypted(account, now, query, encrypted)


def is_personal(account: Account) -> bool:
    """Do its callbacks name phone numbers? Receipts of SMS do; platforms with accounts of their own give ids."""
    return not account.get("token")


def thanks(account: Account) -> tuple[bytes, str]:
    """The answer that means "kept, do not send it again", and its media type."""
    if account.get("token"):
        return b"success", "text/plain"
    return '{"code":0,"msg":"成功"}'.encode(), "application/json"


def time_of(message: bytes, now: datetime) -> datetime:
    """When the platform says that it happened; `now` when it does not say, or says a time to come."""
    try:
        at = datetime.fromtimestamp(int(_created(message)), UTC)
    except (ValueError, TypeError, OverflowError, OSError, Unreadable):
        return now
    return min(at, now)


def _created(message: bytes) -> Any:
    fields = read(_text(message))
    return fields.get("CreateTime") or fields.get("createtime")


def _plain(account: Account, now: datetime, query: Query, body: bytes) -> bytes:
    if not _signed(account, now, query):
        raise _not_theirs()
    fields = read(_text(body))
    if "Encrypt" in fields and "MsgType" not in fields:
        raise Unreadable(
            "内容已加密，但账号没有 aes_key，请用 yutang channel add 补上 --aes-key。 "
            "it is encrypted, but the account has no AES key; give it with `yutang channel add … --aes-key`"
        )
    return body


def _signed(account: Account, now: datetime, query: Query) -> bool:
    signature, stamp, nonce = (query.get(name, "") for name in ("signature", "timestamp", "nonce"))
    return any(is_signed(signature, token, stamp, nonce) for token, _ in account.pairs(now))


def _decrypted(account: Account, now: datetime, query: Query, encrypted: str) -> bytes:
    """Decrypted with the first pair in force that fits; nothing is decrypted that is not signed."""
    receiver = account.get("corp_id") or account.get("app_id")
    problem: YutangError = _not_theirs()
    for aes_key in _signing_keys(account, now, query, encrypted):
        try:
            return decrypt(aes_key, encrypted, receiver)
        except BadCipher as error:
            problem = error
    raise problem


def _signing_keys(account: Account, now: datetime, query: Query, encrypted: str) -> Iterator[str]:
    """The AES keys of the pairs whose token made the signature."""
    signature, stamp, nonce = (query.get(name, "") for name in ("msg_signature", "timestamp", "nonce"))
    for token, aes_key in account.pairs(now):
        if aes_key and is_signed(signature, token, stamp, nonce, encrypted):
            yield aes_key


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _not_theirs() -> NotTheirs:
    return NotTheirs(
        "签名不对，请核对后台与本账号的 Token。 the signature is wrong; compare the token in the platform's console with this account's"
    )
