"""What would change the answer, held against small sums: swings, flips, constraints and failures."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from decide.orgs import OPUS, SILENT, given, organisation
from trivium.core import Offer
from trivium.plan.decide._compose import decide
from trivium.plan.decide._risks import losses
from trivium.plan.decide._ways import Way
from trivium.plan.org import Contract, Onboarding, Workload


def test_a_swing_counts_the_moves_like_the_forecast_does() -> None:
    tied = organisation(workloads={"agents": Workload(surfaces=("vertex",))})
    tied.onboarding["vertex"] = Onboarding(
        days_low=Decimal(0), days_high=Decimal(0), fees_usd="1000", switch_days_per_workload=Decimal(0)
    )
    decision = decide(given(tied), SILENT)
    prices = next(swing for swing in decision.swings if swing.input == "list prices")
    assert (prices.low_usd + prices.high_usd) / 2 == pytest.approx(decision.forecast.mean_usd)
    assert prices.low_usd == pytest.approx(1000 + 0.9 * (decision.forecast.mean_usd - 1000))


def test_at_the_discount_that_flips_everything_there_costs_what_the_plan_costs() -> None:
    """Also where a commitment in force on the other platform would go unused: no share of its list spend tells that."""
    held = Contract(
        "spend-commitment",
        ("anthropic",),
        status="signed",
        starts=date(2026, 11, 1),
        discount_percent=Decimal(5),
        commitment_usd_per_year="20",
        term_months=12,
    )
    plan = decide(given(organisation(contracts={"held": held})), SILENT)
    flip = next(flip for flip in plan.flips if flip.input == "discount on bedrock")
    at = Contract("discount", ("bedrock",), status="signed", discount_percent=Decimal(flip.at.rstrip("%")))
    there = decide(given(organisation(contracts={"held": held, "at": at})), SILENT)
    rival = next(rival for rival in there.rivals if rival.name == "all on bedrock")
    assert rival.forecast is not None
    assert rival.forecast.mean_usd == pytest.approx(plan.forecast.mean_usd, rel=5e-4)


def test_a_constraint_is_not_charged_with_what_a_contract_outweighs() -> None:
    """On the first party for its discount, dearer at list than elsewhere: lifting another need changes nothing."""
    free = {b.constraint: b.usd_per_month for b in decide(given(), SILENT).bindings}
    offer = Contract("discount", ("anthropic",), discount_percent=Decimal(40), term_months=60)
    kept = {b.constraint: b.usd_per_month for b in decide(given(organisation(contracts={"o": offer})), SILENT).bindings}
    assert kept == pytest.approx(free)


def test_a_divided_part_loses_only_what_ran_on_the_surface_that_fails() -> None:
    def way(surface: str, month: float) -> Way:
        return Way(Offer(surface, "global", OPUS), "5m", Fraction(1), month, ())

    here, there = way("bedrock", 100.0), way("vertex", 120.0)
    found = losses(["agents"], [((here, 75), (there, 25))], [{"bedrock": here, "vertex": there}])
    # 75 of 100 USD move to 120, 25 of 120 USD move to 100
    assert {loss.surface: loss.extra_usd_per_month for loss in found} == pytest.approx({"bedrock": 15, "vertex": -5})
    (alone,) = losses(["agents"], [((here, 100),)], [{"bedrock": here}])
    assert (alone.share_continues_percent, alone.workloads_stopped) == (0, ("agents",))
