"""Bedrock's dialect alone: frames that botocore reads, wrong input named, nonsense of a surface passed on."""

from __future__ import annotations

import base64
import json

import pytest
from botocore.eventstream import EventStreamBuffer

from gateway.support import event, stream
from trivium.core import UserError
from trivium.gateway.dialect import Speech, asked
from trivium.gateway.wire.errors import envelope

STREAMED = "/model/us.anthropic.claude-opus-5/invoke-with-response-stream"


def frames(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(message.headers, message.payload) for message in buffer]


def speech(path: str = STREAMED) -> Speech:
    found = asked(path)
    assert found is not None
    return found.dialect.speech(found)


def test_each_event_is_one_frame_that_carries_its_very_bytes() -> None:
    events = stream()
    read = frames(b"".join(speech().events(one) for one in events))
    inner = [base64.b64decode(json.loads(payload)["bytes"]) for _, payload in read]
    assert len(read) == len(events)
    assert all(headers[":event-type"] == "chunk" for headers, _ in read)
    for one, sent in zip(events[:-1], inner[:-1], strict=True):
        assert one.split(b"data: ")[1].strip() == sent


def test_the_last_event_carries_the_counts() -> None:
    """12 in, 6 out, 5 read from the cache, 7 written to it: as the events of the stream said."""
    _, payload = frames(b"".join([speech_of_all()]))[-1]
    last = json.loads(base64.b64decode(json.loads(payload)["bytes"]))
    assert last["amazon-bedrock-invocationMetrics"] == {
        "inputTokenCount": 12,
        "outputTokenCount": 6,
        "cacheReadInputTokenCount": 5,
        "cacheWriteInputTokenCount": 7,
    }


def speech_of_all() -> bytes:
    said: bytes = speech().events(b"".join(stream()))
    return said


@pytest.mark.parametrize("data", [b"not json", b"[]", b'{"message":3}', b'{"usage":[]}', b""])
@pytest.mark.parametrize("name", ["message_start", "message_delta", "message_stop"])
def test_nonsense_of_a_surface_passes_as_it_came(name: str, data: bytes) -> None:
    said = speech().events(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n")
    (found,) = frames(said)
    carried = base64.b64decode(json.loads(found[1])["bytes"])
    assert carried == data or (name == "message_stop" and b"invocationMetrics" in carried)


def test_an_error_in_a_stream_is_an_exception_frame() -> None:
    ((headers, payload),) = frames(speech().error_event(envelope("rate_limit_error", "slow down")))
    assert (headers[":message-type"], headers[":exception-type"]) == ("exception", "throttlingException")
    assert json.loads(payload) == {"message": "slow down"}


def test_a_ping_is_an_event_that_clients_skip() -> None:
    ((headers, payload),) = frames(speech().ping())
    assert headers[":message-type"] == "event"
    assert json.loads(base64.b64decode(json.loads(payload)["bytes"])) == {"type": "ping"}
    assert frames(speech().events(event("ping")))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"model":"x","anthropic_version":"bedrock-2023-05-31"}', "model"),
        (b'{"stream":true,"anthropic_version":"bedrock-2023-05-31"}', "stream"),
        (b'{"max_tokens":1}', "anthropic_version"),
        (b'{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":"a"}', "anthropic_beta"),
    ],
)
def test_what_does_not_belong_is_refused_by_name(body: bytes, field: str) -> None:
    found = asked(STREAMED)
    assert found is not None
    with pytest.raises(UserError) as caught:
        found.dialect.canonical(found, body, {})
    assert caught.value.field == field


def test_betas_of_header_and_body_are_joined_and_the_arn_of_a_path_is_read() -> None:
    found = asked("/model/arn:aws:bedrock:us-west-2:1:inference-profile%2Fus.anthropic.claude-opus-5/invoke")
    assert found is not None
    assert found.model == "arn:aws:bedrock:us-west-2:1:inference-profile/us.anthropic.claude-opus-5"
    body = b'{"anthropic_version":"2026-10-21","anthropic_beta":["a","b"],"max_tokens":1}'
    canonical = found.dialect.canonical(found, body, {"anthropic-beta": "b, c"})
    assert (canonical.betas, canonical.version) == (("a", "b", "c"), "2026-10-21")
    assert canonical.body.get("model") == found.model
    assert canonical.native is not None
    assert canonical.native.data == body
