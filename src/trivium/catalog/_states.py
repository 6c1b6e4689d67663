"""What has become of a claim by a day: computed, never written into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._conflicts import Conflict
from trivium.catalog._snapshot import Snapshot


class State(Enum):
    """The state of a claim, seen on a day from what had been announced by another."""

    IN_FORCE = "in force"
    ANNOUNCED = "announced"  # forward-looking: shown, never counted
    UPCOMING = "upcoming"  # settled, but its window has not begun
    EXPIRED = "expired"  # its window has ended
    CANCELLED = "cancelled"  # announced for later, and withdrawn before it came
    SUPERSEDED = "superseded"  # corrected by a newer claim
    CONTRADICTED = "contradicted"  # another claim on the same question wins
    STALE = "stale"  # its review date has passed


@dataclass(frozen=True, slots=True)
class Standing:
    """A claim's state, with the claim that brought it about (the correction, the winner) and why."""

    claim: Claim
    state: State
    by: Claim | None = None
    why: str = ""


def standing(snapshot: Snapshot, claim: Claim, at: date) -> Standing:
    """What has become of a claim by the snapshot's day, seen on a day."""
    correction = snapshot.superseded_by.get(claim.id)
    if correction is not None:
        return _corrected(claim, correction)
    if claim.valid_until is not None and claim.valid_until <= at:
        return Standing(claim, State.EXPIRED, why=f"its window ended on {claim.valid_until}")
    if claim.status == FORWARD_LOOKING:
        return Standing(claim, State.ANNOUNCED, why="forward-looking: shown, never counted or priced")
    if claim.valid_from is not None and at < claim.valid_from:
        return Standing(claim, State.UPCOMING, why=f"its window begins on {claim.valid_from}")
    conflict = _lost(snapshot, at).get(claim.id)
    if conflict is not None:
        winner = None if conflict.ranked.tied else conflict.ranked.winner
        return Standing(claim, State.CONTRADICTED, winner, conflict.why)
    if claim.review_by is not None and claim.review_by < at:
        return Standing(claim, State.STALE, why=f"it was due for review on {claim.review_by}")
    return Standing(claim, State.IN_FORCE)


def _corrected(claim: Claim, correction: Claim) -> Standing:
    day = correction.announced_on or correction.valid_from
    withdrawn = claim.status == FORWARD_LOOKING and (day is None or claim.valid_from is None or day < claim.valid_from)
    if withdrawn:
        return Standing(claim, State.CANCELLED, correction, f"cancelled on {day}" if day else "cancelled")
    return Standing(claim, State.SUPERSEDED, correction, f"corrected on {day}" if day else "corrected")


def _lost(snapshot: Snapshot, at: date) -> Mapping[str, Conflict]:
    """Claims that lose a conflict on a day; in a conflict that nobody wins, all of them."""

    def find() -> Mapping[str, Conflict]:
        found: dict[str, Conflict] = {}
        for conflict in snapshot.conflicts(at):
            losers = conflict.ranked.claims if conflict.ranked.tied else conflict.ranked.claims[1:]
            for claim, reason in zip(losers, _reasons(conflict), strict=True):
                if reason != "says the same":
                    found[claim.id] = conflict
        return found

    return snapshot.remembered(("lost", at), find)


def _reasons(conflict: Conflict) -> tuple[str, ...]:
    ranked = conflict.ranked
    return ("nothing decides between them", *ranked.reasons) if ranked.tied else ranked.reasons
