"""What statements rest on, as numbered references: a number for each claim, a place for every other ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from trivium.catalog import Claim
from trivium.plan.decision import Basis, Decision, Ground
from trivium.plan.report._document import Ref
from trivium.plan.report._words import weakest

_PLACES = {
    Ground.MEASURED: ("measured", "measured"),
    Ground.CONTRACT: ("contract", "commitments"),
    Ground.QUOTE: ("quote", "commitments"),
    Ground.ASSUMPTION: ("assumption", "assumptions"),
    Ground.STATED: ("stated", "measured"),
}
_SHOWN = 6


@dataclass(frozen=True)
class Refs:
    """Claims numbered in the order of their ids."""

    numbers: Mapping[str, int]
    claims: Mapping[str, Claim]

    def claim(self, claim_id: str) -> Ref:
        """The reference to one claim."""
        number = self.numbers[claim_id]
        known = self.claims.get(claim_id)
        return Ref(str(number), f"claim-{number}", claim_id + (f" ({known.status})" if known else ""))

    def all(self, claim_ids: Iterable[str]) -> tuple[Ref, ...]:
        """References to claims, each once, in their order; beyond six the rest is one reference to the list."""
        found = sorted({self.numbers[name]: name for name in claim_ids}.items())
        shown = tuple(self.claim(name) for _, name in found[:_SHOWN])
        if len(found) <= _SHOWN:
            return shown
        rest = ", ".join(name for _, name in found[_SHOWN:])
        return (*shown, Ref(f"and {len(found) - _SHOWN} more", "evidence", rest))

    def of(self, basis: Basis) -> tuple[Ref, ...]:
        """Every ground of a statement."""
        found: list[Ref] = []
        for ground in basis.grounds:
            if ground is Ground.CLAIM:
                found += self.all(basis.claim_ids) or [Ref("claims", "evidence", basis.note)]
            else:
                text, anchor = _PLACES[ground]
                found.append(Ref(text, anchor, basis.note))
        if basis.claim_ids and Ground.CLAIM not in basis.grounds:
            found += self.all(basis.claim_ids)
        known = (self.claims[name].status for name in basis.claim_ids if name in self.claims)
        grade = basis.grade or weakest(known)
        if grade:
            found.append(Ref(grade, "", "the weakest grade among them"))
        return tuple(found)


def number_claims(decision: Decision, claims: Mapping[str, Claim]) -> Refs:
    """Numbers for every claim that the decision names anywhere."""
    used = sorted(set(_named(decision)))
    return Refs({name: number + 1 for number, name in enumerate(used)}, claims)


def _named(value: object) -> Iterator[str]:
    """The claim ids in a value and in everything it holds."""
    if isinstance(value, tuple):
        for item in value:
            yield from _named(item)
    elif is_dataclass(value):
        for item in fields(value):
            found = getattr(value, item.name)
            if item.name == "claim_ids":
                yield from found
            elif item.name == "claim_id":
                yield found
            else:
                yield from _named(found)
