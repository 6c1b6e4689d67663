"""Claims become quotas, capabilities and retirements; what they do not say stays unknown and is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from plan.market import AT, HOME, book_of, turn
from trivium.core import Offer, Usage, UserError
from trivium.plan import Answer, PlanOptions, Requirement, demand_from_events, solve
from trivium.plan._claims import answer_of, facts_from
from trivium.plan._models import covers_model


@dataclass(frozen=True, slots=True)
class HandClaim:
    """A claim typed by hand."""

    id: str
    subject: str
    predicate: str
    value: Any
    status: str = "documented"
    note: str = ""


@dataclass(frozen=True, slots=True)
class HandFacts:
    """A snapshot with claims only."""

    claims: tuple[HandClaim, ...]
    as_of: date = AT
    digest: str = "d"

    def find(self, *, at: date | None = None) -> tuple[HandClaim, ...]:
        assert at == AT
        return self.claims


MODELS = ("claude-opus-4-5", "claude-opus-5", "claude-haiku-4-5")
RULE = HandClaim("rule", "anthropic/*", "counts_toward_itpm", "input + cache creation; cache reads do not count")
START = HandClaim("start", "anthropic/claude-opus-5", "itpm:start", "2000000")
SCALE = HandClaim("scale", "anthropic/claude-opus-5", "itpm:scale", 10_000_000)


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("*", {"claude-opus-4-5", "claude-opus-5", "claude-haiku-4-5"}),
        ("claude-opus-5;claude-sonnet-5", {"claude-opus-5"}),
        ("claude-opus-4-x (4.5 to 4.8 combined)", {"claude-opus-4-5"}),
        ("claude-opus (4.8+)", {"claude-opus-5"}),
        ("opus/sonnet 4.x", {"claude-opus-4-5"}),
        ("opus 4.5", {"claude-opus-4-5"}),
        ("claude 4 and later (Opus 4, Sonnet 4 and listed successors)", set(MODELS)),
        ("claude-opus-4-5 to 4-7;claude-sonnet-4-6;claude-haiku-4-5", {"claude-opus-4-5", "claude-haiku-4-5"}),
        ("claude-opus-4", set()),
        ("managed-agents", set()),
    ],
)
def test_a_subject_covers_the_models_its_source_means(text: str, covered: set[str]) -> None:
    assert {model for model in MODELS if covers_model(text, model)} == covered


def test_a_quota_counts_what_its_claims_say_and_names_them() -> None:
    facts = facts_from([RULE, START], MODELS, (), {})
    (quota,) = facts.quotas
    assert (quota.limit, quota.models, quota.claim_ids) == (2_000_000, frozenset({"claude-opus-5"}), ("start", "rule"))
    assert quota.load({"input": 3, "cache_write": 5, "cache_read": 1000, "output": 7}) == 3 + 5


def test_without_a_rule_cache_reads_count_and_the_quota_says_so() -> None:
    (quota,) = facts_from([START], MODELS, (), {}).quotas
    assert quota.load({"input": 3, "cache_read": 1000}) == 1003
    assert "taken to count" in quota.note


def test_output_weighs_as_its_burndown_claim_says() -> None:
    claims = [
        HandClaim("tpm", "bedrock/claude-opus-5", "tpm:default", "2,000,000"),
        HandClaim("burn", "bedrock/claude 4 and later", "output_burndown", "5 quota tokens per output token"),
    ]
    (quota,) = facts_from(claims, MODELS, (), {}).quotas
    assert quota.load({"input": 10, "output": 4}) == 10 + 5 * 4


def test_older_limits_are_read_from_their_one_line_form() -> None:
    claim = HandClaim("old", "anthropic/opus/sonnet 4.x", "rate_limit_old:tier1", "50 RPM; 30000 ITPM; 8000 OTPM")
    facts = facts_from([claim], MODELS, (), {})
    assert [(q.metric, q.limit, q.tier) for q in facts.quotas] == [
        ("rpm", 50, "tier1"),
        ("itpm", 30_000, "tier1"),
        ("otpm", 8_000, "tier1"),
    ]


def test_the_usage_tier_is_the_organisations_or_an_assumption() -> None:
    assumed = facts_from([RULE, START, SCALE], MODELS, (), {})
    assert [quota.tier for quota in assumed.quotas] == ["scale"]
    assert [quota.tier for quota in assumed.other_quotas] == ["start"]
    assert assumed.notes == ("anthropic: taken to be at usage tier scale, the highest stated",)
    given = facts_from([RULE, START, SCALE], MODELS, (), {"anthropic": "start"})
    assert [quota.tier for quota in given.quotas] == ["start"]
    assert given.notes == ()
    with pytest.raises(UserError, match="scale, start"):
        facts_from([RULE, START, SCALE], MODELS, (), {"anthropic": "gold"})


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("yes", Answer.YES),
        ("no", Answer.NO),
        ("not available", Answer.NO),
        ("not checked", Answer.UNKNOWN),
        ("", Answer.UNKNOWN),
        ("basic", Answer.YES),
        ("none", Answer.NO),
    ],
)
def test_a_capability_text_says_yes_no_or_nothing(value: str, answer: Answer) -> None:
    assert answer_of(value) is answer


def test_unconfirmed_claims_open_and_close_nothing() -> None:
    weak = HandClaim("weak", "bedrock/*", "web_search", "no", status="unconfirmed")
    limit = HandClaim("limit", "anthropic/claude-opus-5", "itpm:start", 1, status="forward-looking")
    facts = facts_from([weak, limit], MODELS, ("web_search",), {})
    assert facts.capability("bedrock", "claude-opus-5", "web_search").answer is Answer.UNKNOWN
    assert facts.quotas == ()


def test_the_larger_of_two_stated_windows_holds_and_both_are_named() -> None:
    claims = [
        HandClaim("a", "anthropic/claude-opus-5", "context_window_tokens", "200000"),
        HandClaim("b", "anthropic/claude-opus-5", "context_window_tokens", "1000000 (beta header)"),
    ]
    verdict = facts_from(claims, MODELS, ("context_window_tokens",), {}).capability(
        "anthropic", "claude-opus-5", "context_window_tokens"
    )
    assert (verdict.value, verdict.claim_ids) == ("1000000 (beta header)", ("a", "b"))


def test_solve_joins_snapshot_book_and_demand() -> None:
    """A one-hour life that a surface lacks is not chosen there; a retirement that is near moves the workload."""
    claims = (
        HandClaim("end", "anthropic/opus", "retirement", "2026-05-01"),
        HandClaim("hour", "bedrock/*", "prompt_caching_1h", "no"),
        HandClaim("floor", "bedrock/opus", "retirement_not_before", "2027-01-01"),
        HandClaim("text", "vertex/opus", "retirement", "some day"),
    )
    events = [turn(0, Usage(cache_write_5m=1000)), turn(1000, Usage(cache_write_5m=2000))]
    options = PlanOptions(surfaces=("anthropic", "bedrock"))
    plan = solve(demand_from_events(events), [], HandFacts(claims), book_of(), AT, options)
    (item,) = plan.workloads
    assert [(share.offer, share.cache_life) for share in item.shares] == [(Offer("bedrock", "global", "opus"), "5m")]
    assert {(out.offer, out.claim_ids) for out in item.excluded} >= {(HOME, ("end",))}
    assert [(c.due, c.claim_ids) for c in plan.checkpoints] == [(date(2027, 1, 1), ("floor",))]
    assert (plan.as_of, plan.snapshot_digest, plan.book_digest) == (AT, "d", book_of().digest)


def test_a_needed_capability_that_is_denied_excludes_even_where_it_runs() -> None:
    claims = (HandClaim("no", "anthropic/*", "citations", "no"),)
    events = [turn(0, Usage(input=10))]
    plan = solve(
        demand_from_events(events), [Requirement("chat", capabilities=("citations",))], HandFacts(claims), book_of(), AT
    )
    assert plan.workloads[0].shares[0].offer.surface == "bedrock"
    assert any("citations on bedrock" in line for line in plan.assumptions)


def test_an_unknown_surface_is_refused() -> None:
    with pytest.raises(UserError, match="surfaces"):
        PlanOptions(surfaces=("azure",))
