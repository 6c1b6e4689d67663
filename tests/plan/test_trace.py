"""The real trace gives a plan that a reader can check against the trace's own figures."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from time import perf_counter

import pytest

from trivium import catalog
from trivium.core import Money, Usage
from trivium.ledger import importers
from trivium.plan import Demand, Plan, band_starts, check, demand_from_events, make_plan, plan_json, solve
from trivium.plan._candidates import Frame, choose_from
from trivium.plan._claims import facts_from
from trivium.plan._facts import Requirement
from trivium.plan._market import BookMarket
from trivium.plan._place import place
from trivium.pricing import PriceBook, price

TRACE = Path(__file__).parents[3] / "shared/traces/claude_code"
AT = date(2026, 4, 15)
AS_OF = date(2026, 11, 22)

pytestmark = [
    pytest.mark.trace,
    pytest.mark.skipif(not TRACE.exists(), reason=f"{TRACE} does not lie beside the checkout"),
]


@cache
def facts() -> catalog.Snapshot:
    return catalog.load().snapshot(AS_OF)


@cache
def book() -> PriceBook:
    return PriceBook.from_snapshot(facts())


@cache
def measured() -> tuple[tuple[Demand, ...], float]:
    """The demand, and the seconds its measuring took beside the reading of the file."""
    events = list(importers.claude_code_trace.read(TRACE))
    start = perf_counter()
    return demand_from_events(events, band_starts=band_starts(book())), perf_counter() - start


@cache
def planned() -> Plan:
    return solve(measured()[0], [], facts(), book(), AT)


def test_the_demand_is_the_whole_trace_and_quick_to_measure() -> None:
    """49,334 requests, 21.7 M output tokens, 6.037 G prompt tokens; two seconds are plenty."""
    demands, seconds = measured()
    total = sum((demand.usage for demand in demands), Usage())
    assert sum(demand.requests for demand in demands) == 49_334
    assert round((total.output or 0) / 1e6, 1) == 21.7
    assert round(total.prompt_tokens / 1e9, 3) == 6.037
    assert seconds < 2


def test_idle_gaps_are_those_of_the_trace() -> None:
    """About one request in twenty comes more than five minutes after the one before it in its conversation."""
    demands, _ = measured()
    late = sum(gap.requests for demand in demands for gap in demand.gaps if gap.upto_s is None or gap.upto_s > 300)
    assert 0.04 < late / 49_334 < 0.08


def test_the_baseline_prices_every_request_with_its_expiry() -> None:
    """Each request alone, its reuse written again after five minutes: the sum is the baseline, to the pico-dollar."""
    last: dict[tuple[str, str, str], tuple[float, int]] = {}
    total = Money(0)
    for event in importers.claude_code_trace.read(TRACE):
        opened, usage = event.opened, event.closed.usage
        key = (opened.session, opened.tags["subagent"], opened.offer.model)
        at_s = opened.at.timestamp()
        before_s, before_tokens = last.get(key, (float("-inf"), 0))
        reuse = min(usage.cache_read or 0, before_tokens) if at_s - before_s < 300 else 0
        last[key] = (at_s, usage.prompt_tokens)
        under = Usage(output=usage.output, cache_read=reuse, cache_write_5m=usage.prompt_tokens - reuse)
        total += price(under, opened.offer, AT, book()).amount
    assert planned().baseline == total


def test_the_levers_of_the_trace() -> None:
    """An hour of cache life pays for the long idle gaps; at list prices nothing else does, and each says 0."""
    plan = planned()
    steps = {lever.name: lever.step for lever in plan.levers}
    assert steps["cache_life"] > Money.from_usd("500")
    assert all(not steps[name].picos for name in ("batch", "region_scope", "model", "contract", "surface"))
    assert sum(steps.values(), Money(0)) + plan.remainder == plan.saving
    life = {item.model: item.shares[0].cache_life for item in plan.workloads}
    assert life["claude-haiku-4-5"] == "5m"  # no request of its sub-agents waits that long
    assert life["claude-sonnet-4-5"] == "1h"


def test_every_placement_of_the_trace_passes_the_checker() -> None:
    demands, _ = measured()
    models = sorted({demand.model for demand in demands})
    frame = Frame(BookMarket(book(), AT), facts_from(facts(), AT, models, (), {"anthropic": "tier2"}), AT)
    choices = [choose_from(demand, Requirement(demand.workload), frame) for demand in demands]
    placement = place(choices, frame.facts.quotas)
    assert check(placement.problem, placement.solution.shares, placement.solution.limits) == ()
    tight = make_plan(demands, [], frame)
    assert tight.cost >= planned().cost
    assert any(finding.breaks for finding in tight.quotas)


def test_no_other_surface_is_given_prompts_beyond_its_window() -> None:
    """Sonnet 4.5 prompts of up to 894,371 tokens run where a million-token beta is stated, and nowhere else."""
    item = next(item for item in planned().workloads if item.model == "claude-sonnet-4-5")
    assert item.fallbacks == ()
    assert [out for out in item.excluded if "context window" in out.reason] != []


def test_every_claim_a_plan_names_exists() -> None:
    names = plan_json(planned())["claims"]
    assert names != []
    assert [facts().claim(name).id for name in names] == names
