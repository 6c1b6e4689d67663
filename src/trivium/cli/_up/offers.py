"""Which surfaces of the site carry a workload's model at the time of the replay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from trivium.cli._up.site import SCOPES, SURFACES
from trivium.cli._up.trace import LONG_CONTEXT_TOKENS
from trivium.core import FactError, Offer, PriceError, UserError

if TYPE_CHECKING:
    from trivium.pricing import PriceBook


def carriers(
    pairs: Mapping[tuple[str, str], bool], book: PriceBook, at: datetime
) -> dict[tuple[str, str], tuple[Offer, ...]]:
    """Offers per (workload, model); a pair with prompts over 200,000 tokens needs a surface that prices them."""
    found = {}
    for (workload, model), long in pairs.items():
        offers = tuple(
            offer
            for offer in (Offer(surface, SCOPES[surface], model) for surface in SURFACES)
            if _sold(book, offer, at, long=long)
        )
        if not offers:
            raise UserError("TRACE", model, f"no surface of the lab sells this model on {at.date()}: leave it out")
        found[workload, model] = offers
    return found


def _sold(book: PriceBook, offer: Offer, at: datetime, *, long: bool) -> bool:
    prompt_tokens = LONG_CONTEXT_TOKENS + 1 if long else 1
    try:
        resolved = book.resolve(offer, at)
        cells = [book.cell(resolved, unit, at, prompt_tokens) for unit in ("input", "output", "cache_read")]
    except (PriceError, FactError):
        return False
    return not long or any(cell.band[0] > LONG_CONTEXT_TOKENS for cell in cells)
