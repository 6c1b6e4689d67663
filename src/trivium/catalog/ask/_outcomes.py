"""What became of each claim of the article by a day: the outcome of its check, and what the check found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from trivium.catalog._claim import Claim
from trivium.catalog._snapshot import Snapshot

ARTICLE, OUTCOME = "article.S", "outcome"
OUTCOMES = (
    *("confirmed", "corrected", "contradicted", "expired"),
    *("unsupported", "unconfirmed", "opinion", "unchecked"),
)
_NOT_YET = "confirmed"  # what is expired today was right until its window ended


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claim of the article and what became of it; `against` are the claims that say something else, if any."""

    claim: Claim
    outcome: str
    why: str
    checked: Claim | None
    against: tuple[Claim, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claim, its check and what speaks against it."""
        return (self.claim, *((self.checked,) if self.checked else ()), *self.against)


def article_claims(snapshot: Snapshot) -> tuple[Claim, ...]:
    """The claims of the article, in the order of the article."""
    return snapshot.remembered(
        ("ask.article",), lambda: tuple(claim for claim in snapshot.claims if claim.id.startswith(ARTICLE))
    )


def outcome_of(snapshot: Snapshot, claim: Claim, at: date) -> Outcome:
    """What became of a claim of the article by a day."""
    checked = _checks(snapshot).get(claim.id)
    against = _corrections(snapshot).get(claim.id, ())
    if checked is None:
        return Outcome(claim, "unchecked", "no check of it is recorded", None, against)
    outcome, why = checked.value, _why(claim, checked, against)
    if outcome == "expired" and claim.valid_until is not None and at < claim.valid_until:
        return Outcome(claim, _NOT_YET, f"{why}; it expires on {claim.valid_until}", checked, against)
    return Outcome(claim, outcome, why, checked, against)


def _why(claim: Claim, checked: Claim, against: tuple[Claim, ...]) -> str:
    """The words of the check, and the finding, which a correction gives as its value."""
    found = against[0].value if against else _finding(claim.note, checked.note)
    parts = [part for part in (checked.note, found) if part]
    return "; ".join(dict.fromkeys(parts))


def _finding(note: str, check: str) -> str:
    """What the note of a claim tells of the check beyond its word."""
    parts = [part.strip() for part in note.split("; ")]
    skipped = ("the article:", "check:", "derivation:", "see article.", "suggested:", "section:")
    return "; ".join(part for part in parts if part and part != check and not part.startswith(skipped))


def _checks(snapshot: Snapshot) -> Mapping[str, Claim]:
    return snapshot.remembered(
        ("ask.outcomes",),
        lambda: {claim.subject: claim for claim in snapshot.current if claim.predicate == OUTCOME},
    )


def _corrections(snapshot: Snapshot) -> Mapping[str, tuple[Claim, ...]]:
    """Article claim → the claims that correct or contradict it."""

    def find() -> dict[str, tuple[Claim, ...]]:
        found: dict[str, tuple[Claim, ...]] = {}
        for claim in snapshot.claims:
            if claim.id.startswith("article-check."):
                found[f"article.{claim.id.rpartition('.')[2]}"] = (claim,)
        return found

    return snapshot.remembered(("ask.corrections",), find)
