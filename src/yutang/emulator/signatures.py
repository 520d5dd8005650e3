"""Request signatures of the two SMS platforms, checked as they check them: Aliyun ACS3-HMAC-SHA256, Tencent TC3-HMAC-SHA256."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote


@dataclass(frozen=True)
class Signed:
    """An HTTP request as it came. Names of headers in lower case; query decoded; `paths`: what the signer may have seen as its path."""

    method: str
    paths: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Claim:
    """The parts of an Authorization header."""

    key_id: str
    scope: str
    names: tuple[str, ...]
    signature: str


def aliyun_fault(request: Signed, key_id: str, secret: str, now: datetime, skew_s: int) -> str | None:
    """The error code that Aliyun would answer; None when the signature holds."""
    claim = _claim(request.headers.get("authorization", ""), "ACS3-HMAC-SHA256")
    if claim is None:
        return "IncompleteSignature"
    if claim.key_id != key_id:
        return "InvalidAccessKeyId.NotFound"
    if _age(request.headers.get("x-acs-date", ""), now) > skew_s:
        return "InvalidTimeStamp.Expired"
    digest = sha256(request.body).hexdigest()
    if request.headers.get("x-acs-content-sha256") != digest:
        return "SignatureDoesNotMatch"
    query = "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in sorted(request.query.items()))
    texts = (
        f"ACS3-HMAC-SHA256\n{sha256(_canonical(request, path, query, claim.names, digest)).hexdigest()}"
        for path in request.paths
    )
    good = any(_same(_hex(secret.encode(), text), claim.signature) for text in texts)
    return None if good else "SignatureDoesNotMatch"


def tencent_fault(request: Signed, key_id: str, secret: str, now: datetime, skew_s: int) -> str | None:
    """The error code that Tencent Cloud would answer; None when the signature holds."""
    claim = _claim(request.headers.get("authorization", ""), "TC3-HMAC-SHA256")
    stamp = request.headers.get("x-tc-timestamp", "")
    if claim is None or not stamp.isdigit():
        return "AuthFailure.InvalidAuthorization"
    if claim.key_id != key_id:
        return "AuthFailure.SecretIdNotFound"
    if abs(int(stamp) - now.timestamp()) > skew_s:
        return "AuthFailure.SignatureExpire"
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    if claim.scope != f"{day}/sms/tc3_request" or not {"content-type", "host"} <= set(claim.names):
        return "AuthFailure.SignatureFailure"
    key = f"TC3{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = sha256(request.body).hexdigest()
    canonical = _canonical(request, "/", "", claim.names, digest)
    text = f"TC3-HMAC-SHA256\n{stamp}\n{claim.scope}\n{sha256(canonical).hexdigest()}"
    return None if _same(_hex(key, text), claim.signature) else "AuthFailure.SignatureFailure"


def _claim(header: str, method: str) -> _Claim | None:
    found = re.fullmatch(
        rf"{method} Credential=([^,/\s]+)/?([^,\s]*),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{{64}})", header
    )
    return _Claim(found[1], found[2], tuple(found[3].split(";")), found[4]) if found else None


def _canonical(request: Signed, path: str, query: str, names: tuple[str, ...], digest: str) -> bytes:
    headers = "".join(f"{name}:{_header(request, name)}\n" for name in names)
    return "\n".join((request.method, path, query, headers, ";".join(names), digest)).encode()


def _header(request: Signed, name: str) -> str:
    """Tencent signs values in lower case; Aliyun signs them as they are."""
    value = request.headers.get(name, "").strip()
    return value.lower() if "x-tc-action" in request.headers else value


def _age(stamp: str, now: datetime) -> float:
    try:
        return abs((datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - now).total_seconds())
    except ValueError:
        return float("inf")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _hex(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)
