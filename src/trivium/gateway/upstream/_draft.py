"""A request on its way to a surface: edits of its bytes are collected, and what was changed is written down."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trivium.core import UserError
from trivium.gateway.seams import Facts, MessagesRequest
from trivium.gateway.wire.body import Body


class Rejected(UserError):
    """A capability the surface lacks, in the words that Claude Code recovers from by itself.

    The message is the whole token, as the client's protocol wants it; field and remedy are for people who look inside.
    """

    def __init__(self, capability: str, field: str, remedy: str) -> None:
        self.capability = capability
        super().__init__(field, capability, remedy)

    def __str__(self) -> str:
        return f"capability_rejected: {self.capability}"


class Draft:
    """What will be sent. Every edit but those the surface's form requires leaves a note."""

    def __init__(self, request: MessagesRequest, surface: str, facts: Facts, body: Body | None = None) -> None:
        self.request = request
        self.surface = surface
        self.facts = facts
        self.body = request.body_for(surface) if body is None else body  # what is edited
        self.betas: list[str] = []  # as the surface calls them
        self.notes: list[str] = []
        self._replaced: dict[str, bytes] = {}
        self._removed: set[str] = set()
        self._added: dict[str, bytes] = {}

    @property
    def model(self) -> str:
        """The catalogue's id."""
        return self.request.model

    def raw(self, field: str) -> bytes | None:
        """The value of a top-level field as it stands now."""
        if field in self._removed:
            return None
        return self._replaced.get(field) or self.body.raw(field)

    def lacks(self, capability: str) -> bool:
        """Whether a claim says that the surface does not offer something; unknown is not a no."""
        return self.facts.supports(self.surface, self.model, capability) is False

    def replace(self, field: str, value: bytes, note: str = "") -> None:
        """Give a field that is there another value."""
        self._replaced[field] = value
        self._note(note)

    def remove(self, fields: Iterable[str], note: str = "") -> None:
        """Leave fields out."""
        self._removed.update(fields)
        self._note(note)

    def add(self, field: str, value: bytes) -> None:
        """Put a field in front, unless it says so already."""
        found = self.raw(field)
        if found is None or msgspec.json.decode(found) != msgspec.json.decode(value):
            self._added[field] = value

    def leave_out(self, field: str, reason: str) -> None:
        """Leave a field out and say so."""
        self.remove([field], f"left out {field}: {reason}")

    def _note(self, note: str) -> None:
        if note and note not in self.notes:
            self.notes.append(note)

    def edited(self) -> bytes:
        """The body to send."""
        if not (self._replaced or self._removed or self._added):
            return self.body.data
        replaced = {field: value for field, value in self._replaced.items() if field not in self._removed}
        return self.body.edit(replace=replaced, remove=self._removed, add=self._added)
