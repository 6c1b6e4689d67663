"""What a requirement costs, where an answer flips, what knowing and waiting are worth: by solving again, exactly.

Each difference of two optima comes with the interval that their proven bounds leave open.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trivium.core import UserError
from trivium.plan.horizon._instance import Flags, Floats, Instance, SpendCommitment
from trivium.plan.horizon._merge import merge
from trivium.plan.horizon._recourse import Level, Solution, solve, weighted_cvar

_NEXT = 0.01  # the step in which a commitment's next dollars are priced, as a share of its amount
_GAP = 0.001
_BINS = 10
_SPAN = 2  # an input has a low and a high end


@dataclass(frozen=True, slots=True)
class ShadowPrice:
    """What something costs over the horizon in the objective; the truth lies in [low_usd, high_usd]."""

    name: str
    usd: float
    usd_per_month: float
    low_usd: float
    high_usd: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Between two values of an input, `tolerance` apart, the answer goes from one to another."""

    low: float
    high: float
    before: Hashable
    after: Hashable


@dataclass(frozen=True, slots=True)
class Worth:
    """An objective now and the one it is held against; `usd` is what the second saves, in [low_usd, high_usd]."""

    usd: float
    low_usd: float
    high_usd: float
    now_usd: float
    then_usd: float


def shadow_prices(
    instance: Instance, lifted: Mapping[str, Flags], *, gap: float = _GAP, time_limit_s: float = 90.0
) -> tuple[ShadowPrice, ...]:
    """The price of each requirement: the optimum less the one with its mask lifted.

    `lifted` gives by name the mask (W, P, T) that would hold without the requirement; unit costs must be known there.
    Then one entry for each signed commitment, `commitments[i]`: what its next hundredth costs, or saves (negative).
    """
    now = _solve(instance, gap, time_limit_s)
    months = len(instance.month_weight)
    found = []
    for name, mask in lifted.items():
        if mask.shape == instance.feasible.shape and (instance.feasible & ~mask).any():
            raise UserError(f"lifted[{name}]", "forbids what is allowed", "give a mask that only allows more")
        found.append(_price(name, now, _solve(replace(instance, feasible=mask), gap, time_limit_s), months))
    for number, commitment in enumerate(instance.commitments):
        if commitment.signed:
            more = _solve(_grown(instance, number), gap, time_limit_s)
            found.append(_price(f"commitments[{number}]", more, now, months))
    return tuple(found)


def _grown(instance: Instance, number: int) -> Instance:
    signed = list(instance.commitments)
    one = signed[number]
    more = tuple((amount * (1 + _NEXT), discount) for amount, discount in one.tiers)
    signed[number] = replace(one, tiers=more, low_usd=one.low_usd * (1 + _NEXT))
    return replace(instance, commitments=tuple(signed))


def _price(name: str, dear: Solution, cheap: Solution, months: int) -> ShadowPrice:
    usd = dear.objective_usd - cheap.objective_usd
    low = dear.lower_bound_usd - cheap.objective_usd
    return ShadowPrice(name, usd, usd / months, low, dear.objective_usd - cheap.lower_bound_usd)


def _solve(instance: Instance, gap: float, time_limit_s: float) -> Solution:
    return solve(merge(instance)[0], gap=gap, time_limit_s=time_limit_s)


def break_even(
    make: Callable[[float], Instance],
    answer: Callable[[Solution], Hashable],
    ends: tuple[float, float],
    *,
    tolerance: float,
    gap: float = _GAP,
) -> Turn | None:
    """Where between two ends of an input the answer turns, by bisection; None where both ends answer alike.

    `make` gives the instance at a value of the input, `answer` what is read of its solution. Where the answer turns
    more than once, one of the turns is found.
    """
    low, high = ends
    if len(ends) != _SPAN or not low < high:
        raise UserError("ends", str(ends), "give a low end and a high end")
    if not tolerance > 0:
        raise UserError("tolerance", tolerance, "give the distance at which to stop, above 0")
    before, after = (answer(_solve(make(end), gap, 90.0)) for end in ends)
    if before == after:
        return None
    while high - low > tolerance:
        middle = (low + high) / 2
        if middle in {low, high}:
            break  # no float lies between them
        found = answer(_solve(make(middle), gap, 90.0))
        if found == before:
            low = middle
        else:
            high, after = middle, found
    return Turn(low, high, before, after)


def value_of_information(instance: Instance, *, gap: float = _GAP, time_limit_s: float = 90.0) -> Worth:
    """What it would be worth to know the demand before signing: no study of it can be worth more.

    Against the optimum stands each scenario with the commitments that are best for it alone. CVaR is monotone, so
    these minima are the best under any mixture of mean and tail.
    """
    small = merge(instance)[0]
    now = solve(small, gap=gap, time_limit_s=time_limit_s)
    known = [
        solve(_of(small, np.array([scenario])), gap=gap, time_limit_s=time_limit_s)
        for scenario in range(small.demand.shape[1])
    ]
    best = _objective(small, np.array([one.objective_usd for one in known]))
    least = _objective(small, np.array([one.lower_bound_usd for one in known]))
    return Worth(
        now.objective_usd - best, now.lower_bound_usd - best, now.objective_usd - least, now.objective_usd, best
    )


def value_of_waiting(
    instance: Instance, months: int, *, bins: int = _BINS, gap: float = _GAP, time_limit_s: float = 90.0
) -> tuple[Worth, Worth]:
    """What it saves to sign `months` later, and how much of it is what those months teach (both may be negative).

    What is offered then begins later, for the same term, at the same prices; what is signed stays. Scenarios whose
    spend until then lies in the same of `bins` equal shares look alike and get the same commitments. A policy of this
    kind is one of many, so that waiting may be worth more.
    """
    length, scenarios = len(instance.month_weight), instance.demand.shape[1]
    if not 1 <= months < length:
        raise UserError("months", months, f"wait 1 to {length - 1} months")
    if bins < 1:
        raise UserError("bins", bins, "give 1 or more")
    small = merge(instance)[0]
    now = solve(small, gap=gap, time_limit_s=time_limit_s)
    later = replace(small, commitments=tuple(_later(one, months) for one in small.commitments))
    blind = solve(later, gap=gap, time_limit_s=time_limit_s)
    seen = _seen(small, months)
    costs = np.zeros(scenarios)
    for members in np.array_split(np.argsort(seen, kind="stable"), min(bins, scenarios)):
        if float(small.probability[members].sum()) > 0:
            alike = _of(later, members)
            costs[members] = evaluate(
                alike, solve(alike, gap=gap, time_limit_s=time_limit_s).levels, time_limit_s=time_limit_s
            ).scenario_usd
    then = _objective(small, costs)
    return _against(now, then), _against(blind, then)


def _against(one: Solution, then: float) -> Worth:
    """What a policy saves whose cost is known; the optimum it is held against lies between its bounds."""
    return Worth(
        one.objective_usd - then, one.lower_bound_usd - then, one.objective_usd - then, one.objective_usd, then
    )


def _later(commitment: SpendCommitment, months: int) -> SpendCommitment:
    if commitment.signed:
        return commitment
    return replace(commitment, first_month=max(commitment.first_month, months))


def _seen(instance: Instance, months: int) -> Floats:
    """Spend at list prices (S,) in the first months."""
    price = np.where(instance.feasible, instance.unit_cost_usd, np.inf).min(axis=1)[:, :months]
    return np.asarray(np.einsum("wst,wt->s", instance.demand[:, :, :months], price))


def _of(instance: Instance, members: np.ndarray) -> Instance:
    """The instance given that one of some scenarios comes true; it may be one that never does, taken by itself."""
    chance = instance.probability[members]
    total = float(chance.sum())
    share = chance / total if total > 0 else np.full(len(members), 1 / len(members))
    return replace(instance, demand=instance.demand[:, members, :], probability=share)


def _objective(instance: Instance, costs: Floats) -> float:
    mean = float(instance.probability @ costs)
    worst = weighted_cvar(costs, instance.probability, instance.risk_level)
    return (1 - instance.risk_weight) * mean + instance.risk_weight * worst


def evaluate(instance: Instance, levels: Sequence[Level], *, time_limit_s: float = 90.0) -> Solution:
    """The same problem with these commitments signed: the least cost of every scenario, exact.

    Every scenario is at its own least, whatever the weight of the tail.
    """
    signed = replace(instance, commitments=_signed(instance, levels), risk_weight=0.0)
    found = solve(signed, gap=0.0, time_limit_s=time_limit_s)
    objective = _objective(instance, found.scenario_usd)
    return replace(found, levels=tuple(levels), objective_usd=objective, lower_bound_usd=objective)


def _signed(instance: Instance, levels: Sequence[Level]) -> tuple[SpendCommitment, ...]:
    """What is signed at these levels; what is nothing is left out."""
    found = (_at_level(*pair) for pair in zip(instance.commitments, _one_each(instance, levels), strict=True))
    return tuple(one for one in found if one.signed)


def _one_each(instance: Instance, levels: Sequence[Level]) -> Sequence[Level]:
    if len(levels) != len(instance.commitments):
        raise UserError("levels", len(levels), f"give one for each of {len(instance.commitments)} commitments")
    return levels


def _at_level(commitment: SpendCommitment, level: Level) -> SpendCommitment:
    if commitment.signed or not (level.amount_usd > 0 or level.discount > 0):
        return commitment
    return replace(commitment, tiers=((level.amount_usd, level.discount),), signed=True)


def roll(instance: Instance, months: int, levels: Sequence[Level], demand: Floats | None = None) -> Instance:
    """The instance `months` later: what was signed runs on, what was not is offered again.

    `levels` is what was signed of each commitment, as a solution has it; `demand` a newer forecast (W, S, T - months),
    else the rest of the present one. A period that is cut in two counts in both halves for its part, not for what was
    spent of it: give one that ends with a period, or its remainder as a commitment of its own.
    """
    length = len(instance.month_weight)
    if not 1 <= months < length:
        raise UserError("months", months, f"go on by 1 to {length - 1} months")
    rolled = []
    for commitment, level in zip(instance.commitments, _one_each(instance, levels), strict=True):
        one = _at_level(commitment, level)
        begin = one.first_month - months
        rolled.append(replace(one, first_month=begin if one.signed else max(begin, 0)))
    rest = [one for one in rolled if one.first_month + one.months > 0]
    return replace(
        instance,
        demand=instance.demand[:, :, months:] if demand is None else demand,
        unit_cost_usd=instance.unit_cost_usd[:, :, months:],
        feasible=instance.feasible[:, :, months:],
        month_weight=instance.month_weight[months:] / instance.month_weight[months],
        commitments=tuple(rest),
    )
