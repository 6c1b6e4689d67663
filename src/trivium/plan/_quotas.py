"""Findings on quotas: what the plan uses of each at its busiest minute, and which placements would break one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from trivium.core import PICOS_PER_USD, Money
from trivium.plan._candidates import Candidate, Choice
from trivium.plan._demand import Minute
from trivium.plan._facts import Facts, Quota
from trivium.plan._place import Placement
from trivium.plan._plan import QuotaFinding

THE_PLAN = "the plan"
_MONTH_DAYS = 30


def quota_findings(placement: Placement, facts: Facts, span_days: Decimal) -> tuple[QuotaFinding, ...]:
    """The plan against every quota it touches, then every workload put whole on one surface, where that breaks one."""
    found = [*_of_plan(placement, placement.quotas), *_of_plan(placement, facts.other_quotas, broken_only=True)]
    for choice in placement.choices:
        found += _of_choice(choice, placement.quotas)
    return (*found, *_caps(placement, facts, span_days), *_unknown(placement))


def _of_plan(placement: Placement, quotas: Iterable[Quota], *, broken_only: bool = False) -> Iterator[QuotaFinding]:
    for quota in quotas:
        loads: dict[int, int] = {}
        for number, choice in enumerate(placement.choices):
            for candidate, parts in placement.shares(number):
                found = choice.candidates[candidate]
                if quota.covers(found.offer):
                    for minute, load in quota.drawn(choice.demand, found.life).items():
                        loads[minute] = loads.get(minute, 0) + load * parts
        finding = _finding(THE_PLAN, quota, loads, placement.problem.parts)
        if finding is not None and (finding.breaks or not broken_only):
            yield replace(finding, enforced=not broken_only)


def _of_choice(choice: Choice, quotas: Iterable[Quota]) -> Iterator[QuotaFinding]:
    """What would break if the whole workload ran on a surface, in the cache life that is cheapest there."""
    for candidate in best_by_surface(choice).values():
        for quota in quotas:
            if quota.covers(candidate.offer):
                loads = quota.drawn(choice.demand, candidate.life)
                finding = _finding(f"{choice.demand.workload}/{choice.demand.model}", quota, loads, 1)
                if finding is not None and finding.breaks:
                    yield finding


def best_by_surface(choice: Choice) -> Mapping[str, Candidate]:
    """The cheapest candidate on every surface; the shorter cache life among equals."""
    found: dict[str, Candidate] = {}
    for candidate in choice.candidates:
        before = found.get(candidate.offer.surface)
        if before is None or (candidate.cost, candidate.life != "5m") < (before.cost, before.life != "5m"):
            found[candidate.offer.surface] = candidate
    return found


def _finding(subject: str, quota: Quota, loads: Mapping[int, int], parts: int) -> QuotaFinding | None:
    if not loads:
        return None
    minute, load = max(loads.items(), key=lambda item: (item[1], -item[0]))
    return QuotaFinding(
        subject=subject,
        pool=f"{quota.surface} ({quota.name})",
        metric=quota.metric,
        tier=quota.tier,
        limit=quota.limit,
        peak=-(-load // parts),
        peak_minute=Minute(minute, 0, 0, 0, 0, 0, 0).at.isoformat(),
        breaks=load > quota.limit * parts,
        claim_ids=quota.claim_ids,
        note=quota.note,
    )


def _caps(placement: Placement, facts: Facts, span_days: Decimal) -> Iterator[QuotaFinding]:
    """A month at the measured pace against the spend caps of the surfaces in use; not from less than a day."""
    if span_days < 1:
        return
    spent: dict[str, int] = {}
    for number, choice in enumerate(placement.choices):
        used = placement.shares(number)
        for candidate, parts in used:
            found = choice.candidates[candidate]
            cost = found.cost if len(used) == 1 else found.split_cost
            spent[found.offer.surface] = spent.get(found.offer.surface, 0) + cost * parts
    for cap in facts.caps:
        if cap.surface in spent:
            month = Money(spent[cap.surface] * _MONTH_DAYS * 1000 // (placement.problem.parts * int(span_days * 1000)))
            yield QuotaFinding(
                THE_PLAN,
                f"{cap.surface} (all models)",
                "USD a month",
                cap.tier,
                int(cap.amount.usd),
                -(-month.picos // PICOS_PER_USD),
                "",
                breaks=month > cap.amount,
                claim_ids=cap.claim_ids,
                note=f"{_MONTH_DAYS} days at the measured pace",
            )


def _unknown(placement: Placement) -> Iterator[QuotaFinding]:
    """Placed offers for which no quota is known at all: unknown is not unlimited."""
    seen = set()
    for number, choice in enumerate(placement.choices):
        for candidate, _ in placement.shares(number):
            offer = choice.candidates[candidate].offer
            key = (offer.surface, offer.model)
            if key in seen or offer.tier == "batch" or any(quota.covers(offer) for quota in placement.quotas):
                continue
            seen.add(key)
            peak = choice.demand.peak().get("input", 0) + choice.demand.peak().get("cache_write", 0)
            yield QuotaFinding(
                THE_PLAN,
                f"{offer.surface} ({offer.model})",
                "itpm",
                "",
                None,
                peak,
                "",
                breaks=False,
                claim_ids=(),
                note="no quota is stated for that day: ask the surface, or enter yours as a claim",
            )
