"""Claims become quotas, capabilities and retirements; what they do not say stays unknown and is shown."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from plan.market import AT, CELLS, HOME, book_of, sold, turn
from trivium.catalog import Catalog, Claim, Snapshot
from trivium.core import Money, Offer, Usage, UserError
from trivium.plan import Answer, Facts, PlanOptions, Requirement, demand_from_events, solve
from trivium.plan._claims import facts_from

MODELS = ("claude-opus-4-5", "claude-opus-5", "claude-haiku-4-5")


def claim(
    name: str, surface: str, models: str, predicate: str, value: str, status: str = "documented", **more: Any
) -> Claim:
    """A claim typed by hand; models separated by blanks."""
    named = tuple(models.split())
    subject = f"{surface}/{';'.join(named)}" if named else surface
    plain = {"unit": "", "surface": surface.partition(":")[0], "models": named}
    return Claim(name, "quotas", subject, predicate, value, status=status, **(plain | more))


def snapshot_of(claims: Iterable[Claim]) -> Snapshot:
    return Catalog(tuple(claims), ()).snapshot(date(2026, 11, 22))


def facts_of(*claims: Claim, tiers: dict[str, str] | None = None, names: tuple[str, ...] = ()) -> Facts:
    return facts_from(snapshot_of(claims), AT, MODELS, names, tiers or {})


READS = "input_tokens + cache_creation_input_tokens; cache reads do not count (except Haiku 3.5)"
RULE = claim("rule", "anthropic", "", "counts_toward_itpm", READS)
START = claim("start", "anthropic", "claude-opus-5", "itpm:start", "2000000")
SCALE = claim("scale", "anthropic", "claude-opus-5", "itpm:scale", "10,000,000")


def test_a_quota_counts_what_its_claims_say_and_names_them() -> None:
    (quota,) = facts_of(RULE, START).quotas
    assert (quota.limit, quota.models, quota.claim_ids) == (2_000_000, frozenset({"claude-opus-5"}), ("start", "rule"))
    assert quota.load({"input": 3, "cache_write": 5, "cache_read": 1000, "output": 7}) == 3 + 5


def test_without_a_rule_cache_reads_count_and_the_quota_says_so() -> None:
    (quota,) = facts_of(START).quotas
    assert quota.load({"input": 3, "cache_read": 1000}) == 1003
    assert "taken to count" in quota.note


def test_a_quota_that_counts_cache_reads_by_its_own_note_keeps_counting_them() -> None:
    own = claim("own", "anthropic", "claude-haiku-4-5", "itpm:start", "100", note="counts cache reads too")
    (quota,) = facts_of(RULE, own).quotas
    assert quota.load({"cache_read": 50}) == 50


def test_a_rule_read_on_another_day_holds_as_an_assumption() -> None:
    """How a surface counts is known from the day a page was read; the plan says that it takes it to hold earlier."""
    later = claim("rule", "anthropic", "", "counts_toward_itpm", READS, valid_from=date(2026, 8, 22))
    facts = facts_of(later, START)
    assert facts.quotas[0].weights["cache_read"] == 0
    assert [line for line in facts.assumptions if "2026-08-22" in line and "[rule]" in line] != []


def test_output_weighs_as_its_burndown_claim_says() -> None:
    facts = facts_of(
        claim("tpm", "bedrock", "claude-opus-5", "tpm:default", "2,000,000"),
        claim("burn", "bedrock", "claude-opus-5 claude-opus-4-5", "output_burndown", "5 quota tokens per output token"),
    )
    assert facts.quotas[0].load({"input": 10, "output": 4}) == 10 + 5 * 4


def test_older_limits_are_read_from_their_one_line_form() -> None:
    old = claim("old", "anthropic", "claude-opus-4-5", "rate_limit_old:tier1", "50 RPM; 30000 ITPM; 8000 OTPM")
    assert [(q.metric, q.limit, q.tier) for q in facts_of(old).quotas] == [
        ("rpm", 50, "tier1"),
        ("itpm", 30_000, "tier1"),
        ("otpm", 8_000, "tier1"),
    ]


def test_the_usage_tier_is_the_organisations_or_an_assumption() -> None:
    assumed = facts_of(RULE, START, SCALE)
    assert [quota.tier for quota in assumed.quotas] == ["scale"]
    assert [quota.tier for quota in assumed.other_quotas] == ["start"]
    assert assumed.assumptions == ("anthropic: usage tier scale, the highest stated (others: start)",)
    given = facts_of(RULE, START, SCALE, tiers={"anthropic": "start"})
    assert [quota.tier for quota in given.quotas] == ["start"]
    assert given.assumptions == ()
    with pytest.raises(UserError, match="scale, start"):
        facts_of(RULE, START, SCALE, tiers={"anthropic": "gold"})


def test_a_ceiling_for_raising_a_quota_is_none_in_force() -> None:
    assert facts_of(claim("max", "anthropic", "", "itpm:max_without_approval", "4000000")).quotas == ()


def test_a_spend_cap_belongs_to_its_tier() -> None:
    caps = [
        claim(f"cap{n}", "anthropic", "", f"monthly_spend_cap_usd:{t}", n)
        for t, n in (("start", "500"), ("scale", "none"))
    ]
    assert facts_of(*caps, tiers={"anthropic": "start"}).caps[0].amount == Money.from_usd("500")


@pytest.mark.parametrize(
    ("value", "answer"),
    [("yes", Answer.YES), ("no", Answer.NO), ("not checked", Answer.UNKNOWN), ("basic", Answer.YES)],
)
def test_a_capability_answers_yes_no_or_nothing(value: str, answer: Answer) -> None:
    facts = facts_of(claim("c", "bedrock", "", "web_search", value), names=("web_search",))
    assert facts.capability("bedrock", "claude-opus-5", "web_search").answer is answer


def test_unconfirmed_claims_open_and_close_nothing() -> None:
    weak = claim("weak", "bedrock", "", "web_search", "no", "unconfirmed")
    limit = claim("limit", "anthropic", "claude-opus-5", "itpm:start", "1", "forward-looking")
    facts = facts_of(weak, limit, names=("web_search",))
    assert facts.capability("bedrock", "claude-opus-5", "web_search").answer is Answer.UNKNOWN
    assert facts.quotas == ()


def test_claims_that_disagree_decide_nothing() -> None:
    pair = [claim(value, "bedrock", "", "web_search", value) for value in ("yes", "no")]
    facts = facts_of(*pair, names=("web_search",))
    assert facts.capability("bedrock", "claude-opus-5", "web_search").answer is Answer.UNKNOWN


def test_the_largest_stated_window_holds() -> None:
    facts = facts_of(
        claim("a", "anthropic", "claude-opus-5", "context_window_tokens", "200000"),
        claim("b", "anthropic", "claude-opus-5", "context_window_tokens", "1000000 (beta header)"),
    )
    verdict = facts.capability("anthropic", "claude-opus-5", "context_window_tokens")
    assert (verdict.value, verdict.claim_ids) == ("1000000", ("b",))


def test_solve_joins_snapshot_book_and_demand() -> None:
    """A one-hour life that a surface lacks is not chosen there; a retirement that is near moves the workload."""
    claims = (
        claim("end", "anthropic", "opus", "retirement", "2026-05-01"),
        claim("hour", "bedrock", "", "prompt_caching_1h", "no"),
        claim("floor", "bedrock", "opus", "retirement_not_before", "2027-01-01"),
        claim("text", "vertex", "opus", "retirement", "some day"),
    )
    events = [turn(0, Usage(cache_write_5m=1000)), turn(1000, Usage(cache_write_5m=2000))]
    options = PlanOptions(surfaces=("anthropic", "bedrock"))
    snapshot = snapshot_of(claims)
    plan = solve(demand_from_events(events), [], snapshot, book_of(), AT, options)
    (item,) = plan.workloads
    assert [(share.offer, share.cache_life) for share in item.shares] == [(Offer("bedrock", "global", "opus"), "5m")]
    assert {(out.offer, out.claim_ids) for out in item.excluded} >= {(HOME, ("end",))}
    assert [(c.due, c.claim_ids) for c in plan.checkpoints] == [(date(2027, 1, 1), ("floor",))]
    assert (plan.as_of, plan.snapshot_digest) == (snapshot.as_of, snapshot.digest)
    assert plan.book_digest == book_of().digest


def test_a_near_retirement_says_what_it_costs() -> None:
    """Vertex asks 6 USD per million where anthropic, soon gone, asks 5."""
    claims = (claim("end", "anthropic", "opus", "retirement", "2026-05-01"),)
    demand = demand_from_events([turn(0, Usage(input=1_000_000))])
    book = book_of(
        [*[c for c in CELLS if c.surface == "anthropic"], *sold("vertex/global/opus/standard", "6 30 1 8 12")]
    )
    (item,) = solve(demand, [], snapshot_of(claims), book, AT).workloads
    assert "the surface retires the model on 2026-05-01" in item.why
    assert [(r.shadow_price, r.claim_ids) for r in item.reasons] == [(Money.from_usd("1"), ("end",))]


def test_a_needed_capability_that_is_denied_excludes_even_where_it_runs() -> None:
    claims = (claim("no", "anthropic", "", "citations", "no"),)
    demand = demand_from_events([turn(0, Usage(input=10))])
    plan = solve(demand, [Requirement("chat", capabilities=("citations",))], snapshot_of(claims), book_of(), AT)
    assert plan.workloads[0].shares[0].offer.surface == "bedrock"
    assert any("citations on bedrock" in line for line in plan.assumptions)


def test_a_month_at_the_measured_pace_breaks_a_spend_cap() -> None:
    """100 USD in two days are 1,500 USD in thirty."""
    claims = (claim("cap", "anthropic", "", "monthly_spend_cap_usd:start", "1000"),)
    events = [turn(at, Usage(input=10_000_000), session="") for at in (0, 172_800)]
    plan = solve(demand_from_events(events), [], snapshot_of(claims), book_of(), AT)
    assert [(f.metric, f.limit, f.peak, f.claim_ids) for f in plan.broken] == [("USD a month", 1000, 1500, ("cap",))]


def test_an_unknown_surface_is_refused() -> None:
    with pytest.raises(UserError, match="surfaces"):
        PlanOptions(surfaces=("azure",))
