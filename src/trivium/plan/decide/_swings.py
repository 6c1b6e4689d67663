"""The tornado: the cost of the plan as it is, with each input at its low and at its high end."""

from __future__ import annotations

import numpy as np

from trivium.plan.decide._choose import Chosen
from trivium.plan.decide._deals import Array
from trivium.plan.decide._risks import swings
from trivium.plan.decision import Swing

_TENTH = 0.1
_LOW, _HIGH = 0.1, 0.9


def inputs_swung(chosen: Chosen) -> tuple[Swing, ...]:
    """Demand at 10 and 90 %, hit rate and output ten percent either way, list prices ten percent either way."""
    scenes, shares, deals = chosen.scenes, chosen.laid.shares, chosen.deals
    ends: dict[str, tuple[str, str, Array, Array]] = {}
    spend = scenes.spend(shares)
    mean = float(spend.sum(axis=(0, 2)).mean())
    if mean <= 0:
        return ()
    totals = spend.sum(axis=(0, 2))
    low, high = (float(np.quantile(totals, q, method="inverted_cdf")) / mean for q in (_LOW, _HIGH))
    ends["demand over the horizon"] = (f"{low:.2f} times its mean", f"{high:.2f} times", _one(low), _one(high))
    ends["list prices"] = ("10 % lower", "10 % higher", _one(1 - _TENTH), _one(1 + _TENTH))
    for number, surface in enumerate(scenes.surfaces):
        if float(spend[number].sum()) > 0:
            lower = np.ones((len(scenes.surfaces), 1, 1))
            higher = lower.copy()
            lower[number], higher[number] = 1 - _TENTH, 1 + _TENTH
            ends[f"prices of {surface} alone"] = ("10 % lower", "10 % higher", lower, higher)
    ends |= _mix(chosen)
    return swings(scenes, shares, deals, ends, chosen.moves_usd)


def _one(factor: float) -> Array:
    return np.full((1, 1, 1), factor)


def _mix(chosen: Chosen) -> dict[str, tuple[str, str, Array, Array]]:
    """How the cost of all changes with a tenth more or less output, and with a tenth of the cached reads missed."""
    total = output = missed = 0.0
    framed, shares = chosen.framed, chosen.laid.shares
    for number, part in enumerate(framed.parts):
        month = chosen.served[number]
        surface = framed.ways.surfaces[int(np.argmax(shares[number, :, month]))]
        way = framed.ways.best[number][month][surface]
        days, fraction = framed.span_days[part.workload], float(part.fraction)
        market = framed.market
        rates = market.rates(way.offer, part.demand.band_starts)
        for row in part.demand.rows:
            unit = rates[row.band]
            weight = fraction / days * float(framed.terms.ratio(part.model, way.offer.model))
            if "output" in unit:
                output += weight * row.output * unit["output"].picos
            read = row.joined_1h if way.cache_life == "1h" else row.joined_5m
            write = "cache_write_1h" if way.cache_life == "1h" else "cache_write_5m"
            if write in unit and "cache_read" in unit:
                missed += weight * read * (unit[write].picos - unit["cache_read"].picos)
        total += float(way.span_picos) / days
    if total <= 0:
        return {}
    found = {}
    if output:
        share = _TENTH * output / total
        found["length of answers"] = ("10 % shorter", "10 % longer", _one(1 - share), _one(1 + share))
    if missed:
        share = _TENTH * missed / total
        found["cache hits"] = ("10 % more of them", "10 % of them missed", _one(1 - share), _one(1 + share))
    return found
