"""A placement waits for what is not open yet: literal months, what stays, what begins later, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from decide.orgs import AT, SILENT, demands, given, organisation
from trivium.core import NoPrice
from trivium.plan.decide._choose import choose
from trivium.plan.decide._compose import decide
from trivium.plan.decide._joint import cheapest_paths
from trivium.plan.decide._joint_moves import Moves, moves_cost
from trivium.plan.decide._opening import in_use, opening_month, opening_months
from trivium.plan.decide._whatif import Change, what_if
from trivium.plan.org import Contract, Onboarding, Organisation, Workload

THIRD_OFF = {"deal": Contract("discount", ("vertex",), status="signed", discount_percent=Decimal(30))}
ONLY_VERTEX = {"search": Workload(surfaces=("vertex",)), "agents": Workload(surfaces=("bedrock",))}
SIX_WEEKS = AT.replace(month=1, year=2027)  # 2026-11-20 and 42 days is 2027-01-01: the month from 2027-01-20


def _organisation(weeks: str, **asked: object) -> Organisation:
    """Vertex takes some weeks to open; moving is free, so that an amount is the price and nothing else."""
    found = organisation(**asked)  # type: ignore[arg-type]
    nothing = Decimal(0)
    entry = Onboarding(nothing, nothing, weeks=Decimal(weeks), switch_days_per_workload=nothing)
    return replace(found, onboarding={**found.onboarding, "vertex": entry})


@pytest.mark.parametrize(
    ("weeks", "month"), [("0", 0), ("0.1", 1), ("4", 1), ("4.2", 1), ("4.4", 2), ("6", 2), ("8.7", 2), ("9", 3)]
)
def test_a_surface_is_open_from_the_first_month_that_begins_after_its_weeks(weeks: str, month: int) -> None:
    """From 2026-11-20 the months begin after 30, 61 and 92 days; 4.2 weeks are 30 days, 4.4 are 31, 8.7 are 61."""
    assert opening_month(Onboarding(weeks=Decimal(weeks)), AT) == month


def test_a_quarter_of_weeks_is_not_over_after_a_short_quarter_of_months() -> None:
    """13 weeks are 91 days; from 2027-02-01 three months are 89."""
    assert opening_month(Onboarding(weeks=Decimal(13)), date(2027, 2, 1)) == 4
    assert opening_month(Onboarding(weeks=Decimal(13)), date(2027, 3, 1)) == 3


def test_what_carries_requests_or_is_said_to_be_open_is_open() -> None:
    asked = replace(organisation(), onboarding={"vertex": Onboarding(done=True), "bedrock": Onboarding()})
    names = ("anthropic", "bedrock", "vertex", "foundry")
    assert opening_months(names, asked, demands(), AT) == (0, 0, 0, 2)
    nowhere = replace(asked, about=replace_about(asked, nothing_runs=True))
    assert opening_months(names, nowhere, demands(), AT) == (2, 2, 0, 2)
    assert in_use(nowhere, demands()) == {"vertex"}


def replace_about(asked: Organisation, **changes: object) -> object:
    from msgspec import structs

    return structs.replace(asked.about, **changes)


@pytest.mark.parametrize(("weeks", "first"), [("0", AT), ("6", SIX_WEEKS)])
def test_a_move_waits_for_the_opening(weeks: str, first: date) -> None:
    decision = decide(given(_organisation(weeks, contracts=THIRD_OFF)), SILENT)
    (item,) = (found for found in decision.workloads if found.workload == "search")
    there = [stage for stage in item.stages if stage.offer.surface == "vertex"]
    assert [stage.first_month for stage in there] == [first]
    before = [stage for stage in item.stages if stage.offer.surface == "anthropic"]
    assert [(stage.first_month, stage.last_month) for stage in before] == (
        [(AT, date(2026, 12, 20))] if first > AT else []
    )
    assert ("moves to vertex on 2027-01-20, when it can be open" in item.why) is (first > AT)
    assert decision.forecast.mean_usd <= decision.baseline.mean_usd


def test_the_answer_with_openings_keeps_its_bound() -> None:
    chosen = choose(given(_organisation("6", contracts=THIRD_OFF, min_stay_months=3)))
    assert chosen.proof.lower_usd is not None
    assert chosen.outcome.objective == pytest.approx(chosen.proof.lower_usd, rel=0.003)
    assert not (chosen.laid.shares[:, chosen.scenes.surfaces.index("vertex"), :2] > 0).any()


def test_what_its_needs_do_not_admit_stays_where_it_runs_until_the_opening_and_is_paid() -> None:
    """`search` runs on anthropic and may run on vertex alone: two months at what it costs now, without a stage."""
    chosen = choose(given(_organisation("6", workloads=ONLY_VERTEX)))
    decision = decide(given(_organisation("6", workloads=ONLY_VERTEX)), SILENT)
    (item,) = (found for found in decision.workloads if found.workload == "search")
    assert [(stage.offer.surface, stage.first_month) for stage in item.stages] == [("vertex", SIX_WEEKS)]
    assert "stays on anthropic until 2027-01-20" in item.why
    assert any("search" in note and "stays on anthropic" in note for note in decision.notes)
    route = decision.routes.find("search", item.models[0])
    assert route is not None
    assert [(target.offer.surface, target.weight) for target in route.targets] == [("anthropic", 100)]
    row = next(n for n, part in enumerate(chosen.framed.parts) if part.workload == "search")
    home = chosen.scenes.surfaces.index("anthropic")
    assert chosen.scenes.unit_usd[row, home, 0] == pytest.approx(chosen.now.unit_usd[row, 0])
    assert chosen.moves_usd == 0
    steps = sum(step.amount_usd for step in decision.levers.steps)
    assert decision.levers.start.amount_usd + steps == pytest.approx(decision.levers.end.amount_usd)


def test_what_runs_nowhere_begins_with_the_first_opening_and_costs_nothing_before() -> None:
    decision = decide(given(_nowhere("6")), SILENT)
    for item in decision.workloads:
        assert min(stage.first_month for stage in item.stages) == SIX_WEEKS
        assert "begins on 2027-01-20" in item.why
    assert all(line[0] == line[1] == 0 and line[2] > 0 for line in decision.total.quantiles)
    assert sum("begins on 2027-01-20" in note for note in decision.notes) == len(choose(given(_nowhere("6"))).served)
    for bridge in (decision.levers, decision.first_month):
        steps = sum(step.amount_usd for step in bridge.steps)
        assert bridge.start.amount_usd + steps == pytest.approx(bridge.end.amount_usd, abs=0.05)


def _nowhere(weeks: str, **about: object) -> Organisation:
    """Nothing runs yet, and every surface takes its weeks."""
    found = _organisation(weeks, nothing_runs=True, **about)
    entry = found.onboarding["vertex"]
    names = ("anthropic", "claude-aws", "bedrock", "bedrock-mantle", "vertex", "claude-gcp", "foundry")
    return replace(found, onboarding=dict.fromkeys(names, entry))


def test_what_cannot_be_open_within_the_horizon_has_no_place_and_the_day_is_said() -> None:
    decision = decide(given(_organisation("60", workloads=ONLY_VERTEX)), SILENT)
    (item,) = (found for found in decision.workloads if found.workload == "search")
    assert item.unplaced == (
        "no platform that it may run on is open within the horizon: vertex from 2028-01-20 (opening it takes 60 weeks)"
    )
    with pytest.raises(NoPrice, match="open within the horizon: anthropic from 2028-01-20"):
        decide(given(_nowhere("60")), SILENT)


def test_only_what_is_open_stands_in_for_what_fails() -> None:
    closed = decide(given(_organisation("6")), SILENT)
    opened = decide(given(_organisation("0")), SILENT)
    names = [
        {target.offer.surface for route in found.routes.routes for target in route.targets}
        for found in (closed, opened)
    ]
    assert "vertex" not in names[0]
    assert "vertex" in names[1]


def test_what_if_waits_too() -> None:
    """A third off on vertex moves `search` there from its opening on; without anthropic it stays until then."""
    chosen = choose(given(_organisation("6", workloads={"search": Workload(surfaces=("anthropic", "vertex"))})))
    less = what_if(chosen, Change(discounts={"vertex": 0.3}))
    assert [(move.after, move.first_month) for move in less.moved if "search" in move.part] == [("vertex", SIX_WEEKS)]
    assert less.best.mean_usd < less.before.mean_usd
    gone = what_if(chosen, Change(withdrawn=("anthropic",)))
    assert [text for text in gone.waits if "search" in text] == [
        f"search/{next(d.model for d in demands() if d.workload == 'search')} stays on anthropic until 2027-01-20"
    ]
    assert gone.kept is None
    assert what_if(chosen, Change(demand={"*": 0.1})).waits == ()


def _brute(cost: np.ndarray, moves: Moves) -> float:
    """The least cost of one part over every path that keeps its openings."""
    best = np.inf
    for path in product(range(cost.shape[1]), repeat=cost.shape[2]):
        if any(month < moves.opens[surface] for month, surface in enumerate(path)):
            continue
        total, before = sum(cost[0, surface, month] for month, surface in enumerate(path)), moves.home[0]
        for surface in path:
            total += moves.switch_usd[0, surface] if surface != before else 0.0
            before = surface
        best = min(best, total)
    return float(best)


@settings(max_examples=80)
@drawn(data=st.data())
def test_a_path_that_waits_costs_as_little_as_the_best_of_all_that_do(data: st.DataObject) -> None:
    prices = st.floats(0, 100) | st.just(np.inf)
    cost = np.array([[[data.draw(prices) for _ in range(4)] for _ in range(3)]])
    opens = (0, data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5)))
    moves = Moves((0,), np.array([[data.draw(st.floats(0, 50)) for _ in range(3)]]), np.zeros(3), opens=opens)
    shares, expected = cheapest_paths(cost, moves, (0, 1, 2)), _brute(cost, moves)
    assert (shares is None) is not np.isfinite(expected)
    if shares is not None:
        assert float(np.where(shares > 0, cost, 0.0).sum()) + moves_cost(shares, moves) == pytest.approx(expected)


def test_a_minimum_stay_may_begin_with_the_opening() -> None:
    """Stays of 3 months, open from month 2: months 2 to 4 there, and not from month 3 on."""
    cost = np.array([[[10.0] * 5, [np.inf, np.inf, 1.0, 1.0, 1.0]]])
    moves = Moves((0,), np.zeros((1, 2)), np.zeros(2), 3, (0, 2), (0,))
    shares = cheapest_paths(cost, moves, (0, 1), 2)
    assert shares is not None
    assert shares[0, 1].tolist() == [0, 0, 1, 1, 1]
