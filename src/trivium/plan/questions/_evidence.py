"""Which claims speak of a requirement on a surface, which of them wins, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from trivium.catalog import Claim, Snapshot, known_models, rank
from trivium.plan._market import UNCOUNTED
from trivium.plan.questions._reading import LADDERS, Reading, Says, levels_of, predicates, read


@dataclass(frozen=True, slots=True)
class Finding:
    """What the claims on one question come to: the reading of the winner, what loses to it, and why."""

    reading: Reading
    claims: tuple[Claim, ...] = ()  # those it rests on, the winner first
    against: tuple[Claim, ...] = ()  # those that say otherwise and lose
    narrowed: tuple[tuple[str, str], ...] = ()  # (level, only place), said by a claim beside it

    @property
    def claim_ids(self) -> tuple[str, ...]:
        """Every claim that was looked at."""
        return tuple(dict.fromkeys(claim.id for claim in (*self.claims, *self.against)))


NOTHING = Finding(Reading(Says.UNKNOWN))
_MENTIONED_IN = {"dod_il": "fedramp"}  # one statement often names both programmes
_SUMMARY = "compliance"  # a sentence over several programmes, which may name the place of each


def find(snapshot: Snapshot, surface: str, model: str, predicate: str, at: date) -> Finding:
    """What is known of a requirement for a model on a surface on a day."""
    key = ("questions.find", surface, model, predicate, at)
    return snapshot.remembered(key, lambda: _find(snapshot, surface, model, predicate, at))


def _find(snapshot: Snapshot, surface: str, model: str, predicate: str, at: date) -> Finding:
    claims = _about(snapshot, surface, model, predicate, at)
    if not claims and predicate in _MENTIONED_IN:
        ladder = next(steps for steps in LADDERS if steps[0].startswith("il"))
        claims = [
            claim
            for claim in _about(snapshot, surface, model, _MENTIONED_IN[predicate], at)
            if levels_of(claim.value) & set(ladder)
        ]
    found = _together(claims)
    return replace(found, narrowed=tuple(_narrowings(snapshot, surface, model, found, at)))


def _about(snapshot: Snapshot, surface: str, model: str, predicate: str, at: date) -> list[Claim]:
    by_name: dict[str, tuple[Claim, ...]] = snapshot.remembered(
        ("questions.predicates", surface), lambda: _index(snapshot, surface)
    )
    return [claim for claim in by_name.get(predicate, ()) if claim.holds_on(at) and claim.speaks_of(model)]


def _index(snapshot: Snapshot, surface: str) -> dict[str, tuple[Claim, ...]]:
    found: dict[str, list[Claim]] = {}
    for claim in snapshot.current:
        if claim.surface == surface:
            for name in predicates(claim):
                found.setdefault(name, []).append(claim)
    return {name: tuple(claims) for name, claims in found.items()}


def _together(claims: Sequence[Claim]) -> Finding:
    """The winner for the surface; where only its variants are spoken of, what all of them come to."""
    by_place: dict[str, list[Claim]] = {}
    for claim in claims:
        by_place.setdefault(claim.subject.partition("/")[0], []).append(claim)
    plain = [name for name in by_place if ":" not in name]
    if plain:
        return _winner(by_place[plain[0]])
    found = [_winner(group) for _, group in sorted(by_place.items())]
    if not found:
        return NOTHING
    if len({one.reading.says for one in found}) == 1:
        return replace(found[0], claims=tuple(claim for one in found for claim in one.claims))
    return Finding(Reading(Says.UNKNOWN), tuple(claim for one in found for claim in one.claims))


def _winner(claims: Iterable[Claim]) -> Finding:
    """Of claims on one question: a model's own before those on all; what is unconfirmed only where nothing is better.

    If two of equal standing come to different things, the question is open.
    """
    everything = list(claims)
    founded = [claim for claim in everything if claim.status not in UNCOUNTED] or everything
    top = max(claim.layer for claim in founded)
    own = [claim for claim in founded if claim.layer == top]
    specific = [claim for claim in own if claim.models] or own
    ranked = rank(tuple(specific))
    reading = read(ranked.winner)
    others = [claim for claim in everything if claim is not ranked.winner]
    against = tuple(claim for claim in others if read(claim).says is not reading.says)
    if ranked.tied and any(read(claim).says is not reading.says for claim in ranked.claims):
        return Finding(Reading(Says.UNKNOWN, caveats=("claims of equal standing disagree",)), ranked.claims)
    return Finding(reading, (ranked.winner,), against)


def _narrowings(snapshot: Snapshot, surface: str, model: str, found: Finding, at: date) -> Iterable[tuple[str, str]]:
    """Places that a summary of the surface names for a level: silence elsewhere does not mean everywhere."""
    if not found.reading.levels or (found.claims and found.claims[0].layer):
        return
    for claim in _about(snapshot, surface, model, _SUMMARY, at):
        if claim.status in UNCOUNTED:
            continue
        for part in claim.value.split(";"):
            if "GovCloud" in part:
                yield from ((level, "us-gov") for level in sorted(levels_of(part) & found.reading.levels))


def in_class(snapshot: Snapshot, model: str, name: str) -> bool:
    """Whether a model belongs to the class `name`: its family, and the families that share its data terms.

    Claims group models of several families under one rule for shared data; such a rule holds for those families.
    """
    families: frozenset[str] = snapshot.remembered(("questions.class", name), lambda: _families(snapshot, name))
    known = known_models().get(model)
    return known is not None and known.family in families


def _families(snapshot: Snapshot, name: str) -> frozenset[str]:
    found = {name}
    for claim in (*snapshot.find(predicate="data_sharing"), *snapshot.find(predicate="zdr")):
        named = {known_models()[model].family for model in claim.models if model in known_models()}
        if name in named:
            found |= named
    return frozenset(found)


def sharing_sisters(snapshot: Snapshot, surface: str, model: str, at: date) -> tuple[Claim, ...]:
    """Claims on shared or kept data for models of this one's family, here or elsewhere, where none here names it.

    Such rules belong to a class of models and have been stated to hold wherever it is offered.
    """
    known = known_models()
    if model not in known:
        return ()
    found = [
        claim
        for predicate in ("data_sharing", "retention", "zdr")
        for claim in snapshot.find(predicate=predicate, at=at)
        if claim.models and claim.status not in UNCOUNTED
    ]
    if any(model in claim.models and claim.surface == surface for claim in found):
        return ()
    family = known[model].family
    return tuple(claim for claim in found if family in {known[name].family for name in claim.models if name in known})
