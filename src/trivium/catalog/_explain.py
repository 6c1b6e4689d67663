"""Why an answer is what it is: the claim that wins, those that lose and why, and a price walked back to its sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from trivium.catalog._claim import FORWARD_LOOKING, Claim, PriceCell
from trivium.catalog._names import model_id, surface_place
from trivium.catalog._rank import Ranked, most_specific, rank
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._states import Standing, standing
from trivium.core import AmbiguousName, FactError, NoClaim


@dataclass(frozen=True, slots=True)
class Answer:
    """The claims on a question: `ranked` those that count on the day, `others` every other known one with its state."""

    subject: str
    predicate: str
    ranked: Ranked | None
    others: tuple[Standing, ...]


def explain(snapshot: Snapshot, subject: str, predicate: str, at: date) -> Answer:
    """Everything known on a question, and which claim wins on a day; NoClaim if there is nothing at all."""
    place = subject_of(subject)
    claims = tuple(claim for claim in snapshot.claims if claim.predicate == predicate and _is_about(claim, place))
    if not claims:
        near = sorted({claim.predicate for claim in snapshot.claims if _is_about(claim, place)})
        known = f"; known of it: {', '.join(near[:12])}" if near else ""
        raise NoClaim(f"no claim gives {predicate} of {subject}{known}")
    counted = [
        claim
        for claim in claims
        if claim.id not in snapshot.superseded_by and claim.status != FORWARD_LOOKING and claim.holds_on(at)
    ]
    best = most_specific(counted)
    others = tuple(standing(snapshot, claim, at) for claim in claims if claim not in best)
    return Answer(place, predicate, rank(best) if best else None, others)


def is_about(claim: Claim, subject: str) -> bool:
    """Whether a claim's subject is the given one, lies below it, or matches it as a pattern with stars."""
    wanted = subject_of(subject).casefold()
    own = claim.subject.casefold()
    if "*" in wanted:
        return fnmatchcase(own, wanted)
    return own == wanted or own.startswith((f"{wanted}/", f"{wanted}:")) or _is_about(claim, subject_of(subject))


def _is_about(claim: Claim, subject: str) -> bool:
    if claim.subject.casefold() == subject.casefold():
        return True
    place, slash, model = subject.partition("/")
    return bool(slash) and claim.subject.partition("/")[0] == place and bool(claim.surface) and claim.speaks_of(model)


def subject_of(text: str) -> str:
    """A subject with canonical surface and model ids where it names them (`vertex_ai/claude-opus-4.5`)."""
    place, slash, model = text.partition("/")
    try:
        surface, variant = surface_place(place)
    except FactError:
        return text
    return f"{surface}{':' if variant else ''}{variant}{slash}{_model(model) if model else ''}"


def _model(text: str) -> str:
    try:
        return model_id(text)
    except FactError:
        return text


@dataclass(frozen=True, slots=True)
class CellAnswer:
    """A price cell and the claims it follows from: contract, base, offer, multipliers and lives, in this order."""

    cell: PriceCell
    claims: tuple[Claim, ...]


def find_cells(snapshot: Snapshot, query: str, unit: str = "", at: date | None = None) -> tuple[PriceCell, ...]:
    """Cells by id or by `surface[/model[/scope[/tier]]]`, of a unit and a day if they are given."""
    exact = tuple(cell for cell in snapshot.cells if cell.id == query)
    if exact:
        return exact
    parts = query.split("/")
    surface = surface_place(parts[0])[0]
    model = _model(parts[1]) if len(parts) > 1 else ""
    rest = "/".join(parts[2:])
    return tuple(
        cell
        for cell in snapshot.cells
        if cell.surface == surface
        and (not model or cell.model == model)
        and (not rest or rest in {cell.scope, f"{cell.scope}/{cell.tier}", cell.tier})
        and (not unit or cell.unit == unit)
        and (at is None or cell.holds_on(at))
    )


def explain_cell(snapshot: Snapshot, query: str, unit: str, at: date) -> CellAnswer:
    """The one price a query means on a day, walked back; NoClaim, AmbiguousName."""
    found = find_cells(snapshot, query, unit, at)
    if not found:
        raise NoClaim(f"no price for {unit} of {query} on {at}{_known_prices(snapshot, query, unit, at)}")
    if len(found) > 1:  # what a price means unless the query says otherwise
        found = tuple(cell for cell in found if cell.tier == "standard") or found
    if len(found) > 1:
        names = ", ".join(cell.id for cell in found[:6]) + (" …" if len(found) > 6 else "")  # noqa: PLR2004  a line
        raise AmbiguousName(f"{query} {unit} on {at} may mean {len(found)} price cells: {names}")
    return cell_answer(snapshot, found[0])


def _known_prices(snapshot: Snapshot, query: str, unit: str, at: date) -> str:
    """What is priced instead, for a message: other days of the same place, or other places on that day."""
    if days := find_cells(snapshot, query, unit):
        windows = sorted({f"{cell.valid_from or 'the beginning'} to {cell.valid_until or 'now'}" for cell in days})
        return f"; priced {', '.join(windows)}"
    offer = "/".join(query.split("/")[:2])
    places = sorted({f"{cell.scope}/{cell.tier}" for cell in find_cells(snapshot, offer, unit, at)})
    return f"; sold on that day: {', '.join(places)}" if places else ""


def cell_answer(snapshot: Snapshot, cell: PriceCell) -> CellAnswer:
    """A cell with the claims it follows from."""
    return CellAnswer(cell, tuple(snapshot.claim(name) for name in cell.claim_ids))
