"""What a surface is asked to learn whether it takes our credential: about living models, the configured ones first."""

from __future__ import annotations

from datetime import date

from trivium.catalog import load
from trivium.core import ManualClock, parse_utc
from trivium.gateway import SnapshotFacts, SurfaceSettings
from trivium.gateway.probe import questions

SNAPSHOT = load().snapshot(date(2026, 11, 22))
FACTS = SnapshotFacts(lambda: SNAPSHOT, ManualClock(parse_utc("2026-11-22")))
MODELS = ("claude-opus-5-5", "claude-opus-5", "claude-haiku-5-5", "claude-haiku-4-5")


def surface(name: str, **more: object) -> SurfaceSettings:
    return SurfaceSettings(name, f"https://{name}.test", **more)


def test_the_newest_of_each_family_is_asked_about_the_smallest_first() -> None:
    found = questions(surface("anthropic"), FACTS, MODELS)
    assert [question.model for question in found] == ["claude-haiku-5-5", "claude-opus-5-5"]
    assert {question.outbound.url for question in found} == {"https://anthropic.test/v1/messages/count_tokens"}
    assert not any(question.to_be_refused for question in found)


def test_models_with_a_deployment_come_first_and_none_twice() -> None:
    at = surface("foundry", deployments={"claude-opus-5-5": "ours", "claude-opus-5+fast": "swift"})
    found = questions(at, FACTS, MODELS)
    assert [question.model for question in found] == ["claude-opus-5-5", "claude-opus-5", "claude-haiku-5-5"]
    assert b'"model": "ours"' in found[0].outbound.body


def test_where_no_tokens_are_counted_a_request_without_messages_is_put() -> None:
    """It can only be refused, so it can never cost anything."""
    found = questions(surface("bedrock", scope="us", region="us-east-1"), FACTS, MODELS)
    assert [question.to_be_refused for question in found] == [True, True]
    assert found[0].outbound.url.endswith("/model/us.anthropic.claude-haiku-5-5/invoke")
    assert all(b"messages" not in question.outbound.body for question in found)
    assert all(b"max_tokens" not in question.outbound.body for question in found)


def test_a_surface_that_carries_none_of_the_models_is_asked_nothing() -> None:
    assert questions(surface("vertex", project="p", region="global"), FACTS, ("claude-9",)) == ()
