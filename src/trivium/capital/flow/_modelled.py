"""What a party is assumed to pass on to another, read from the assumptions of the catalogue."""

from __future__ import annotations

from fractions import Fraction

from trivium.capital.deals import assumed_figures
from trivium.catalog import Snapshot

_SUBJECT = "assumed/pass-through"


def pass_through(snapshot: Snapshot) -> tuple[tuple[str, str, Fraction], ...]:
    """(payer, receiver, share of what others commit to the payer), as assumed. UserError names a bad assumption."""
    return tuple(
        (payer.strip(), receiver.strip(), figures[1])
        for name, figures in assumed_figures(snapshot, _SUBJECT).items()
        for payer, _, receiver in [name.partition(" -> ")]
    )
