"""The bill of the cloud surfaces: the path decides the price."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from lab_clouds.helpers import running
from trivium.lab import Fault, LabServer

# Opus 5, 3 input and 7 output tokens: globally at 5 and 25 USD per million tokens, regionally 10 % more.
GLOBAL_USD = "0.00019"  # 3 x 0.000005 + 7 x 0.000025 = 0.000015 + 0.000175
REGIONAL_USD = "0.000209"  # 3 x 0.0000055 + 7 x 0.0000275 = 0.0000165 + 0.0001925
MESSAGES = [{"role": "user", "content": "h i [[lab out=7]]"}]


@pytest.fixture(scope="module")
def lab() -> Iterator[LabServer]:
    with running(seed=1, keys={"bedrock": {"k": "acct"}, "vertex": {"ya29.k": "proj"}}) as lab:
        yield lab


def _post(url: str, key: str, body: dict[str, object]) -> bytes:
    headers = {"authorization": f"Bearer {key}"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(url, data=json.dumps({"max_tokens": 50, "messages": MESSAGES, **body}), headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.mark.parametrize("operation", ["invoke", "invoke-with-response-stream"])
@pytest.mark.parametrize(("prefix", "amount_usd"), [("global", GLOBAL_USD), ("us", REGIONAL_USD), ("eu", REGIONAL_USD)])
def test_an_inference_profile_decides_the_price(lab: LabServer, operation: str, prefix: str, amount_usd: str) -> None:
    lab.bill.clear()
    url = f"{lab.url('bedrock')}/model/{prefix}.anthropic.claude-opus-5/{operation}"
    _post(url, "k", {"anthropic_version": "bedrock-2023-05-31"})
    assert str(lab.bill.total(surface="bedrock")) == amount_usd


@pytest.mark.parametrize("method", ["rawPredict", "streamRawPredict"])
@pytest.mark.parametrize(("location", "amount_usd"), [("global", GLOBAL_USD), ("us", REGIONAL_USD)])
def test_a_location_decides_the_price(lab: LabServer, method: str, location: str, amount_usd: str) -> None:
    lab.bill.clear()
    place = f"/v1/projects/proj/locations/{location}/publishers/anthropic/models/claude-opus-5"
    body = {"anthropic_version": "2026-10-21", "stream": method == "streamRawPredict"}
    _post(f"{lab.url('vertex')}{place}:{method}", "ya29.k", body)
    assert str(lab.bill.total(surface="vertex")) == amount_usd


def test_a_stream_that_fails_late_bills_what_was_generated(lab: LabServer) -> None:
    from botocore.eventstream import EventStreamBuffer

    lab.bill.clear()
    fault = lab.faults.add(Fault("late_error", surface="bedrock", status=429, message="enough", after_events=4))
    url = f"{lab.url('bedrock')}/model/us.anthropic.claude-opus-5/invoke-with-response-stream"
    raw = _post(url, "k", {"anthropic_version": "bedrock-2023-05-31"})
    lab.faults.clear(fault)
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    frames = list(buffer)
    assert [frame.headers[":message-type"] for frame in frames] == ["event"] * 4 + ["exception"]
    assert frames[-1].headers[":exception-type"] == "throttlingException"
    [line] = lab.bill.lines
    assert line.outcome == "cut"
    assert line.tokens["input"] == 3
    assert 0 < line.tokens["output"] <= 7
