"""Checks of a snapshot: invariants of prices, names and windows, and what a person should look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import partial
from itertools import combinations

from trivium.catalog._claim import FORWARD_LOOKING, GRADE, Claim, PriceCell
from trivium.catalog._names import WIRE_MODEL, known_models
from trivium.catalog._snapshot import Snapshot
from trivium.core import SURFACES, TOKEN_UNITS, FactError

NEUTRAL_SCOPES = ("global", "global-standard", "all", "*")
PREMIUMS = frozenset({Decimal(1), Decimal("1.1"), Decimal("1.2")})
_CACHE = tuple(unit for unit in TOKEN_UNITS if unit.startswith("cache"))
_NO_MODELS = frozenset({"*", "managed-agents", "claude-code"})
_Place = tuple[str, str, str, str]


class Grade(Enum):
    """How bad a finding is: an error makes the check fail; a warning is to be looked at; a note is a fact of life."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found."""

    grade: Grade
    check: str
    subject: str
    text: str


def check(snapshot: Snapshot, at: date) -> tuple[Finding, ...]:
    """Every finding on a day, errors first."""
    found = [
        *_multipliers(snapshot.cells),
        *_batches(snapshot.cells),
        *_premiums(snapshot.cells),
        *_names(snapshot),
        *_retired(snapshot),
        *_cycles(snapshot),
        *_days(snapshot, at),
    ]
    order = list(Grade)
    return tuple(sorted(found, key=lambda finding: (order.index(finding.grade), finding.check, finding.subject)))


def _multipliers(cells: Iterable[PriceCell]) -> Iterator[Finding]:
    """A cache write or read is the same factor of input for a model everywhere on a day (list prices)."""
    listed = [cell for cell in cells if cell.status != "contracted"]
    inputs = _by_place(cell for cell in listed if cell.unit == "input")
    ratios: dict[tuple[str, str], dict[tuple[Decimal, date | None, date | None], PriceCell]] = {}
    for cell in listed:
        if cell.unit not in _CACHE:
            continue
        for base in inputs.get(_place(cell), ()):
            if base.band == cell.band and base.rate_picos and _meet(base, cell):
                key = (Decimal(cell.rate_picos) / Decimal(base.rate_picos), cell.valid_from, cell.valid_until)
                ratios.setdefault((cell.model, cell.unit), {}).setdefault(key, cell)
    for (model, unit), found in ratios.items():
        for (one, first), (other, second) in combinations(found.items(), 2):
            if one[0] != other[0] and _meet(first, second):
                said = f"{one[0].normalize()} in {first.id}; {other[0].normalize()} in {second.id}"
                yield Finding(Grade.ERROR, "multiplier", model, f"{unit} is not one factor of input: {said}")


def _batches(cells: Iterable[PriceCell]) -> Iterator[Finding]:
    """Batch is half of standard, wherever both hold."""
    standard = _by_place(cell for cell in cells if cell.tier == "standard")
    for cell in cells:
        if cell.tier != "batch" or cell.status == "contracted":
            continue
        surface, model, scope, _ = _place(cell)
        for other in standard.get((surface, model, scope, "standard"), ()):
            same = other.unit == cell.unit and other.band == cell.band and other.status != "contracted"
            if same and _meet(other, cell) and cell.rate_picos * 2 != other.rate_picos:
                text = f"{cell.id} is {cell.amount_usd}, not half of {other.amount_usd} ({other.id})"
                yield Finding(Grade.ERROR, "batch half", model, text)


def _premiums(cells: Iterable[PriceCell]) -> Iterator[Finding]:
    """A scope costs 1, 1.1 or 1.2 times the scope that is open to all, on the same surface."""
    opened = _by_place(cell for cell in cells if cell.scope in NEUTRAL_SCOPES and cell.unit in TOKEN_UNITS)
    for cell in cells:
        if cell.scope in NEUTRAL_SCOPES or cell.unit not in TOKEN_UNITS or cell.status == "contracted":
            continue
        for scope in NEUTRAL_SCOPES:
            for other in opened.get((cell.surface, cell.model, scope, cell.tier), ()):
                same = other.unit == cell.unit and other.band == cell.band and other.status != "contracted"
                if not same or not other.rate_picos or not _meet(other, cell):
                    continue
                ratio = Decimal(cell.rate_picos) / Decimal(other.rate_picos)
                if ratio not in PREMIUMS:
                    text = f"{cell.id} is {ratio.normalize()} times {other.id}; 1, 1.1 or 1.2 was expected"
                    yield Finding(Grade.ERROR, "regional premium", cell.model, text)


def _names(snapshot: Snapshot) -> Iterator[Finding]:
    """Every alias and dated id leads to one model, and claims speak of known surfaces and models."""
    known = known_models()
    for claim in snapshot.current:
        if claim.surface and claim.surface not in SURFACES:
            yield Finding(Grade.ERROR, "surface", claim.id, f"{claim.surface} is no canonical surface")
        for model in claim.models:
            if model not in known and model not in _NO_MODELS:
                yield Finding(Grade.ERROR, "model", claim.id, f"{model} is no canonical model: names/models.csv")
        if claim.predicate == WIRE_MODEL:
            yield from _resolves(claim.id, claim.value, claim.models, partial(snapshot.parse_wire_model, claim.surface))
    for named in known.values():
        for alias in named.aliases:
            yield from _resolves(named.id, alias, (named.id,), partial(snapshot.parse_wire_model, "anthropic"))


def _resolves(
    subject: str, name: str, models: tuple[str, ...], parse: partial[tuple[str, str | None]]
) -> Iterator[Finding]:
    try:
        found = parse(name)[0]
    except FactError as error:
        yield Finding(Grade.ERROR, "alias", subject, str(error))
        return
    if found not in models:
        yield Finding(Grade.ERROR, "alias", subject, f"{name} leads to {found}, not to {', '.join(models)}")


def _retired(snapshot: Snapshot) -> Iterator[Finding]:
    """No price outlives its model on a surface, and none begins before the model did."""
    lives: dict[tuple[str, str], list[PriceCell]] = {}
    for cell in snapshot.cells:
        if cell.unit in TOKEN_UNITS and not cell.scope.startswith("us-gov"):
            lives.setdefault((cell.surface, cell.model), []).append(cell)
    for (surface, model), cells in lives.items():
        end = snapshot.retired_at(surface, model)
        late = [cell for cell in cells if end and (cell.valid_until is None or cell.valid_until > end)]
        if not late:
            continue
        begun = [cell for cell in late if end and (cell.valid_from or date.min) >= end]
        if begun:
            text = f"{len(begun)} prices begin after its retirement on {end}: {begun[0].id}"
            yield Finding(Grade.ERROR, "retired", f"{surface}/{model}", text)
        passed = end is not None and end <= snapshot.as_of
        grade = Grade.WARNING if passed else Grade.NOTE
        text = f"{len(late)} prices go on after its retirement on {end}: {late[0].id}"
        yield Finding(grade, "retired", f"{surface}/{model}", text)


def _cycles(snapshot: Snapshot) -> Iterator[Finding]:
    """Corrections lead forward, and from an announced day."""
    for name, correction in snapshot.superseded_by.items():
        seen = {name}
        following = correction
        while following.id in snapshot.superseded_by:
            if following.id in seen:
                yield Finding(Grade.ERROR, "supersedes", name, f"goes in a circle through {following.id}")
                break
            seen.add(following.id)
            following = snapshot.superseded_by[following.id]


def _days(snapshot: Snapshot, at: date) -> Iterator[Finding]:
    """What is due for review, what has ended, what disagrees without a winner, what has no address."""
    stale: dict[str, list[str]] = {}
    for claim in snapshot.stale(at):
        stale.setdefault(claim.topic, []).append(claim.id)
    for topic, ids in stale.items():
        yield Finding(Grade.WARNING, "stale", topic, f"{len(ids)} claims are due for review, such as {ids[0]}")
    ended: dict[str, int] = {}
    for claim in snapshot.expired(at):
        ended[claim.topic] = ended.get(claim.topic, 0) + 1
    for topic, count in ended.items():
        yield Finding(Grade.NOTE, "expired", topic, f"the windows of {count} claims have ended")
    for conflict in snapshot.conflicts(at):
        if conflict.ranked.tied:
            said = "; ".join(f"{claim.value} ({claim.id})" for claim in conflict.ranked.claims)
            yield Finding(Grade.WARNING, "undecided", f"{conflict.subject} {conflict.predicate}", said)
    for claim in snapshot.current:
        if claim.status == FORWARD_LOOKING and _came_due(claim, at):
            text = f"it was announced on {claim.announced_on} for {claim.valid_from}: did it come?"
            yield Finding(Grade.WARNING, "came due", claim.id, text)
    bare = sum(
        1 for c in snapshot.current if GRADE[c.status] >= GRADE["documented"] and not any(s.address for s in c.sources)
    )
    if bare:
        yield Finding(
            Grade.NOTE, "address", "sources", f"{bare} documented claims name their source without an address"
        )


def _came_due(claim: Claim, at: date) -> bool:
    """Whether a claim that was announced for a later day has reached it."""
    start, announced = claim.valid_from, claim.announced_on
    return start is not None and announced is not None and announced < start <= at and claim.holds_on(at)


def _place(cell: PriceCell) -> _Place:
    return (cell.surface, cell.model, cell.scope, cell.tier)


def _by_place(cells: Iterable[PriceCell]) -> Mapping[_Place, list[PriceCell]]:
    found: dict[_Place, list[PriceCell]] = {}
    for cell in cells:
        found.setdefault(_place(cell), []).append(cell)
    return found


def _meet(one: PriceCell, other: PriceCell) -> bool:
    """Whether two windows have a day in common."""
    return (one.valid_until is None or other.valid_from is None or other.valid_from < one.valid_until) and (
        other.valid_until is None or one.valid_from is None or one.valid_from < other.valid_until
    )
