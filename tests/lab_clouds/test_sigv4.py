"""SigV4: every recorded signature verifies, every changed bit is refused, and each refusal has AWS's name."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab_clouds.golden import captures, credential, received
from trivium.core import ManualClock
from trivium.lab.auth import AwsCredential, Received, SigV4Verifier
from trivium.lab.auth.sigv4 import canonical_request, sign
from trivium.lab.surfaces._base import Refused

SIGNED = [golden for golden in captures() if golden.get("sigv4", {}).get("reproducible_from_this_file")]
AT = datetime(2026, 11, 22, 15, 7, 58, tzinfo=UTC)
SIGNED_HEADERS = ("content-type", "host", "x-amz-date", "x-amz-security-token")


def _verifier(golden: dict[str, Any]) -> SigV4Verifier:
    signed = golden["sigv4"]
    return SigV4Verifier([credential(golden)], service=signed["service"], region=signed["region"], clock=None)


def _id(golden: dict[str, Any]) -> str:
    return str(golden["id"])


def test_all_recorded_signatures_are_in_the_test() -> None:
    assert len(SIGNED) == 22


@pytest.mark.parametrize("golden", SIGNED, ids=_id)
def test_a_recorded_signature_verifies(golden: dict[str, Any]) -> None:
    signer = _verifier(golden).verify(received(golden))
    assert (signer.account, signer.region) == ("recorded", "us-west-2")
    canonical = canonical_request(received(golden), golden["sigv4"]["signed_headers"]).split("\n")
    assert canonical[1] == golden["sigv4"]["canonical_uri"]


def _flips(text: str) -> list[str]:
    """The text with one bit changed, at several places; only values that can stand in a header."""
    step = max(1, len(text) // 9)
    changed = [
        text[:at] + chr(ord(text[at]) ^ bit) + text[at + 1 :] for at in range(0, len(text), step) for bit in (1, 4)
    ]
    return [value for value in changed if value.isprintable()]


def _mutations(request: Received, signed: list[str]) -> list[Received]:
    found = [dataclasses.replace(request, path=path) for path in _flips(request.path)]
    found += [dataclasses.replace(request, query=query) for query in _flips(request.query)]
    found += [dataclasses.replace(request, method=method) for method in _flips(request.method)]
    for number, (name, value) in enumerate(request.headers):
        if name.lower() in signed or name.lower() == "authorization":
            for other in _flips(value):
                headers = (*request.headers[:number], (name, other), *request.headers[number + 1 :])
                found.append(dataclasses.replace(request, headers=headers))
    for at in range(0, len(request.body), max(1, len(request.body) // 11)):
        changed = bytearray(request.body)
        changed[at] ^= 1
        found.append(dataclasses.replace(request, body=bytes(changed)))
    return found


@pytest.mark.parametrize("golden", SIGNED, ids=_id)
def test_one_changed_bit_of_what_is_signed_is_refused(golden: dict[str, Any]) -> None:
    verifier = _verifier(golden)
    mutations = _mutations(received(golden), golden["sigv4"]["signed_headers"])
    assert len(mutations) > 60
    for mutated in mutations:
        with pytest.raises(Refused) as refused:
            verifier.verify(mutated)
        assert refused.value.status == 403


@pytest.mark.parametrize("golden", SIGNED, ids=_id)
def test_each_bit_of_the_signature_counts(golden: dict[str, Any]) -> None:
    verifier, request = _verifier(golden), received(golden)
    [(number, authorization)] = [
        (number, value) for number, (name, value) in enumerate(request.headers) if name.lower() == "authorization"
    ]
    for at in range(len(authorization) - 64, len(authorization)):
        wrong = authorization[:at] + chr(ord(authorization[at]) ^ 2) + authorization[at + 1 :]
        headers = (*request.headers[:number], ("Authorization", wrong), *request.headers[number + 1 :])
        with pytest.raises(Refused) as refused:
            verifier.verify(dataclasses.replace(request, headers=headers))
        assert refused.value.native == "InvalidSignatureException"


def _signed(
    at: datetime = AT, *, token: str = "tok", scope: str = "", key: str = "AKIA", more: tuple[tuple[str, str], ...] = ()
) -> Received:
    amz_date = at.strftime("%Y%m%dT%H%M%SZ")
    scope = scope or f"{amz_date[:8]}/us-east-1/bedrock/aws4_request"
    headers = (
        ("Host", "localhost:1"),
        ("Content-Type", "application/json"),
        ("X-Amz-Date", amz_date),
        ("X-Amz-Security-Token", token),
        *more,
    )
    request = Received("POST", "/model/a%3A0/invoke", "", headers, b"{}")
    signature = sign(request, secret_access_key="sec", scope=scope, amz_date=amz_date, signed=SIGNED_HEADERS)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(SIGNED_HEADERS)}, Signature={signature}"
    )
    return dataclasses.replace(request, headers=(*headers, ("Authorization", authorization)))


def _refusal(
    request: Received, *, region: str | None = None, clock_at: datetime | None = AT, expires_at: datetime | None = None
) -> tuple[str, str]:
    known = AwsCredential("AKIA", "sec", "lab", "tok", expires_at)
    clock = ManualClock(clock_at) if clock_at else None
    verifier = SigV4Verifier([known], service="bedrock", region=region, clock=clock)
    try:
        verifier.verify(request)
    except Refused as refused:
        return refused.native, refused.message
    return "", ""


def test_a_good_signature_passes_within_five_minutes_either_way() -> None:
    for minutes in (-5, 0, 5):
        assert _refusal(_signed(), clock_at=AT + timedelta(minutes=minutes)) == ("", "")


def test_a_signature_too_old_or_from_the_future_is_refused_unless_the_clock_is_off() -> None:
    late = _refusal(_signed(), clock_at=AT + timedelta(minutes=5, seconds=1))
    assert late == (
        "InvalidSignatureException",
        "Signature expired: 20261122T150758Z is now earlier than 20261122T150759Z (20261122T151259Z - 5 min.)",
    )
    early = _refusal(_signed(), clock_at=AT - timedelta(minutes=5, seconds=1))
    assert early[0] == "InvalidSignatureException"
    assert early[1].startswith("Signature not yet current")
    assert _refusal(_signed(), clock_at=None) == ("", "")


@pytest.mark.parametrize(
    ("request_", "native"),
    [
        (Received("POST", "/model/a/invoke", "", (("host", "h"),), b""), "MissingAuthenticationTokenException"),
        (_signed(key="AKIB"), "UnrecognizedClientException"),
        (_signed(token="other"), "UnrecognizedClientException"),
        (_signed(scope="20261122/us-east-1/sts/aws4_request"), "InvalidSignatureException"),
        (_signed(scope="20261121/us-east-1/bedrock/aws4_request"), "InvalidSignatureException"),
        (_signed(scope="20261122/nowhere/bedrock/aws4_request"), "InvalidSignatureException"),
        (_signed(scope="20261122/us-east-1/bedrock/aws4"), "IncompleteSignatureException"),
        (_signed(more=(("x-amz-meta", "unsigned"),)), "InvalidSignatureException"),
    ],
    ids=["none", "key", "session", "service", "date", "region", "scope", "coverage"],
)
def test_each_refusal_has_the_name_aws_gives_it(request_: Received, native: str) -> None:
    assert _refusal(request_)[0] == native


def test_a_scope_of_another_region_is_refused_when_the_endpoint_has_one() -> None:
    assert _refusal(_signed(), region="us-east-1")[0] == ""
    assert _refusal(_signed(), region="eu-west-1") == (
        "InvalidSignatureException",
        "Credential should be scoped to a valid region, not 'us-east-1'.",
    )


def test_a_temporary_credential_ends_on_the_clock() -> None:
    assert _refusal(_signed(), expires_at=AT + timedelta(seconds=1))[0] == ""
    assert _refusal(_signed(), expires_at=AT)[0] == "ExpiredTokenException"


def test_repeated_and_padded_headers_are_made_canonical() -> None:
    request = Received("GET", "/a b/%2F", "b=2&a=%31&a=", (("X-A", "  one   two "), ("x-a", "three")), b"")
    assert canonical_request(request, ("x-a",)).split("\n")[:4] == [
        "GET",
        "/a%20b/%252F",
        "a=&a=1&b=2",
        "x-a:one two,three",
    ]
