"""AWS Signature Version 4 recomputed from the request as it was received, written from the algorithm's description.

The path is percent-encoded once more exactly as it stood on the request line (`:` → `%3A`, `%3A` → `%253A`), every
header named in SignedHeaders takes part, and the payload hash is the `x-amz-content-sha256` header where present,
which must then be the hash of the body that arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from trivium.core import Clock
from trivium.lab.surfaces._base import Refused

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_MAX = timedelta(minutes=5)
_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_PATH_SAFE, _QUERY_SAFE = "/-._~", "-._~"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class AwsCredential:
    """An access key the lab believes in. One with a session token is temporary and must come with it."""

    access_key_id: str
    secret_access_key: str
    account: str
    session_token: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed a request, and for which region."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Received:
    """What of a request a signature covers. `headers` in any case, repeated names allowed."""

    method: str
    path: str  # as on the request line
    query: str  # as on the request line, without "?"
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The canonical value of a header (trimmed, inner spaces collapsed, repeats joined), None without it."""
        values = [" ".join(value.split()) for held, value in self.headers if held.lower() == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True)
class _Authorization:
    access_key_id: str
    scope: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str


class SigV4Verifier:
    """Checks signed requests against a set of access keys.

    `clock` is wall time, since clients sign with it; None switches the ±5 minutes off (recorded requests).
    `region` None accepts every region that is written like one.
    """

    def __init__(
        self,
        credentials: Iterable[AwsCredential],
        *,
        service: str,
        region: str | None = None,
        clock: Clock | None,
    ) -> None:
        self._credentials: Mapping[str, AwsCredential] = {held.access_key_id: held for held in credentials}
        self._service = service
        self._region = region
        self._clock = clock

    def verify(self, request: Received) -> Signer:
        """Who signed; raises Refused with the error AWS answers."""
        authorization = _parse(request.header("authorization") or "")
        amz_date = request.header("x-amz-date") or ""
        if not _AMZ_DATE.fullmatch(amz_date):
            raise _refused("IncompleteSignatureException", "Authorization header requires existence of 'X-Amz-Date'.")
        self._check_scope(authorization, amz_date)
        credential = self._credential(authorization, request)
        _check_coverage(authorization, request)
        expected = sign(
            request,
            secret_access_key=credential.secret_access_key,
            scope=authorization.scope,
            amz_date=amz_date,
            signed=authorization.signed,
        )
        if not hmac.compare_digest(expected.encode(), authorization.signature.encode("utf-8", "surrogateescape")):
            raise _refused("InvalidSignatureException", _MISMATCH)
        self._check_skew(amz_date)
        return Signer(credential.account, authorization.region)

    def _check_scope(self, authorization: _Authorization, amz_date: str) -> None:
        if authorization.date != amz_date[:8]:
            raise _refused(
                "InvalidSignatureException",
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{authorization.date}' != '{amz_date[:8]}', from '{amz_date}'.",
            )
        if authorization.service != self._service:
            message = f"Credential should be scoped to correct service: '{self._service}'."
            raise _refused("InvalidSignatureException", message)
        wrong = authorization.region != self._region if self._region else not _REGION.fullmatch(authorization.region)
        if wrong:
            message = f"Credential should be scoped to a valid region, not '{authorization.region}'."
            raise _refused("InvalidSignatureException", message)

    def _credential(self, authorization: _Authorization, request: Received) -> AwsCredential:
        credential = self._credentials.get(authorization.access_key_id)
        token = request.header("x-amz-security-token")
        if credential is None or not _same(token, credential.session_token):
            raise _refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        if credential.expires_at and self._clock and credential.expires_at <= self._clock.now():
            raise _refused("ExpiredTokenException", "The security token included in the request is expired")
        return credential

    def _check_skew(self, amz_date: str) -> None:
        if self._clock is None:
            return
        now = self._clock.now()
        try:
            signed_at = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError as error:
            raise _refused(
                "IncompleteSignatureException", f"Date must be in ISO-8601 'basic format': {amz_date}"
            ) from (error)
        if now - signed_at > SKEW_MAX:
            early = _basic(now - SKEW_MAX)
            message = f"Signature expired: {amz_date} is now earlier than {early} ({_basic(now)} - 5 min.)"
            raise _refused("InvalidSignatureException", message)
        if signed_at - now > SKEW_MAX:
            late = _basic(now + SKEW_MAX)
            message = f"Signature not yet current: {amz_date} is still later than {late} ({_basic(now)} + 5 min.)"
            raise _refused("InvalidSignatureException", message)


def sign(request: Received, *, secret_access_key: str, scope: str, amz_date: str, signed: Sequence[str]) -> str:
    """The signature of a request, in hex. `scope` is `{yyyymmdd}/{region}/{service}/aws4_request`."""
    canonical = canonical_request(request, signed)
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    to_sign = f"{ALGORITHM}\n{amz_date}\n{scope}\n{digest}"
    key = b"AWS4" + secret_access_key.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode("utf-8", "surrogateescape"), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def canonical_request(request: Received, signed: Sequence[str]) -> str:
    """The canonical form that is hashed and signed."""
    lines = [request.method, quote(request.path, safe=_PATH_SAFE, errors="surrogateescape"), _query(request.query)]
    lines += [f"{name}:{request.header(name.lower()) or ''}" for name in signed]
    payload = request.header("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest()
    return "\n".join([*lines, "", ";".join(signed), payload])


def _query(query: str) -> str:
    pairs = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        pairs.append((quote(unquote(name), safe=_QUERY_SAFE), quote(unquote(value), safe=_QUERY_SAFE)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _parse(header: str) -> _Authorization:
    if not header:
        raise _refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    scheme, _, rest = header.partition(" ")
    if scheme != ALGORITHM:
        raise _refused("IncompleteSignatureException", f"Unsupported AWS 'algorithm': '{scheme}'.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if not parts.get(name):
            raise _refused("IncompleteSignatureException", f"Authorization header requires '{name}' parameter.")
    access_key_id, _, scope = parts["Credential"].partition("/")
    pieces = scope.split("/")
    if len(pieces) != 4 or pieces[3] != "aws4_request":  # noqa: PLR2004  date, region, service, terminator
        message = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term"
        raise _refused("IncompleteSignatureException", message)
    signed = tuple(parts["SignedHeaders"].split(";"))
    date, region, service, _ = pieces
    return _Authorization(access_key_id, scope, date, region, service, signed, parts["Signature"])


def _check_coverage(authorization: _Authorization, request: Received) -> None:
    covered = {name.lower() for name in authorization.signed}
    must = {"host"} | {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
    missing = sorted(must - covered)
    if missing:
        raise _refused(
            "InvalidSignatureException", f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization."
        )
    absent = sorted(name for name in covered if request.header(name) is None)
    if absent:
        raise _refused("InvalidSignatureException", _MISMATCH)
    claimed = request.header("x-amz-content-sha256")
    if claimed is not None and not _same(claimed, hashlib.sha256(request.body).hexdigest()):
        raise _refused("InvalidSignatureException", _MISMATCH)


def _same(given: str | None, held: str | None) -> bool:
    if given is None or held is None:
        return given is held
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), held.encode())


def _basic(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%SZ")


def _refused(code: str, message: str) -> Refused:
    kind = "permission_error" if code == "AccessDeniedException" else "authentication_error"
    return Refused(403, kind, message, native=code)
