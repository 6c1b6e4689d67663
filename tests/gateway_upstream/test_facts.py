"""The adapters' questions answered by the shipped claims, on the day that is asked about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway_upstream.support import OPUS_5, OPUS_45
from trivium.catalog import Snapshot, load
from trivium.core import AmbiguousName, ManualClock, NoClaim
from trivium.gateway.facts import SnapshotFacts

CATALOG = load()


def facts(day: str, as_of: str = "2026-11-22") -> SnapshotFacts:
    snapshot = CATALOG.snapshot(date.fromisoformat(as_of))
    return SnapshotFacts(lambda: snapshot, ManualClock(datetime.fromisoformat(day).replace(tzinfo=UTC)))


TODAY = facts("2026-11-22")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-opus-4-5-20251101", OPUS_45),
        ("claude-opus-4-5", OPUS_45),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", OPUS_45),
        ("claude-opus-4-5@20251101", OPUS_45),
        ("publishers/anthropic/models/claude-opus-4-5@20251101", OPUS_45),
        ("claude-opus-5", OPUS_5),
    ],
)
def test_models_are_known_by_the_name_of_any_platform(name: str, model: str) -> None:
    assert TODAY.model_id(name) == model


def test_a_name_that_nobody_knows_is_a_missing_fact() -> None:
    with pytest.raises(NoClaim):
        TODAY.model_id("gpt-9")
    with pytest.raises(NoClaim):
        TODAY.wire_model("foundry", "global-standard", "claude-1")


@pytest.mark.parametrize(
    ("surface", "scope", "model", "wire"),
    [
        ("anthropic", "global", OPUS_45, "claude-opus-4-5-20251101"),
        ("bedrock", "global", OPUS_5, "global.anthropic.claude-opus-5"),
        ("bedrock", "us", OPUS_45, "us.anthropic.claude-opus-4-5-20251101-v1:0"),
        ("bedrock", "in-region", OPUS_45, "anthropic.claude-opus-4-5-20251101-v1:0"),
        ("vertex", "global", OPUS_45, "claude-opus-4-5@20251101"),
        ("foundry", "global-standard", OPUS_45, "claude-opus-4-5"),
    ],
)
def test_each_surface_has_its_own_name_for_a_model(surface: str, scope: str, model: str, wire: str) -> None:
    assert TODAY.wire_model(surface, scope, model) == wire


def test_a_class_of_scopes_does_not_say_which_profile() -> None:
    with pytest.raises(AmbiguousName):
        TODAY.wire_model("bedrock", "geo-or-regional", OPUS_45)


@pytest.mark.parametrize(
    ("surface", "model", "day", "versions"),
    [
        ("anthropic", OPUS_5, "2026-11-22", ("2026-10-21", "2023-06-01")),
        ("anthropic", OPUS_5, "2026-10-20", ("2023-06-01",)),
        ("bedrock", OPUS_5, "2026-11-22", ("2026-10-21", "bedrock-2023-05-31")),
        ("bedrock", OPUS_45, "2026-11-22", ("bedrock-2023-05-31",)),
        ("bedrock", OPUS_5, "2026-10-20", ("bedrock-2023-05-31",)),
        ("vertex", OPUS_45, "2026-11-22", ("2026-10-21", "vertex-2023-10-16")),
        ("nowhere", OPUS_45, "2026-11-22", ()),
    ],
)
def test_versions_depend_on_surface_model_and_day(
    surface: str, model: str, day: str, versions: tuple[str, ...]
) -> None:
    assert facts(day).versions(surface, model) == versions


@pytest.mark.parametrize(
    ("surface", "beta", "name"),
    [
        ("anthropic", "made-up-2031-01-01", "made-up-2031-01-01"),
        ("bedrock", "made-up-2031-01-01", None),
        ("bedrock", "advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("vertex", "advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("foundry", "advanced-tool-use-2025-11-20", "advanced-tool-use-2025-11-20"),
        ("bedrock", "interleaved-thinking-2025-05-14", "interleaved-thinking-2025-05-14"),
        ("bedrock", "fast-mode-2026-02-01", None),
        ("vertex", "effort-2025-11-24", "effort-2025-11-24"),
        ("bedrock-mantle", "advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"),
        ("bedrock-mantle", "context-management-2025-06-27", "context-management-2025-06-27"),
        ("bedrock-mantle", "fast-mode-2026-02-01", None),
        ("bedrock-mantle", "made-up-2031-01-01", None),
        ("claude-gcp", "made-up-2031-01-01", "made-up-2031-01-01"),
        ("claude-gcp", "advanced-tool-use-2025-11-20", "advanced-tool-use-2025-11-20"),
    ],
)
def test_betas_are_passed_dropped_or_renamed(surface: str, beta: str, name: str | None) -> None:
    assert TODAY.beta(surface, OPUS_5, beta) == name


def test_fields_that_a_surface_refuses() -> None:
    assert TODAY.unsupported_fields("anthropic", OPUS_5) == frozenset()
    first_party_only = {
        *("inference_geo", "service_tier", "speed", "container", "mcp_servers"),
        *("fallbacks", "fallback_credit_token", "thread", "diagnostics"),
    }
    assert TODAY.unsupported_fields("bedrock", OPUS_5) == first_party_only
    assert TODAY.unsupported_fields("bedrock", OPUS_45) == first_party_only | {"cache_control"}
    assert TODAY.unsupported_fields("vertex", OPUS_5) == first_party_only
    assert TODAY.unsupported_fields("claude-gcp", OPUS_5) == {"speed"}
    assert TODAY.unsupported_fields("claude-gcp", "claude-opus-5-5") == frozenset()
    assert TODAY.unsupported_fields("bedrock-mantle", OPUS_5) == first_party_only - {"service_tier"}


@pytest.mark.parametrize(
    ("surface", "model", "capability", "answer"),
    [
        ("bedrock", OPUS_5, "web_search", False),
        ("bedrock", OPUS_5, "url_sources", False),
        ("bedrock", OPUS_5, "mid_conversation_tool_changes", False),
        ("bedrock", OPUS_5, "tool_search", True),
        ("bedrock", OPUS_5, "token_counting", False),
        ("bedrock", "claude-3-5-haiku", "token_counting", True),
        ("bedrock-mantle", OPUS_5, "token_counting", True),
        ("bedrock-mantle", OPUS_5, "url_sources", False),
        ("bedrock-mantle", OPUS_5, "mid_conversation_system", True),
        ("vertex", OPUS_5, "web_search", True),
        ("vertex", OPUS_5, "task_budgets", True),
        ("foundry", OPUS_5, "mid_conversation_system", False),
        ("foundry", OPUS_5, "files_api", None),
        ("bedrock", OPUS_5, "never-heard-of", None),
    ],
)
def test_capabilities_are_yes_no_or_not_known(surface: str, model: str, capability: str, answer: bool | None) -> None:
    assert TODAY.supports(surface, model, capability) is answer


def test_models_are_those_sold_on_the_day() -> None:
    assert {"claude-opus-5", "claude-opus-5-5", "claude-fable-5-2"} <= set(TODAY.models())
    assert "claude-1" not in TODAY.models()
    before = facts("2026-04-15").models()
    assert "claude-opus-4-5" in before
    assert not {"claude-opus-5", "claude-fable-5-2"} & set(before)
    assert TODAY.display_name("claude-opus-5") == "Claude Opus 5"
    assert TODAY.display_name("mine") == "mine"


class Counting:
    """A snapshot that counts what it is asked."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.asked = 0

    def capability(self, *question: Any) -> Any:
        self.asked += 1
        return self._snapshot.capability(*question)


def test_answers_are_found_once_a_day_and_again_for_another_snapshot() -> None:
    clock = ManualClock(datetime(2026, 11, 22, tzinfo=UTC))
    snapshots = [Counting(CATALOG.snapshot(date(2026, 11, 22))) for _ in range(2)]
    current = [snapshots[0]]
    snapshot: Callable[[], Any] = lambda: current[0]  # noqa: E731  a seam given as an argument
    asking = SnapshotFacts(snapshot, clock)
    for _ in range(3):
        assert asking.versions("bedrock", OPUS_45) == ("bedrock-2023-05-31",)
    assert snapshots[0].asked == 1
    clock.advance(timedelta(days=1))
    asking.versions("bedrock", OPUS_45)
    assert snapshots[0].asked == 2
    current[0] = snapshots[1]
    asking.versions("bedrock", OPUS_45)
    assert (snapshots[0].asked, snapshots[1].asked) == (2, 1)


def test_names_from_clients_do_not_fill_the_memory() -> None:
    asking = facts("2026-11-22")
    for number in range(25_000):
        asking.beta("anthropic", OPUS_5, f"made-up-{number}")
    assert asking._today is not None
    assert len(asking._today.answers) <= 20_000


def test_the_longest_answer_is_the_shortest_limit_that_a_claim_gives() -> None:
    assert TODAY.output_tokens_max(OPUS_5) == 128_000
    assert TODAY.output_tokens_max("claude-none") is None
