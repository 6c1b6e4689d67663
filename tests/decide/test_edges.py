"""The ends of what may be asked: one scenario, one month, offers that begin late, equal costs."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec import structs

from decide.orgs import SILENT, given, organisation
from trivium.plan.decide._choose import choose
from trivium.plan.decide._compose import decide
from trivium.plan.decide._whatif import Change, what_if
from trivium.plan.org import Contract

EDP = Contract(
    "spend-commitment",
    ("bedrock",),
    discount_percent=Decimal(8),
    commitment_usd_per_year="10",
    commitment_usd_per_year_max="50",
)


@pytest.mark.parametrize(("months", "scenarios"), [(1, 1), (12, 1), (1, 3), (120, 2)])
def test_short_and_long_horizons_and_few_scenarios_decide_too(months: int, scenarios: int) -> None:
    decision = decide(given(organisation(horizon_months=months, scenarios=scenarios, contracts={"edp": EDP})), SILENT)
    assert decision.forecast.mean_usd <= decision.baseline.mean_usd + 1e-6
    for bridge in (decision.levers, decision.first_month):
        steps = sum(step.amount_usd for step in bridge.steps)
        assert bridge.start.amount_usd + steps == pytest.approx(bridge.end.amount_usd, rel=1e-6, abs=0.05)


def test_an_offer_that_begins_after_the_horizon_is_not_judged() -> None:
    late = structs.replace(EDP, starts=date(2028, 11, 1))
    (advice,) = decide(given(organisation(contracts={"late": late})), SILENT).commitments
    assert advice.verdict == "begins after the horizon"
    assert advice.level_usd_per_year == 0
    assert advice.saving.mean_usd == pytest.approx(0)


def test_waiting_costs_nothing_while_an_offer_has_not_begun() -> None:
    late = structs.replace(EDP, starts=date(2027, 5, 20))
    waited = decide(given(organisation(horizon_months=24, contracts={"late": late})), SILENT).waiting
    now = decide(given(organisation(horizon_months=24, contracts={"now": EDP})), SILENT)
    assert waited is not None
    assert waited.amount_usd >= -1e-9
    assert now.waiting is not None
    # three of its twelve months at list
    assert now.waiting.amount_usd >= -now.commitments[0].saving.mean_usd * 3 / 12 - 1e-6


def test_nothing_moves_where_a_move_gains_nothing() -> None:
    decision = decide(given(organisation(horizon_months=24)), SILENT)
    for item in decision.workloads:
        assert len({stage.offer.surface for stage in item.stages}) == 1
    found = what_if(choose(given(organisation(contracts={"edp": EDP}))), Change())
    assert found.moved == ()
    assert found.best.mean_usd == pytest.approx(found.before.mean_usd)


def test_a_commitment_where_nothing_may_run_is_named() -> None:
    idle = Contract(
        "spend-commitment",
        ("vertex",),
        status="signed",
        starts=date(2026, 1, 1),
        term_months=24,
        commitment_usd_per_year="7",
    )
    tied = organisation(contracts={"idle": idle}, surfaces=("anthropic", "bedrock"))
    (note,) = decide(given(tied), SILENT).notes
    assert note.startswith("contract idle: nothing may run on vertex; its 7 USD a year are due")
    over = structs.replace(idle, term_months=6)
    assert decide(given(organisation(contracts={"over": over}, surfaces=("anthropic", "bedrock"))), SILENT).notes == ()
