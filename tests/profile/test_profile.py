"""Sessions drawn from the profile cost what the measured ones cost: totals, cache share and amount within 5 %."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trivium.core import UsageEvent, UserError
from trivium.lab.profile import Profile, agent, draw, load_profile, measure, shipped_profile, totals
from trivium.ledger import importers

START = datetime(2026, 4, 15, tzinfo=UTC)
TRACE = Path(__file__).parents[2].parent / "shared/traces/claude_code"
TOLERANCE = 0.05

# USD per million tokens of input on 2026-04-15; output is 5 x input, a 5-minute write 1.25 x, a read 0.1 x.
INPUT_USD = {
    "claude-opus-4-1": 15.0,
    "claude-opus-4-5": 5.0,
    "claude-opus-4-6": 5.0,
    "claude-sonnet-4": 3.0,
    "claude-sonnet-4-5": 3.0,
    "claude-haiku-4-5": 1.0,
}
LONG_TIER = {"claude-sonnet-4", "claude-sonnet-4-5"}  # over 200,000 tokens: input x 2, output x 1.5
# What `cost_usd` gives for the 49,334 requests of the trace (checked below where the trace lies beside the checkout).
TRACE_COST_USD = 6494.06


def cost_usd(events: Iterable[UsageEvent]) -> float:
    """List cost under a 5-minute cache that loses a prefix after 5 minutes of idleness, with the 200K tier."""
    last: dict[tuple[str, str], datetime] = {}
    total = 0.0
    for event in sorted(events, key=lambda event: event.opened.at):
        usage, model = event.closed.usage, event.opened.offer.model
        key = (event.opened.session, agent(event))
        read, write = usage.cache_read or 0, usage.cache_write_5m or 0
        if key in last and (event.opened.at - last[key]).total_seconds() > 300:
            read, write = 0, read + write
        last[key] = event.opened.at
        long = usage.prompt_tokens > 200_000 and model in LONG_TIER
        prompt_rate, output_rate = (2.0, 7.5) if long else (1.0, 5.0)
        weighted = prompt_rate * (0.1 * read + 1.25 * write) + output_rate * (usage.output or 0)
        total += INPUT_USD[model] * weighted / 1e6
    return total


@pytest.fixture(scope="module")
def profile() -> Profile:
    return shipped_profile()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_drawn_sessions_match_totals_cache_share_and_cost(profile: Profile, seed: int) -> None:
    events = draw(profile, seed, START)
    drawn, real = totals(events), profile.totals
    for name in ("requests", "conversations", "input", "output"):
        assert drawn[name] == pytest.approx(real[name], rel=TOLERANCE), name
    assert drawn["read"] / drawn["input"] == pytest.approx(real["read"] / real["input"], rel=TOLERANCE)
    assert cost_usd(events) == pytest.approx(TRACE_COST_USD, rel=TOLERANCE)


def test_the_same_seed_draws_the_same_sessions(profile: Profile) -> None:
    first = draw(profile, 7, START, sessions=20)
    assert first == draw(profile, 7, START, sessions=20)
    assert first != draw(profile, 8, START, sessions=20)


def test_a_drawn_prefix_is_part_of_the_previous_prompt(profile: Profile) -> None:
    before: dict[tuple[str, str], int] = {}
    for event in draw(profile, 3, START, sessions=40):
        key = (event.opened.session, agent(event))
        assert (event.closed.usage.cache_read or 0) <= before.get(key, 0)
        before[key] = event.closed.usage.prompt_tokens


def test_the_file_form_reads_back(profile: Profile, tmp_path: Path) -> None:
    path = tmp_path / "profile.json"
    path.write_text(profile.to_json())
    assert load_profile(path) == profile
    with pytest.raises(UserError, match="profile"):
        Profile.from_json("{}")
    with pytest.raises(UserError, match=r"profile\.format"):
        Profile.from_json(json.dumps({"format": 0}))


def test_the_profile_carries_no_identifier_of_the_trace(profile: Profile) -> None:
    assert "trace_0" not in profile.to_json()


def test_measuring_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="at least one request"):
        measure([], "nothing")


@pytest.mark.trace
@pytest.mark.skipif(not TRACE.exists(), reason="the Claude Code trace does not lie beside the checkout")
def test_the_shipped_profile_was_measured_on_the_trace(profile: Profile) -> None:
    events = list(importers.claude_code_trace.read(TRACE))
    assert totals(events) == profile.totals
    assert cost_usd(events) == pytest.approx(TRACE_COST_USD, abs=0.01)
