"""What matters: one input moved at a time, for the years of cover by claims, for a scenario by steps around it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from trivium.capital.cover import Degree, Dues, dues, revenue_usd, run_rates, shortfall, static_years
from trivium.capital.deals import Deal, Stage, commitments
from trivium.capital.report._values import Asked, Scenario, Sweep
from trivium.catalog import Snapshot
from trivium.core import FactError

_RECENT_DAYS = 90
_DEALS_MAX = 5
_PATHS_MAX = 20_000
_STEP = 0.25  # of the reader's own figure, down and up


def cover_sweeps(snapshot: Snapshot, party: str, deals: Sequence[Deal], rate: Fraction) -> tuple[Sweep, ...]:
    """Years of cover (contracted commitments over the run rate) as each input alone goes through its claims."""
    usd_a_year = float(rate)
    found = commitments(deals, party)
    years = static_years(float(found.contracted_usd), usd_a_year)
    ends = {
        "firm": static_years(float(found.firm_usd), usd_a_year),
        "headline": static_years(float(found.headline_usd), usd_a_year),
    }
    made = [Sweep("how firm a commitment must be", "firm only", "all headlines", ends["firm"], ends["headline"])]
    made += _by_run_rate(snapshot, party, float(found.contracted_usd))
    for deal_id, whole, contracted, _ in sorted(found.rows, key=lambda row: -row[1])[:_DEALS_MAX]:
        name = deal_id.removeprefix("deal.")
        without = static_years(float(found.contracted_usd - contracted), usd_a_year)
        counted = static_years(float(found.contracted_usd - contracted + whole), usd_a_year)
        getter = next(deal.getter for deal in deals if deal.id == deal_id)
        made.append(Sweep(f"{name}, to {getter}", "left out", "counted whole", without, counted, (deal_id,)))
    return tuple(
        one for one in made if not math.isclose(one.at_low, one.at_high) or not math.isclose(one.at_low, years)
    )


def _by_run_rate(snapshot: Snapshot, party: str, contracted: float) -> list[Sweep]:
    try:
        claimed = run_rates(snapshot, party)
    except FactError:
        return []
    since = claimed[-1][0] - timedelta(days=_RECENT_DAYS)
    recent = sorted((one for one in claimed if one[0] >= since), key=lambda one: one[1])
    (low_on, low, low_claim), (high_on, high, high_claim) = recent[0], recent[-1]
    if low == high:
        return []
    return [
        Sweep(
            "run rate, claims of 90 days",
            f"{float(high) / 1e9:g} bn ({high_on})",
            f"{float(low) / 1e9:g} bn ({low_on})",
            static_years(contracted, float(high)),
            static_years(contracted, float(low)),
            (high_claim.id, low_claim.id),
        )
    ]


def scenario_sweeps(
    scenario: Scenario, due: Mapping[Degree, Dues], deals: Sequence[Deal], asked: Asked, day: date
) -> tuple[Sweep, ...]:
    """The share of futures short (contracted dues) as each input of the scenario moves a quarter either way."""
    totals = [float(usd) for usd in due[Degree.CONTRACTED].total_usd]

    def at(other: Scenario, owed: Sequence[float] = totals) -> float:
        paths = min(other.paths, _PATHS_MAX)
        return shortfall(revenue_usd(other.growth, len(owed), paths, other.seed), other.means, owed).probability

    growth, means = scenario.growth, scenario.means
    made = []
    for name, middle, unit in (
        ("growth now", growth.growth, "x"),
        ("growth in the end", growth.growth_end, "x"),
        ("spread", growth.spread, ""),
        ("share free for dues", means.share_of_revenue, ""),
        ("cash, bn USD", means.cash_usd / 1e9, ""),
        ("run rate, bn USD", growth.run_rate_usd / 1e9, ""),
    ):
        if middle is None or not middle:
            continue
        low, high = (middle * (1 - _STEP), middle * (1 + _STEP))
        if unit:  # a rate of growth moves as a rate, and is shown as a factor
            low, high = math.exp(low), math.exp(high)
        high = min(high, 1.0) if name == "share free for dues" else high
        ends = [at(_moved(scenario, name, value)) for value in (low, high)]
        made.append(Sweep(name, f"{unit}{low:.3g}", f"{unit}{high:.3g}", ends[0], ends[1]))
    sure, said = (at(scenario, [float(usd) for usd in due[one].total_usd]) for one in (Degree.FIRM, Degree.HEADLINE))
    made.append(Sweep("how firm a commitment must be", "firm only", "all headlines", sure, said))
    owed = commitments(deals, asked.party)
    contracted = {deal.id: deal for deal in deals if deal.stage is Stage.CONTRACTED}
    ranked = sorted((row for row in owed.rows if row[0] in contracted), key=lambda row: -row[1])[: _DEALS_MAX - 1]
    here = at(scenario)
    for deal_id, *_ in ranked:
        rest = dues([one for one in deals if one.id != deal_id], asked.party, Degree.CONTRACTED, day, len(totals))
        name = f"{deal_id.removeprefix('deal.')}, to {contracted[deal_id].getter}"
        made.append(
            Sweep(name, "left out", "as it is", at(scenario, [float(usd) for usd in rest.total_usd]), here, (deal_id,))
        )
    return tuple(made)


def _moved(scenario: Scenario, name: str, value: float) -> Scenario:
    growth, means = scenario.growth, scenario.means
    if name == "growth now":
        return replace(scenario, growth=replace(growth, growth=math.log(value)))
    if name == "growth in the end":
        return replace(scenario, growth=replace(growth, growth_end=math.log(value)))
    if name == "spread":
        return replace(scenario, growth=replace(growth, spread=value))
    if name == "share free for dues":
        return replace(scenario, means=replace(means, share_of_revenue=value))
    if name == "cash, bn USD":
        return replace(scenario, means=replace(means, cash_usd=value * 1e9))
    return replace(scenario, growth=replace(growth, run_rate_usd=value * 1e9))
