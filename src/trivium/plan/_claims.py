"""Reads what a plan needs from a snapshot: quotas, spend caps, capabilities, retirements.

The claims hold the facts, this the grammar. A quota claim's predicate is a metric and a usage tier (`itpm:scale`), its
models share one pool. What counts against it stands in claims of its own (`counts_toward_itpm`, `output_burndown`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from trivium.catalog import Claim, Snapshot
from trivium.core import ROUTABLE_SURFACES, ClaimsDisagree, Money, UserError
from trivium.plan._facts import Answer, Facts, Quota, Retirement, SpendCap, Verdict
from trivium.plan._market import UNCOUNTED

WINDOW = "context_window_tokens"
_WEIGHTS: Mapping[str, Mapping[str, int]] = {
    "rpm": {"requests": 1},
    "itpm": {"input": 1, "cache_write": 1, "cache_read": 1},
    "otpm": {"output": 1},
    "tpm": {"input": 1, "cache_write": 1, "cache_read": 1, "output": 1},
}
_CAP = "monthly_spend_cap_usd"
_READS_FREE = re.compile(r"\bcached? ?reads? do not count|CacheReadInputTokens do not count", re.IGNORECASE)
_READS_COUNT = re.compile(r"\bcounts? cache reads", re.IGNORECASE)
_LEGACY = re.compile(r"rate_limit(?:_old)?:(\w+)")
_LEGACY_PART = re.compile(r"([\d,]+)\s*(RPM|ITPM|OTPM|TPM)\b")
_WHOLE = re.compile(r"\d[\d,]*")
_LEADING = re.compile(r"\d+")


def facts_from(
    snapshot: Snapshot, at: date, models: Sequence[str], capabilities: Sequence[str], tiers: Mapping[str, str]
) -> Facts:
    """The facts of a day, as far as they bear on these models and capabilities; `tiers`: usage tier by surface."""
    held = [claim for claim in snapshot.find(at=at) if claim.surface in ROUTABLE_SURFACES]
    assumptions: list[str] = []
    quotas = [
        _weighted(quota, claim, snapshot, at, assumptions)
        for claim in held
        for quota in _quotas(claim, models)
        if claim.status not in UNCOUNTED
    ]
    caps = [cap for claim in held if claim.status not in UNCOUNTED for cap in _caps(claim)]
    chosen = _tiers(quotas, caps, tiers, assumptions)
    kept = tuple(quota for quota in quotas if quota.tier == chosen[quota.surface])
    return Facts(
        quotas=kept,
        other_quotas=tuple(quota for quota in quotas if quota not in kept),
        caps=tuple(cap for cap in caps if cap.tier == chosen.get(cap.surface)),
        capabilities=_capabilities(snapshot, at, models, capabilities),
        retirements=tuple(_retirements(snapshot, models)),
        assumptions=tuple(dict.fromkeys(assumptions)),
    )


def _quotas(claim: Claim, models: Sequence[str]) -> list[Quota]:
    """The quotas a claim states: one, or several in one text (`50 RPM; 30000 ITPM; 8000 OTPM`)."""
    metric, _, tier = claim.predicate.partition(":")
    found: list[tuple[str, str]] = []
    if metric in _WEIGHTS and _WHOLE.fullmatch(claim.value):
        found = [(metric, claim.value)]
    elif legacy := _LEGACY.fullmatch(claim.predicate):
        tier = legacy[1]
        found = [(unit.lower(), count) for count, unit in _LEGACY_PART.findall(claim.value)]
    if not found or tier.startswith("max"):  # a ceiling for raising a quota is none in force
        return []
    pool = frozenset(model for model in models if claim.speaks_of(model))
    if not pool:
        return []
    return [
        Quota(
            name=", ".join(sorted(pool)),
            surface=claim.surface,
            metric=unit,
            limit=int(count.replace(",", "")),
            weights=_WEIGHTS[unit],
            models=pool if claim.models else None,
            tier=tier,
            claim_ids=(claim.id,),
            status=claim.status,
        )
        for unit, count in found
    ]


def _weighted(quota: Quota, claim: Claim, snapshot: Snapshot, at: date, assumptions: list[str]) -> Quota:
    """The quota with what counts against it, as claims say; where none says otherwise, cache reads count."""
    weights, ids = dict(quota.weights), list(quota.claim_ids)
    note = ""
    if "cache_read" in weights and not _READS_COUNT.search(claim.note):
        rule = _rule(("counts_toward_itpm", "cache_reads"), quota, snapshot, at, assumptions)
        if rule is None:
            note = "no claim says whether cache reads count; taken to count"
        else:
            ids.append(rule.id)
            weights["cache_read"] = 0 if _READS_FREE.search(rule.value) else 1
    if quota.metric == "tpm" and (rule := _rule(("output_burndown",), quota, snapshot, at, assumptions)):
        ids.append(rule.id)
        weights["output"] = int(found[0]) if (found := _LEADING.match(rule.value)) else 1
    return replace(quota, weights=weights, claim_ids=tuple(dict.fromkeys(ids)), note=note)


def _rule(
    predicates: Iterable[str], quota: Quota, snapshot: Snapshot, at: date, assumptions: list[str]
) -> Claim | None:
    """How a surface counts: the claim of that day, else the nearest one known, which is then an assumption.

    Such a claim begins on the day somebody read the page, so its window says little about when the rule began.
    """
    known = [
        claim
        for predicate in predicates
        for claim in snapshot.find(predicate=predicate)
        if claim.surface == quota.surface
        and claim.status not in UNCOUNTED
        and (not claim.models or (quota.models is not None and quota.models <= frozenset(claim.models)))
    ]
    if not known:
        return None
    nearest = min(known, key=lambda claim: (_days_off(claim, at), claim.id))
    if not nearest.holds_on(at):
        assumptions.append(
            f"{nearest.surface} counts on {at} as stated from {nearest.valid_from or 'the beginning'} "
            f"until {nearest.valid_until or 'further notice'}: {nearest.value} [{nearest.id}]"
        )
    return nearest


def _days_off(claim: Claim, at: date) -> int:
    if claim.holds_on(at):
        return 0
    ends = [day for day in (claim.valid_from, claim.valid_until) if day is not None]
    return min(abs((day - at).days) for day in ends) + 1


def _caps(claim: Claim) -> list[SpendCap]:
    predicate, _, tier = claim.predicate.partition(":")
    if predicate != _CAP or claim.number is None:
        return []
    return [SpendCap(claim.surface, tier, Money.from_usd(claim.number), (claim.id,))]


def _tiers(
    quotas: Sequence[Quota], caps: Sequence[SpendCap], given: Mapping[str, str], assumptions: list[str]
) -> dict[str, str]:
    """The usage tier per surface: the given one, else the one with the highest limits, which is then an assumption."""
    stated: dict[str, dict[str, int]] = {}
    for quota in quotas:
        tiers = stated.setdefault(quota.surface, {})
        tiers[quota.tier] = max(tiers.get(quota.tier, 0), quota.limit)
    for cap in caps:
        stated.setdefault(cap.surface, {}).setdefault(cap.tier, 0)
    for surface, tier in given.items():
        if tier not in stated.get(surface, {}):
            known = ", ".join(sorted(stated.get(surface, {}))) or "none is stated for that day"
            raise UserError("quota-tier", f"{surface}={tier}", f"tiers of {surface}: {known}")
    chosen = dict(given)
    for surface, tiers in sorted(stated.items()):
        if surface not in chosen:
            chosen[surface] = max(sorted(tiers), key=lambda tier: tiers[tier])
            if len(tiers) > 1:
                others = ", ".join(sorted(set(tiers) - {chosen[surface]}))
                assumptions.append(f"{surface}: usage tier {chosen[surface]}, the highest stated (others: {others})")
    return chosen


def _capabilities(
    snapshot: Snapshot, at: date, models: Sequence[str], names: Sequence[str]
) -> dict[tuple[str, str, str], Verdict]:
    """What the catalogue answers for each capability; claims that disagree answer nothing."""
    found = {}
    for surface in ROUTABLE_SURFACES:
        for model in models:
            found[surface, model, WINDOW] = _window(snapshot, surface, model, at)
            for name in names:
                found[surface, model, name] = _verdict(snapshot, surface, model, name, at)
    return found


def _verdict(snapshot: Snapshot, surface: str, model: str, name: str, at: date) -> Verdict:
    try:
        claim = snapshot.capability(surface, model, name, at)
    except ClaimsDisagree:
        return Verdict(Answer.UNKNOWN)
    if claim is None or claim.status in UNCOUNTED:
        return Verdict(Answer.UNKNOWN)
    says = snapshot.supports(surface, model, name, at)
    answer = Answer.UNKNOWN if says is None else Answer.YES if says else Answer.NO
    return Verdict(answer, (claim.id,), claim.value)


def _window(snapshot: Snapshot, surface: str, model: str, at: date) -> Verdict:
    """The largest context window that a claim states: a beta counts, since somebody may use it."""
    stated = [
        (int(digits[0]), claim)
        for claim in snapshot.find(predicate=WINDOW, at=at)
        if claim.surface == surface
        and claim.speaks_of(model)
        and claim.status not in UNCOUNTED
        and (digits := _LEADING.match(claim.value))
    ]
    if not stated:
        return Verdict(Answer.UNKNOWN)
    tokens = max(count for count, _ in stated)
    return Verdict(Answer.YES, tuple(claim.id for count, claim in stated if count == tokens), str(tokens))


def _retirements(snapshot: Snapshot, models: Sequence[str]) -> Iterable[Retirement]:
    """The day each surface stops serving a model, as the catalogue decides it; and days before which it will not."""
    for surface in ROUTABLE_SURFACES:
        for model in models:
            day = snapshot.retired_at(surface, model)
            if day is not None:
                ids, status = _behind(snapshot, "retirement", surface, model, day)
                yield Retirement(surface, model, day, floor=False, claim_ids=ids, status=status)
                continue
            floors = [
                date.fromisoformat(claim.value)
                for claim in _about(snapshot, "retirement_not_before", surface, model)
                if re.fullmatch(r"\d{4}-\d{2}-\d{2}", claim.value)
            ]
            if floors:
                ids, status = _behind(snapshot, "retirement_not_before", surface, model, max(floors))
                yield Retirement(surface, model, max(floors), floor=True, claim_ids=ids, status=status)


def _about(snapshot: Snapshot, predicate: str, surface: str, model: str) -> list[Claim]:
    return [
        claim
        for claim in snapshot.find(predicate=predicate)
        if claim.surface == surface and model in claim.models and claim.status not in UNCOUNTED
    ]


def _behind(snapshot: Snapshot, predicate: str, surface: str, model: str, day: date) -> tuple[tuple[str, ...], str]:
    found = [claim for claim in _about(snapshot, predicate, surface, model) if claim.value == day.isoformat()]
    return tuple(claim.id for claim in found), found[0].status if found else "documented"
