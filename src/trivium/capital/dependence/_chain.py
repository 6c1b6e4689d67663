"""What stands behind a surface, by claims: who makes, operates, bills and hosts, on which chips; and the clauses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from trivium.capital.dependence._values import ROLES, Chain, Link
from trivium.catalog import Claim, Snapshot, rank
from trivium.core import FactError

TOPIC, CLAUSES = "look-through", "clauses"
NOT_STATED = "not stated"
_CHIP, _READING = "chip/", "reading/"


def chain_of(snapshot: Snapshot, surface: str, model: str, at: date) -> Chain:
    """The chain of a surface for a model on a day; a role without a claim is not stated. FactError on a tie."""
    links = {role: _link(snapshot, surface, model, role, at) for role in ROLES}
    return Chain(surface, model, links, _makers(snapshot, links["silicon"].names, at))


def chains_of(snapshot: Snapshot, pairs: Iterable[tuple[str, str]], at: date) -> Mapping[tuple[str, str], Chain]:
    """The chains of (surface, model) pairs."""
    return {pair: chain_of(snapshot, *pair, at) for pair in sorted(set(pairs))}


def clauses_of(snapshot: Snapshot, reading: str) -> tuple[Claim, ...]:
    """The clauses that a reading supports, by claims whose value names the clause and whose note what it asks."""
    return snapshot.find(subject=f"{_READING}{reading}", predicate="supports", topic=CLAUSES)


def _link(snapshot: Snapshot, surface: str, model: str, role: str, at: date) -> Link:
    found = [
        claim
        for claim in snapshot.find(predicate=role, topic=TOPIC, at=at)
        if claim.subject.partition("/")[0] == surface and claim.speaks_of(model)
    ]
    found = [claim for claim in found if claim.models] or found
    if not found:
        return Link(role, (), "", "")
    ranked = rank(found)
    if ranked.tied:
        said = "; ".join(f"{claim.id} says {claim.value}" for claim in ranked.claims)
        raise FactError(f"{surface} {role}: {said}; one of them has to go, or to be superseded")
    claim = ranked.winner
    names = tuple(name.strip() for name in claim.value.split(";") if name.strip())
    stated = () if claim.value.strip().casefold() == NOT_STATED else names
    return Link(role, stated, claim.id, claim.status, claim.note)


def _makers(snapshot: Snapshot, chips: tuple[str, ...], at: date) -> Mapping[str, str]:
    found = {}
    for chip in chips:
        claims = snapshot.find(subject=f"{_CHIP}{chip}", predicate="chip_maker", topic=TOPIC, at=at)
        if claims:
            found[chip] = rank(claims).winner.value
    return found
