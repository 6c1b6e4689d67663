"""What had been announced by a day: claims, their winners and conflicts, and the price cells that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from trivium.catalog._claim import FORWARD_LOOKING, Claim, PriceCell
from trivium.catalog._conflicts import Conflict, find_conflicts
from trivium.catalog._contracts import with_contracts
from trivium.catalog._error_table import ErrorTable, error_table
from trivium.catalog._expand import expand
from trivium.catalog._names import WireNames, wire_names
from trivium.catalog._platform import BetaAction, Platforms
from trivium.catalog._rank import winner_of
from trivium.catalog._rules import merged
from trivium.core import TOKEN_UNITS, NoClaim

if TYPE_CHECKING:
    from trivium.catalog._catalog import Catalog

T = TypeVar("T")


@dataclass(frozen=True, eq=False)  # identity: one object per catalogue and day
class Snapshot:
    """An immutable view of a catalogue as of a day. Answers are remembered, so asking again is cheap."""

    catalog: Catalog
    as_of: date
    _answers: dict[tuple[object, ...], object] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Everything announced by the day, superseded claims included, in the order of ids."""
        return tuple(claim for claim in self.catalog.claims if claim.known_by(self.as_of))

    @cached_property
    def superseded_by(self) -> Mapping[str, Claim]:
        """Superseded claim → the claim that corrects or cancels it."""
        return {name: claim for claim in self.claims for name in claim.supersedes}

    @cached_property
    def current(self) -> tuple[Claim, ...]:
        """The claims that no known claim supersedes."""
        gone = self.superseded_by
        return tuple(claim for claim in self.claims if claim.id not in gone)

    @cached_property
    def cells(self) -> tuple[PriceCell, ...]:
        """Every price cell, all windows; an organisation's contracts replace list prices where they hold."""
        known = frozenset(claim.id for claim in self.current)
        book = merged(self.catalog.rules)
        return tuple(sorted(with_contracts(expand(book, known), book, known), key=lambda cell: cell.id))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content: the same for the same facts, in whatever order they were written."""
        total = hashlib.sha256(self.as_of.isoformat().encode())
        for thing in (*self.claims, *self.cells):
            total.update(repr(thing).encode())
            total.update(b"\n")
        return total.hexdigest()

    @cached_property
    def wire_names(self) -> WireNames:
        """The model ids on the wire, overlays included."""
        return wire_names(self.current)

    @cached_property
    def platforms(self) -> Platforms:
        """Lookups of what surfaces take and offer."""
        return Platforms(self._by_predicate)

    @cached_property
    def _by_id(self) -> Mapping[str, Claim]:
        return {claim.id: claim for claim in self.claims}

    @cached_property
    def _by_predicate(self) -> Mapping[str, tuple[Claim, ...]]:
        found: dict[str, list[Claim]] = {}
        for claim in self.current:
            found.setdefault(claim.predicate, []).append(claim)
        return {predicate: tuple(claims) for predicate, claims in found.items()}

    def claim(self, claim_id: str) -> Claim:
        """A claim by id, if it had been announced; NoClaim."""
        found = self._by_id.get(claim_id)
        if found is None:
            raise NoClaim(f"no claim {claim_id!r} had been announced by {self.as_of}")
        return found

    def find(
        self,
        *,
        subject: str | None = None,
        predicate: str | None = None,
        topic: str | None = None,
        at: date | None = None,
    ) -> tuple[Claim, ...]:
        """Claims that match and that no known claim supersedes; with `at`, only those whose window holds that day."""
        pool: Iterable[Claim] = self.current if predicate is None else self._by_predicate.get(predicate, ())
        return tuple(
            claim
            for claim in pool
            if (subject is None or claim.subject == subject)
            and (topic is None or claim.topic == topic)
            and (at is None or claim.holds_on(at))
        )

    def value(self, subject: str, predicate: str, at: date) -> Claim:
        """The claim that wins; NoClaim if none counts on that day, ClaimsDisagree if none stands above the others."""
        found = self.find(subject=subject, predicate=predicate, at=at)
        counted = tuple(claim for claim in found if claim.status != FORWARD_LOOKING)
        if not counted:
            only = "; what is forward-looking never counts" if found else ""
            raise NoClaim(f"no claim gives {predicate} of {subject} on {at}{only}")
        return winner_of(counted)

    def capability(self, surface: str, model: str, name: str, at: date) -> Claim | None:
        """What is known of a capability: for the model on that surface, else for all its models; None if nothing is.

        `surface` may name a variant (`foundry:hosted-on-azure`). Without one, claims about variants answer only if
        they agree. Raises ClaimsDisagree.
        """
        return self.remembered((surface, model, name, at), lambda: self.platforms.winner(surface, model, name, at))

    def supports(self, surface: str, model: str, capability: str, at: date) -> bool | None:
        """Whether a surface offers a capability for a model; None if no claim says yes or no."""
        return self.remembered(
            ("supports", surface, model, capability, at),
            lambda: self.platforms.supports(surface, model, capability, at),
        )

    def versions(self, surface: str, model: str, at: date) -> tuple[str, ...]:
        """The API versions that a surface accepts for a model, as it spells them, newest first."""
        return self.remembered(("versions", surface, model, at), lambda: self.platforms.versions(surface, model, at))

    def beta_action(self, surface: str, beta: str, at: date, model: str = "") -> BetaAction:
        """Whether a beta passes to a surface, is dropped or has another name there, and the claim behind that."""
        return self.remembered(
            ("beta", surface, beta, at, model), lambda: self.platforms.beta_action(surface, beta, at, model)
        )

    def rejected_fields(self, surface: str, model: str, at: date) -> frozenset[str]:
        """Top-level request fields that a surface refuses for a model."""
        return self.remembered(
            ("fields", surface, model, at), lambda: self.platforms.rejected_fields(surface, model, at)
        )

    def retired_at(self, surface: str, model: str) -> date | None:
        """The day a surface stops serving a model, None if none is stated."""
        return self.remembered(("retired", surface, model), lambda: self.platforms.retired_at(surface, model))

    def limit(self, surface: str, model: str, name: str, at: date) -> int | None:
        """A limit as a number: context_window_tokens, max_output_tokens, prompt_cache_min_tokens, body_bytes_max."""
        return self.remembered(
            ("limit", surface, model, name, at), lambda: self.platforms.count(surface, model, name, at)
        )

    def errors(self, surface: str, form: str, at: date) -> ErrorTable:
        """What the errors of a surface mean on a day, in one of the forms they come in (`core.ERROR_FORMS`)."""
        return self.remembered(("errors", surface, form, at), lambda: error_table(self.current, surface, form, at))

    def models(self, at: date) -> tuple[str, ...]:
        """Every model that some surface sells per token on a day, newest first."""
        return self.remembered(("models", at), lambda: _sold(self.cells, at))

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        """The id that a surface wants for a model in a scope, overlays included; NoClaim, AmbiguousName."""
        return self.wire_names.wire(surface, scope, model)

    def parse_wire_model(self, surface: str, wire: str) -> tuple[str, str | None]:
        """The model, and the scope if the id says it, of an id on the wire; NoClaim, AmbiguousName."""
        return self.wire_names.parse(surface, wire)

    def conflicts(self, at: date | None = None) -> tuple[Conflict, ...]:
        """Current claims that cannot all be true, each group with the one that wins and why."""
        return self.remembered(("conflicts", at), lambda: find_conflicts(self.current, at))

    def remembered(self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        """The answer to a question, found once."""
        if key not in self._answers:
            self._answers[key] = find()
        return self._answers[key]  # type: ignore[return-value]  # the key names the question, so the type is find's

    def stale(self, on: date) -> tuple[Claim, ...]:
        """Current claims whose review date has passed and whose window has not ended."""
        return tuple(
            claim
            for claim in self.current
            if claim.review_by is not None
            and claim.review_by < on
            and (claim.valid_until is None or on < claim.valid_until)
        )

    def expired(self, at: date) -> tuple[Claim, ...]:
        """Current claims whose window has ended by a day."""
        return tuple(claim for claim in self.current if claim.valid_until is not None and claim.valid_until <= at)


def _sold(cells: Iterable[PriceCell], at: date) -> tuple[str, ...]:
    first: dict[str, date] = {}
    for cell in cells:
        if cell.unit in TOKEN_UNITS and cell.holds_on(at):
            day = cell.valid_from or date.min
            first[cell.model] = min(first.get(cell.model, day), day)
    return tuple(sorted(first, key=lambda model: (-first[model].toordinal(), model)))
