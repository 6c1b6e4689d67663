"""What it would be worth if a platform showed an attestation or data term that no counted claim shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from trivium.plan._candidates import Excluded
from trivium.plan.decide._frame import Framed
from trivium.plan.decide._parts import Part
from trivium.plan.decision import WhatIfTrue
from trivium.plan.questions import Ask, feasibility

_CENT = 0.005
Priced = Callable[[Part, Excluded], float | None]  # what a part would cost a month on an offer that is out


def attested(framed: Framed, monthly_usd: Sequence[float], priced: Priced) -> tuple[WhatIfTrue, ...]:
    """By platform and what it would have to show: each part moves to its cheapest offer there, moves aside.

    Only where a claim speaks of it and does not show it: of what nobody speaks there is nothing to confirm.
    """
    months = float((framed.scenes.demand.mean(axis=(0, 1)) * framed.scenes.month_weight).sum())
    worth: dict[tuple[str, tuple[str, ...]], dict[str, float]] = {}
    claims: dict[tuple[str, tuple[str, ...]], str] = {}
    for part, cost, excluded in zip(framed.parts, monthly_usd, framed.ways.excluded, strict=True):
        if not (part.needs.attestations or part.needs.data_terms):
            continue
        for out in excluded:
            then = priced(part, out)
            if then is None or cost - then <= _CENT:
                continue
            asks = _only_asked(framed, part, out)
            named = [name for ask in asks for name in ask.claim_ids]
            if named:
                key = out.offer.surface, tuple(sorted({ask.need for ask in asks}))
                claims.setdefault(key, named[0])
                saved = worth.setdefault(key, {})
                saved[part.name] = max(saved.get(part.name, 0.0), (cost - then) * months)
    found = [
        WhatIfTrue(
            claims[surface, needs],
            f"{surface} showed {' and '.join(needs)} for what {', '.join(saved)} would use there",
            sum(saved.values()),
            f"{', '.join(saved)} would move there; ask {surface} to attest it",
        )
        for (surface, needs), saved in worth.items()
    ]
    return tuple(sorted(found, key=lambda item: (-item.saving_usd, item.claim_id)))


def _only_asked(framed: Framed, part: Part, out: Excluded) -> tuple[Ask, ...]:
    """What alone keeps an offer out, if all of it is attestations and terms that are not shown; else nothing."""

    def verdict(attestations: tuple[str, ...], terms: tuple[str, ...]) -> tuple[bool, tuple[Ask, ...]]:
        needs = structs.replace(part.needs, attestations=attestations, data_terms=terms)
        found = feasibility(part.demand, needs, out.offer, framed.ends[0], framed.given.snapshot)
        return found.ok, found.asks

    if not verdict((), ())[0]:
        return ()
    each = [verdict((name,), ()) for name in part.needs.attestations]
    each += [verdict((), (name,)) for name in part.needs.data_terms]
    if any(not ok and not asks for ok, asks in each):
        return ()
    return tuple(ask for ok, asks in each if not ok for ask in asks)
