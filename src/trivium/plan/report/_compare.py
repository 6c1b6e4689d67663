"""Two decisions beside each other: what moved, why, and what it is worth, in steps that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from trivium.plan._months import DAYS_PER_MONTH
from trivium.plan.decision import Basis, Bridge, Decided, Decision, Ground, Spread, Stage, Step
from trivium.plan.report._json import plain
from trivium.plan.report._words import count, usd

_CENT = 0.005
_NAMED = 3
_MEASURED = Basis((Ground.MEASURED,))
_PRICED = Basis((Ground.MEASURED, Ground.CLAIM))
_FORECAST = Basis((Ground.ASSUMPTION,), note="demand cones, contracts and prices of later months")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two decisions."""

    organisation: str
    at: date
    as_of: date
    horizon_months: int
    forecast: Spread


@dataclass(frozen=True, slots=True)
class Moved:
    """A workload that is placed otherwise, and what a month of it costs now and then (each at its measured pace)."""

    workload: str
    before: str
    after: str
    before_usd_per_month: float
    after_usd_per_month: float


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that differs: of the day, claims, prices, method, demand, contracts, constraints or assumptions."""

    kind: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """`bridge` leads from the expected cost of the first to that of the second."""

    first: Side
    second: Side
    bridge: Bridge
    moved: tuple[Moved, ...]
    causes: tuple[Cause, ...]

    @property
    def same(self) -> bool:
        """Whether nothing moved, nothing costs otherwise and no input differs."""
        return not self.moved and not self.causes and not self.bridge.steps


def compare(first: Decision, second: Decision) -> Comparison:
    """What changed from one decision to the other."""
    return Comparison(
        _side(first),
        _side(second),
        _bridge(first, second),
        tuple(_moves(first, second)),
        tuple(_causes(first, second)),
    )


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison for `json.dumps`; all its amounts are forecasts."""
    return {"same": comparison.same, **plain(comparison, "comparison")}


def _side(decision: Decision) -> Side:
    return Side(decision.organisation, decision.at, decision.as_of, decision.horizon_months, decision.forecast)


def _bridge(first: Decision, second: Decision) -> Bridge:
    """For each workload: pace, cost a request, months, growth, then what is shared; what came before is as it became.

    A forecast of n requests a month at c dollars each over H months is n c H g, where g is what growth, later prices
    and later moves make of it. It becomes n' c' H' g' in the steps (n' - n) c H g, (c' - c) n' H g, n' c' (H' - H) g
    and n' c' H' (g' - g), which add up to the difference of the workload's forecasts. What no workload bears alone
    is the last step.
    """
    amounts: dict[str, dict[str, float]] = {}
    before, after = _by_name(first), _by_name(second)
    for name in {**before, **after}:
        one, other = before.get(name), after.get(name)
        for step, amount in _parts(one, other, first.horizon_months, second.horizon_months):
            amounts.setdefault(step, {})[name] = amounts.get(step, {}).get(name, 0.0) + amount
    explained = sum(sum(found.values()) for found in amounts.values())
    total = second.forecast.mean_usd - first.forecast.mean_usd
    told = [
        Step(name, sum(amounts[name].values()), _who(amounts[name]), basis) for name, basis in _STEPS if name in amounts
    ]
    told.append(Step("contracts and openings", total - explained, "what no workload bears alone", _FORECAST))
    steps = tuple(step for step in told if abs(step.amount_usd) > _CENT)
    start = Step(
        f"plan of {first.at}", first.forecast.mean_usd, f"over {count(first.horizon_months, 'month')}", _FORECAST
    )
    end = Step(
        f"plan of {second.at}", second.forecast.mean_usd, f"over {count(second.horizon_months, 'month')}", _FORECAST
    )
    return Bridge("From one plan to the other", start, steps, end)


_STEPS = (
    ("workloads that are new", _MEASURED),
    ("workloads that are gone", _MEASURED),
    ("requests a month", _MEASURED),
    ("cost a request, where it stayed", _PRICED),
    ("cost a request, where it moved", _PRICED),
    ("months", _FORECAST),
    ("growth, later prices and moves", _FORECAST),
)


def _parts(one: Decided | None, other: Decided | None, months: int, months_then: int) -> Iterator[tuple[str, float]]:
    if one is None:
        if other is not None:
            yield "workloads that are new", other.forecast.mean_usd
        return
    if other is None:
        yield "workloads that are gone", -one.forecast.mean_usd
        return
    pace, pace_then = _pace(one), _pace(other)
    grown, grown_then = (_grown(item, span) for item, span in ((one, months), (other, months_then)))
    if pace <= 0 or pace_then <= 0 or grown is None or grown_then is None:
        yield "growth, later prices and moves", other.forecast.mean_usd - one.forecast.mean_usd
        return
    cost, cost_then = one.monthly_plan_usd / pace, other.monthly_plan_usd / pace_then
    yield "requests a month", (pace_then - pace) * cost * months * grown
    where = "stayed" if _first_place(one) == _first_place(other) else "moved"
    yield f"cost a request, where it {where}", (cost_then - cost) * pace_then * months * grown
    yield "months", other.monthly_plan_usd * (months_then - months) * grown
    yield "growth, later prices and moves", other.monthly_plan_usd * months_then * (grown_then - grown)


def _grown(item: Decided, months: int) -> float | None:
    """The forecast over what as many months at today's pace and cost would be; None where that is nothing."""
    flat = item.monthly_plan_usd * months
    return item.forecast.mean_usd / flat if flat > 0 else None


def _pace(item: Decided) -> float:
    """Requests a month."""
    return item.requests / item.span_days * DAYS_PER_MONTH if item.span_days > 0 else 0.0


def _who(amounts: Mapping[str, float]) -> str:
    """The workloads that weigh most in a step."""
    ranked = sorted((name for name in amounts if abs(amounts[name]) > _CENT), key=lambda name: -abs(amounts[name]))
    shown = ", ".join(ranked[:_NAMED])
    return shown if len(ranked) <= _NAMED else f"{shown} and {len(ranked) - _NAMED} more"


def _moves(first: Decision, second: Decision) -> Iterator[Moved]:
    before, after = _by_name(first), _by_name(second)
    for name in sorted({**before, **after}):
        one, other = before.get(name), after.get(name)
        places = [_place_text(item) for item in (one, other)]
        if places[0] != places[1]:
            paid = [item.monthly_plan_usd if item is not None else 0.0 for item in (one, other)]
            yield Moved(name, places[0], places[1], paid[0], paid[1])


def _place_text(item: Decided | None) -> str:
    """Where a workload runs, in words: its stages in order, without their months."""
    if item is None:
        return "not in it"
    if item.unplaced:
        return "no place"
    return "; then ".join(dict.fromkeys(" and ".join(names) for names in _by_month(item).values()))


def _by_month(item: Decided) -> dict[date, list[str]]:
    found: dict[date, list[str]] = {}
    for stage in sorted(item.stages, key=lambda stage: stage.first_month):
        found.setdefault(stage.first_month, []).append(_stage(stage))
    return {day: sorted(names) for day, names in found.items()}


def _stage(stage: Stage) -> str:
    cache = f" {stage.cache_life}" if stage.cache_life else ""
    share = "" if stage.share_percent == 100 else f" {stage.share_percent:.4g} %"  # noqa: PLR2004  the whole is not said
    offer = stage.offer
    tier = f" {offer.tier}" if offer.tier != "standard" else ""
    return f"{offer.surface} {offer.scope} {offer.model}{tier}{cache}{share}"


def _first_place(item: Decided) -> tuple[str, ...]:
    return tuple(next(iter(_by_month(item).values()), ()))


def _causes(first: Decision, second: Decision) -> Iterator[Cause]:
    for kind, what, read in _INPUTS:
        if read(first) != read(second):
            yield Cause(kind, what, read(first), read(second))
    yield from _differing("claims", _of_claims(first), _of_claims(second))
    yield from _differing("demand", _of_demand(first), _of_demand(second))
    yield from _differing("contracts", _of_contracts(first), _of_contracts(second))
    yield from _differing("constraints", _of_bindings(first), _of_bindings(second))
    yield from _differing("assumptions", _of_assumptions(first), _of_assumptions(second))


_INPUTS: tuple[tuple[str, str, Callable[[Decision], str]], ...] = (
    ("day", "day of the plan", lambda decision: decision.at.isoformat()),
    ("claims", "announced by", lambda decision: decision.as_of.isoformat()),
    ("claims", "catalogue", lambda decision: decision.snapshot_digest[:12]),
    ("prices", "price book", lambda decision: decision.book_digest[:12]),
    ("method", "months", lambda decision: str(decision.horizon_months)),
    ("method", "weight of the worst", lambda decision: f"{decision.risk_weight:g} at {decision.risk_level:g}"),
    ("method", "scenarios and seed", lambda decision: f"{decision.scenarios}, seed {decision.seed}"),
)


def _differing(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Cause]:
    for name in sorted({**before, **after}):
        if before.get(name) != after.get(name):
            yield Cause(kind, name, before.get(name, "not there"), after.get(name, "not there"))


def _by_name(decision: Decision) -> dict[str, Decided]:
    return {item.workload: item for item in decision.workloads}


def _of_claims(decision: Decision) -> dict[str, str]:
    return dict.fromkeys(decision.claim_ids, "counted on")


def _of_demand(decision: Decision) -> dict[str, str]:
    return {item.workload: f"{_pace(item):,.0f} requests a month" for item in decision.workloads}


def _of_contracts(decision: Decision) -> dict[str, str]:
    return {a.contract: f"{a.verdict}, {usd(a.level_usd_per_year)} a year" for a in decision.commitments}


def _of_bindings(decision: Decision) -> dict[str, str]:
    return {b.constraint: f"{usd(b.usd_per_month)} a month" for b in decision.bindings}


def _of_assumptions(decision: Decision) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for item in decision.assumptions:
        found.setdefault(item.field, []).append(item.value)
    return {name: "; ".join(sorted(values)) for name, values in found.items()}
