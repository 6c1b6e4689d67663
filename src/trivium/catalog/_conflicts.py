"""Claims that cannot all be true: found by comparing them, kept, and shown with the one that wins and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._rank import Ranked, rank, same_value
from trivium.catalog._tables import read_table

_NAMES = Path(__file__).parent / "names"
_END, _FLOOR = ("retirement", "retirement_azure_api"), "retirement_not_before"
_EVIDENCE = "evidence:"  # what a source adds to a claim, not an answer to its question
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Claims on one question whose windows meet and whose values differ."""

    subject: str
    predicate: str
    ranked: Ranked

    @property
    def why(self) -> str:
        """Why the winner wins, or that nobody does."""
        if self.ranked.tied:
            return "nothing decides between them"
        return next(reason for reason in self.ranked.reasons if reason != "says the same")


def find_conflicts(claims: Iterable[Claim], at: date | None = None) -> tuple[Conflict, ...]:
    """Every conflict among current claims, by subject and predicate; with `at`, among those that hold on that day."""
    groups: dict[_Key, list[Claim]] = {}
    many = _many_valued()
    for claim in claims:
        if claim.status == FORWARD_LOOKING or (at is not None and not claim.holds_on(at)):
            continue
        if claim.predicate in many or claim.topic in many or claim.predicate.startswith(_EVIDENCE):
            continue
        for key in _questions(claim):
            groups.setdefault(key, []).append(claim)
    found = [*_differing(groups), *_too_early(groups)]
    return tuple(sorted(_merged(found), key=lambda conflict: (conflict.subject, conflict.predicate)))


def _questions(claim: Claim) -> Iterator[_Key]:
    """What a claim answers: one question a model, so that a list of models meets a claim about one of them."""
    if not claim.surface or not claim.models or claim.topic == "prices":
        yield (claim.subject, "", claim.predicate)
        return
    place = claim.subject.partition("/")[0]
    for model in claim.models:
        yield (place, model, claim.predicate)


def _differing(groups: Mapping[_Key, Sequence[Claim]]) -> Iterator[Conflict]:
    for (place, model, predicate), group in groups.items():
        if len(group) < 2:  # noqa: PLR2004  one claim cannot disagree
            continue
        involved = {
            claim.id: claim
            for one, other in combinations(group, 2)
            if _meet(one, other) and not same_value(one, other)
            for claim in (one, other)
        }
        if involved:
            yield Conflict(f"{place}/{model}" if model else place, predicate, rank(tuple(involved.values())))


def _too_early(groups: Mapping[_Key, Sequence[Claim]]) -> Iterator[Conflict]:
    """A retirement before the day before which there shall be none."""
    for (place, model, predicate), floors in groups.items():
        if predicate != _FLOOR:
            continue
        for end in _END:
            ends = groups.get((place, model, end), ())
            pairs = [(e, f) for e in ends for f in floors if e.value < f.value and _is_day(e) and _is_day(f)]
            involved = {claim.id: claim for pair in pairs for claim in pair}
            if involved:
                yield Conflict(f"{place}/{model}", f"{end} before {_FLOOR}", rank(tuple(involved.values())))


def _is_day(claim: Claim) -> bool:
    try:
        date.fromisoformat(claim.value)
    except ValueError:
        return False
    return True


def _meet(one: Claim, other: Claim) -> bool:
    """Whether two windows have a day in common."""
    return (one.valid_until is None or other.valid_from is None or other.valid_from < one.valid_until) and (
        other.valid_until is None or one.valid_from is None or one.valid_from < other.valid_until
    )


def _merged(found: Iterable[Conflict]) -> Iterator[Conflict]:
    """One conflict for the same claims, however many models they share."""
    seen: dict[tuple[str, tuple[str, ...]], Conflict] = {}
    for conflict in found:
        key = (conflict.predicate, tuple(claim.id for claim in conflict.ranked.claims))
        seen.setdefault(key, conflict)
    return iter(seen.values())


@lru_cache(maxsize=1)
def _many_valued() -> frozenset[str]:
    """Predicates and topics that have several true values at once."""
    return frozenset(row["predicate"] for row in read_table(_NAMES / "predicates.csv", ("predicate", "why")))
