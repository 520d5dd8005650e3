"""The installation's secret, and the keys derived from it: hashing handles, sealing personal data, signing, the API key."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b, sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yutang import config
from yutang.model import YutangError

EVERYBODY = "api"
"""The holder of the API key that all share."""


class Key(NamedTuple):
    """A key of the API by its holder; number: which of theirs."""

    name: str
    number: int = 1

    def __str__(self) -> str:
        return self.name if self.number == 1 else f"{self.name}.{self.number}"


@dataclass(frozen=True)
class Vault:
    """Keys derived from one secret; every machine that shares a database needs the same secret."""

    secret: bytes

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose."""
        return _derived(self.secret, purpose)

    @cached_property
    def handle_secret(self) -> bytes:
        """Key of the hashes on which people are matched."""
        return self.derive("handle")

    @cached_property
    def api_key(self) -> str:
        """Bearer key of the API."""
        return config.API_KEY.value or self.derive("api").hex()

    def key_of(self, name: str, number: int = 1) -> str:
        """A key of the API that says whose it is, and which of theirs. All of them change when the API key does."""
        label = str(Key(name, number))
        said = hmac.new(self.api_key.encode(), f"key of {label}".encode(), sha256).hexdigest()
        return f"{label}.{said}"

    def holder(self, key: str) -> Key | None:
        """Which key of the API this is: one of `key_of`, or that of `EVERYBODY`, which all share. None: it is no key."""
        if hmac.compare_digest(key.encode(), self.api_key.encode()):
            return Key(EVERYBODY)
        label, dot, _ = key.rpartition(".")
        name, _, number = label.partition(".")
        if not dot or not (number == "" or (number.isdecimal() and number.isascii() and len(number) < 9)):
            return None
        found = Key(name, int(number or 1))
        return found if hmac.compare_digest(key.encode(), self.key_of(*found).encode()) else None

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(self.derive("seal"))

    def seal(self, data: bytes) -> bytes:
        """Encrypt and authenticate (AES-256-GCM, random nonce in front)."""
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher.encrypt(nonce, data, None)

    def unseal(self, sealed: bytes) -> bytes:
        """The plain data. Raises cryptography.exceptions.InvalidTag when it was sealed under another secret."""
        return self._cipher.decrypt(sealed[:12], sealed[12:], None)

    def seal_text(self, text: str) -> str:
        """`seal` for text columns and JSON."""
        return base64.b64encode(self.seal(text.encode())).decode()

    def unseal_text(self, sealed: str) -> str:
        return self.unseal(base64.b64decode(sealed)).decode()

    def sign(self, purpose: str, data: bytes) -> str:
        """Hex HMAC-SHA256, for what others check too."""
        return hmac.digest(self.derive(purpose), data, "sha256").hex()

    def mark(self, purpose: str, data: bytes, size: int) -> bytes:
        """Keyed BLAKE2b (RFC 7693), for what we alone check: a fifth of the time of HMAC, and a broadcast marks each letter's link."""
        return self.marker(purpose, size)(data)

    def marker(self, purpose: str, size: int) -> Callable[[bytes], bytes]:
        """`mark` for many: the key is taken in once."""
        begun = blake2b(key=self.derive(purpose), digest_size=size)

        def marked(data: bytes) -> bytes:
            state = begun.copy()
            state.update(data)
            return state.digest()

        return marked


@cache
def _derived(secret: bytes, purpose: str) -> bytes:
    """Derived once for each purpose."""
    return blake2b(purpose.encode(), key=secret[:64], digest_size=32).digest()


def open_vault() -> Vault:
    """The installation's vault: ``YUTANG_SECRET``, else the file ``secret`` in the home folder, made at first use (0600).

    Raises YutangError when the file holds no secret.
    """
    if config.SECRET.value:
        return Vault(sha256(config.SECRET.value.encode()).digest())
    file = config.home() / "secret"
    try:
        return Vault(bytes.fromhex(config.kept_once(file, lambda: secrets.token_hex(32))))
    except ValueError:
        raise YutangError(
            f"文件 {file} 里不是密钥，请从备份恢复它，或设置 {config.SECRET.name}。 "
            f"the file {file} holds no secret; put it back from a backup, or set {config.SECRET.name}"
        ) from None
