"""What the article says of deals: its statements, what contradicts them, and its sums done again."""

from __future__ import annotations

import re

from trivium.capital.deals._terms import DEALS, Terms
from trivium.capital.deals._values import Contradiction, Figure, Statement
from trivium.catalog import Claim, Snapshot
from trivium.catalog.ask import article_claims, sums
from trivium.core import UserError

_NOTE = re.compile(r"claims: (?P<claims>[^;]+); stands: (?P<stands>[^;]+); (?P<why>.+)", re.DOTALL)
_NONE = "none"


def statements(snapshot: Snapshot, terms: Terms) -> tuple[Statement, ...]:
    """The article's claims that speak of deals, with the deals each speaks of."""
    found = []
    for claim in article_claims(snapshot):
        link = terms.one(claim.id, "speaks_of_deal")
        if link is not None:
            deals = () if link.value == _NONE else tuple(link.value.split())
            found.append(Statement(claim, deals, link.note))
    return tuple(found)


def contradictions(snapshot: Snapshot, known: set[str]) -> tuple[Contradiction, ...]:
    """Claims that cannot all be true of a deal, once all of them had been announced. UserError names a bad note."""
    ids = known | {claim.id for claim in snapshot.claims if claim.topic != DEALS}
    found = [_contradiction(claim) for claim in snapshot.find(predicate="conflict", topic="deal-terms")]
    return tuple(one for one in found if ids.issuperset(one.claim_ids) and known.issuperset(one.deals))


def _contradiction(claim: Claim) -> Contradiction:
    parts = _NOTE.fullmatch(claim.note)
    if parts is None:
        raise UserError(f"{claim.id}: note", claim.note, "write `claims: a b; stands: a; why`, or `stands: none`")
    stands = () if parts["stands"].strip() == _NONE else tuple(parts["stands"].split())
    return Contradiction(
        claim.id, claim.value, tuple(claim.subject.split()), tuple(parts["claims"].split()), stands, parts["why"]
    )


def figures(snapshot: Snapshot) -> tuple[Figure, ...]:
    """The article's derived figures, each with its sum written out and the claims behind it."""
    return tuple(
        Figure(
            one.claim.id,
            one.claim.subject,
            one.worked,
            one.result,
            one.claim.value,
            tuple(claim.id for claim in one.operands),
            one.missing,
        )
        for one in sums(snapshot)
    )
