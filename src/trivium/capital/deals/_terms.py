"""Terms and assumptions of deals, which are claims: looked up by deal first, then by kind, then for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from trivium.capital.deals._values import Share
from trivium.catalog import Claim, Snapshot, rank
from trivium.core import UserError

DEALS, TERMS, ASSUMPTIONS = "deals", "deal-terms", "deal-assumptions"
_RANGE_PARTS = 3


@dataclass(frozen=True)
class Terms:
    """The current terms and assumptions of a snapshot, by (subject, predicate)."""

    found: Mapping[tuple[str, str], tuple[Claim, ...]]

    def all(self, subject: str, predicate: str) -> tuple[Claim, ...]:
        """Every claim of a subject, in the order of ids."""
        return self.found.get((subject, predicate), ())

    def one(self, subject: str, predicate: str) -> Claim | None:
        """The claim that wins: an organisation's own over a shipped one, then by grade."""
        claims = self.all(subject, predicate)
        return rank(claims).winner if claims else None

    def first(self, subjects: tuple[str, ...], predicate: str) -> Claim | None:
        """The claim of the first subject that has one: the deal, then its kind, then all."""
        return next((claim for name in subjects if (claim := self.one(name, predicate)) is not None), None)

    def events(self, subject: str) -> tuple[tuple[str, Claim], ...]:
        """Events of a deal, `event:amended` and the like, in the order of their days."""
        found = [
            (predicate.removeprefix("event:"), claim)
            for (name, predicate), claims in self.found.items()
            if name == subject and predicate.startswith("event:")
            for claim in claims
        ]
        return tuple(sorted(found, key=lambda pair: (pair[1].announced_on or date.min, pair[1].id)))

    def ids_of(self, subject: str) -> tuple[str, ...]:
        """Every term of a deal."""
        return tuple(
            sorted(claim.id for (name, _), claims in self.found.items() if name == subject for claim in claims)
        )


def terms_of(snapshot: Snapshot) -> Terms:
    """The terms and assumptions that had been announced by the snapshot's day."""
    found: dict[tuple[str, str], list[Claim]] = {}
    for claim in snapshot.current:
        if claim.topic in {TERMS, ASSUMPTIONS}:
            found.setdefault((claim.subject, claim.predicate), []).append(claim)
    return Terms({key: tuple(claims) for key, claims in found.items()})


def share_of(field: str, claim: Claim) -> Share:
    """A share as `0..0.3..0.6` (low, point, high) or one number; UserError names the claim."""
    low, point, high = figures(claim)
    if not 0 <= low <= point <= high <= 1:
        raise UserError(claim.id, claim.value, "give shares between 0 and 1 in order, such as 0..0.3..0.6")
    return Share(field, low, point, high, claim.topic == ASSUMPTIONS, claim.id, claim.note)


def figures(claim: Claim) -> tuple[Fraction, Fraction, Fraction]:
    """Low, point and high of a claim; one number stands for all three. UserError names the claim."""
    parts = claim.value.split("..")
    try:
        numbers = [Fraction(part) for part in parts]
    except (ValueError, ZeroDivisionError) as error:
        raise UserError(claim.id, claim.value, "give a number, or low..point..high such as 0..0.3..0.6") from error
    if len(numbers) == 1:
        return numbers[0], numbers[0], numbers[0]
    if len(numbers) != _RANGE_PARTS:
        raise UserError(claim.id, claim.value, "give a number, or low..point..high such as 0..0.3..0.6")
    return numbers[0], numbers[1], numbers[2]


def assumed_figures(snapshot: Snapshot, subject: str) -> Mapping[str, tuple[Fraction, Fraction, Fraction]]:
    """Low, point and high of every assumption of a subject, by its predicate. UserError names a malformed one."""
    terms = terms_of(snapshot)
    names = sorted({predicate for name, predicate in terms.found if name == subject})
    return {name: figures(claim) for name in names if (claim := terms.one(subject, name)) is not None}
