"""Reserved capacity: how many units of a provisioned offer to take, and what those in force carry.

It is judged beside the plan, whose placement and commitments stay: what units carry no longer runs on demand, so that a
commitment may fall short by it, and that is billed. What does not fit runs as planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil

import numpy as np

from trivium.core import Offer, UserError
from trivium.plan._in_force import place, terms
from trivium.plan._months import DAYS_PER_MONTH, add_months
from trivium.plan._solve import SolverFailed
from trivium.plan.decide._advice import basis_of, saving_spread
from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import YEAR, Array, bill
from trivium.plan.decide._joint_moves import moves_cost
from trivium.plan.decide._load import Load, filled, load_of
from trivium.plan.decide._scenes import cvar, objective
from trivium.plan.decision import Advice, Spread
from trivium.plan.horizon import Instance, Pool, Provisioned, Term, solve_provisioned
from trivium.plan.org import Contract

KINDS = ("provisioned", "reserved")
_HOURS_PER_MONTH = 24 * DAYS_PER_MONTH
_LEVELS_MAX = 48
_SOLVED_CELLS_MAX = 24_000  # parts times scenarios times months: a second or two
_SOLVED_GAP = 0.005
_NOTHING = Spread(0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0))


@dataclass(frozen=True)
class _Reach:
    """Parts and months that a pool may carry (W, T), their load, and what entering its surfaces costs."""

    may: Array
    load: Load
    moves_usd: float
    as_planned: bool


@dataclass(frozen=True)
class _Held:
    """So many units: what everything then costs by scenario, the demand left over, and how well they are used."""

    units: int
    totals: Array
    rest: Array  # (W, S, T)
    used: float  # mean share of the units' capacity
    reach: _Reach | None


def capacity(chosen: Chosen) -> tuple[tuple[Advice, ...], tuple[str, ...]]:
    """Advice on every contract of units, those in force first, and notes on what it leaves out."""
    given = chosen.framed.given
    asked = {name: c for name, c in given.organisation.contracts.items() if c.kind in KINDS and not _over(c, chosen)}
    signed = {name: contract for name, contract in asked.items() if contract.status == "signed"}
    advices: list[Advice] = []
    notes: list[str] = []
    rest = chosen.scenes.demand
    for name, contract in signed.items():
        pool = _Pool(chosen, name, contract, rest)
        advice, held = pool.in_force()
        advices.append(advice)
        notes += pool.notes()
        rest = held.rest
    for name, contract in asked.items():
        if name not in signed:
            pool = _Pool(chosen, name, contract, rest)
            advices.append(pool.advice())
            notes += pool.notes()
    if advices:
        notes.insert(
            0, "units of capacity are judged beside the plan: their cost and saving are in none of its amounts"
        )
    return tuple(advices), tuple(notes)


def _over(contract: Contract, chosen: Chosen) -> bool:
    at = chosen.framed.given.at
    lapsed = contract.status != "signed" and contract.expires is not None and contract.expires < at
    return lapsed or all(end <= at for _, end in terms(contract, at, at + timedelta(days=1)))


class _Pool:
    """One contract against the demand that the units in force leave over."""

    def __init__(self, chosen: Chosen, name: str, contract: Contract, demand: Array) -> None:
        self.chosen, self.name, self.contract, self.demand = chosen, name, contract, demand
        scenes, risk = chosen.scenes, chosen.framed.risk
        self.risk = risk
        horizon = len(scenes.starts)
        at = chosen.framed.given.at
        spans = [tuple(place(at, day) for day in term) for term in terms(contract, at, add_months(at, horizon))]
        months = np.arange(horizon)
        self.runs: Array = sum(  # the share of each month's days
            (np.clip(np.minimum(end, months + 1) - np.maximum(first, months), 0.0, None) for first, end in spans),
            np.zeros(horizon),
        )
        self.beyond = max(ceil(spans[-1][1] - max(spans[0][0], horizon)), 0)
        self.price_month_usd = float(contract.price_usd_per_unit_hour) * _HOURS_PER_MONTH
        self.room = float(contract.unit_tokens_per_minute or 0)
        spend = replace(scenes, demand=demand).spend(chosen.laid.shares)
        paid = bill(spend, chosen.deals, scenes.month_weight)
        self.without = _Held(0, paid.total + chosen.moves_usd, demand, 0.0, None)
        list_usd, net_usd = spend.sum(axis=(1, 2)), paid.paid.sum(axis=(1, 2))
        left = np.divide(net_usd, list_usd, out=np.ones_like(net_usd), where=list_usd > 0)
        used = np.where(chosen.laid.shares > 0, scenes.unit_usd, 0.0) * chosen.laid.shares
        self.planned_usd: Array = np.einsum("wkt,k->wt", used, left)  # a month at the measured pace, as it is paid
        self.reaches = tuple(self._reaches())

    def advice(self) -> Advice:
        """The best number of units, and what every other would have brought."""
        levels = [self._held(units, reach) for reach in self.reaches for units in self._grid(reach)]
        if not levels:
            return self._nothing("do not sign")
        best = min([self.without, *levels], key=self._worth)
        near = best.reach
        if near is not None:  # between two steps of the grid
            step = self._step(near)
            low, high = max(best.units - step + 1, self.contract.units_min), best.units + step
            levels += [self._held(units, near) for units in range(low, high) if units != best.units]
            best = min([self.without, *levels], key=self._worth)
        shown = best if best.units else max(levels, key=lambda found: -float(found.totals.mean()))
        every = np.stack([found.totals for found in (self.without, *levels)])
        regret = float((best.totals - every.min(axis=0)).mean())
        mine = sorted((found for found in levels if found.reach is shown.reach), key=lambda found: found.units)
        return self._told("sign" if best.units else "do not sign", shown, regret, tuple(map(self._point, mine)))

    def in_force(self) -> tuple[Advice, _Held]:
        """What the units that are held carry: they are paid whatever runs on them."""
        if not self.reaches or not self.reaches[0].as_planned:
            return self._nothing("in force"), self.without
        held = self._held(self.contract.units_min, self.reaches[0], paid=True)
        return self._told("in force", held, 0.0, ()), held

    def notes(self) -> Iterator[str]:
        """What is not in the advice."""
        if self.beyond:
            yield f"{self.name}: {self.beyond} months of its term lie beyond the horizon and are not judged"
        if not self.reaches:
            return
        if not self.reaches[0].load.measured:
            yield f"{self.name}: busy moments are stated and not measured, and are taken to fall together"
        told = self._bought_as_needed()
        if told:
            yield f"{self.name}: {told}"

    def _reaches(self) -> Iterator[_Reach]:
        """What runs on it as planned; and with it what else could, its moves paid."""
        planned, able = np.zeros_like(self.planned_usd), np.zeros_like(self.planned_usd)
        framed, contract = self.chosen.framed, self.contract
        for row, part in enumerate(framed.parts):
            for month in np.flatnonzero(self.runs):
                if part.waits:
                    continue
                fit = [way.offer for way in framed.ways.every[row][month] if _carries(contract, way.offer)]
                used = [way.offer for way, _ in self.chosen.laid.ways[row][month] if _carries(contract, way.offer)]
                able[row, month], planned[row, month] = bool(fit or used), bool(used)
        for may in (planned, able) if (able > planned).any() else (planned,):
            if may.any():
                rows = np.flatnonzero(may.any(axis=1))
                days = [framed.span_days[part.workload] for part in framed.parts]
                load = load_of(framed.parts, rows, contract, framed.given.ratio, days)
                yield _Reach(may, load, self._entering(may), as_planned=may is planned)

    def _entering(self, may: Array) -> float:
        framed, shares = self.chosen.framed, self.chosen.laid.shares
        surface = next(n for n, name in enumerate(framed.ways.surfaces) if name in self.contract.surfaces)
        there = shares.copy()
        there[:, surface, :] = np.maximum(there[:, surface, :], may)
        on = [n for n, name in enumerate(framed.ways.surfaces) if name in self.contract.surfaces]
        if (shares[:, on, :].sum(axis=1) >= may).all():
            return 0.0
        return max(moves_cost(there, framed.moves) - self.chosen.moves_usd, 0.0)

    def _use(self, reach: _Reach) -> Array:
        """Room that everything would take at its busy moments (W, S, T)."""
        peak = reach.load.per_minute * reach.load.peak
        return np.asarray(peak[:, None, None] * self.demand * reach.may[:, None, :])

    def _most(self, reach: _Reach) -> int:
        return int(np.ceil(self._use(reach).sum(axis=0).max() / self.room))

    def _step(self, reach: _Reach) -> int:
        return max(-(-(self._most(reach) - self.contract.units_min) // _LEVELS_MAX), 1)

    def _grid(self, reach: _Reach) -> range:
        least = max(self.contract.units_min, 1)
        return range(least, max(self._most(reach), least) + 1, self._step(reach))

    def _held(self, units: int, reach: _Reach, *, paid: bool = False) -> _Held:
        scenes = self.chosen.scenes
        use = self._use(reach)
        per_minute = reach.load.per_minute[:, None] * reach.load.peak
        worth = np.divide(self.planned_usd, per_minute, out=np.zeros_like(self.planned_usd), where=per_minute > 0)
        share = filled(use, worth, units * self.room * self.runs)
        rest = self.demand * (1 - share)
        spend = replace(scenes, demand=rest).spend(self.chosen.laid.shares)
        cost = 0.0 if paid else units * self.price_month_usd * float(scenes.month_weight @ self.runs)
        moves = self.chosen.moves_usd + reach.moves_usd
        carried = float((use * share).sum(axis=(0, 2)).mean()) / reach.load.peak
        used = carried / (units * self.room * float(self.runs.sum())) if units else 0.0
        return _Held(units, bill(spend, self.chosen.deals, scenes.month_weight).total + moves + cost, rest, used, reach)

    def _worth(self, held: _Held) -> float:
        return objective(held.totals, self.risk.weight, self.risk.level)

    def _point(self, held: _Held) -> tuple[float, float, float, float]:
        saving = np.sort(self.without.totals - held.totals)
        low, high = (float(np.quantile(saving, q, method="inverted_cdf")) for q in (0.05, 0.95))
        return self._yearly(held.units), float(saving.mean()), low, high

    def _yearly(self, units: int) -> float:
        return units * self.price_month_usd * YEAR

    def _told(self, verdict: str, held: _Held, regret: float, curve: tuple[tuple[float, ...], ...]) -> Advice:
        saving = self.without.totals - held.totals
        return Advice(
            contract=self.name,
            surfaces=self.contract.surfaces,
            verdict=verdict,
            level_usd_per_year=self._yearly(held.units),
            saving=saving_spread(saving, self.risk),
            regret_usd=regret,
            loss_probability=float((saving < 0).mean()),
            break_even=self._break_even(held),
            curve=curve,  # type: ignore[arg-type]  # four numbers each, see _point
            basis=basis_of(self.contract),
            worst_usd=cvar(self.without.totals, self.risk.level) - cvar(held.totals, self.risk.level),
            units=held.units,
        )

    def _nothing(self, verdict: str) -> Advice:
        contract = self.contract
        text = f"nothing may run {contract.model} on {' and '.join(contract.surfaces)} ({contract.scope}) in its months"
        yearly = self._yearly(contract.units_min) if verdict == "in force" else 0.0
        basis = basis_of(contract)
        units = contract.units_min if verdict == "in force" else 0
        return Advice(self.name, contract.surfaces, verdict, yearly, _NOTHING, 0.0, 0.0, text, (), basis, 0.0, units)

    def _break_even(self, held: _Held) -> str:
        """The mean use of a unit from which it costs less than what it would carry."""
        reach = held.reach
        if reach is None:
            return ""
        weight = self.demand.mean(axis=1) * reach.may
        tokens = float((reach.load.per_minute[:, None] * weight).sum())
        full_usd = self.room * float((self.planned_usd * weight).sum()) / tokens if tokens else 0.0
        if full_usd <= 0:
            return "what it would carry costs nothing as planned"
        point = self.price_month_usd / full_usd
        busy = f"busy moments need {reach.load.peak:.1f} times the mean"
        told = f"with {held.units} units the forecast is {held.used:.0%}; {busy}"
        if point > 1:
            return f"never pays: a full unit costs {point:.2f} times what it carries costs as planned ({told})"
        return f"pays from {point:.0%} mean use of a unit; {told}"

    def _bought_as_needed(self) -> str:
        """The same capacity free to begin in any month, by the horizon's solver: whether to wait or to ladder it."""
        reach = self.reaches[-1]
        rows = np.flatnonzero(reach.may.any(axis=1))
        demand = self.demand[rows]
        if self.contract.status == "signed" or demand.size > _SOLVED_CELLS_MAX:
            return ""
        planned = np.repeat(self.planned_usd[rows][:, None, :], 2, axis=1)
        feasible = np.stack([np.ones_like(reach.may[rows]), reach.may[rows]], axis=1) > 0
        instance = Instance(
            workloads=tuple(self.chosen.framed.parts[row].name for row in rows),
            offers=("as planned", self.name),
            surfaces=("as planned",),
            surface_of=np.zeros(2, dtype=np.int64),
            demand=demand,
            unit_cost_usd=planned,
            feasible=feasible,
            probability=np.full(demand.shape[1], 1 / demand.shape[1]),
            risk_weight=self.risk.weight,
            risk_level=self.risk.level,
            month_weight=self.chosen.scenes.month_weight,
        )
        pool = Pool(self.name, (1,), self.room, (Term(self.contract.term_months, self.price_month_usd),))
        peak = np.full(len(rows), reach.load.peak)
        try:
            found = solve_provisioned(
                instance, Provisioned((pool,), reach.load.per_minute[rows], peak), gap=_SOLVED_GAP
            )
        except (SolverFailed, UserError) as error:
            return f"no plan for units that begin at different times: {error}"
        lots = sorted((lot.month, round(lot.units)) for lot in found.lots)
        if not lots:
            return "no units pay in any month, at the prices that the commitments leave"
        when = ", ".join(f"{units} from {self.chosen.framed.starts[month]}" for month, units in lots)
        saved = found.without_usd - found.objective_usd
        aside = "moves and months beyond the horizon aside"
        return f"taken as needed it would be {when} (worth {saved:,.0f} USD, {aside}, within {found.gap:.1%})"


def _carries(contract: Contract, offer: Offer) -> bool:
    on_demand = offer.surface in contract.surfaces and offer.tier == "standard"
    return on_demand and (offer.model, offer.scope) == (contract.model, contract.scope)
