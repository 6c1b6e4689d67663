"""What adapters ask, answered from a catalogue snapshot; every answer is found once for each surface, model and day."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from trivium.catalog import Snapshot, known_models
from trivium.core import Clock, FactError, NoClaim

Answer = TypeVar("Answer")

_VERSIONS, _BETA, _FIELD, _OUTPUT = "api_versions", "beta:", "field:", "max_output_tokens"
_ANY = "*"
_PASS, _DROP, _RENAME = "pass", "drop", "rename"
_REJECTED = "rejected"
_YES, _NO = re.compile(r"(?:yes|beta|ga|accepted)\b", re.IGNORECASE), re.compile(r"(?:no|not|none)\b", re.IGNORECASE)
_STANDARD, _INPUT = "standard", "input"
_REMEMBERED_MAX = 20_000  # answers; names come from clients, so they are bounded


@dataclass(slots=True)
class _Day:
    """One snapshot on one day, and the answers found so far."""

    snapshot: Snapshot
    day: date
    answers: dict[tuple[Any, ...], Any] = field(default_factory=dict)


class SnapshotFacts:
    """Facts over the snapshot that `snapshot` returns, on the clock's day; both may change between two requests."""

    def __init__(self, snapshot: Callable[[], Snapshot], clock: Clock) -> None:
        self._snapshot = snapshot
        self._clock = clock
        self._today: _Day | None = None

    def _current(self) -> _Day:
        snapshot, day = self._snapshot(), self._clock.now().date()
        today = self._today
        if today is None or today.snapshot is not snapshot or today.day != day:
            today = self._today = _Day(snapshot, day)
        return today

    def _remembered(self, key: tuple[Any, ...], find: Callable[[_Day], Answer]) -> Answer:
        today = self._current()
        if key not in today.answers:
            if len(today.answers) >= _REMEMBERED_MAX:
                today.answers.clear()
            today.answers[key] = find(today)
        found: Answer = today.answers[key]
        return found

    def model_id(self, name: str) -> str:
        """The catalogue's id for a name a client sent: of any platform, with its prefixes, dates and paths."""
        return self._remembered(("model", name), lambda today: _model(today, name))

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        """The id the surface wants."""
        key = ("wire", surface, scope, model)
        return self._remembered(key, lambda today: today.snapshot.wire_names.wire(surface, scope, model))

    def versions(self, surface: str, model: str) -> tuple[str, ...]:
        """API versions the surface accepts for the model, newest first; none when no claim says."""
        return self._remembered(
            ("versions", surface, model),
            lambda today: tuple((_value(today, surface, model, _VERSIONS) or "").split()),
        )

    def beta(self, surface: str, model: str, beta: str) -> str | None:
        """The name a beta has on the surface; one that no claim knows is treated as the surface treats the unknown."""
        return self._remembered(("beta", surface, model, beta), lambda today: _beta(today, surface, model, beta))

    def unsupported_fields(self, surface: str, model: str) -> frozenset[str]:
        """Top-level fields the surface refuses for the model."""
        return self._remembered(("fields", surface, model), lambda today: _refused(today, surface, model))

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        """Whether the surface offers a capability; None when claims do not say, or contradict each other."""
        return self._remembered(
            ("supports", surface, model, capability),
            lambda today: _verdict(_value(today, surface, model, capability)),
        )

    def output_tokens_max(self, model: str) -> int | None:
        """The lowest limit that a claim gives for the model on any surface; None when none does."""
        return self._remembered(("output", model), lambda today: _shortest(today, model))

    def models(self) -> tuple[str, ...]:
        """Every model that has a price on a surface today, newest of each family first."""
        return self._remembered(("models",), _sold)

    def display_name(self, model: str) -> str:
        """A name for people; the id itself when the catalogue has none."""
        known = known_models().get(model)
        return known.name if known else model


def _model(today: _Day, name: str) -> str:
    names = today.snapshot.wire_names
    try:
        return names.parse("bedrock", name)[0]
    except NoClaim:
        bare = name.rpartition("/")[2]  # anthropic/claude-…, publishers/anthropic/models/claude-…
        if bare == name or name.startswith("arn:"):
            raise
        return names.parse("bedrock", bare)[0]


def _value(today: _Day, surface: str, model: str, name: str) -> str | None:
    """What the winning claim says; None when there is none, or none wins."""
    try:
        claim = today.snapshot.capability(surface, model, name, today.day)
    except FactError:
        return None
    return claim.value if claim is not None else None


def _verdict(value: str | None) -> bool | None:
    if value is None:
        return None
    if _NO.match(value):
        return False
    return True if _YES.match(value) else None


def _beta(today: _Day, surface: str, model: str, beta: str) -> str | None:
    value = _value(today, surface, model, _BETA + beta) or _value(today, surface, model, _BETA + _ANY)
    if value is None:
        raise NoClaim(f"no claim says what {surface} does with a beta it does not know, such as {beta}")
    verb, _, name = value.partition(" ")
    if verb == _RENAME and name:
        return name
    if verb not in {_PASS, _DROP}:
        raise NoClaim(f"the claim about beta {beta} on {surface} says {value!r}; it must be pass, drop or rename NAME")
    return beta if verb == _PASS else None


def _refused(today: _Day, surface: str, model: str) -> frozenset[str]:
    named = {
        claim.predicate
        for claim in today.snapshot.current
        if claim.surface == surface and claim.predicate.startswith(_FIELD)
    }
    return frozenset(name.removeprefix(_FIELD) for name in named if _value(today, surface, model, name) == _REJECTED)


def _shortest(today: _Day, model: str) -> int | None:
    said = {claim.surface for claim in today.snapshot.find(predicate=_OUTPUT, at=today.day) if model in claim.models}
    limits = [_value(today, surface, model, _OUTPUT) for surface in said]
    return min((int(limit) for limit in limits if limit is not None and limit.isdecimal()), default=None)


def _sold(today: _Day) -> tuple[str, ...]:
    sold = {
        cell.model
        for cell in today.snapshot.cells
        if cell.unit == _INPUT and cell.tier == _STANDARD and cell.holds_on(today.day)
    }
    carried = {model for claim in today.snapshot.find(predicate="wire_model", at=today.day) for model in claim.models}
    return tuple(model for model in known_models() if model in sold & carried)
