"""Finds everything that the report shows: cover and its history, dues, circular flow, capacity, stress."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from trivium.capital import capacity as chips
from trivium.capital.cover import Degree, Dues, break_even_growth, dues, revenue_usd, run_rates, shortfall
from trivium.capital.deals import Deal, commitments, read_deals
from trivium.capital.flow import Worth, circular_flow
from trivium.capital.network import DealNetwork
from trivium.capital.report._sweeps import cover_sweeps, scenario_sweeps
from trivium.capital.report._values import Asked, Capacity, Past, Reading, Report, Scenario, Short
from trivium.capital.stress import Scenario as Shock
from trivium.capital.stress import run_stress
from trivium.catalog import Claim, Snapshot
from trivium.core import FactError, UserError

QUANTILES = (0.05, 0.2, 0.5, 0.8, 0.95)
QUARTERS_A_YEAR = 4
_BREAK_EVEN_PATHS = 4000
Progress = Callable[[int, int], None]


def gather(
    snapshot: Snapshot,
    asked: Asked,
    *,
    network: DealNetwork | None = None,
    shocks: Sequence[Shock] = (),
    checkpoints: tuple[Reading, ...] = (),
    dependence: tuple[Reading, ...] = (),
    progress: Progress | None = None,
) -> Report:
    """The report of a snapshot's day. UserError for a party or a deal that the ledger does not know."""
    steps = _Steps(6 + len(shocks), progress)
    ledger = read_deals(snapshot)
    known = [party.name for party in ledger.parties]
    if asked.party not in known:
        told = f"name one of {', '.join(known)}" if known else f"no deal had been announced by {snapshot.as_of}"
        raise UserError("party", asked.party, told)
    left = _without(ledger.current, asked.cancelled)
    rate, claim = _rate(snapshot, asked)
    due = {degree: dues(left, asked.party, degree, snapshot.as_of, asked.quarters) for degree in Degree}
    firmness = commitments(left, asked.party)
    steps.done()
    flow = circular_flow(ledger, Worth(snapshot.as_of))
    steps.done()
    past = _history(snapshot, asked)
    steps.done()
    short = {} if asked.scenario is None else _short(asked.scenario, due)
    steps.done()
    sweeps = () if rate is None else cover_sweeps(snapshot, asked.party, left, rate)
    swept = () if asked.scenario is None else scenario_sweeps(asked.scenario, due, left, asked, snapshot.as_of)
    steps.done()
    capacity = _capacity(snapshot)
    steps.done()
    runs = []
    if network is not None:
        for shock in shocks:
            runs.append(run_stress(network.network, shock))
            steps.done()
    days = [deal.announced_on for deal in ledger.deals if deal.announced_on is not None]
    return Report(
        asked=asked,
        snapshot=snapshot,
        ledger=ledger,
        flow=flow,
        run_rate_usd=rate,
        rate_claim=claim,
        firmness=firmness,
        dues=due,
        history=past,
        sweeps=sweeps,
        short=short,
        scenario_sweeps=swept,
        income_usd={} if asked.scenario is None else _income(asked.scenario, asked.quarters),
        capacity=capacity,
        network=network,
        stress=tuple(runs),
        newest=max(days, default=None),
        checkpoints=checkpoints,
        dependence=dependence,
    )


class _Steps:
    """Says after each step how many of all are done."""

    def __init__(self, count: int, progress: Progress | None) -> None:
        self.count, self.at, self.progress = count, 0, progress

    def done(self) -> None:
        self.at += 1
        if self.progress is not None:
            self.progress(self.at, self.count)


def _without(deals: Sequence[Deal], names: Sequence[str]) -> tuple[Deal, ...]:
    known = {deal.name for deal in deals}
    for name in names:
        if name not in known:
            raise UserError("--cancelled", name, "name a deal by its id, such as D045 (trivium capital deals)")
    return tuple(deal for deal in deals if deal.name not in names)


def _rate(snapshot: Snapshot, asked: Asked) -> tuple[Fraction | None, Claim | None]:
    """The run rate given, else the latest claimed one that is not unconfirmed; None where nothing is known."""
    if asked.run_rate_usd is not None:
        return asked.run_rate_usd, None
    try:
        claimed = run_rates(snapshot, asked.party)
    except FactError:
        return None, None
    sure = [one for one in claimed if one[2].status != "unconfirmed"] or list(claimed)
    return sure[-1][1], sure[-1][2]


def _history(snapshot: Snapshot, asked: Asked) -> tuple[Past, ...]:
    try:
        claimed = run_rates(snapshot, asked.party)
    except FactError:
        return ()
    found = []
    for on, rate, claim in claimed:
        then = commitments(read_deals(snapshot.catalog.snapshot(on)).current, asked.party)
        usd = {
            Degree.HEADLINE: then.headline_usd,
            Degree.CONTRACTED: then.contracted_usd,
            Degree.FIRM: then.firm_usd,
        }
        found.append(Past(on, rate, claim, usd))
    return tuple(found)


def _short(scenario: Scenario, due: Mapping[Degree, Dues]) -> dict[Degree, Short]:
    quarters = len(next(iter(due.values())).starts)
    revenue = revenue_usd(scenario.growth, quarters, scenario.paths, scenario.seed)
    found = {}
    for degree, one in due.items():
        totals = [float(usd) for usd in one.total_usd]
        least = break_even_growth(
            scenario.growth,
            scenario.means,
            totals,
            share=scenario.accepted,
            paths=min(scenario.paths, _BREAK_EVEN_PATHS),
            seed=scenario.seed,
        )
        found[degree] = Short(shortfall(revenue, scenario.means, totals), None if least is None else math.exp(least))
    return found


def _income(scenario: Scenario, quarters: int) -> dict[float, tuple[float, ...]]:
    """Quantiles over the futures of the free share of a year's revenue; the last year may be short of quarters."""
    revenue = revenue_usd(scenario.growth, quarters, scenario.paths, scenario.seed) * scenario.means.share_of_revenue
    years = [revenue[:, at : at + QUARTERS_A_YEAR].sum(axis=1) for at in range(0, quarters, QUARTERS_A_YEAR)]
    return {share: tuple(float(np.quantile(year, share)) for year in years) for share in (0.05, 0.5, 0.95)}


def _capacity(snapshot: Snapshot) -> Capacity | None:
    costs = chips.gigawatt_costs(snapshot)
    try:
        known = chips.silicon(snapshot)
    except FactError:
        return None
    if not costs:
        return None
    cost = chips.Range.over(tuple(one.value for one in costs))
    assumed = chips.Assumptions()
    return Capacity(
        costs,
        cost,
        known,
        tuple(chips.buys("gw", 1.0, cost, chip, assumed) for chip in known),
        {chip.name: chips.swings(cost, chip, assumed) for chip in known},
        chips.lags(snapshot),
    )
