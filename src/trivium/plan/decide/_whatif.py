"""What if a price, a discount, demand or growth were different: the plan as it is, and the plan one would then make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from trivium.core import UserError
from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._joint import optimise
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._ladder import laddered
from trivium.plan.decide._scenes import Scenes, spread
from trivium.plan.decision import Spread

EVERYTHING = "*"


@dataclass(frozen=True)
class Change:
    """Changes of inputs, as shares: 0.05 is five percent more. A name `*` stands for all.

    Attributes:
        prices: list price by surface.
        discounts: a discount on list, by surface, from the first month on, beside the contracts.
        demand: use by workload.
        growth: growth a month on top of the forecast, by workload.
        withdrawn: surfaces that may no longer be used.
    """

    prices: Mapping[str, float] = field(default_factory=dict)
    discounts: Mapping[str, float] = field(default_factory=dict)
    demand: Mapping[str, float] = field(default_factory=dict)
    growth: Mapping[str, float] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A part that would then run elsewhere, and the first month in which it would."""

    part: str
    before: str
    after: str
    first_month: date


@dataclass(frozen=True, slots=True)
class WhatIf:
    """`before`: the plan as decided; `kept`: the same plan under the change (None: it cannot be kept); `best`: anew."""

    before: Spread
    kept: Spread | None
    best: Spread
    moved: tuple[Moved, ...]
    signed: tuple[tuple[str, float], ...]  # commitments of the new plan, USD a year
    waits: tuple[str, ...] = ()  # parts that cannot move at once, since nothing else is open yet


def what_if(chosen: Chosen, change: Change) -> WhatIf:
    """Evaluate a change; UserError names a surface or workload not in the plan, or a surface that cannot be spared."""
    framed = chosen.framed
    scenes, moves, waits = _until_open(framed, changed(framed.scenes, change))
    extra = _discounts(framed.scenes, change)
    level = framed.risk.level
    before = spread(chosen.totals, level)
    usable = np.atleast_1d(np.isfinite(scenes.unit_usd).any(axis=1).min(axis=1))
    if not usable.all():
        stranded = ", ".join(part.name for part, well in zip(framed.parts, usable, strict=True) if not well)
        raise UserError("withdrawn", ", ".join(change.withdrawn), f"leave one that can serve {stranded}")
    kept = None
    plan = changed(chosen.scenes, change)
    if bool(np.isfinite(np.where(chosen.laid.shares > 0, plan.unit_usd, 0.0)).all()):
        paid = bill(plan.spend(chosen.laid.shares), (*extra, *chosen.deals), plan.month_weight).total
        kept = spread(paid + chosen.moves_usd, level)
    before_offers, wish = (*extra, *framed.in_force), chosen.outcome.shares
    stays = bool(np.isfinite(np.where(wish > 0, scenes.unit_usd, 0.0)).all())
    also = (wish,) if stays else ()
    outcome = optimise(scenes, moves, before_offers, framed.offers, framed.risk, framed.spreading, also)
    outcome = laddered(scenes, before_offers, framed.offers, framed.risk, outcome)
    moved = tuple(_moved(chosen, outcome.shares))
    signed = tuple((deal.name, deal.amount_usd) for deal in outcome.signed)
    return WhatIf(before, kept, spread(outcome.totals, level), moved, signed, waits)


def _moved(chosen: Chosen, shares: Array) -> Iterator[Moved]:
    names, starts = chosen.framed.scenes.surfaces, chosen.framed.starts
    before, after = chosen.laid.shares.argmax(axis=1), shares.argmax(axis=1)
    for part, old, new in zip(chosen.framed.parts, before, after, strict=True):
        for month in np.flatnonzero(old != new)[:1]:
            yield Moved(part.name, names[old[month]], names[new[month]], starts[month])


def _until_open(framed: Framed, scenes: Scenes) -> tuple[Scenes, Moves, tuple[str, ...]]:
    """What runs on a withdrawn surface stays until another is open; what runs nowhere yet begins later."""
    moves, unit, demand = framed.moves, scenes.unit_usd.copy(), scenes.demand.copy()
    waits, told = list(moves.waits), []
    for number, part in enumerate(framed.parts):
        home, idle = moves.home[number], moves.idle(number)
        able = np.isfinite(unit[number]).any(axis=0)
        able[:idle] = False
        begin = int(able.argmax()) if able.any() else 0
        if begin <= idle or (home is None and not idle):
            unit[number, :, :idle] = framed.scenes.unit_usd[number, :, :idle]
            continue
        before = framed.scenes.unit_usd[number, :, :begin]
        if home is not None and np.isfinite(before[home]).all():
            unit[number, home, :begin] = before[home]
            told.append(f"{part.name} stays on {scenes.surfaces[home]} until {scenes.starts[begin]}")
        elif idle:
            unit[number, int(np.isfinite(unit[number, :, begin]).argmax()), :begin] = 0.0
            demand[number, :, :begin] = 0.0
            told.append(f"{part.name} begins on {scenes.starts[begin]}")
        waits[number] = begin
    return replace(scenes, unit_usd=unit, demand=demand), replace(moves, waits=tuple(waits)), tuple(told)


def changed(scenes: Scenes, change: Change) -> Scenes:
    """The scenes under a change of prices, demand, growth and surfaces."""
    workloads = tuple(dict.fromkeys(part.workload for part in scenes.parts))
    unit, demand = scenes.unit_usd.copy(), scenes.demand
    for name, share in change.prices.items():
        unit[:, _indices(name, scenes.surfaces, "prices"), :] *= _factor(name, share, "prices")
    for name in change.withdrawn:
        unit[:, _indices(name, scenes.surfaces, "withdrawn"), :] = np.inf
    factor = np.ones((len(scenes.parts), 1, len(scenes.starts)))
    months = np.arange(len(scenes.starts))
    for name, share in change.demand.items():
        factor[_rows(scenes, name, workloads, "demand")] *= _factor(name, share, "demand")
    for name, share in change.growth.items():
        factor[_rows(scenes, name, workloads, "growth")] *= _factor(name, share, "growth") ** months
    return replace(scenes, unit_usd=unit, demand=demand * factor)


def _discounts(scenes: Scenes, change: Change) -> tuple[Deal, ...]:
    found = []
    for name, share in change.discounts.items():
        if not 0 <= share < 1:
            raise UserError(f"discount {name}", share, "give a share from 0 to below 1")
        found += [
            Deal(f"what if: {scenes.surfaces[index]}", "discount", (index,), 0, len(scenes.starts), discount=share)
            for index in _indices(name, scenes.surfaces, "discount")
        ]
    return tuple(found)


def _factor(name: str, share: float, field_name: str) -> float:
    if not -1 < share < np.inf:
        raise UserError(f"{field_name} {name}", share, "give a share above -1, such as 0.05 for five percent more")
    return 1 + share


def _indices(name: str, surfaces: tuple[str, ...], where: str) -> list[int]:
    if name == EVERYTHING:
        return list(range(len(surfaces)))
    if name not in surfaces:
        raise UserError(where, name, f"use one of {', '.join(surfaces)}, or {EVERYTHING}")
    return [surfaces.index(name)]


def _rows(scenes: Scenes, name: str, workloads: tuple[str, ...], where: str) -> list[int]:
    if name != EVERYTHING and name not in workloads:
        raise UserError(where, name, f"use one of {', '.join(workloads)}, or {EVERYTHING}")
    return [number for number, part in enumerate(scenes.parts) if name in {EVERYTHING, part.workload}]
