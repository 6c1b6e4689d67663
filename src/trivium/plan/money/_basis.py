"""Grounds of a statement from the claims it uses; the grade is the weakest of theirs."""

from __future__ import annotations

from collections.abc import Iterable

from trivium.catalog import STATUSES, Snapshot
from trivium.core import NoClaim
from trivium.plan.decision import Basis, Ground


def basis_of(
    snapshot: Snapshot, claim_ids: Iterable[str], *grounds: Ground, note: str = "", others: Iterable[str] = ()
) -> Basis:
    """A basis on claims and what else is named; `others` are grades that come without a claim in the snapshot."""
    ids = tuple(sorted(set(claim_ids)))
    grades = [*others]
    for name in ids:
        try:
            grades.append(snapshot.claim(name).status)
        except NoClaim:  # a price by hand names claims of its own
            continue
    known = [grade for grade in grades if grade in STATUSES]
    grade = min(known, key=STATUSES.index) if known else ""
    found = (*((Ground.CLAIM,) if ids else ()), *grounds)
    return Basis(tuple(dict.fromkeys(found)), ids, grade, note)


def joined(bases: Iterable[Basis], note: str = "") -> Basis:
    """One basis for several statements."""
    all_of = tuple(bases)
    grounds = tuple(dict.fromkeys(ground for basis in all_of for ground in basis.grounds))
    ids = tuple(sorted({name for basis in all_of for name in basis.claim_ids}))
    grades = [basis.grade for basis in all_of if basis.grade in STATUSES]
    return Basis(grounds, ids, min(grades, key=STATUSES.index) if grades else "", note)
