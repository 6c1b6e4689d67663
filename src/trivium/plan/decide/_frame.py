"""The frame of a decision: everything that is computed before anything is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cached_property

import numpy as np

from trivium.catalog import Snapshot
from trivium.core import ROUTABLE_SURFACES, NoPrice, Offer, UserError
from trivium.plan._candidates import CACHE_CAPABILITY, TOOL_CAPABILITY, Excluded
from trivium.plan._claims import facts_from
from trivium.plan._demand import Demand
from trivium.plan._facts import Facts
from trivium.plan._market import BookMarket
from trivium.plan._months import last_days, month_starts
from trivium.plan._watch import watches
from trivium.plan.cone import EVERY, Belief, History
from trivium.plan.cone import Cone as Paths
from trivium.plan.decide._advice import Offered, Risk, offered
from trivium.plan.decide._apart import Fitted, fit_apart
from trivium.plan.decide._deals import Array, Deal, check_deals, deal_of
from trivium.plan.decide._joint_moves import Moves
from trivium.plan.decide._names import check_names
from trivium.plan.decide._opening import in_time, in_use, opening_months
from trivium.plan.decide._pace import against_measured, completed, measure_pace
from trivium.plan.decide._parts import Part, parts_of
from trivium.plan.decide._scenes import LEVELS, Scenes, unit_costs
from trivium.plan.decide._spread_out import Spreading
from trivium.plan.decide._successors import successors
from trivium.plan.decide._ways import Fits, Ratio, Terms, Ways, find_ways
from trivium.plan.org import Growth, Onboarding, Organisation
from trivium.pricing import PriceBook

_DAY = timedelta(days=1)
_REASONS_SHOWN = 4
_SHORTEST_DAYS = 1 / 24  # of a measured span: less than an hour cannot be stretched to a month


@dataclass(frozen=True)
class Given:
    """What a decision is asked of. `history` is earlier use; without it the demand's own minutes are the history."""

    organisation: Organisation
    demands: tuple[Demand, ...]
    snapshot: Snapshot
    book: PriceBook
    at: date
    fits: Fits
    ratio: Ratio
    history: History | None = None


@dataclass(frozen=True)
class Framed:
    """See the module. `parts` are those with a place, in the order of scenes; `unplaced` have none, and why.

    `sold` are the ways whether their surface is open yet or not, `ways` those in time: what may be used when.
    """

    given: Given
    facts: Facts
    parts: tuple[Part, ...]
    unplaced: tuple[tuple[Part, tuple[Excluded, ...], str], ...]
    terms: Terms
    sold: Ways
    ways: Ways
    scenes: Scenes
    moves: Moves
    in_force: tuple[Deal, ...]
    offers: tuple[Offered, ...]
    risk: Risk
    spreading: Spreading
    cone: Paths
    model: Fitted
    starts: tuple[date, ...]
    ends: tuple[date, ...]
    span_days: Mapping[str, float]

    @cached_property
    def market(self) -> BookMarket:
        """The market of the plan's day."""
        return BookMarket(self.given.book, self.given.at)

    @cached_property
    def demand_quantiles(self) -> Array:
        """Quantiles of every workload's demand (W, levels, T), at `LEVELS`."""
        return self.cone.quantiles(LEVELS)


def frame(given: Given) -> Framed:
    """Compute it; UserError names what cannot be used, NoPrice if nothing can be placed at all."""
    organisation, at = given.organisation, given.at
    if not given.demands:
        raise UserError("usage", "none", "give usage to plan on: a ledger, a trace, a table, a profile, or `--ask`")
    about = organisation.about
    check_names(organisation, given.snapshot, given.book)
    parts = parts_of(organisation, given.demands)
    models = tuple(sorted({d.model for d in given.demands} | {m for part in parts for m in part.requirement.models}))
    follow = successors(given.snapshot, models, at)
    facts = _facts(given, parts, (*models, *follow.values()))
    starts, ends = month_starts(at, about.horizon_months), last_days(at, about.horizon_months)
    spans = _spans(given.demands)
    surfaces = about.surfaces or ROUTABLE_SURFACES
    terms = Terms(given.book, facts, surfaces, given.fits, given.ratio, spans, follow, _fact_days(given.snapshot))
    found = find_ways(parts, terms, starts, ends)
    opened = in_time(found, parts, terms, organisation, at)
    placed = [number for number, months in enumerate(found.best) if months[0] and number not in opened.late]
    unplaced = tuple(
        (part, found.excluded[n], opened.late.get(n, "")) for n, part in enumerate(parts) if n not in placed
    )
    if not placed:
        told = "; ".join(
            f"{part.name}: {opened.late.get(n) or _first_reasons(found.excluded[n])}" for n, part in enumerate(parts)
        )
        raise NoPrice(f"no offer meets what any workload needs: {told}", tuple(part.name for part in parts))
    kept = tuple(parts[number] for number in placed)
    ways = _only(opened.ways, placed)
    model, cone = _cone(given)
    moves = _moves(given, kept, ways.surfaces, tuple(opened.waits[number] for number in placed))
    scenes = _scenes(given, kept, ways, cone, starts, moves)
    in_force, offers = _contracts(organisation, ways.surfaces, at)
    risk = Risk(float(about.risk_weight), float(about.risk_level))
    spreading = Spreading(float(about.surface_share_max_percent) / 100, about.surfaces_min)
    return Framed(
        given,
        facts,
        kept,
        unplaced,
        terms,
        _only(found, placed),
        ways,
        scenes,
        moves,
        in_force,
        offers,
        risk,
        spreading,
        cone,
        model,
        starts,
        ends,
        spans,
    )


def _fact_days(snapshot: Snapshot) -> tuple[date, ...]:
    """Every day on which a claim of a platform begins or ends: what evidence says can change on no other."""

    def days() -> tuple[date, ...]:
        named = (claim for claim in snapshot.current if claim.surface in ROUTABLE_SURFACES)
        return tuple(
            sorted({day for claim in named for day in (claim.valid_from, claim.valid_until) if day is not None})
        )

    return snapshot.remembered(("decide.fact_days",), days)


def _first_reasons(excluded: Sequence[Excluded]) -> str:
    return "; ".join(f"{out.offer}: {out.reason}" for out in excluded[:_REASONS_SHOWN]) or "nothing is sold that fits"


def _facts(given: Given, parts: Sequence[Part], models: Sequence[str]) -> Facts:
    names = dict.fromkeys((*CACHE_CAPABILITY.values(), *TOOL_CAPABILITY.values()))
    names |= dict.fromkeys(name for part in parts for name in part.requirement.capabilities)
    tiers = given.organisation.about.quota_tiers
    return facts_from(given.snapshot, given.at, sorted(set(models)), tuple(names), tiers)


def _spans(demands: Sequence[Demand]) -> dict[str, float]:
    """Measured days of each workload: those watched at the same time were watched as long as any of them."""
    found: dict[str, float] = {}
    for watched in watches(demands):
        days = max((watched.until - watched.since) / _DAY, _SHORTEST_DAYS)
        found |= dict.fromkeys(watched.workloads, days)
    return found


def _only(ways: Ways, placed: Sequence[int]) -> Ways:
    best = tuple(ways.best[number] for number in placed)
    used = {name for months in best for month in months for name in month}
    kept = {number: index for index, number in enumerate(placed)}
    return Ways(
        surfaces=tuple(name for name in ways.surfaces if name in used),
        months=ways.months,
        best=best,
        every=tuple(ways.every[number] for number in placed),
        excluded=tuple(ways.excluded[number] for number in placed),
        followed=tuple((kept[number], end, heir) for number, end, heir in ways.followed if number in kept),
    )


def _cone(given: Given) -> tuple[Fitted, Paths]:
    organisation = given.organisation
    about = organisation.about
    history = given.history
    if history is None:
        latest = set(watches(given.demands)[-1].workloads)  # what was watched at another time goes with the others
        pace = measure_pace(given.demands, BookMarket(given.book, given.at), latest)
        history = History(pace.names, pace.start, pace.step, _never_nothing(pace.values))
    history = completed(history, tuple(dict.fromkeys(demand.workload for demand in given.demands)))
    beliefs = {
        name: _belief(w.needs.growth) for name, w in organisation.workloads.items() if w.needs.growth is not None
    }
    if about.growth is not None:
        beliefs[EVERY] = _belief(about.growth)
    model, cone = fit_apart(history, beliefs, about.horizon_months, about.scenarios, np.random.default_rng(about.seed))
    years = np.maximum(np.arange(1, about.horizon_months + 1) / 12, 1.0)  # a year's growth is room for months that vary
    ceiling = float(about.growth_ceiling_per_year) ** years
    scale = against_measured(history, model.base, given.demands)[:, None, None]
    return model, replace(cone, paths=np.minimum(cone.paths, ceiling) * scale)


def _never_nothing(values: Array) -> Array:
    """A workload too short to have one whole step goes with the others: nothing is known of a pace of its own."""
    idle = values.sum(axis=1) <= 0
    if not idle.any():
        return values
    others = values[~idle].mean(axis=0) if (~idle).any() else np.ones(values.shape[1])
    return np.asarray(np.where(idle[:, None], others, values))


def _belief(growth: Growth) -> Belief:
    return Belief(float(growth.low), float(growth.point), float(growth.high), growth.note)


def _scenes(
    given: Given, parts: Sequence[Part], ways: Ways, cone: Paths, starts: Sequence[date], moves: Moves
) -> Scenes:
    rows = [cone.names.index(part.workload) for part in parts]
    demand = cone.paths[rows]
    for number in range(len(parts)):
        demand[number, :, : moves.idle(number)] = 0.0  # nothing is used before it begins
    rate = float(given.organisation.about.discount_rate_percent_per_year) / 100
    weight = (1 + rate) ** (-np.arange(len(starts)) / 12)
    return Scenes(tuple(parts), ways.surfaces, tuple(starts), unit_costs(ways), demand, weight)


def _contracts(
    organisation: Organisation, surfaces: Sequence[str], at: date
) -> tuple[tuple[Deal, ...], tuple[Offered, ...]]:
    in_force, offers = [], []
    for name, contract in organisation.contracts.items():
        deal = deal_of(name, contract, surfaces, at)
        if deal is None:
            continue
        if contract.status == "signed":
            in_force.append(deal)
        elif contract.expires is None or contract.expires >= at:
            offers.append(offered(name, contract, deal))
    check_deals([*in_force, *(offer.levels[0] for offer in offers)], surfaces)
    return tuple(in_force), tuple(offers)


def _moves(given: Given, parts: Sequence[Part], surfaces: Sequence[str], waits: tuple[int, ...]) -> Moves:
    """Days of work in money; a workload's move is shared by its parts. What is in use now need not be opened."""
    organisation = given.organisation
    home: list[int | None] = []
    per_workload: dict[str, int] = {}
    for part in parts:
        per_workload[part.workload] = per_workload.get(part.workload, 0) + 1
        surface = part.demand.home.surface
        home.append(surfaces.index(surface) if surface in surfaces else None)
    terms = [organisation.onboarding.get(surface, Onboarding()) for surface in surfaces]
    if organisation.about.nothing_runs:
        home = [None] * len(home)
    used = in_use(organisation, given.demands)
    onboard = np.array(
        [
            0.0 if name in used else middle(entry) * float(entry.usd_per_day) + float(entry.fees_usd)
            for name, entry in zip(surfaces, terms, strict=True)
        ]
    )
    day = np.array([float(entry.switch_days_per_workload * entry.usd_per_day) for entry in terms])
    if organisation.about.nothing_runs:
        day = np.zeros_like(day)  # what runs nowhere yet is not moved
    switch: Array = day[None, :] / np.array([per_workload[part.workload] for part in parts], dtype=np.float64)[:, None]
    opens = opening_months(surfaces, organisation, given.demands, given.at)
    return Moves(tuple(home), switch, onboard, organisation.about.min_stay_months, opens, waits)


def middle(entry: Onboarding) -> float:
    """Days of work to open a surface, between the least and the most."""
    return float(entry.days_low + entry.days_high) / 2


def fits_everywhere(_part: Part, _offer: Offer, _end: date) -> Excluded | None:
    """No needs beyond those the candidates are chosen by."""
    return None


def same_tokens(_model: str, _other: str) -> Fraction:
    """No difference between tokenizers."""
    return Fraction(1)
