"""What evidence says of an offer for a part, in the form the search for ways asks it."""

from __future__ import annotations

from datetime import date

from trivium.catalog import Snapshot
from trivium.core import Offer
from trivium.plan._candidates import Excluded
from trivium.plan.decide._parts import Part
from trivium.plan.decide._ways import Fits
from trivium.plan.questions import Verdict, feasibility


class ByClaims:
    """Feasibility by claims; remembers what it could not answer and under which conditions it said yes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.verdicts: dict[tuple[str, Offer], Verdict] = {}  # (workload, offer) → the first month's verdict

    def __call__(self, part: Part, offer: Offer, end: date) -> Excluded | None:
        """None if it may run there in the month that ends on the day."""
        found = feasibility(part.demand, part.needs, offer, end, self._snapshot)
        self.verdicts.setdefault((part.workload, offer), found)
        return None if found.ok else Excluded(offer, found.reason, found.claim_ids)


def by_claims(snapshot: Snapshot) -> Fits:
    """See ByClaims."""
    return ByClaims(snapshot)
