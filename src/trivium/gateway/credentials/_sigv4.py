"""AWS Signature Version 4, a pure function of the request and the time; tested against botocore and real clients."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from trivium.gateway.seams import Headers

_ALGORITHM = "AWS4-HMAC-SHA256"
_PORTS = {"https": ":443", "http": ":80"}
_SIGNED = ("accept", "content-type", "host")
_SIGNED_FAMILIES = ("x-amz-", "x-amzn-", "anthropic-")


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """An access key, temporary when it has a session token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def sign(
    method: str, url: str, headers: Headers, body: bytes, *, keys: AwsKeys, region: str, service: str, at: datetime
) -> dict[str, str]:
    """The headers that authorise exactly this request: `authorization`, `x-amz-date`, perhaps a session token.

    Signed are the host and what decides the answer (accept, content-type, x-amz-*, x-amzn-*, anthropic-*); headers
    that an HTTP client or proxy on the way may change are not. The path is taken as it stands in the URL.
    """
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": stamp}
    if keys.session_token:
        added["x-amz-security-token"] = keys.session_token
    parts = urlsplit(url)
    host = parts.netloc.lower().rpartition("@")[2].removesuffix(_PORTS.get(parts.scheme, "\0"))
    lowered = {name.lower(): value for name, value in headers.items()} | added | {"host": host}
    covered = {
        name: " ".join(value.split())
        for name, value in sorted(lowered.items())
        if name in _SIGNED or name.startswith(_SIGNED_FAMILIES)
    }
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    target = parts.path or "/", parts.query
    signature = signature_of(method, target, covered, body, secret=keys.secret_access_key, scope=scope)
    credential, names = f"{keys.access_key_id}/{scope}", ";".join(covered)
    return {
        **added,
        "authorization": f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }


def signature_of(
    method: str, target: tuple[str, str], covered: Mapping[str, str], body: bytes, *, secret: str, scope: str
) -> str:
    """The signature over a path, a query and exactly the given headers, which are lower-case, sorted and trimmed."""
    path, query = target
    canonical = "\n".join(
        (
            method,
            quote(path, safe="/~-._"),
            _query(query),
            *(f"{name}:{value}" for name, value in covered.items()),
            "",
            ";".join(covered),
            covered.get("x-amz-content-sha256") or hashlib.sha256(body).hexdigest(),
        )
    )
    to_sign = "\n".join((_ALGORITHM, covered["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _query(query: str) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True))
    return "&".join(f"{name}={value}" for name, value in pairs)
