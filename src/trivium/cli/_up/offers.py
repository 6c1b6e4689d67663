"""Which surfaces of the site carry a workload's model at the time of the replay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from trivium.cli._up.site import SCOPES, SURFACES
from trivium.cli._up.trace import LONG_CONTEXT_TOKENS
from trivium.core import FactError, Offer, PriceError

if TYPE_CHECKING:
    from trivium.catalog import Snapshot
    from trivium.pricing import PriceBook


def carriers(
    pairs: Mapping[tuple[str, str], int], snapshot: Snapshot, book: PriceBook, at: datetime
) -> dict[tuple[str, str], tuple[Offer, ...]]:
    """Offers per (workload, model), given the longest prompt with answer; a pair nobody sells that day is left out."""
    found = {}
    for (workload, model), longest in pairs.items():
        offers = tuple(
            offer
            for offer in (Offer(surface, SCOPES[surface], model) for surface in SURFACES)
            if _sold(snapshot, book, offer, at, longest)
        )
        if offers:
            found[workload, model] = offers
    return found


def _sold(snapshot: Snapshot, book: PriceBook, offer: Offer, at: datetime, longest: int) -> bool:
    """Whether a surface prices the model and takes such prompts: by its stated window, or by a price for long ones."""
    try:
        cells = [book.cell(book.resolve(offer, at), unit, at, longest) for unit in ("input", "output", "cache_read")]
    except (PriceError, FactError):
        return False
    window = snapshot.limit(offer.surface, offer.model, "context_window_tokens", at.date())
    return window is None or longest < window or any(cell.band[0] > LONG_CONTEXT_TOKENS for cell in cells)
