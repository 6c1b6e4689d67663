"""Bridges: from what runs now to the plan, lever by lever; and from a first month's extrapolation to the forecast."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from trivium.core import NoPrice
from trivium.plan._candidates import Choice, Frame, choose_from
from trivium.plan._levers import LEVERS, Lever, Prices, levers
from trivium.plan._market import BookMarket, Market, baseline_cost
from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._parts import Part
from trivium.plan.decision import Basis, Bridge, Ground, Step

_NAMES: Mapping[str, str] = {
    "cache_life": "cache life",
    "batch": "batch",
    "region_scope": "region scope",
    "model": "model",
    "contract": "contracted prices",
    "surface": "surface",
}
_CENT = 0.005


@dataclass(frozen=True)
class AsIs:
    """What runs now, priced in every month: (W, T) USD a month at the measured pace, and the surface it runs on."""

    unit_usd: Array
    surface: tuple[int, ...]

    def shares(self, framed: Framed) -> Array:
        """Everything where it runs now, (W, K, T)."""
        found = np.zeros_like(framed.scenes.unit_usd)
        found[np.arange(len(self.surface)), list(self.surface), :] = 1.0
        return found

    def spend(self, framed: Framed) -> Array:
        """List spend (K, S, T), discounted to the day of the plan."""
        scenes = framed.scenes
        found = np.zeros((len(scenes.surfaces), scenes.demand.shape[1], scenes.demand.shape[2]))
        for part, surface in enumerate(self.surface):
            found[surface] += self.unit_usd[part] * scenes.month_weight * scenes.demand[part]
        return found


def as_is(framed: Framed) -> AsIs:
    """Measured counts at each month's prices where they ran; where that is no longer sold, the cheapest that is."""
    scenes = framed.scenes
    unit = np.zeros((len(framed.parts), len(framed.starts)))
    surfaces = []
    changes = sorted(framed.given.book.change_days())
    for number, part in enumerate(framed.parts):
        home = part.demand.home.surface
        first = int(np.argmin(scenes.unit_usd[number, :, 0]))
        surfaces.append(scenes.surfaces.index(home) if home in scenes.surfaces else first)
        known: dict[int, float | None] = {}
        for month, (start, end) in enumerate(zip(framed.starts, framed.ends, strict=True)):
            epoch = bisect_right(changes, start)  # between two changes of price a month costs the same
            if epoch not in known:
                known[epoch] = _measured(part, BookMarket(framed.given.book, start), framed)
            usual = None if month and _retired(framed, part, end) else known[epoch]
            here = scenes.unit_usd[number, surfaces[-1], month]
            instead = here if np.isfinite(here) else np.min(scenes.unit_usd[number, :, month])
            unit[number, month] = float(instead) if usual is None else usual
    return AsIs(unit, tuple(surfaces))


def _retired(framed: Framed, part: Part, end: date) -> bool:
    """Whether the surface it runs on has retired its model by a day."""
    home = (part.demand.home.surface, part.model)
    return any((r.surface, r.model) == home and not r.floor and r.day <= end for r in framed.facts.retirements)


def _measured(part: Part, market: Market, framed: Framed) -> float | None:
    try:
        picos = baseline_cost(part.demand, market)
    except NoPrice:  # what it runs on is no longer sold
        return None
    return float(picos * part.fraction) / 1e12 / framed.span_days[part.workload] * DAYS_PER_MONTH


def lever_bridge(
    framed: Framed, now: AsIs, spend_plan: Array, deals: Sequence[Deal], moves_usd: float, ids: Sequence[str] = ()
) -> Bridge:
    """From the forecast of what runs now to that of the plan (means over scenarios, moves and contracts included).

    The levers are exact for the measured span and stretched with the demand of the horizon; what they do not explain
    (later prices and retirements, quotas, divided workloads) is the step `later months and limits`.
    """
    scenes = framed.scenes
    spend_now = now.spend(framed)
    paid_now = float(bill(spend_now, framed.in_force, scenes.month_weight).total.mean())
    list_now, list_plan = float(spend_now.sum(axis=(0, 2)).mean()), float(spend_plan.sum(axis=(0, 2)).mean())
    volume = (scenes.demand * scenes.month_weight).sum(axis=2).mean(axis=1)
    measured = Basis((Ground.MEASURED, Ground.CLAIM), tuple(ids))
    steps, explained = _lever_steps(framed, volume, measured)
    paid_plan = float(bill(spend_plan, deals, scenes.month_weight).total.mean())
    rest = list_plan - list_now - explained
    contracts = (paid_plan - list_plan) - (paid_now - list_now)
    by_file = Basis((Ground.ASSUMPTION,), note="[onboarding] of the organisation file")
    signed = Basis((Ground.CONTRACT, Ground.QUOTE), note="[contracts] of the organisation file")
    for name, amount, why, basis in (
        (
            "later months and limits",
            rest,
            "prices, openings and retirements after the first month, quotas, divided parts",
            measured,
        ),
        ("contracts", contracts, "commitments and discounts, signed or advised, against list", signed),
        ("moves", moves_usd, "opening surfaces and moving workloads: days of work", by_file),
    ):
        if abs(amount) > _CENT:
            steps.append(Step(name, amount, why, basis))
    start = Step("as it runs now", paid_now, "measured use at the prices of each month, where it runs", measured)
    end = Step("as planned", paid_plan + moves_usd, "the placement, its contracts and its moves", measured)
    return Bridge("From what runs now to the plan", start, tuple(steps), end)


def _lever_steps(framed: Framed, volume: Array, basis: Basis) -> tuple[list[Step], float]:
    totals = dict.fromkeys(LEVERS, 0.0)
    reasons: dict[str, list[str]] = {}
    for number, part in enumerate(framed.parts):
        factor = float(part.fraction) / framed.span_days[part.workload] * DAYS_PER_MONTH * float(volume[number])
        for lever in _levers_or_none(framed, number):
            totals[lever.name] -= float(lever.step.picos) / 1e12 * factor
            if lever.step.picos:
                reasons.setdefault(lever.name, []).append(part.name)
    steps = [
        Step(_NAMES[name], amount, "for " + ", ".join(dict.fromkeys(reasons.get(name, ()))), basis)
        for name, amount in totals.items()
        if abs(amount) > _CENT
    ]
    return steps, sum(step.amount_usd for step in steps)


def _levers_or_none(framed: Framed, number: int) -> tuple[Lever, ...]:
    """No levers where what runs now has no price on the day: there is nothing to save against."""
    try:
        return part_levers(framed, number)
    except NoPrice:
        return ()


def part_levers(framed: Framed, number: int) -> tuple[Lever, ...]:
    """The lever table of one part at the first month's prices, exact for its whole demand."""
    part = framed.parts[number]
    market = BookMarket(framed.given.book, framed.starts[0])
    frame = Frame(market, framed.facts, framed.starts[0], surfaces=framed.terms.surfaces)
    choice = _fitting(choose_from(part.demand, part.requirement, frame), part, framed)
    return levers([choice], Prices(market, market), frame)[0]


def _fitting(choice: Choice, part: Part, framed: Framed) -> Choice:
    end = framed.ends[0]
    kept = tuple(c for c in choice.candidates if framed.terms.fits(part, c.offer, end) is None)
    return replace(choice, candidates=kept)


def first_month_bridge(framed: Framed, now: AsIs, ids: Sequence[str] = ()) -> Bridge:
    """What an estimate from the first month, times the horizon, misses of the forecast of the same use."""
    scenes = framed.scenes
    months = len(framed.starts)
    first = float(now.unit_usd[:, 0].sum())
    idle = np.array([framed.moves.idle(number) for number in range(len(framed.parts))])
    pace = now.unit_usd[:, 0] * scenes.demand.mean(axis=1)[np.arange(len(idle)), idle]
    level, missing = float(pace.sum()), float((pace * idle).sum())
    grown = float((now.unit_usd[:, :1] * scenes.demand.mean(axis=1)).sum())
    priced = float((now.unit_usd * scenes.demand.mean(axis=1)).sum())
    weighed = float(now.spend(framed).sum(axis=(0, 2)).mean())
    paid = float(bill(now.spend(framed), framed.in_force, scenes.month_weight).total.mean())
    measured, assumed = Basis((Ground.MEASURED,)), Basis((Ground.MEASURED, Ground.ASSUMPTION), note="demand cone")
    claims = Basis((Ground.CLAIM,), tuple(ids))
    raw = (
        (
            "pace of the first month ahead",
            (level - first) * months,
            "the cone's first month against the measured one",
            assumed,
        ),
        ("months before a surface is open", -missing, "what runs nowhere yet begins when it may", assumed),
        (
            "growth compounding",
            grown - level * months + missing,
            "mean growth of the demand cone over the horizon",
            assumed,
        ),
        ("prices of later months", priced - grown, "dated price windows and retirements inside the horizon", claims),
        ("time value", weighed - priced, "discounting to the day of the plan", Basis((Ground.ASSUMPTION,))),
        ("contracts in force", paid - weighed, "signed commitments and discounts", Basis((Ground.CONTRACT,))),
    )
    steps = tuple(Step(name, amount, why, basis) for name, amount, why, basis in raw if abs(amount) > _CENT)
    start = Step("first month times horizon", first * months, f"the measured month times {months}", measured)
    return Bridge(
        "What an estimate from early use misses", start, steps, Step("forecast", paid, "as it runs now", assumed)
    )
