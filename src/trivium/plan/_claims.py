"""Reads what a plan needs from claims: quotas, capabilities, retirements. The claims hold the facts, this the grammar.

A quota claim's predicate is a metric and a tier (`itpm:scale`); its subject a surface and the models that share the
pool. What counts against it stands in claims of its own (`counts_toward_itpm`, `output_burndown`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from trivium.catalog import Claim
from trivium.core import UserError
from trivium.plan._facts import Answer, Facts, Quota, Retirement, Verdict
from trivium.plan._market import UNCOUNTED
from trivium.plan._models import covers_model

METRICS = ("rpm", "itpm", "otpm", "tpm")
_LEGACY = re.compile(r"rate_limit(?:_old)?:(\w+)")
_LEGACY_PART = re.compile(r"([\d,]+)\s*(RPM|ITPM|OTPM|TPM)\b", re.IGNORECASE)
_WHOLE = re.compile(r"[\d,_]+")
_LEADING = re.compile(r"(\d+)\b")
_NO = re.compile(r"(no|not|none|never)\b", re.IGNORECASE)
_OPEN = re.compile(r"(not (checked|found|verified|confirmed|stated)|unknown)\b", re.IGNORECASE)


def facts_from(
    claims: Iterable[Claim], models: Sequence[str], capabilities: Sequence[str], tiers: Mapping[str, str]
) -> Facts:
    """The facts in claims that hold on the day, as far as they bear on these models; `tiers`: usage tier by surface."""
    held = sorted(claims, key=lambda claim: claim.id)
    quotas = _weighted(held, [quota for claim in held for quota in _quotas(claim, models)])
    chosen, assumed = _tiers(quotas, tiers)
    kept = tuple(quota for quota in quotas if quota.tier == chosen.get(quota.surface, ""))
    others = tuple(quota for quota in quotas if quota not in kept)
    return Facts(
        quotas=kept,
        other_quotas=others,
        capabilities=_capabilities(held, models, capabilities),
        retirements=tuple(leaves for claim in held for leaves in _retirements(claim, models)),
        notes=tuple(
            f"{surface}: taken to be at usage tier {chosen[surface]}, the highest stated" for surface in assumed
        ),
    )


def _status(claim: Claim) -> str:
    return str(getattr(claim.status, "value", claim.status))


def _subject(claim: Claim) -> tuple[str, str]:
    """Surface and models of a subject: `anthropic/claude-opus-5`, or a surface alone."""
    surface, _, models = claim.subject.partition("/")
    return surface, models or "*"


def _quotas(claim: Claim, models: Sequence[str]) -> list[Quota]:
    """The quotas a claim states: one, or several in one text (`50 RPM; 30000 ITPM; 8000 OTPM`)."""
    surface, text = _subject(claim)
    value = str(claim.value).strip()
    metric, _, tier = claim.predicate.partition(":")
    found: list[tuple[str, int]] = []
    if metric in METRICS and _WHOLE.fullmatch(value):
        found = [(metric, _number(value))]
    elif legacy := _LEGACY.fullmatch(claim.predicate):
        tier = legacy[1]
        found = [(unit.lower(), _number(count)) for count, unit in _LEGACY_PART.findall(value)]
    if not found or _status(claim) in UNCOUNTED:
        return []
    pool = None if text == "*" else frozenset(model for model in models if covers_model(text, model))
    if pool is not None and not pool:
        return []
    plain = {"rpm": {"requests": 1}, "itpm": {"input": 1, "cache_write": 1, "cache_read": 1}, "otpm": {"output": 1}}
    plain["tpm"] = {**plain["itpm"], **plain["otpm"]}
    return [
        Quota(
            name=text,
            surface=surface,
            metric=unit,
            limit=limit,
            weights=plain[unit],
            models=pool,
            tier=tier,
            claim_ids=(claim.id,),
            status=_status(claim),
        )
        for unit, limit in found
    ]


def _number(text: str) -> int:
    return int(text.replace(",", "").replace("_", ""))


def _weighted(claims: Sequence[Claim], quotas: Sequence[Quota]) -> list[Quota]:
    """The quotas with what counts against them, as far as claims say; cache reads count where none says otherwise."""
    found = []
    for quota in quotas:
        weights, ids, said = dict(quota.weights), list(quota.claim_ids), quota.metric in {"rpm", "otpm"}
        for claim in claims:
            surface, text = _subject(claim)
            if surface != quota.surface or not _applies(text, quota):
                continue
            value = str(claim.value)
            if claim.predicate in {"counts_toward_itpm", "cache_reads"} and quota.metric in {"itpm", "tpm"}:
                said = True
                if re.search(r"(cached?|cache) ?reads? do not count|do not count", value, re.IGNORECASE):
                    weights["cache_read"] = 0
                    ids.append(claim.id)
            if claim.predicate == "output_burndown" and quota.metric == "tpm" and (times := _LEADING.match(value)):
                weights["output"] = int(times[1])
                ids.append(claim.id)
        note = "" if said else "no claim says whether cache reads count; taken to count"
        found.append(replace(quota, weights=weights, claim_ids=tuple(dict.fromkeys(ids)), note=note))
    return found


def _applies(text: str, quota: Quota) -> bool:
    if text in {"*", "claude"}:
        return True
    return quota.models is not None and all(covers_model(text, model) for model in quota.models)


def _tiers(quotas: Sequence[Quota], given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The usage tier per surface: the given one, else the one with the highest limits; and which were assumed."""
    stated: dict[str, dict[str, int]] = {}
    for quota in quotas:
        if not quota.tier.startswith("max"):
            tiers = stated.setdefault(quota.surface, {})
            tiers[quota.tier] = max(tiers.get(quota.tier, 0), quota.limit)
    for surface, tier in given.items():
        if tier not in stated.get(surface, {}):
            known = ", ".join(sorted(stated.get(surface, {}))) or "none stated for that day"
            raise UserError("quota-tier", f"{surface}={tier}", f"tiers of {surface}: {known}")
    chosen = {surface: max(sorted(tiers), key=lambda tier: tiers[tier]) for surface, tiers in stated.items()}
    assumed = [surface for surface, tiers in sorted(stated.items()) if surface not in given and len(tiers) > 1]
    return chosen | dict(given), assumed


def _capabilities(
    claims: Sequence[Claim], models: Sequence[str], names: Sequence[str]
) -> dict[tuple[str, str, str], Verdict]:
    """What is known of each capability; where claims disagree, yes wins and all are named."""
    found: dict[tuple[str, str, str], Verdict] = {}
    wanted = set(names)
    for claim in claims:
        if claim.predicate not in wanted or _status(claim) in UNCOUNTED:
            continue
        surface, text = _subject(claim)
        for model in ("*",) if text == "*" else [model for model in models if covers_model(text, model)]:
            key = (surface, model, claim.predicate)
            verdict = Verdict(answer_of(str(claim.value)), (claim.id,), str(claim.value))
            found[key] = verdict if key not in found else _stronger(found[key], verdict)
    return found


def answer_of(value: str) -> Answer:
    """Whether a claim's text says yes, no or nothing: a value other than `no …` is a yes with details."""
    if not value.strip() or _OPEN.match(value.strip()):
        return Answer.UNKNOWN
    return Answer.NO if _NO.match(value.strip()) else Answer.YES


def _stronger(first: Verdict, second: Verdict) -> Verdict:
    order = (Answer.YES, Answer.NO, Answer.UNKNOWN)
    numbers = [_LEADING.match(verdict.value.replace(",", "")) for verdict in (first, second)]
    if all(numbers):
        best = max((first, second), key=lambda verdict: int(_LEADING.match(verdict.value.replace(",", ""))[1]))  # type: ignore[index]  # both match
    else:
        best = min((first, second), key=lambda verdict: order.index(verdict.answer))
    return replace(best, claim_ids=tuple(dict.fromkeys((*first.claim_ids, *second.claim_ids))))


def _retirements(claim: Claim, models: Sequence[str]) -> list[Retirement]:
    if claim.predicate not in {"retirement", "retirement_not_before"} or _status(claim) == "unconfirmed":
        return []
    try:
        day = date.fromisoformat(str(claim.value)[:10])
    except ValueError:
        return []  # a claim in words; it is shown by the catalogue, and cannot exclude anything
    surface, text = _subject(claim)
    floor = claim.predicate.endswith("not_before")
    return [
        Retirement(surface, model, day, floor, (claim.id,), _status(claim))
        for model in models
        if covers_model(text, model)
    ]
