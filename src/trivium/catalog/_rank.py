"""Which of several claims on one question wins, and why: the same rule everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from trivium.catalog._claim import GRADE, UNCONFIRMED, Claim
from trivium.catalog._errors import safety_of
from trivium.core import ClaimsDisagree

_LONG_AGO = date.min


@dataclass(frozen=True, slots=True)
class Ranked:
    """Claims on one question, the winner first; `reasons` say why each of the others loses. `tied`: nobody wins."""

    claims: tuple[Claim, ...]
    reasons: tuple[str, ...]
    tied: bool

    @property
    def winner(self) -> Claim:
        """The claim that wins (if tied: the first of the equals, by id)."""
        return self.claims[0]


def rank(claims: Sequence[Claim]) -> Ranked:
    """Order claims on one question: own over shipped, then grade, later start, stated end, later day seen.

    Of what is said about an error the safer goes before the later.
    """
    ordered = sorted(sorted(claims, key=lambda claim: claim.id), key=_standing, reverse=True)
    best = ordered[0]
    reasons = tuple(_why(best, other) for other in ordered[1:])
    tied = any(_standing(other) == _standing(best) and not same_value(other, best) for other in ordered[1:])
    return Ranked(tuple(ordered), reasons, tied)


def most_specific(claims: Sequence[Claim]) -> tuple[Claim, ...]:
    """Those that speak of some models rather than of all; what is unconfirmed only where nothing better is known."""
    founded = [claim for claim in claims if GRADE[claim.status] > GRADE[UNCONFIRMED]] or claims
    return tuple([claim for claim in founded if claim.models] or founded)


def winner_of(claims: Sequence[Claim]) -> Claim:
    """The claim that wins among claims on one question; ClaimsDisagree."""
    ranked = rank(claims)
    if ranked.tied:
        said = "; ".join(f"{claim.id} says {claim.value}" for claim in ranked.claims)
        raise ClaimsDisagree(f"{claims[0].subject} {claims[0].predicate}: {said}; `trivium facts conflicts` shows why")
    return ranked.winner


def _standing(claim: Claim) -> tuple[int, int, int, date, bool, date]:
    return (
        claim.layer,
        GRADE[claim.status],
        safety_of(claim),
        claim.valid_from or _LONG_AGO,
        claim.valid_until is not None,  # a stated end is the more definite statement about the days before it
        claim.announced_on or claim.seen_on or _LONG_AGO,
    )


def _why(best: Claim, other: Claim) -> str:
    """Why the first stands above the second, in words."""
    if same_value(best, other):
        return "says the same"
    if best.layer != other.layer:
        return "the organisation's own claims stand above the shipped ones"
    if best.status != other.status:
        return f"{best.status} stands above {other.status}"
    if safety_of(best) != safety_of(other):
        return f"{best.value} is safer to believe of an error than {other.value}"
    if best.valid_from != other.valid_from:
        return f"the winner holds since {best.valid_from}, a later day than {other.valid_from or 'an open start'}"
    if (best.valid_until is None) != (other.valid_until is None):
        return "the winner states an end, so it speaks of these days in particular"
    if _standing(best) != _standing(other):
        return f"the winner was seen later ({best.announced_on or best.seen_on})"
    return "nothing decides between them"


def same_value(one: Claim, other: Claim) -> bool:
    """Whether two claims say the same: as numbers if both are, else as words."""
    if one.number is not None and other.number is not None:
        return one.number == other.number and one.unit == other.unit
    return " ".join(one.value.split()).casefold() == " ".join(other.value.split()).casefold() and one.unit == other.unit
