"""What every lever is worth on the measured span, exact to the pico-dollar, in a fixed order of steps that add up.

The parts of a workload that may wait for a batch are priced as such and without cache hits; another model's tokens are
counted by its own tokenizer. Quotas and divided workloads are the optimiser's business and are not in these amounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from trivium.core import Money, NoPrice, Offer
from trivium.plan._candidates import CACHE_CAPABILITY, TOOL_CAPABILITY, Choice, Frame, choose_from, lives, scopes_of
from trivium.plan._claims import facts_from
from trivium.plan._demand import Demand
from trivium.plan._facts import Facts, Requirement
from trivium.plan._levers import LEVERS, Prices, best_cost
from trivium.plan._market import AS_SENT, UNCACHED, BookMarket, Market, Rate, claims_of, demand_cost
from trivium.plan.decision import Ground
from trivium.plan.money._basis import basis_of
from trivium.plan.money._calendar import in_force
from trivium.plan.money._tokens import DiscountMarket, TokenMarket, token_ratio
from trivium.plan.money._values import LEVER_NAMES, LeverWorth, PriceAsk

_WINDOW = "context_window_tokens"
Pick = Callable[[str, str], Fraction]  # tokens of the second model for one of the first


@dataclass(frozen=True)
class Part:
    """A share of one demand with what it may choose from, and its prices by its own token counts."""

    demand: Demand
    fraction: Fraction
    waits: bool
    choice: Choice
    prices: Prices
    frame: Frame

    def cost(self, opened: Iterable[str]) -> Fraction:
        """The least cost with some levers open, in pico-dollars; NoPrice where what runs now has none."""
        return self.fraction * best_cost(self.choice, frozenset(opened), self.prices)


@dataclass(frozen=True)
class Worth:
    """The lever table of a workload and what it was computed from."""

    levers: tuple[LeverWorth, ...]
    parts: tuple[Part, ...]
    facts: Facts
    measured: Money
    levered: Money


def facts_of(ask: PriceAsk) -> Facts:
    """Quotas, capabilities and retirements that bear on the workload's models."""
    models = sorted({demand.model for demand in ask.demands} | set(ask.needs.models))
    names = tuple(dict.fromkeys((*CACHE_CAPABILITY.values(), *TOOL_CAPABILITY.values(), *ask.needs.capabilities)))
    tiers = {surface: tier for surface, tier in ask.quota_tiers.items() if surface in ask.surfaces}
    return facts_from(ask.snapshot, ask.at, models, names, tiers)


def discounts_of(ask: PriceAsk) -> dict[str, Fraction]:
    """The share off every price of a surface, by signed contracts in force on the day; the largest where several."""
    found: dict[str, Fraction] = {}
    for contract in ask.contracts.values():
        if in_force(contract, ask.at, ask.at):
            for surface in contract.surfaces:
                found[surface] = max(found.get(surface, Fraction(0)), Fraction(contract.discount_percent) / 100)
    return {surface: share for surface, share in found.items() if share}


def worth(ask: PriceAsk, facts: Facts) -> Worth:
    """The lever table; NoPrice if what runs now has no price on the day."""
    ratio = token_ratio(ask.snapshot, ask.at)
    parts = parts_of(ask, facts, lambda first, second: ratio(first, second).point)
    steps = _totals(parts)
    swaps = sorted({(p.demand.model, name) for p in parts for name in p.choice.requirement.models})
    across = [ratio(*pair) for pair in swaps if ratio(*pair).across]
    ends: list[int] = []
    if across:
        position = LEVERS.index("model")
        for pick in (lambda a, b: ratio(a, b).low, lambda a, b: ratio(a, b).high):
            other = _totals(parts_of(ask, facts, pick))
            ends.append(other[position] - other[position + 1])
    none_kept = Money(steps[0] - round(sum(_nothing_re_used(part) for part in parts)))
    table = []
    for number, name in enumerate(LEVERS):
        step = Money(steps[number] - steps[number + 1])
        alone = Money(steps[0] - round(sum(part.cost((name,)) for part in parts)))
        ids = _claims(parts, LEVERS[: number + 1]) if step.picos or alone.picos else ()
        grounds = [Ground.MEASURED]
        if name == "model" and across:
            ids = (*ids, *(claim for found in across for claim in found.claim_ids))
        if name == "contract" and discounts_of(ask):
            grounds.append(Ground.CONTRACT)
        if name in {"batch", "model", "region_scope"}:
            grounds.append(Ground.ASSUMPTION)
        table.append(
            LeverWorth(
                name=LEVER_NAMES[name],
                step=step,
                alone=alone,
                closed=_closed(name, ask, facts, parts),
                why="",
                basis=basis_of(ask.snapshot, ids, *grounds),
                low=Money(min(ends)) if name == "model" and ends else None,
                high=Money(max(ends)) if name == "model" and ends else None,
            )
        )
        if name == "cache_life" and step.picos and none_kept < step:
            table[-1] = replace(table[-1], low=none_kept, high=step)
    return Worth(tuple(table), parts, facts, Money(steps[0]), Money(steps[-1]))


def parts_of(ask: PriceAsk, facts: Facts, pick: Pick, *, wider: str = "") -> tuple[Part, ...]:
    """The workload's demands, each divided into what may wait and what may not; `wider` allows a lever to all."""
    waiting = Fraction(1) if wider == "batch" else Fraction(ask.needs.batchable_percent) / 100
    base = BookMarket(ask.book, ask.at)
    same = ask.list_book is None or ask.list_book.digest == ask.book.digest
    listed = base if same or ask.list_book is None else BookMarket(ask.list_book, ask.at)
    discounts = discounts_of(ask)
    contracted: Market = DiscountMarket(base, discounts) if discounts else base
    found = []
    for demand in ask.demands:
        own = TokenMarket(contracted, demand.model, pick)
        plain = own if contracted is listed else TokenMarket(listed, demand.model, pick)
        frame = Frame(own, facts, ask.at, surfaces=ask.surfaces)
        for waits, fraction in ((False, 1 - waiting), (True, waiting)):
            if not fraction:
                continue
            need = requirement_of(ask, demand, waits=waits)
            if wider == "region_scope":
                need = replace(need, scopes=tuple(dict.fromkeys(("global", *scopes_of(demand, need)))))
            choice = choose_from(demand, need, frame)
            kept = (c for c in choice.candidates if _holds(demand, c.offer, facts, pick) and _fits(ask, c.offer, wider))
            choice = replace(choice, candidates=tuple(kept))
            found.append(Part(demand, fraction, waits, choice, Prices(own, plain), frame))
    return tuple(found)


def _holds(demand: Demand, offer: Offer, facts: Facts, pick: Pick) -> bool:
    """Whether the longest prompt fits the context window once another tokenizer has counted it."""
    window = facts.capability(offer.surface, offer.model, _WINDOW).value.split(" ", 1)[0].replace(",", "")
    ratio = pick(demand.model, offer.model)
    return ratio <= 1 or not window.isdigit() or demand.prompt_tokens_max * ratio <= int(window)


def _fits(ask: PriceAsk, offer: Offer, wider: str) -> bool:
    """What evidence allows; what a lever would be worth if it were allowed asks for prices alone."""
    return bool(wider) or ask.fits is None or ask.fits(offer)


def requirement_of(ask: PriceAsk, demand: Demand, *, waits: bool) -> Requirement:
    """What the organisation says of the workload, for one of its models."""
    needs = ask.needs
    return Requirement(
        workload=demand.workload,
        models=tuple(model for model in needs.models if model != demand.model),
        scopes=needs.scopes or ((needs.geography,) if needs.geography else ()),
        surfaces=ask.surfaces,
        batchable=waits,
        capabilities=needs.capabilities,
    )


def _totals(parts: Sequence[Part]) -> list[int]:
    """Pico-dollars with no lever open, then with one more each; rounded once each, so that steps add up exactly."""
    return [round(sum(part.cost(LEVERS[:number]) for part in parts)) for number in range(len(LEVERS) + 1)]


def _nothing_re_used(part: Part) -> Fraction:
    """What the cheaper life would cost if no prompt were re-used after a pause that the bill hides; in pico-dollars."""
    demand, market = part.demand, part.prices.market(frozenset())
    total = 0
    for offer in {row.offer for row in demand.rows}:
        rows = [row for row in demand.rows if row.offer == offer]
        costs = {AS_SENT: demand_cost(rows, offer, AS_SENT, market, demand.band_starts, joined=False)}
        for life in lives(demand):
            with suppress(NoPrice):
                costs[life] = demand_cost(rows, offer, life, market, demand.band_starts, joined=False)
        best = min(costs, key=lambda life: costs[life])
        bare = [replace(row, here_5m=min(row.here_5m, row.read), here_1h=min(row.here_1h, row.read)) for row in rows]
        total += demand_cost(bare, offer, best, market, demand.band_starts, joined=False)
    return part.fraction * total


def _closed(name: str, ask: PriceAsk, facts: Facts, parts: Sequence[Part]) -> Money | None:
    """What a lever would bring if the whole workload were allowed to use it, beyond what it brings now."""
    if name not in {"batch", "region_scope"}:
        return None
    ratio = token_ratio(ask.snapshot, ask.at)
    opened = parts_of(ask, facts, lambda first, second: ratio(first, second).point, wider=name)
    now = round(sum(part.cost((name,)) for part in parts))
    return Money(max(now - round(sum(part.cost((name,)) for part in opened)), 0))


def chosen_way(part: Part, opened: Iterable[str]) -> tuple[Offer, str] | None:
    """The candidate a part ends on with these levers open, None if it stays as it is."""
    target = best_cost(part.choice, frozenset(opened), part.prices)
    if target == best_cost(part.choice, frozenset(), part.prices):
        return None
    for candidate in sorted(part.choice.candidates, key=lambda c: c.cost):
        if candidate.cost == target:
            return candidate.offer, candidate.life
    return None


def _claims(parts: Sequence[Part], opened: Iterable[str]) -> tuple[str, ...]:
    names = tuple(opened)
    found: dict[str, None] = {}
    for part in parts:
        market = part.prices.market(frozenset(names))
        way = chosen_way(part, names)
        pairs = [(offer, AS_SENT) for offer, _ in part.demand.offers]
        for offer, life in [*pairs, *([way] if way else [])]:
            rates: tuple[Rate, ...] = claims_of(part.demand, offer, UNCACHED if offer.tier == "batch" else life, market)
            found |= dict.fromkeys(claim for rate in rates for claim in rate.claim_ids)
    return tuple(found)
