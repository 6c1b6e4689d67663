"""Why a part runs where it runs: constraints that bind and their price, the runner-up, and where the answer flips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from msgspec import structs

from trivium.core import Offer
from trivium.plan._demand import Demand
from trivium.plan._market import BookMarket
from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Terms, Way, find_ways
from trivium.plan.decision import Basis, Binding, Flip, Ground, RunnerUp

_CENT = 0.005


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A part with one requirement lifted, and the words for it."""

    constraint: str
    part: Part


def relaxations(part: Part) -> Iterator[Relaxed]:
    """Each requirement of a part lifted by itself."""
    need, requirement = part.needs, part.requirement
    wide = tuple(dict.fromkeys((*(requirement.scopes or _scopes_now(part.demand)), "global")))
    if need.geography:
        lifted = replace(
            part, needs=structs.replace(need, geography="", scopes=()), requirement=replace(requirement, scopes=wide)
        )
        yield Relaxed(f"residency in {need.geography}", lifted)
    elif requirement.scopes and "global" not in requirement.scopes:
        where = ", ".join(requirement.scopes)
        yield Relaxed(f"served only in {where}", replace(part, requirement=replace(requirement, scopes=wide)))
    elif not requirement.scopes and "global" not in _scopes_now(part.demand):
        where = ", ".join(_scopes_now(part.demand))
        lifted = replace(part, requirement=replace(requirement, scopes=wide))
        yield Relaxed(f"stays in the scopes it uses now ({where})", lifted)
    if requirement.surfaces:
        lifted = replace(part, requirement=replace(requirement, surfaces=()))
        yield Relaxed(f"only on {', '.join(requirement.surfaces)}", lifted)
    for name in need.attestations:
        rest = tuple(other for other in need.attestations if other != name)
        yield Relaxed(f"attestation {name}", replace(part, needs=structs.replace(need, attestations=rest)))
    for name in need.data_terms:
        rest = tuple(other for other in need.data_terms if other != name)
        yield Relaxed(f"data terms {name}", replace(part, needs=structs.replace(need, data_terms=rest)))
    for name in requirement.capabilities:
        rest = tuple(other for other in requirement.capabilities if other != name)
        lifted = replace(
            part, needs=structs.replace(need, capabilities=rest), requirement=replace(requirement, capabilities=rest)
        )
        yield Relaxed(f"capability {name}", lifted)


def _scopes_now(demand: Demand) -> tuple[str, ...]:
    return tuple(sorted({offer.scope for offer, _ in demand.offers}))


def bindings(parts: Sequence[Part], chosen: Sequence[Way | None], terms: Terms, at: date, end: date) -> list[Binding]:
    """What lifting each requirement of each workload would save in a month at the measured pace; only what saves."""
    saved: dict[str, tuple[float, set[str], set[str]]] = {}
    for part, way in zip(parts, chosen, strict=True):
        if way is None:
            continue
        lifted = list(relaxations(part))
        usual = find_ways([part], terms, [at], [end]).every[0][0] if lifted else ()
        least = min((other.usd_per_month for other in usual), default=way.usd_per_month)
        for relaxed in lifted:
            found = find_ways([relaxed.part], terms, [at], [end]).every[0][0]
            if not found:
                continue
            best = min(found, key=lambda other: other.span_picos)
            gain = least - best.usd_per_month  # not of the way chosen: a contract may outweigh its list price
            if gain > _CENT:
                total, names, ids = saved.get(relaxed.constraint, (0.0, set(), set()))
                saved[relaxed.constraint] = (
                    total + gain,
                    names | {part.workload},
                    ids | {*way.claim_ids, *best.claim_ids},
                )
    order = sorted(saved.items(), key=lambda item: (-item[1][0], item[0]))
    return [
        Binding(name, total, tuple(sorted(names)), Basis((Ground.MEASURED, Ground.CLAIM), tuple(sorted(ids))))
        for name, (total, names, ids) in order
    ]


def runner_up(way: Way, options: Mapping[str, Way]) -> RunnerUp | None:
    """The cheapest way on another surface, and what would have to change for it to win."""
    others = [other for surface, other in options.items() if surface != way.offer.surface]
    if not others:
        return None
    best = min(others, key=lambda other: (other.span_picos, str(other.offer)))
    gap = best.usd_per_month - way.usd_per_month
    if abs(gap) <= _CENT:
        flips = f"the same cost: any discount on {best.offer.surface} above the cost of moving decides for it"
    elif gap < 0:
        flips = f"cheaper by {-gap / way.usd_per_month:.1%} at list; moving or contracts outweigh it"
    else:
        flips = f"at prices {gap / best.usd_per_month:.1%} below its own it costs the same"
    return RunnerUp(best.offer, best.cache_life, gap, flips)


def cache_flip(part: Part, offer: Offer, market: BookMarket) -> Flip | None:
    """The share of re-use after five minutes and within the hour at which the other cache life becomes cheaper.

    With C tokens under cache control, j of them read within five minutes and g more within the hour, at rates w5, w1
    (writes) and r (reads): 5 m costs w5 (C - j) + r j, 1 h costs w1 (C - j - g) + r (j + g). They are equal at
    g = (w1 - w5)(C - j) / (w1 - r). Rates of the band that holds most cached tokens.
    """
    rows = part.demand.rows
    if not rows or not any(row.cached for row in rows):
        return None
    band = max(rows, key=lambda row: row.cached).band
    rates = market.rates(offer, part.demand.band_starts)[band]
    if not {"cache_write_5m", "cache_write_1h", "cache_read"} <= set(rates):
        return None
    w5, w1, r = (rates[unit].picos for unit in ("cache_write_5m", "cache_write_1h", "cache_read"))
    cached, short = sum(row.cached for row in rows), sum(row.joined_5m for row in rows)
    more = sum(row.joined_1h for row in rows) - short
    if w1 <= r or cached <= 0:
        return None
    equal = (w1 - w5) * (cached - short) / (w1 - r)
    ids = tuple(
        sorted({name for unit in ("cache_write_5m", "cache_write_1h", "cache_read") for name in rates[unit].claim_ids})
    )
    longer = more > equal
    return Flip(
        input=f"{part.workload}/{part.model}: prompt tokens read again after 5 to 60 minutes",
        now=f"{more / cached:.2%}",
        at=f"{equal / cached:.2%}",
        becomes="a cache life of 5 minutes" if longer else "a cache life of an hour",
        basis=Basis((Ground.MEASURED, Ground.CLAIM), ids),
    )
