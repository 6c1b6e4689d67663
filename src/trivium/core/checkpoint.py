"""A checkpoint: a day on which something must be looked at again, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """Due on a date, about a subject, because of claims."""

    due: date
    subject: str
    reason: str
    claim_ids: tuple[str, ...] = ()
