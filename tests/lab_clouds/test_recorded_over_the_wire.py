"""The recorded Bedrock requests sent again, byte for byte, to a listening lab: nothing on the way changes the path."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab_clouds.golden import captures, credential
from lab_clouds.helpers import running
from trivium.lab import LabServer

SIGNED = [
    golden for golden in captures("bedrock__*.json") if golden.get("sigv4", {}).get("reproducible_from_this_file")
]
NOT_SERVED = {"bedrock__js_count_tokens_anomaly"}


@pytest.fixture(scope="module")
def lab() -> Iterator[LabServer]:
    """A lab with its own accounts only."""
    with running(seed=1) as lab:
        yield lab


def _send(lab: LabServer, golden: dict[str, Any]) -> tuple[int, str]:
    request = golden["request"]
    connection = http.client.HTTPConnection(urlsplit(lab.url("bedrock")).netloc, timeout=20)
    try:
        connection.putrequest(request["method"], request["path"], skip_host=True, skip_accept_encoding=True)
        for name, value in request["headers"]:
            connection.putheader(name, value)
        connection.endheaders((request["body_raw"] or "").encode())
        answer = connection.getresponse()
        answer.read()
        return answer.status, (answer.getheader("x-amzn-errortype") or "").split(":")[0]
    finally:
        connection.close()


@pytest.mark.parametrize("golden", SIGNED, ids=lambda golden: str(golden["id"]))
def test_a_recorded_signature_survives_the_server(golden: dict[str, Any]) -> None:
    options = {
        "aws": [credential(golden)],
        "wall": None,
        "application_profiles": {"abc123": "us.anthropic.claude-opus-5"},
    }
    with running(seed=1, options={"bedrock": options}) as lab:
        status, code = _send(lab, golden)
    if golden["id"] in NOT_SERVED:
        assert (status, code) == (404, "UnknownOperationException")
    elif status != 200:
        assert (status, code) == (400, "ValidationException")
    known = golden["id"] in {"bedrock__boto3_invoke_model", "bedrock__boto3_invoke_model_arn", "bedrock__create_arn"}
    assert not known or status == 200


def test_a_recorded_signature_is_too_old_for_a_lab_with_a_clock(lab: LabServer) -> None:
    [golden] = [golden for golden in SIGNED if golden["id"] == "bedrock__boto3_invoke_model"]
    with running(seed=1, options={"bedrock": {"aws": [credential(golden)]}}) as strict:
        assert _send(strict, golden) == (403, "InvalidSignatureException")
    assert _send(lab, golden) == (403, "UnrecognizedClientException")
