"""What each lever is worth against the measured baseline: alone, and as a step of the chosen combination.

The steps stand in a fixed order and open one choice after the other: cache life, batch, region scope, model,
contract, surface. What remains is what quotas and divided workloads cost. The steps and the rest add up, exactly, to
the baseline minus the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trivium.core import AmbiguousOffer, Money, NoPrice, Offer
from trivium.plan._candidates import Choice, Frame, choose_from, lives
from trivium.plan._demand import BandUsage, Demand
from trivium.plan._market import AS_SENT, UNCACHED, Market, demand_cost

LEVERS = ("cache_life", "batch", "region_scope", "model", "contract", "surface")
FOCUS = LEVERS  # the waterfall opens them in this order


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever: its saving alone, its step in the combination, what it would be worth if it were allowed, and why."""

    name: str
    alone: Money
    step: Money
    reason: str
    closed: Money | None = None  # worth of what the requirements or facts do not allow; None where nothing is closed


@dataclass(frozen=True)
class Prices:
    """The market as it is, and without contracts."""

    contracted: Market
    listed: Market

    def market(self, opened: frozenset[str]) -> Market:
        """List prices until the contract lever is opened."""
        return self.contracted if "contract" in opened else self.listed

    @property
    def has_contracts(self) -> bool:
        """Whether there is anything but list prices."""
        return self.contracted is not self.listed


def measured_life(demand: Demand) -> str:
    """The cache life in use: `1h` or `5m`, or `as_sent` where both are."""
    short, long = (sum(getattr(row, name) for row in demand.rows) for name in ("write_5m", "write_1h"))
    if short and long:
        return AS_SENT
    return "1h" if long else "5m"


def best_cost(choice: Choice, opened: frozenset[str], prices: Prices) -> int:
    """The least cost of a demand if only the opened levers may change it; its quotas apart."""
    demand, market = choice.demand, prices.market(opened)
    life_now = measured_life(demand)
    options = lives(demand) if "cache_life" in opened else (AS_SENT,)
    groups: dict[Offer, list[BandUsage]] = {}
    for row in demand.rows:
        groups.setdefault(row.offer, []).append(row)
    costs = []
    for life in dict.fromkeys((AS_SENT, *options)):
        by_group = [_group_costs(choice, rows, life, opened, market) for rows in groups.values()]
        if all(by_group):  # else some present offer has no price for that cache life
            costs.append(sum(min(found) for found in by_group))
        if "surface" in opened:
            costs += _moved_whole(choice, life_now if life == AS_SENT else life, opened, market)
    return min(costs)


def _group_costs(
    choice: Choice, rows: Sequence[BandUsage], life: str, opened: frozenset[str], market: Market
) -> list[int]:
    """The rows of one present offer: as they are, or on what the opened levers make of that offer; what has a price."""
    now, starts = rows[0].offer, choice.demand.band_starts
    if life == AS_SENT:  # what was measured must have a price, or there is nothing to save against: NoPrice
        costs = [demand_cost(rows, now, life, market, starts, joined=False)]
    else:
        costs = _try(rows, now, life, market, starts, joined=False)
    for offer in _allowed(choice, now, opened - {"surface"}):
        costs += _try(rows, offer, UNCACHED if offer.tier == "batch" else life, market, starts, joined=False)
    return costs


def _moved_whole(choice: Choice, life: str, opened: frozenset[str], market: Market) -> list[int]:
    demand = choice.demand
    costs = []
    for now, _ in demand.offers:
        for offer in _allowed(choice, now, opened):
            on = UNCACHED if offer.tier == "batch" else life
            costs += _try(demand.rows, offer, on, market, demand.band_starts)
    return costs


def _try(
    rows: Iterable[BandUsage], offer: Offer, life: str, market: Market, starts: Sequence[int], *, joined: bool = True
) -> list[int]:
    try:
        return [demand_cost(rows, offer, life, market, starts, joined=joined)]
    except (NoPrice, AmbiguousOffer):  # a listed offer may exist only under contract, and the other way round
        return []


def _allowed(choice: Choice, now: Offer, opened: frozenset[str]) -> Iterable[Offer]:
    """Candidate offers that differ from the present one only where a lever is opened."""
    for offer in dict.fromkeys(candidate.offer for candidate in choice.candidates):
        fixed = replace(
            offer,
            surface=offer.surface if "surface" in opened else now.surface,
            scope=offer.scope if "region_scope" in opened else now.scope,
            model=offer.model if "model" in opened else now.model,
            tier=offer.tier if "batch" in opened else now.tier,
        )
        if fixed == offer:
            yield offer


def total(choices: Sequence[Choice], opened: Iterable[str], prices: Prices) -> int:
    """The least cost of everything with some levers opened, in pico-dollars."""
    names = frozenset(opened)
    return sum(best_cost(choice, names, prices) for choice in choices)


def levers(choices: Sequence[Choice], prices: Prices, frame: Frame) -> tuple[tuple[Lever, ...], Money, Money]:
    """The lever table, the baseline at list prices, and the cost with every lever open, before quotas."""
    baseline = total(choices, (), prices)
    before = baseline
    found = []
    for number, name in enumerate(LEVERS, 1):
        after = total(choices, LEVERS[:number], prices)
        alone = Money(baseline - total(choices, (name,), prices))
        closed = _closed(name, choices, prices, frame)
        reason = _reason(name, alone, closed, choices, prices)
        found.append(Lever(name, alone, Money(before - after), reason, closed))
        before = after
    return tuple(found), Money(baseline), Money(before)


def _closed(name: str, choices: Sequence[Choice], prices: Prices, frame: Frame) -> Money | None:
    """What a lever would bring if every workload were allowed to use it, above what it brings now."""
    if name not in {"batch", "region_scope"}:
        return None
    open_frame = replace(frame, market=prices.listed)
    wider = []
    for choice in choices:
        need = choice.requirement
        need = replace(need, batchable=True) if name == "batch" else replace(need, scopes=("global",))
        wider.append(choose_from(choice.demand, need, open_frame))
    worth = total(choices, (name,), prices) - sum(
        min(best_cost(choice, frozenset((name,)), prices), best_cost(open_, frozenset((name,)), prices))
        for choice, open_ in zip(choices, wider, strict=True)
    )
    return Money(worth)


def _reason(name: str, alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    return {
        "cache_life": _reason_cache,
        "batch": _reason_batch,
        "region_scope": _reason_region,
        "model": _reason_model,
        "contract": _reason_contract,
        "surface": _reason_surface,
    }[name](alone, closed, choices, prices)


def _by_life(choices: Sequence[Choice], prices: Prices) -> Mapping[str, list[str]]:
    result: dict[str, list[str]] = {"longer": [], "kept": []}
    for choice in choices:
        gains = best_cost(choice, frozenset(("cache_life",)), prices) < best_cost(choice, frozenset(), prices)
        result["longer" if gains else "kept"].append(f"{choice.demand.workload}/{choice.demand.model}")
    return result


def _reason_cache(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    del closed
    if not any(row.cached for choice in choices for row in choice.demand.rows):
        return "nothing is cached"
    if not alone.picos:
        return "the life in use is already the cheaper one everywhere: dearer writes outweigh the reads they would save"
    changed = ", ".join(_by_life(choices, prices)["longer"])
    return f"another cache life is cheaper for {changed}: fewer prefixes expire in its idle gaps"


def _reason_batch(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    waiting = [choice.demand.workload for choice in choices if choice.requirement.batchable]
    if not waiting:
        least = closed.rounded() if closed is not None and closed.picos else "0"
        most = _batch_with_hits(choices, prices).rounded()
        return (
            f"interactive: no workload may wait for a batch; it would be worth {least} USD if a batch finds nothing in "
            f"the cache, up to {most} if it finds all that is found today"
        )
    if not alone.picos:
        return "half the price does not make up for the cache hits that a batch cannot count on, or no batch is sold"
    return f"half the price for {', '.join(dict.fromkeys(waiting))}, counting on no cache hits"


def _batch_with_hits(choices: Sequence[Choice], prices: Prices) -> Money:
    """What batches would save with today's cache hits, which no surface promises: the upper end."""
    saved = 0
    for choice in choices:
        starts = choice.demand.band_starts
        for row in choice.demand.rows:
            now = demand_cost((row,), row.offer, AS_SENT, prices.listed, starts)
            batch = _try((row,), replace(row.offer, tier="batch"), AS_SENT, prices.listed, starts)
            saved += max(now - min(batch, default=now), 0)
    return Money(saved)


def _reason_region(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    del choices, prices
    if alone.picos:
        return "a wider region scope that the requirements allow costs less"
    if closed is not None and closed.picos:
        return "each workload stays in the scopes it needs; global would be cheaper if it were allowed"
    return "everything already runs in the cheapest scope it may use"


def _reason_model(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    del closed, prices
    opened = sorted({model for choice in choices for model in choice.requirement.models})
    if not opened:
        return "no other model is allowed; --allow-model WORKLOAD=MODEL opens one"
    if not alone.picos:
        return f"none of {', '.join(opened)} is cheaper for the same tokens"
    return f"same token counts assumed on {', '.join(opened)}: tokenizers differ between models and are not modelled"


def _reason_contract(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    del closed
    if not prices.has_contracts:
        return "no contracted price is known; an organisation's own claims add them"
    if alone.picos:
        return "contracted prices against list"
    if _contract_elsewhere(choices, prices):
        return "the contracted prices hold on another surface than the present one: they count in the step `surface`"
    return "the contracted prices equal the list for this usage"


def _contract_elsewhere(choices: Sequence[Choice], prices: Prices) -> bool:
    """Whether contracted prices are worth something only to who moves."""
    return prices.has_contracts and total(choices, ("contract", "surface"), prices) < total(
        choices, ("surface",), prices
    )


def _reason_surface(alone: Money, closed: Money | None, choices: Sequence[Choice], prices: Prices) -> str:
    del closed
    if alone.picos:
        spread = any(len({offer.surface for offer, _ in choice.demand.offers}) > 1 for choice in choices)
        return (
            "conversations kept on one surface read more from its cache"
            if spread
            else "another surface sells the same model for less"
        )
    if _contract_elsewhere(choices, prices):
        return "at list prices every surface charges the same; the contracted prices are reached by moving to theirs"
    return "per token, every surface that sells these models charges the same list price"
