"""The callback encryption that WeCom, official accounts and mini-programs share: SHA-1 signature, AES-256-CBC, padding to 32."""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from hashlib import sha1

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from yutang.model import YutangError

BLOCK = 32
RANDOM = 16
_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


class BadCipher(YutangError):
    """The text was not encrypted with this key for this receiver, or it was damaged."""


def sign(*parts: str) -> str:
    """The signature over token, timestamp, nonce and, where it is encrypted, the text: 40 hex digits, whatever the order."""
    return sha1("".join(sorted(parts)).encode("utf-8", "surrogateescape")).hexdigest()


def is_signed(signature: str, *parts: str) -> bool:
    """Is this the signature over these parts? Takes the same time for every answer."""
    return hmac.compare_digest(sign(*parts).encode(), signature.encode("utf-8", "surrogateescape"))


def key_bytes(aes_key: str) -> bytes:
    """The 32 bytes behind an EncodingAESKey of 43 characters, whose last may carry spare bits. Raises BadCipher."""
    if not _KEY.fullmatch(aes_key):
        raise BadCipher(
            "EncodingAESKey 应为 43 位字母数字，请从后台重新复制。 "
            "the EncodingAESKey has 43 letters and digits; copy it again from the platform's console"
        )
    return b64decode(aes_key + "=")


def encrypt(aes_key: str, message: bytes, receiver: str, random: bytes = b"") -> str:
    """Base64 of the encrypted message. `receiver`: corp id or app id. `random`: 16 bytes, fresh ones when empty."""
    key = key_bytes(aes_key)
    plain = (random or secrets.token_bytes(RANDOM)) + len(message).to_bytes(4, "big") + message + receiver.encode()
    pad = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(key).encryptor()
    return b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def decrypt(aes_key: str, encrypted: str, receiver: str) -> bytes:
    """The message, once its padding, its length and its receiver are right. Raises BadCipher.

    The cipher alone does not show every change: check the signature first.
    """
    key, raw = key_bytes(aes_key), _raw(encrypted)
    decryptor = _cipher(key).decryptor()
    plain = _unpad(decryptor.update(raw) + decryptor.finalize())
    start = RANDOM + 4
    end = start + int.from_bytes(plain[RANDOM:start], "big")
    if len(plain) < start or end > len(plain):
        raise _bad("长度不对", "its length is wrong")
    if not hmac.compare_digest(plain[end:], receiver.encode()):
        raise _bad(
            "接收方不是本账号（核对 corp id / app id）", "it is for another corp or app; check the corp id or app id"
        )
    return plain[start:end]


def _cipher(key: bytes) -> Cipher[CBC]:
    return Cipher(AES(key), CBC(key[:16]))


def _raw(encrypted: str) -> bytes:
    try:
        raw = b64decode(encrypted)
    except (binascii.Error, ValueError):
        raise _bad("不是 Base64", "it is not Base64") from None
    if not raw or len(raw) % 16:
        raise _bad("长度不对", "its length is wrong")
    return raw


def _unpad(plain: bytes) -> bytes:
    pad = plain[-1]
    if not 1 <= pad <= BLOCK or plain[-pad:] != bytes([pad]) * pad:
        raise _bad("EncodingAESKey 不一致或内容损坏", "the EncodingAESKey differs, or it was damaged")
    return plain[:-pad]


def _bad(zh: str, en: str) -> BadCipher:
    return BadCipher(f"无法解密：{zh}。 cannot be decrypted: {en}")
