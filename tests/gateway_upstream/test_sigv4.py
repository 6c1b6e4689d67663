"""Our signatures are those of botocore and of every recorded client, over exactly the bytes and headers sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from gateway_upstream.support import CAPTURES, HELLO, request, send
from trivium.core import ManualClock
from trivium.gateway.credentials import AwsCredential, AwsKeys, Held, sign
from trivium.gateway.credentials._sigv4 import signature_of

SIGNED = [
    found
    for path in sorted(CAPTURES.glob("*.json"))
    if (found := json.loads(path.read_text())).get("sigv4", {}).get("reproducible_from_this_file")
]
REGION, SERVICE = "us-west-2", "bedrock"
KEYS = AwsKeys("AKIAFAKE", "secret", "sesstok")


@pytest.mark.parametrize("captured", SIGNED, ids=[f"{found['client']} {found['operation']}" for found in SIGNED])
def test_recorded_signatures_are_recomputed(captured: dict[str, Any]) -> None:
    told, asked = captured["sigv4"], captured["request"]
    headers = {name.lower(): value for name, value in asked["headers"]}
    path, _, query = asked["path"].partition("?")
    assert (
        signature_of(
            asked["method"],
            (path, query),
            {name: headers[name] for name in told["signed_headers"]},
            (asked["body_raw"] or "").encode(),
            secret=told["secret_access_key"],
            scope=f"{headers['x-amz-date'][:8]}/{told['region']}/{told['service']}/aws4_request",
        )
        == headers["authorization"].rpartition("Signature=")[2]
    )


def test_there_are_signatures_to_recompute() -> None:
    assert len(SIGNED) == 22


def of_botocore(method: str, url: str, headers: dict[str, str], body: bytes, keys: AwsKeys) -> tuple[datetime, str]:
    """botocore signs with the time it is; we are given that time."""
    theirs = AWSRequest(method, url, headers=headers, data=body)
    credentials = ReadOnlyCredentials(keys.access_key_id, keys.secret_access_key, keys.session_token)
    SigV4Auth(credentials, SERVICE, REGION).add_auth(theirs)
    at = datetime.strptime(theirs.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return at, theirs.headers["Authorization"]


@given(
    st.text(alphabet="abz09-._~:/@%;!$'()*+, \u00e9", min_size=1, max_size=30).filter(
        lambda text: text not in {".", ".."}
    ),
    st.dictionaries(
        st.sampled_from(["x-amzn-bedrock-trace", "x-amz-z", "anthropic-beta", "accept"]),
        st.text(alphabet="az ,=-", min_size=1, max_size=20),
    ),
    st.binary(max_size=200),
    st.booleans(),
)
def test_signatures_are_botocores(model: str, headers: dict[str, str], body: bytes, temporary: bool) -> None:
    url = f"https://bedrock-runtime.us-west-2.amazonaws.com/model/{quote(model, safe=':')}/invoke?b=2&a=1%20x"
    keys = KEYS if temporary else AwsKeys("AKIAFAKE", "secret")
    sent = {**headers, "content-type": "application/json"}
    at, authorization = of_botocore("POST", url, sent, body, keys)
    assert (
        sign("POST", url, sent, body, keys=keys, region=REGION, service=SERVICE, at=at)["authorization"]
        == authorization
    )


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h.example:443/model/m/invoke", "h.example"),
        ("https://H.example:8443/model/m/invoke", "h.example:8443"),
        ("http://127.0.0.1:18801/model/m/invoke", "127.0.0.1:18801"),
    ],
)
def test_the_host_is_signed_as_an_http_client_sends_it(url: str, host: str) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    made = sign("POST", url, {}, b"", keys=KEYS, region=REGION, service=SERVICE, at=at)["authorization"]
    covered = {"host": host, "x-amz-date": "20261122T000000Z", "x-amz-security-token": "sesstok"}
    scope = "20261122/us-west-2/bedrock/aws4_request"
    assert made.endswith(signature_of("POST", ("/model/m/invoke", ""), covered, b"", secret="secret", scope=scope))


async def test_the_signature_covers_exactly_what_is_sent() -> None:
    outbound = send("bedrock", request(HELLO), headers={"X-Amzn-Bedrock-Trace": "ENABLED", "X-Mine": "1"})
    credential = AwsCredential(
        region=REGION, clock=ManualClock(datetime(2026, 11, 22, tzinfo=UTC)), find=lambda: Held(KEYS)
    )
    added = await credential.headers(outbound)
    names = added["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    assert names == "accept;content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-trace"
    assert added["x-amz-date"] == "20261122T000000Z"
    assert added["x-amz-security-token"] == "sesstok"


def test_keys_are_not_shown() -> None:
    assert repr(KEYS) == "AwsKeys(access_key_id='AKIAFAKE')"
    assert "secret" not in repr(Held(KEYS))
