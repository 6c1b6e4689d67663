"""What adapters ask: API versions, betas, fields, capabilities, limits and retirements, from claims."""

from __future__ import annotations

from datetime import date

import pytest

from trivium.catalog import BetaKind, Catalog, Snapshot
from trivium.catalog._platform import answer

NOW, APRIL = date(2026, 11, 22), date(2026, 4, 15)
INTERLEAVED, EFFORT = "interleaved-thinking-2025-05-14", "effort-2025-11-24"
ADVANCED, SEARCH = "advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"


@pytest.mark.parametrize(
    ("surface", "model", "at", "versions"),
    [
        ("anthropic", "claude-opus-5", NOW, ("2026-10-21", "2023-06-01")),
        ("anthropic", "claude-opus-4-6", APRIL, ("2023-06-01",)),
        ("bedrock", "claude-opus-5", NOW, ("2026-10-21", "bedrock-2023-05-31")),
        ("bedrock", "claude-opus-4-6", NOW, ("bedrock-2023-05-31",)),  # older than 4.7
        ("bedrock", "claude-3-5-haiku", NOW, ("bedrock-2023-05-31",)),
        ("vertex", "claude-opus-4-6", NOW, ("2026-10-21", "vertex-2023-10-16")),
        ("foundry", "claude-opus-5", NOW, ("2026-10-21", "2023-06-01")),
        ("github-copilot", "claude-opus-5", NOW, ()),
    ],
)
def test_a_surface_accepts_the_versions_its_claims_name(
    snapshot: Snapshot, surface: str, model: str, at: date, versions: tuple[str, ...]
) -> None:
    assert snapshot.versions(surface, model, at) == versions


@pytest.mark.parametrize(
    ("surface", "beta", "kind", "name"),
    [
        ("anthropic", "anything-2030-01-01", BetaKind.PASS, "anything-2030-01-01"),
        ("claude-aws", "advisor-tool-2026-03-01", BetaKind.PASS, "advisor-tool-2026-03-01"),
        ("bedrock", ADVANCED, BetaKind.RENAME, SEARCH),
        ("vertex", ADVANCED, BetaKind.RENAME, SEARCH),
        ("foundry", ADVANCED, BetaKind.PASS, ADVANCED),
        ("bedrock", INTERLEAVED, BetaKind.PASS, INTERLEAVED),  # Claude Code sends it; LiteLLM drops it
        ("vertex", EFFORT, BetaKind.PASS, EFFORT),  # the same
        ("bedrock", "fast-mode-2026-02-01", BetaKind.DROP, ""),
        ("bedrock", "anything-2030-01-01", BetaKind.DROP, ""),
    ],
)
def test_a_beta_passes_is_renamed_or_dropped(
    snapshot: Snapshot, surface: str, beta: str, kind: BetaKind, name: str
) -> None:
    action = snapshot.beta_action(surface, beta, NOW)
    assert (action.kind, action.name) == (kind, name)
    assert action.claim is not None


def test_what_a_client_was_seen_to_send_stands_above_another_tools_table(snapshot: Snapshot) -> None:
    conflicts = {conflict.predicate: conflict for conflict in snapshot.conflicts() if conflict.subject == "bedrock"}
    found = conflicts[f"beta:{INTERLEAVED}"]
    assert [(claim.value, claim.status) for claim in found.ranked.claims] == [
        ("pass", "documented"),
        ("drop", "reported"),
    ]
    assert found.why == "documented stands above reported"


def test_fields_that_a_surface_refuses_depend_on_the_model(snapshot: Snapshot) -> None:
    old, new = (snapshot.rejected_fields("bedrock", model, NOW) for model in ("claude-opus-4-6", "claude-opus-5"))
    assert old - new == {"cache_control"}
    assert {"inference_geo", "service_tier", "speed", "mcp_servers", "fallbacks", "thread"} <= new
    assert snapshot.rejected_fields("anthropic", "claude-opus-5", NOW) == frozenset()
    assert "fallbacks" in snapshot.rejected_fields("foundry", "claude-opus-5", NOW)


@pytest.mark.parametrize(
    ("surface", "model", "capability", "expected"),
    [
        ("anthropic", "claude-opus-5", "web_search", True),
        ("bedrock", "claude-opus-5", "web_search", False),
        ("vertex", "claude-opus-5", "web_search", True),  # yes (web_search_20250305)
        ("vertex", "claude-opus-5", "inference_geo", False),  # no (endpoint choice instead)
        ("bedrock", "claude-opus-5", "token_counting", False),
        ("bedrock", "claude-3-5-haiku", "token_counting", True),
        ("bedrock-mantle", "claude-opus-5", "structured_outputs", True),  # August: no; November: yes
        ("foundry:hosted-on-anthropic", "claude-opus-5", "code_execution", True),
        ("foundry:hosted-on-azure", "claude-opus-5", "code_execution", False),
        ("foundry", "claude-opus-5", "code_execution", None),  # the variants differ
        ("foundry", "claude-opus-5", "managed_agents", False),  # both say no
        ("anthropic", "claude-opus-5", "native_batch", None),  # n/a
        ("anthropic", "claude-opus-5", "teleport", None),
    ],
)
def test_a_capability_is_there_not_there_or_not_known(
    snapshot: Snapshot, surface: str, model: str, capability: str, expected: bool | None
) -> None:
    assert snapshot.supports(surface, model, capability, NOW) is expected


@pytest.mark.parametrize(("text", "expected"), [("not checked", None), ("none", False), ("nonstop", True), ("", None)])
def test_words_are_read_as_yes_no_or_nothing(text: str, expected: bool | None) -> None:
    assert answer(text) is expected


def test_limits_are_numbers_with_their_windows(snapshot: Snapshot) -> None:
    assert snapshot.limit("anthropic", "claude-opus-5", "context_window_tokens", NOW) == 1_000_000
    assert snapshot.limit("anthropic", "claude-opus-4-5", "max_output_tokens", NOW) == 64_000
    minimum = "prompt_cache_min_tokens"  # of Sonnet 4.6 it changed twice
    days = [date(2026, 2, 20), date(2026, 3, 15), date(2026, 6, 1)]
    assert [snapshot.limit("anthropic", "claude-sonnet-4-6", minimum, day) for day in days] == [1024, 2048, 1024]
    assert snapshot.limit("anthropic", "claude-opus-5", "no_such_limit", NOW) is None


def test_a_retirement_is_a_day_and_a_floor_is_none(snapshot: Snapshot) -> None:
    assert snapshot.retired_at("anthropic", "claude-sonnet-4-5") == date(2026, 11, 30)
    assert snapshot.retired_at("bedrock", "claude-sonnet-4-5") == date(2027, 4, 8)
    assert snapshot.retired_at("anthropic", "claude-opus-5") is None  # only `not before 2027-07-24`
    assert snapshot.retired_at("foundry", "claude-opus-4-5") is None  # the only day given is contradicted twice
    assert snapshot.retired_at("bedrock", "claude-3-5-sonnet") == date(2026, 3, 1)  # of two equal claims the earlier


def test_models_are_those_sold_on_the_day_newest_first(catalog: Catalog) -> None:
    snapshot = catalog.snapshot(NOW)
    assert snapshot.models(NOW)[:3] == ("claude-fable-5-2", "claude-mythos-5-2", "claude-haiku-5-5")
    assert "claude-opus-5" not in snapshot.models(APRIL)
