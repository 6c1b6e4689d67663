"""Why the plan is as it is: binding constraints with their shadow prices, runner-up, break-even, checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from trivium.core import Checkpoint, Money, Offer
from trivium.plan._candidates import Candidate, Choice, Frame, choose_from
from trivium.plan._market import claims_of
from trivium.plan._place import Placement
from trivium.plan._plan import Reason, RunnerUp
from trivium.plan._quotas import best_by_surface

_RATIO = Decimal("0.000001")


def quota_reasons(placement: Placement) -> tuple[Reason, ...]:
    """Quotas whose lifting would make the plan cheaper, with what that would save."""
    found = []
    for group in sorted({row.group for row in placement.problem.rows}):
        quota = placement.quotas[group]
        saved = (placement.solution.cost - placement.cost_without(group)) // placement.problem.parts
        if saved > 0:
            what = (
                f"{quota.surface} admits {quota.limit:,} {quota.metric} ({quota.name}, tier {quota.tier or 'stated'})"
            )
            found.append(Reason(what, Money(saved), quota.claim_ids))
    return tuple(found)


def requirement_reasons(choice: Choice, frame: Frame) -> tuple[Reason, ...]:
    """Requirements that keep a cheaper way closed, with what lifting each alone would save."""
    if not choice.candidates:
        return ()
    least = min(candidate.cost for candidate in choice.candidates)
    need, found = choice.requirement, []
    scopes = ", ".join(need.scopes or sorted({offer.scope for offer, _ in choice.demand.offers}))
    wider = [
        (f"served in {scopes} only", replace(need, scopes=("global",))),
        ("interactive: no batch", replace(need, batchable=True)),
    ]
    if need.surfaces:
        wider.append((f"on {', '.join(need.surfaces)} only", replace(need, surfaces=())))
    for text, relaxed in wider:
        if relaxed == need:
            continue
        opened = choose_from(choice.demand, relaxed, frame).candidates
        saved = least - min((candidate.cost for candidate in opened), default=least)
        if saved > 0:
            found.append(Reason(text, Money(saved)))
    found += _retired_reasons(choice, least, frame)
    return tuple(found)


def _retired_reasons(choice: Choice, least: int, frame: Frame) -> list[Reason]:
    """What it costs that surfaces retire the model within the horizon."""
    lasting = replace(frame, facts=replace(frame.facts, retirements=()))
    opened = choose_from(choice.demand, choice.requirement, lasting).candidates
    cheapest = min(opened, key=lambda candidate: (candidate.cost, candidate.offer))
    leaves = frame.facts.retirement(cheapest.offer.surface, cheapest.offer.model)
    if cheapest.cost >= least or leaves is None:
        return []
    text = f"{leaves.surface} retires {leaves.model} on {leaves.day}"
    return [Reason(text, Money(least - cheapest.cost), leaves.claim_ids)]


def runner_up(choice: Choice, used: Sequence[Candidate], cost: int) -> RunnerUp | None:
    """The best whole placement on a surface that the plan does not use for this workload."""
    surfaces = {candidate.offer.surface for candidate in used}
    others = [c for surface, c in best_by_surface(choice).items() if surface not in surfaces]
    if not others:
        return None
    best = min(others, key=lambda c: (c.cost, c.offer))
    gap = best.cost - cost
    ratio = (Decimal(cost) / Decimal(best.cost)).quantize(_RATIO) if best.cost else None
    return RunnerUp(best.offer, best.life, Money(best.cost), Money(gap), ratio, _flip(best.offer, gap, ratio))


def _flip(offer: Offer, gap: int, ratio: Decimal | None) -> str:
    if gap == 0:
        return f"the same cost at these prices: any discount on {offer.surface} flips the answer"
    if ratio is None:
        return f"{offer.surface} charges nothing for it"
    if gap < 0:
        return f"{offer.surface} would be cheaper, but not within the quotas"
    percent = ((1 - ratio) * 100).quantize(Decimal("0.01"))
    return f"a discount of {percent} % on {offer.surface} flips the answer"


def fallbacks(choice: Choice, used: Sequence[Candidate], most: int = 3) -> tuple[Offer, ...]:
    """Offers on other surfaces for the same model, cheapest first: where requests go when the choice fails."""
    surfaces = {candidate.offer.surface for candidate in used}
    others = [c for surface, c in best_by_surface(choice).items() if surface not in surfaces]
    interactive = [c for c in others if c.offer.tier != "batch"]
    return tuple(c.offer for c in sorted(interactive, key=lambda c: (c.cost, c.offer))[:most])


def checkpoints(choices: Iterable[tuple[Choice, Sequence[Candidate]]], frame: Frame) -> tuple[Checkpoint, ...]:
    """Days on which something the plan rests on ends: retirements, and the windows of the prices it uses."""
    found: dict[tuple[date, str, str], set[str]] = {}
    for choice, used in choices:
        for candidate in used:
            offer = candidate.offer
            subject = f"{offer.model} on {offer.surface}"
            for leaves in frame.facts.retirements:
                if (leaves.surface, leaves.model) == (offer.surface, offer.model) and leaves.day > frame.at:
                    what = "may be retired from this day on" if leaves.floor else "the surface retires the model"
                    found.setdefault((leaves.day, subject, f"{what} ({leaves.status})"), set()).update(leaves.claim_ids)
            for rate in claims_of(choice.demand, offer, candidate.life, frame.market):
                if rate.until is not None:
                    key = (rate.until, subject, "prices it rests on end")
                    found.setdefault(key, set()).update(rate.claim_ids)
    return tuple(Checkpoint(*key, tuple(sorted(ids))) for key, ids in sorted(found.items()))
