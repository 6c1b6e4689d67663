"""Usage tiers: how far the measured peak is from each limit, and what use above it costs when demand grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from trivium.plan._demand import Demand
from trivium.plan._facts import Facts, Quota, SpendCap
from trivium.plan._levers import measured_life
from trivium.plan.decision import Basis, Ground, Point
from trivium.plan.money._basis import basis_of
from trivium.plan.money._values import PriceAsk
from trivium.plan.money._worth import Part


@dataclass(frozen=True)
class Crowding:
    """The extra cost of each month, as a share, because what is above the limits runs elsewhere."""

    extra: tuple[float, ...]
    why: str
    basis: Basis
    not_known: str = ""


@dataclass(frozen=True)
class _Load:
    quota: Quota
    loads: tuple[int, ...]  # of every measured minute

    @cached_property
    def peak(self) -> int:
        """The busiest measured minute."""
        return max(self.loads, default=0)

    @property
    def room(self) -> float:
        """How many times the measured peak fits under the limit."""
        return self.quota.limit / self.peak if self.peak else float("inf")

    def above(self, factor: float) -> float:
        """The share of the load above the limit when every minute grows by a factor."""
        if self.peak * factor <= self.quota.limit:
            return 0.0
        total = sum(self.loads) * factor
        over = sum(load * factor - self.quota.limit for load in self.loads if load * factor > self.quota.limit)
        return over / total


def _loads(demands: Sequence[Demand], quotas: Sequence[Quota]) -> tuple[_Load, ...]:
    """Every quota that the present offers draw on, with what each minute draws."""
    found = []
    known: dict[tuple[object, ...], tuple[int, ...]] = {}  # quotas of several tiers count the same
    for quota in quotas:
        covered = [sum(count for offer, count in demand.offers if quota.covers(offer)) for demand in demands]
        key = (*sorted(quota.weights.items()), *covered)
        if key not in known:
            known[key] = _minutes(demands, quota, covered)
        if known[key]:
            found.append(_Load(quota, known[key]))
    return tuple(found)


def _minutes(demands: Sequence[Demand], quota: Quota, covered: Sequence[int]) -> tuple[int, ...]:
    drawn: dict[int, int] = {}
    for demand, requests in zip(demands, covered, strict=True):
        if not requests:
            continue
        life = "1h" if measured_life(demand) == "1h" else "5m"
        for minute, load in quota.drawn(demand, life).items():
            drawn[minute] = drawn.get(minute, 0) + load * requests // demand.requests
    return tuple(drawn.values())


def crowding(ask: PriceAsk, facts: Facts, parts: Sequence[Part]) -> Crowding:
    """What is above the tightest limit moves to the next surface and loses the cache of the sessions it leaves."""
    loads = _loads(ask.demands, facts.quotas)
    if not loads:
        return Crowding(
            (0.0,) * len(ask.path.point),
            "no limit is stated where it runs",
            Basis((Ground.MEASURED,)),
            "limits: no quota claim covers where it runs",
        )
    shares = [max(load.above(factor) for load in loads) for factor in ask.path.point]
    tightest = min(loads, key=lambda load: load.room)
    basis = basis_of(ask.snapshot, tightest.quota.claim_ids, Ground.MEASURED, others=(tightest.quota.status,))
    if not any(shares):
        why = f"the measured peak fits {tightest.room:,.1f} times under {_name(tightest.quota)}: never reached"
        return Crowding((0.0,) * len(shares), why, basis)
    month = next(number for number, share in enumerate(shares, 1) if share)
    dearer = _divided(parts)
    said = f"{_name(tightest.quota)} is reached at {tightest.room:,.2f} times the measured pace (month {month})"
    if dearer is None:
        return Crowding((0.0,) * len(shares), said, basis, f"cost of a limit: {said}, and nothing else may carry it")
    why = f"{said}; what is above moves to another surface and reads less from its cache"
    return Crowding(tuple(share * dearer for share in shares), why, basis)


def _divided(parts: Sequence[Part]) -> float | None:
    """The extra share a divided workload costs on the best other surface; None if no part of it may go to another."""
    extra = cost = Fraction(0)
    movable = False
    for part in parts:
        home = part.demand.home.surface
        others = [c for c in part.choice.candidates if c.offer.surface != home and c.offer.tier == "standard"]
        if not others:
            continue
        movable = True
        best = min(others, key=lambda c: c.split_cost)
        extra += part.fraction * max(best.split_cost - best.cost, 0)
        cost += part.fraction * best.cost
    if not movable:
        return None
    return float(extra / cost) if cost else 0.0


def tier_points(ask: PriceAsk, facts: Facts, monthly_usd: float) -> tuple[Point, ...]:
    """The tightest limit of every usage tier where it runs now, against the measured peak; and spend caps."""
    by_tier: dict[tuple[str, str], _Load] = {}
    for load in _loads(ask.demands, (*facts.quotas, *facts.other_quotas)):
        key = (load.quota.surface, load.quota.tier)
        if key not in by_tier or load.room < by_tier[key].room:
            by_tier[key] = load
    taken = {(quota.surface, quota.tier) for quota in facts.quotas}
    points = []
    for (surface, tier), load in sorted(by_tier.items()):
        held = "" if (surface, tier) not in taken else ", the tier counted on"
        fits = load.room >= 1
        value = f"peak minute {load.peak:,} of {load.quota.limit:,}: fits {load.room:,.2f} times"
        points.append(
            Point(
                f"usage tier {tier or 'default'} of {surface}{held}: {load.quota.metric}",
                value,
                "room to grow" if fits else "a higher tier, or a second surface",
                basis_of(ask.snapshot, load.quota.claim_ids, Ground.MEASURED, others=(load.quota.status,)),
            )
        )
    here = {offer.surface for demand in ask.demands for offer, _ in demand.offers}
    points += [_cap_point(ask, cap, monthly_usd) for cap in facts.caps if cap.surface in here]
    return tuple(points)


def _cap_point(ask: PriceAsk, cap: SpendCap, monthly_usd: float) -> Point:
    most = max(ask.path.point) * monthly_usd
    return Point(
        f"spend cap a month of tier {cap.tier} of {cap.surface}",
        f"{cap.amount.rounded()} USD; the dearest month is forecast at {most:,.2f} for this workload alone",
        "room to grow" if most <= float(cap.amount.usd) else "a higher tier",
        basis_of(ask.snapshot, cap.claim_ids, Ground.MEASURED),
    )


def _name(quota: Quota) -> str:
    tier = f" of tier {quota.tier}" if quota.tier else ""
    return f"{quota.metric} {quota.limit:,}{tier} on {quota.surface}"
