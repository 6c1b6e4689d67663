"""What a surface takes on the wire, read from a snapshot's claims: versions, betas, fields, limits, retirements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum

from trivium.catalog._claim import FORWARD_LOOKING, GRADE, UNCONFIRMED, Claim
from trivium.catalog._rank import most_specific, rank, winner_of
from trivium.core import ClaimsDisagree

VERSIONS = "api_versions"
BETA = "beta:"
FIELD = "field:"
ANY_BETA = f"{BETA}*"
_NO = re.compile(r"(no|not|none|never)\b", re.IGNORECASE)
_OPEN = re.compile(r"(n/a|unknown|not (checked|found|verified|confirmed|stated))\b", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LEADING = re.compile(r"\d+")


class BetaKind(Enum):
    """What to do with a beta header value before it goes to a surface."""

    PASS = "pass"  # noqa: S105  the word of the claims, no password
    DROP = "drop"
    RENAME = "rename"


@dataclass(frozen=True, slots=True)
class BetaAction:
    """A decision about a beta value: the name to send (empty if dropped) and the claim behind it, if there is one."""

    kind: BetaKind
    name: str
    claim: Claim | None


@dataclass(frozen=True)
class Platforms:
    """Lookups over claims by predicate; a claim about some models stands above one about all of a surface's."""

    by_predicate: Mapping[str, Sequence[Claim]]

    def winner(self, surface: str, model: str, predicate: str, at: date) -> Claim | None:
        """The claim that counts for a model on a surface on a day, None if there is none; ClaimsDisagree."""
        place, colon, _ = surface.partition(":")
        claims = [
            claim
            for claim in self.by_predicate.get(predicate, ())
            if claim.surface == place
            and claim.status != FORWARD_LOOKING
            and claim.holds_on(at)
            and claim.speaks_of(model)
        ]
        for wanted in (surface, place) if colon else (surface,):
            exact = [claim for claim in claims if claim.subject.partition("/")[0] == wanted]
            if exact:
                return winner_of(most_specific(exact))
        if colon or not claims:
            return None
        agreed = len({claim.value.casefold() for claim in claims}) == 1  # variants of the surface, all saying the same
        return winner_of(claims) if agreed else None

    def versions(self, surface: str, model: str, at: date) -> tuple[str, ...]:
        """The API versions accepted, newest first; empty if no claim says."""
        claim = self.winner(surface, model, VERSIONS, at)
        return tuple(claim.value.split()) if claim else ()

    def beta_action(self, surface: str, beta: str, at: date, model: str = "") -> BetaAction:
        """Whether a beta passes, is dropped or has another name there. Without any claim it is dropped."""
        claim = self.winner(surface, model, BETA + beta, at) or self.winner(surface, model, ANY_BETA, at)
        if claim is None:
            return BetaAction(BetaKind.DROP, "", None)
        word, _, name = claim.value.partition(" ")
        kind = BetaKind(word)
        return BetaAction(kind, {BetaKind.PASS: beta, BetaKind.DROP: "", BetaKind.RENAME: name}[kind], claim)

    def rejected_fields(self, surface: str, model: str, at: date) -> frozenset[str]:
        """Top-level request fields that the surface refuses for a model."""
        names = [predicate for predicate in self.by_predicate if predicate.startswith(FIELD)]
        found = ((name.removeprefix(FIELD), self.winner(surface, model, name, at)) for name in names)
        return frozenset(name for name, claim in found if claim is not None and claim.value == "rejected")

    def supports(self, surface: str, model: str, capability: str, at: date) -> bool | None:
        """Whether a surface offers a capability; None if no claim says yes or no."""
        try:
            claim = self.winner(surface, model, capability, at)
        except ClaimsDisagree:
            return None  # shown as a conflict; nothing is decided by it
        return None if claim is None else answer(claim.value)

    def count(self, surface: str, model: str, predicate: str, at: date) -> int | None:
        """A limit as a number (`1000000 (beta header)` is 1000000), None if no claim gives one."""
        claim = self.winner(surface, model, predicate, at)
        digits = _LEADING.match(claim.value) if claim else None
        return int(digits[0]) if digits else None

    def retired_at(self, surface: str, model: str) -> date | None:
        """The day a surface stops serving a model, None if none is stated; of equal claims the earliest.

        A floor (`not before`) is no such day, and an unconfirmed day does not count.
        """
        claims = [
            claim
            for claim in self.by_predicate.get("retirement", ())
            if claim.surface == surface
            and claim.models
            and claim.speaks_of(model)
            and GRADE[claim.status] > GRADE[UNCONFIRMED]
            and _DAY.fullmatch(claim.value)
        ]
        if not claims:
            return None
        ranked = rank(claims)
        days = [claim.value for claim in claims] if ranked.tied else [ranked.winner.value]
        return date.fromisoformat(min(days))


def answer(value: str) -> bool | None:
    """Yes, no or nothing: words other than `no …` are a yes with details, `unknown`, `n/a` or `not checked` nothing."""
    text = value.strip()
    if not text or _OPEN.match(text):
        return None
    return not _NO.match(text)
