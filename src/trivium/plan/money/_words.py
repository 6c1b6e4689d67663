"""Why a lever is worth what it is, in a sentence a reader can check against the counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trivium.plan._levers import LEVERS
from trivium.plan.money._values import LeverWorth
from trivium.plan.money._worth import Worth, chosen_way

_KEPT = 3


def why_lever(name: str, item: LeverWorth, table: Worth) -> str:
    """The sentence for one of LEVERS."""
    return _WHY[name](item, table)


def _ways(table: Worth, name: str) -> str:
    opened = LEVERS[: LEVERS.index(name) + 1]
    found: dict[str, None] = {}
    for part in table.parts:
        way = chosen_way(part, opened)
        if way is not None:
            offer, life = way
            found[f"{part.demand.model} on {offer}" + (f" with {life}" if life in {"5m", "1h"} else "")] = None
    names = list(found)
    more = f" and {len(names) - _KEPT} more" if len(names) > _KEPT else ""
    return ", ".join(names[:_KEPT]) + more


def _cache(item: LeverWorth, table: Worth) -> str:
    if not any(row.cached for part in table.parts for row in part.demand.rows):
        return "nothing is cached"
    if not item.step.picos:
        return "the life in use is the cheaper one: dearer writes outweigh the reads they would save"
    if item.low is not None:
        return (
            "fewer prefixes expire in the measured idle gaps; the bill hides what a prompt re-uses after a pause: "
            "taken to be as much as within one, the low end if it were nothing"
        )
    return "writes are cheaper where prefixes would expire anyway, or fewer expire in the measured idle gaps"


def _batch(item: LeverWorth, table: Worth) -> str:
    share = float(
        sum(part.fraction for part in table.parts if part.waits) / max(len({p.demand.model for p in table.parts}), 1)
    )
    if not share:
        return "no share of it may wait a day (needs.batchable_percent)"
    if not item.step.picos:
        return f"{share:.0%} may wait, but a batch counts on no cache hits and costs as much, or none is sold"
    return f"{share:.0%} may wait a day: half the price, and no cache hit is counted on"


def _region(item: LeverWorth, table: Worth) -> str:
    del table
    if item.step.picos:
        return "a wider scope that the workload may use costs less"
    if item.closed is not None and item.closed.picos:
        return "its residency keeps it in a scope that costs a premium"
    return "it already runs in the cheapest scope it may use"


def _model(item: LeverWorth, table: Worth) -> str:
    allowed = sorted({name for part in table.parts for name in part.choice.requirement.models})
    if not allowed:
        return "no other model is allowed (needs.models)"
    if not item.step.picos:
        return f"none of {', '.join(allowed)} costs less for the same text"
    counted = "token counts scaled to its tokenizer" if item.low is not None else "same token counts, one tokenizer"
    return f"{_ways(table, 'model')}; {counted}; quality is yours to measure"


def _contract(item: LeverWorth, table: Worth) -> str:
    if not any(part.prices.has_contracts for part in table.parts):
        return "no signed discount and no contracted price is known"
    return "signed prices against list" if item.step.picos else "what is signed holds elsewhere than where it runs"


def _surface(item: LeverWorth, table: Worth) -> str:
    if not item.step.picos:
        return "no other surface that it may use costs less"
    return _ways(table, "surface") or "another surface costs less for the same use"


_WHY: Mapping[str, Callable[[LeverWorth, Worth], str]] = {
    "cache_life": _cache,
    "batch": _batch,
    "region_scope": _region,
    "model": _model,
    "contract": _contract,
    "surface": _surface,
}
