"""Rungs of a ladder: two offers of one platform changed at once, where one by one nothing is gained any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from trivium.plan.decide._advice import Offered, Risk
from trivium.plan.decide._deals import Array, Deal, bill
from trivium.plan.decide._joint import Outcome
from trivium.plan.decide._scenes import Scenes, objective

_ROUNDS = 4
_PAIRS_MAX = 600  # pairs of levels tried in a round: a bill each
_PAIR_LEVELS_MIN = 3


def laddered(
    scenes: Scenes, in_force: Sequence[Deal], offers: Sequence[Offered], risk: Risk, outcome: Outcome
) -> Outcome:
    """The same placement with levels that no change of one offer, nor of two on one platform, improves."""
    pairs = [
        (one, other)
        for one, other in combinations(range(len(offers)), 2)
        if set(offers[one].levels[0].surfaces) & set(offers[other].levels[0].surfaces)
    ]
    if not pairs:
        return outcome
    signed = {deal.name: deal for deal in outcome.signed}
    start = [signed.get(offer.levels[0].name) for offer in offers]
    spend = scenes.spend(outcome.shares)
    rungs = _Rungs(scenes, spend, in_force, risk, outcome.moves_usd, start, outcome.totals, outcome.objective)
    width = max(int((_PAIRS_MAX / len(pairs)) ** 0.5), _PAIR_LEVELS_MIN)
    for _ in range(_ROUNDS):
        changed = False
        for one, other in pairs:
            first, second = (_thinned(offers[number].levels, width) for number in (one, other))
            for deal, beside in product((None, *first), (None, *second)):
                changed |= rungs.improved({one: deal, other: beside})
        if not changed:
            break
        for number, offer in enumerate(offers):
            for level in (None, *offer.levels):
                rungs.improved({number: level})
    deals = tuple(deal for deal in rungs.chosen if deal is not None)
    return replace(outcome, signed=deals, totals=rungs.totals, objective=rungs.value)


@dataclass
class _Rungs:
    scenes: Scenes
    spend: Array
    in_force: Sequence[Deal]
    risk: Risk
    moves_usd: float
    chosen: list[Deal | None]
    totals: Array
    value: float

    def improved(self, changes: Mapping[int, Deal | None]) -> bool:
        """Take these levels if they are better."""
        tried = [changes.get(number, deal) for number, deal in enumerate(self.chosen)]
        if tried == self.chosen:
            return False
        deals = [*self.in_force, *(deal for deal in tried if deal is not None)]
        totals = bill(self.spend, deals, self.scenes.month_weight).total + self.moves_usd
        value = objective(totals, self.risk.weight, self.risk.level)
        if value >= self.value - 1e-9:
            return False
        self.chosen, self.totals, self.value = tried, totals, value
        return True


def _thinned(levels: Sequence[Deal], most: int) -> Sequence[Deal]:
    return levels[:: max(-(-len(levels) // most), 1)]
