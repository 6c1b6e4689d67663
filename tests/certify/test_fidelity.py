"""Each deviation of a stand-in shows in its own aspect and in no other; a faithful stand-in shows none."""

from __future__ import annotations

import ast
import sys

import pytest

from certify.stand_in import Memory
from certify.support import HERE, certified, differing
from trivium.certify import Aspect, Verdict, differences

STREAMS = {"stream", "tool-stream", "cache-read", "thinking"}
ANSWERED = {"message", "message-cut", "stop", "system", "tool", "image", "cache-write"} | STREAMS
UNKNOWN_FIELD = {"unknown-field", "unknown-field-stream"}
REFUSED = UNKNOWN_FIELD | {
    *(
        "unknown-model",
        "no-max-tokens",
        "no-messages",
        "empty-text",
        "wrong-credential",
        "no-credential",
        "no-such-path",
        "thinking-adaptive",
    )
}


@pytest.mark.parametrize("surface", ["anthropic", "bedrock"])
async def test_a_faithful_stand_in_differs_in_nothing(surface: str) -> None:
    report = await certified(surface, Memory(), only=())
    assert differing(report) == {}, differences(report)
    assert {row.call.id for row in report.rows if row.answered} >= ANSWERED


@pytest.mark.parametrize("surface", ["anthropic", "bedrock"])
async def test_a_body_over_the_limit_is_compared_too(surface: str) -> None:
    report = await certified(surface, Memory(), only=["message", "too-large"])
    assert [row.call.id for row in report.rows if Aspect.ERROR in row.aspects] == ["too-large"]
    assert differing(report) == {}, differences(report)


@pytest.mark.parametrize(
    ("deviation", "aspect", "calls"),
    [
        ("events in another order", Aspect.EVENTS, STREAMS),
        ("no last event", Aspect.EVENTS, STREAMS),
        ("no pings", Aspect.EVENTS, STREAMS),
        ("events without names", Aspect.EVENTS, STREAMS),
        ("a usage field is missing", Aspect.USAGE, ANSWERED),
        ("tokens 30 % off", Aspect.USAGE, {"image", "cache-write", "cache-read", "count"}),
        ("nothing is read from the cache", Aspect.USAGE, {"cache-read"}),
        ("a field more in the body", Aspect.BODY, ANSWERED),
        ("another error type", Aspect.ERROR, UNKNOWN_FIELD),
        ("errors without request id", Aspect.ERROR, REFUSED),
        ("another status", Aspect.STATUS, UNKNOWN_FIELD),
        ("a header more", Aspect.HEADERS, ANSWERED | REFUSED | {"count", "models"}),
    ],
)
async def test_a_deviation_of_the_first_party_shows_in_its_aspect_alone(
    deviation: str, aspect: Aspect, calls: set[str]
) -> None:
    report = await certified("anthropic", Memory(deviation))
    assert differing(report) == {aspect.value: calls}, differences(report)


@pytest.mark.parametrize(
    ("deviation", "aspect", "calls"),
    [
        ("events in another order", Aspect.EVENTS, STREAMS),
        ("pings", Aspect.EVENTS, STREAMS),
        ("frames without padding", Aspect.EVENTS, STREAMS),
        ("a metric is missing", Aspect.USAGE, STREAMS),
        ("tokens 30 % off", Aspect.USAGE, {"image", "cache-write", "cache-read"}),
        ("a field more in the body", Aspect.BODY, ANSWERED),
        ("another error type", Aspect.ERROR, UNKNOWN_FIELD),
        ("another status", Aspect.STATUS, UNKNOWN_FIELD),
    ],
)
async def test_a_deviation_of_bedrock_shows_in_its_aspect_alone(
    deviation: str, aspect: Aspect, calls: set[str]
) -> None:
    report = await certified("bedrock", Memory(deviation))
    assert differing(report) == {aspect.value: calls}, differences(report)


async def test_a_broken_frame_is_said_to_be_broken() -> None:
    """The last frame's checksum is wrong: the last event is not there, and neither is what it would have counted."""
    report = await certified("bedrock", Memory("a frame is broken"), only=["message", "stream"])
    events = report.rows[1].aspects[Aspect.EVENTS]
    assert events.verdict is Verdict.DIFFERS
    assert "broken: the checksum of a frame does not match" in events.detail


async def test_a_difference_says_what_each_side_has() -> None:
    told = await certified("anthropic", Memory("another status"), only=["message", "unknown-field"])
    assert "unknown-field, path and status: differs: live 422, lab 400" in differences(told)
    more = await certified("anthropic", Memory("a header more"), only=["message"])
    assert differences(more) == ["message, headers: only live: x-surprise"]
    fewer = await certified("anthropic", Memory("errors without request id"), only=["message", "unknown-field"])
    assert differences(fewer) == ["unknown-field, error: differs: only lab: request_id: string"]


def test_the_stand_ins_share_no_code_with_the_product() -> None:
    for name in ("stand_in.py", "bedrock_stand_in.py"):
        tree = ast.parse((HERE / name).read_text())
        modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        roots = {module.partition(".")[0] for module in modules}
        assert roots - set(sys.stdlib_module_names) <= {"certify"}
