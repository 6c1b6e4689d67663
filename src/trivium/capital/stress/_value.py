"""The value layer of a network: one end of what is possible, with each channel of contagion open or held as it was."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from trivium.capital.clearing import (
    Solution,
    System,
    Tranche,
    greatest_solution,
    least_solution,
    system,
    waves_of,
    with_tranches,
)
from trivium.capital.stress._layout import Claim, Floats, Layout
from trivium.capital.stress._values import Network

PAYMENT, EQUITY, GUARANTEE, MARGIN, RESALE = CHANNELS = (
    "payment",
    "equity holding",
    "guarantee",
    "lost future margin",
    "resale price",
)
ROUNDS_MAX = 200
_STILL = 1e-12  # of the largest amount: calls that move by less have settled


@dataclass(frozen=True, eq=False)
class Flows:
    """What each party gets through each channel; `calls` are the guarantees called."""

    payment: Floats
    margin: Floats
    equity: Floats
    guarantee: Floats
    resale: Floats
    calls: Floats


@dataclass(frozen=True, eq=False)
class Value:
    """One end. `settled` False: the rounds went in the cycle of (in default, tranches paid) that `cycle` lists."""

    solution: Solution
    system: System
    flows: Flows
    paid: tuple[bool, ...]
    settled: bool
    cycle: tuple[tuple[tuple[str, ...], tuple[bool, ...]], ...]


@dataclass(frozen=True, eq=False)
class _Round:
    """What is taken as given in a round, and found anew by it."""

    calls: Floats
    fallen: tuple[bool, ...]
    paid: tuple[bool, ...]


def is_monotone(layout: Layout) -> bool:
    """Whether both ends are proven: no guarantee, and no tranche whose outflow is deducted."""
    return not layout.network.guarantees and all(tranche.as_asset for tranche in layout.network.tranches)


def value(
    layout: Layout, *, best: bool, still: Flows | None = None, open_channels: Collection[str] = CHANNELS
) -> Value:
    """The greatest or least solution; a channel that is not open keeps the flows of `still`.

    Guarantees called, prices of resale and tranches are found in rounds from the best or from the worst; each round
    clears the whole network.
    """
    network = layout.network
    count = len(network.names)
    most = np.array([guarantee.amount for guarantee in network.guarantees])
    now = _Round(
        np.zeros(len(most)) if best else most,
        (not best,) * count,
        tuple(tranche.milestone_met and best for tranche in network.tranches),
    )
    history: list[tuple[tuple[str, ...], tuple[bool, ...]]] = []
    while True:
        built, flows = _system(layout, now, still, open_channels)
        solution = greatest_solution(built) if best else least_solution(built)
        then = _next(layout, built, solution, now)
        done = then.fallen == now.fallen and then.paid == now.paid
        moved = float(np.abs(then.calls - now.calls).max(initial=0.0))
        fell = tuple(name for name, is_in in zip(network.names, now.fallen, strict=True) if is_in)
        history.append((fell, now.paid))
        settled = done and moved <= _STILL * float(built.scale.max())
        if settled or len(history) >= ROUNDS_MAX:
            cycle = () if settled else tuple(dict.fromkeys(history[ROUNDS_MAX // 2 :]))
            kept = replace(solution, paid_tranches=now.paid)
            return Value(kept, built, _flows(layout, kept, flows, now), now.paid, settled, cycle)
        now = then


def tranche_cash(found: Value, network: Network) -> Floats:
    """What tranches bring and take, by party."""
    cash = np.zeros(len(network.names))
    for tranche, flows in zip(network.tranches, found.paid, strict=True):
        if flows:
            cash[network.names.index(tranche.recipient)] += tranche.amount
            cash[network.names.index(tranche.investor)] -= tranche.amount
    return cash


def count_waves(found: Value) -> tuple[tuple[str, ...], ...]:
    """Who defaults because of whom; found only where it is shown."""
    return waves_of(found.system, found.solution)[0]


def _system(layout: Layout, now: _Round, still: Flows | None, open_channels: Collection[str]) -> tuple[System, Floats]:
    """The system of a round, and what resale brings each supplier in it."""
    network, count = layout.network, len(layout.outside)
    shut = [] if still is None else [channel for channel in CHANNELS if channel not in open_channels]
    owed = np.zeros((layout.classes, count))
    held = np.zeros((layout.classes, count, count))
    fixed = np.zeros(count)
    for claim in layout.claims:
        owed[claim.rank, claim.debtor] += claim.at_stake
        if claim.creditor is not None and (MARGIN if claim.commitment else PAYMENT) not in shut:
            held[claim.rank, claim.creditor, claim.debtor] += claim.at_stake
    calls = still.calls if still is not None and GUARANTEE in shut and len(still.calls) == len(now.calls) else now.calls
    for guarantee, call in zip(network.guarantees, calls, strict=True):
        guarantor, beneficiary = (network.names.index(name) for name in (guarantee.guarantor, guarantee.beneficiary))
        owed[-1, guarantor] += call  # a claim like any other that is not secured
        held[-1, beneficiary, guarantor] += 0.0 if GUARANTEE in shut else call
    resale = still.resale if still is not None and RESALE in shut else resold(layout, now.fallen)
    if still is not None:
        frozen = (
            (PAYMENT, still.payment),
            (MARGIN, still.margin),
            (EQUITY, still.equity),
            (GUARANTEE, still.guarantee),
        )
        fixed = fixed + sum((flow for channel, flow in frozen if channel in shut), np.zeros(count))
    made = system(
        network.names,
        layout.outside + resale,
        debt=owed,
        debt_holdings=np.divide(held, owed[:, None, :], out=np.zeros_like(held), where=owed[:, None, :] > 0),
        equity_holdings=np.zeros_like(layout.stakes) if EQUITY in shut else layout.stakes,
        alpha=[party.alpha for party in network.parties],
        beta=[party.beta for party in network.parties],
        thresholds=[party.threshold for party in network.parties],
        failure_costs=[party.failure_cost for party in network.parties],
        fixed_income=fixed,
    )
    return with_tranches(made, network.tranches, now.paid), resale


def resold(layout: Layout, fallen: tuple[bool, ...]) -> Floats:
    """What capacity brings its suppliers: the contract's price while it performs, the market's once it is released."""
    network = layout.network
    released = sum(claim.resale for claim in layout.claims if fallen[claim.debtor])
    price = network.resale_price * math.exp(-network.resale_sensitivity * released / network.resale_market)
    found = np.zeros(len(layout.outside))
    for claim in layout.claims:
        if claim.creditor is not None:
            found[claim.creditor] += claim.resale * (price if fallen[claim.debtor] else 1.0)
    return found


def _next(layout: Layout, built: System, solution: Solution, now: _Round) -> _Round:
    network = layout.network
    calls = np.array([_call(layout, built, solution, number) for number in range(len(network.guarantees))])
    left = solution.assets - built.debt.sum(axis=0)
    slack = built.tolerance
    paid = []
    for tranche, flows in zip(network.tranches, now.paid, strict=True):
        investor = network.names.index(tranche.investor)
        paid.append(_pays(tranche, float(left[investor]), flows=flows, tolerance=float(slack[investor])))
    return _Round(calls, tuple(solution.defaulted.tolist()), tuple(paid))


def _pays(tranche: Tranche, left: float, *, flows: bool, tolerance: float) -> bool:
    """Whether the investor, judged on its equity before this tranche, would pay it."""
    before = left + (tranche.amount if flows and not tranche.as_asset else 0.0)
    return tranche.milestone_met and before - tranche.amount >= tranche.equity_floor - tolerance


def _call(layout: Layout, built: System, solution: Solution, number: int) -> float:
    """What one guarantee is called for; those for the same debt bear it in proportion to their amounts."""
    network, guarantee = layout.network, layout.network.guarantees[number]
    debtor, beneficiary = (network.names.index(name) for name in (guarantee.debtor, guarantee.beneficiary))
    missing = sum(
        claim.at_stake - _paid(claim, built, solution)
        for claim in layout.claims
        if claim.debtor == debtor and claim.creditor == beneficiary
    )
    route = (guarantee.debtor, guarantee.beneficiary)
    together = sum(item.amount for item in network.guarantees if (item.debtor, item.beneficiary) == route)
    return guarantee.amount * min(max(missing, 0.0) / together, 1.0) if together > 0 else 0.0


def _paid(claim: Claim, built: System, solution: Solution) -> float:
    owed = float(built.debt[claim.rank, claim.debtor])
    return claim.at_stake * float(solution.payments_by_class[claim.rank, claim.debtor]) / owed if owed > 0 else 0.0


def _flows(layout: Layout, solution: Solution, resale: Floats, now: _Round) -> Flows:
    """What went through each channel, were all open; only asked of a value with all open."""
    network, count = layout.network, len(layout.outside)
    kinds = {True: np.zeros(count), False: np.zeros(count)}
    debt = np.zeros((layout.classes, count))
    for claim in layout.claims:
        debt[claim.rank, claim.debtor] += claim.at_stake
    names = network.names
    for guarantee, call in zip(network.guarantees, now.calls, strict=True):
        debt[-1, names.index(guarantee.guarantor)] += call
    share = np.divide(solution.payments_by_class, debt, out=np.zeros_like(debt), where=debt > 0)
    for claim in layout.claims:
        if claim.creditor is not None:
            kinds[claim.commitment][claim.creditor] += claim.at_stake * share[claim.rank, claim.debtor]
    called = np.zeros(count)
    for guarantee, call in zip(network.guarantees, now.calls, strict=True):
        called[names.index(guarantee.beneficiary)] += call * share[-1, names.index(guarantee.guarantor)]
    return Flows(
        payment=kinds[False],
        margin=kinds[True],
        equity=layout.stakes @ solution.equity,
        guarantee=called,
        resale=resale,
        calls=now.calls,
    )
