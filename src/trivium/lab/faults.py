"""Faults on command: what goes wrong, where, how often. Chance is seeded, so a faulty run repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from trivium.core import UserError
from trivium.lab.surfaces._base import Refused
from trivium.lab.world import Dice

KINDS = ("status", "delay", "cut", "silence", "garbage", "truncated_event", "error_event", "late_error")
_KIND_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OVERLOADED = 529


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    kind: status (answer with `status`), delay (wait `seconds` first), cut (close after `after_bytes` of the body),
    silence (after `after_bytes` say nothing for `seconds`), garbage (64 seeded bytes after `after_bytes`),
    truncated_event (a stream ends inside its event number `after_events`), error_event (a stream's first event is an
    error of `status`), late_error (a stream's event number `after_events` is an error of `status`, and its last).
    """

    kind: str
    surface: str = "*"
    path: str = "*"  # shell pattern
    count: int | None = None  # how many requests it hits; None: all
    probability: float = 1.0
    status: int = _OVERLOADED
    error_type: str = ""  # the Messages error type; derived from the status where empty
    message: str = "Overloaded"
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    after_bytes: int = 0
    after_events: int = 3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError("kind", self.kind, f"use one of {', '.join(KINDS)}")
        if not 0 <= self.probability <= 1:
            raise UserError("probability", self.probability, "give a share from 0 to 1")
        if self.count is not None and self.count < 1:
            raise UserError("count", self.count, "give a whole number, 1 or more")
        if not 400 <= self.status <= 599:  # noqa: PLR2004  the range of HTTP errors
            raise UserError("status", self.status, "give an HTTP error status, 400 to 599")
        if self.seconds < 0 or self.after_bytes < 0 or self.after_events < 1:
            raise UserError("fault", self.kind, "seconds and after_bytes are not negative, after_events is 1 or more")

    @classmethod
    def from_json(cls, raw: object) -> Fault:
        """A fault as the control port receives it; raises UserError."""
        if not isinstance(raw, dict) or "kind" not in raw:
            raise UserError("fault", raw, 'give an object with a "kind"')
        known = {item.name: str(item.type) for item in fields(cls)}
        for name, value in raw.items():
            if name not in known:
                raise UserError("fault", name, f"use only {', '.join(known)}")
            if not _fits(value, known[name]):
                raise UserError(name, value, f"give a value of type {known[name]}")
        return cls(**raw)

    def refused(self) -> Refused:
        """The error of a status or error_event fault."""
        kind = self.error_type or _KIND_OF_STATUS.get(self.status, "api_error")
        return Refused(self.status, kind, self.message, headers=self.headers)


@dataclass(slots=True)
class _Armed:
    number: int
    fault: Fault
    left: int | None
    hits: int = 0


class Faults:
    """The faults of a lab, in the order they were added."""

    def __init__(self, seed: int) -> None:
        self._armed: list[_Armed] = []
        self._next = 1
        self._dice = Dice(f"faults:{seed}".encode())

    def add(self, fault: Fault) -> int:
        """Arm a fault; its number serves to clear it."""
        self._armed.append(_Armed(self._next, fault, fault.count))
        self._next += 1
        return self._next - 1

    def clear(self, number: int | None = None) -> int:
        """Disarm one fault or all; how many there were."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if number is not None and armed.number != number]
        return before - len(self._armed)

    def strike(self, surface: str, path: str) -> tuple[Fault, ...]:
        """The faults that hit a request now."""
        struck = []
        for armed in self._armed:
            fault = armed.fault
            if armed.left == 0 or fault.surface not in {"*", surface} or not fnmatchcase(path, fault.path):
                continue
            if fault.probability < 1 and not self._dice.chance(fault.probability):
                continue
            armed.hits += 1
            if armed.left is not None:
                armed.left -= 1
            struck.append(fault)
        return tuple(struck)

    def as_json(self) -> list[dict[str, Any]]:
        """For the control port."""
        return [
            {
                "id": armed.number,
                "hits": armed.hits,
                "left": armed.left,
                **{item.name: getattr(armed.fault, item.name) for item in fields(Fault)},
            }
            for armed in self._armed
        ]


def _fits(value: object, annotation: str) -> bool:
    if annotation.startswith("Mapping"):
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if annotation.startswith("int"):
        return (isinstance(value, int) and not isinstance(value, bool)) or (value is None and "None" in annotation)
    if annotation == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str)
