"""Which commitment to sign: every level of an offer against the scenarios, with the best placement found for it.

A level is judged with each of a few placements (the plan without it, the plan with it, everything that can on its
surfaces), and keeps the one with the least objective. The joint choice of placement and levels is the optimiser's; this
draws the curve around it and says what would flip it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trivium.core import UserError
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._scenes import Scenes, cvar, objective, spread
from trivium.plan.decision import Advice, Basis, Ground, Spread
from trivium.plan.org import Contract

_GRID = 24
_HALVINGS = 40
_FACTOR_MAX = 64.0


@dataclass(frozen=True, slots=True)
class Risk:
    """How scenarios are weighed."""

    weight: float
    level: float


@dataclass(frozen=True)
class Offered:
    """A contract that may be signed: its levels as deals, the least first; `None` (do not sign) is always there too."""

    name: str
    contract: Contract
    levels: tuple[Deal, ...]


def offered(name: str, contract: Contract, blank: Deal) -> Offered:
    """The levels of an offer: its discrete ones, else a grid from its least to its most."""
    if contract.kind != "spend-commitment":
        return Offered(name, contract, (blank,))
    if contract.levels:
        deals = [
            replace(blank, amount_usd=float(level.from_usd), discount=float(level.discount_percent) / 100)
            for level in contract.levels
        ]
        return Offered(name, contract, tuple(sorted(deals, key=lambda deal: deal.amount_usd)))
    low, high = blank.amount_usd, float(contract.commitment_usd_per_year_max or contract.commitment_usd_per_year or 0)
    if high <= 0:
        where = f"contracts.{name}.commitment_usd_per_year_max"
        raise UserError(where, contract.commitment_usd_per_year_max, "give the most that could be committed a year")
    amounts = np.linspace(low, high, _GRID) if high > low else np.array([high])
    return Offered(name, contract, tuple(replace(blank, amount_usd=float(amount)) for amount in amounts))


@dataclass(frozen=True)
class Judged:
    """One level: what it costs in every scenario under the best of the placements."""

    deal: Deal | None
    totals: Array
    placement: int


@dataclass(frozen=True)
class Tried:
    """A placement's list spend (K, S, T) and what its moves cost."""

    spend: Array
    moves_usd: float


def judge(scenes: Scenes, placements: Sequence[Tried], others: Sequence[Deal], deal: Deal | None, risk: Risk) -> Judged:
    """The best of the placements under the other deals and this one, moves paid."""
    deals = (*others, deal) if deal is not None else tuple(others)
    if not placements:
        raise UserError("placements", "none", "give at least one")
    totals = [bill(tried.spend, deals, scenes.month_weight).total + tried.moves_usd for tried in placements]
    best = min(range(len(totals)), key=lambda number: objective(totals[number], risk.weight, risk.level))
    return Judged(deal, totals[best], best)


def advise(
    scenes: Scenes,
    placements: Sequence[Tried],
    others: Sequence[Deal],
    offer: Offered,
    risk: Risk,
    decided: Deal | None,
) -> tuple[Advice, tuple[Judged, ...]]:
    """What the plan decided of one offer, while everything else stays as it is: `decided` is the level it signs.

    And what every choice would cost: none of it first, then its levels.
    """
    without = judge(scenes, placements, others, None, risk)
    levels = [judge(scenes, placements, others, deal, risk) for deal in offer.levels]
    best = next((found for found in levels if found.deal == decided), without)
    every = (without, *levels)
    regret = float((best.totals - np.min([found.totals for found in every], axis=0)).mean())
    shown = best if best.deal is not None else max(levels, key=lambda found: -float(found.totals.mean()))
    saving = without.totals - shown.totals
    curve = tuple(_point(found, without.totals, risk) for found in levels)
    judged = any(deal.periods(len(scenes.starts)) for deal in offer.levels)
    verdict = "sign" if best.deal is not None else "do not sign" if judged else "begins after the horizon"
    advice = Advice(
        contract=offer.name,
        surfaces=offer.contract.surfaces,
        verdict=verdict,
        level_usd_per_year=shown.deal.amount_usd if judged and shown.deal is not None else 0.0,
        saving=saving_spread(saving, risk),
        regret_usd=regret,
        loss_probability=float((saving < 0).mean()),
        break_even=_break_even(scenes, placements[shown.placement].spend, others, shown.deal),
        curve=curve,
        basis=basis_of(offer.contract),
        worst_usd=cvar(without.totals, risk.level) - cvar(shown.totals, risk.level),
    )
    return advice, every


def _point(found: Judged, without: Array, risk: Risk) -> tuple[float, float, float, float]:
    saving = saving_spread(without - found.totals, risk)
    low, high = saving.quantiles_usd[0], saving.quantiles_usd[-1]
    return (found.deal.amount_usd if found.deal is not None else 0.0, saving.mean_usd, low, high)


def saving_spread(saving: Array, risk: Risk) -> Spread:
    """Savings are good: their tail is the low one, so the CVaR is that of the loss."""
    found = spread(-saving, risk.level)
    low = tuple(-q for q in reversed(found.quantiles_usd))
    return Spread(-found.mean_usd, -found.cvar_usd, (low[0], low[1], low[2], low[3], low[4]))


def _break_even(scenes: Scenes, spend: Array, others: Sequence[Deal], deal: Deal | None) -> str:
    """The spend from which the level pays on average: demand is scaled until the mean saving is nothing."""
    if deal is None or (deal.kind == "spend-commitment" and not deal.amount_usd):
        return ""
    if not deal.periods(len(scenes.starts)):
        return "begins after the horizon: look further ahead to judge it"
    yearly = float(spend[list(deal.surfaces)].sum(axis=0).mean(axis=0).sum()) / spend.shape[2] * 12

    names = " and ".join(scenes.surfaces[index] for index in deal.surfaces)
    if yearly <= 0:
        return f"nothing runs on {names} under the best placement beside the other contracts"

    def gain(factor: float) -> float:
        scaled = spend * factor
        weight = scenes.month_weight
        return float((bill(scaled, others, weight).total - bill(scaled, (*others, deal), weight).total).mean())

    if gain(_FACTOR_MAX) <= 0:
        return f"never pays up to {_FACTOR_MAX:.0f} times the forecast of {yearly:,.0f} USD a year at list"
    low, high = 0.0, _FACTOR_MAX
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle) > 0 else (middle, high)
    return f"pays from {high * yearly:,.0f} USD a year at list on {names}; the forecast mean is {yearly:,.0f}"


def basis_of(contract: Contract) -> Basis:
    ground = {"signed": Ground.CONTRACT, "offered": Ground.QUOTE, "assumed": Ground.ASSUMPTION}[contract.status]
    return Basis((ground,), (), "", contract.source or contract.note)


def information(levels: Sequence[Judged], chosen: Array) -> float:
    """Expected value of perfect information about demand: what choosing the level after the fact would save."""
    every = np.stack([found.totals for found in levels])
    return float(chosen.mean() - every.min(axis=0).mean())
