"""What an answer is made of: lines, rows, the claims behind them, and what disagrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from trivium.catalog._claim import Claim, Source
from trivium.catalog._conflicts import Conflict
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._states import standing

_MODELS_SHOWN = 4
_NO_UNIT = frozenset({"text", "boolean", "list", "quote", "date", "event", "year"})  # what kind of value it is


@dataclass(frozen=True, slots=True)
class Evidence:
    """One claim behind an answer, with what has become of it by the day asked about."""

    claim_id: str
    said: str
    grade: str
    state: str
    valid_from: date | None
    valid_until: date | None
    announced_on: date | None
    seen_on: date | None
    sources: tuple[Source, ...]
    note: str = ""

    @property
    def quote(self) -> str:
        """What the first source that is quoted says."""
        return next((source.quote for source in self.sources if source.quote), "")


@dataclass(frozen=True, slots=True)
class Figures:
    """A table of figures or words; every row ends with the ids of the claims it rests on."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the claims answer: `understood` is the question as it was taken; unanswered, `others` are what could be."""

    kind: str
    understood: str
    as_of: date
    at: date
    lines: tuple[str, ...]
    figures: tuple[Figures, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    answered: bool = True


@dataclass
class Draft:
    """An answer being written: claims are gathered once each, in the order in which they are first used."""

    kind: str
    understood: str
    snapshot: Snapshot
    at: date
    lines: list[str] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    others: tuple[str, ...] = ()
    answered: bool = True
    _claims: dict[str, Claim] = field(default_factory=dict)

    def rest_on(self, *claims: Claim | None) -> None:
        """Note that the answer rests on some claims."""
        for claim in claims:
            if claim is not None:
                self._claims.setdefault(claim.id, claim)

    def say(self, text: str, *claims: Claim | None) -> None:
        """A line of the answer, with the claims it rests on named at its end."""
        self.rest_on(*claims)
        ids = ", ".join(dict.fromkeys(claim.id for claim in claims if claim is not None))
        self.lines.append(f"{text} [{ids}]" if ids else text)

    def show(self, title: str, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table, left out if it has no rows."""
        body = tuple(tuple(row) for row in rows)
        if body:
            self.figures.append(Figures(title, tuple(headers), body))

    def done(self) -> Answer:
        """The answer, with the state of each claim and what disagrees among them."""
        return Answer(
            kind=self.kind,
            understood=self.understood,
            as_of=self.snapshot.as_of,
            at=self.at,
            lines=tuple(self.lines),
            figures=tuple(self.figures),
            evidence=tuple(evidence_of(self.snapshot, claim, self.at) for claim in self._claims.values()),
            conflicts=tuple(_disagreements(self.snapshot, frozenset(self._claims), self.at)),
            notes=tuple(dict.fromkeys(self.notes)),
            others=self.others,
            answered=self.answered,
        )


def evidence_of(snapshot: Snapshot, claim: Claim, at: date) -> Evidence:
    """A claim as evidence, with its state."""
    found = standing(snapshot, claim, at)
    by = f" by {found.by.id}" if found.by else ""
    return Evidence(
        claim_id=claim.id,
        said=f"{claim.subject} · {claim.predicate} = {said(claim)}",
        grade=claim.status,
        state=f"{found.state.value}{by}",
        valid_from=claim.valid_from,
        valid_until=claim.valid_until,
        announced_on=claim.announced_on,
        seen_on=claim.seen_on,
        sources=claim.sources,
        note=claim.note,
    )


def said(claim: Claim) -> str:
    """The value of a claim with its unit, where the unit is one."""
    return claim.value if claim.unit in _NO_UNIT else f"{claim.value} {claim.unit}".strip()


def place_of(claim: Claim) -> str:
    """The subject of a claim, a long list of models shortened to their number."""
    place, slash, models = claim.subject.partition("/")
    if not slash or len(claim.models) <= _MODELS_SHOWN or models != ";".join(claim.models):
        return claim.subject
    return f"{place} ({len(claim.models)} models)"


def state_of(snapshot: Snapshot, claim: Claim, at: date) -> str:
    """What has become of a claim, in one word or two."""
    return standing(snapshot, claim, at).state.value


def _disagreements(snapshot: Snapshot, used: frozenset[str], at: date) -> Iterator[str]:
    for conflict in snapshot.conflicts(at):
        if used & {claim.id for claim in conflict.ranked.claims}:
            yield _disagreement(conflict)


def _disagreement(conflict: Conflict) -> str:
    told = "; ".join(f"{said(claim)} ({claim.id}, {claim.status})" for claim in conflict.ranked.claims)
    word = "undecided" if conflict.ranked.tied else "the first wins"
    return f"{conflict.subject} · {conflict.predicate}: {told}: {word}: {conflict.why}"
