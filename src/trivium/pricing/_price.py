"""The exact amount of one request, with the line for every unit it consumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from trivium.core import ZERO, AmbiguousOffer, Money, NoPrice, Offer, Usage, UsageUnknown
from trivium.core.usage import PROMPT_UNITS, UNITS
from trivium.pricing._book import PriceBook
from trivium.pricing._cells import day_of

_counts_of: Callable[[Usage], tuple[int, ...]] = attrgetter(*UNITS)  # several times faster than asking unit by unit
_prompt_of: Callable[[Usage], tuple[int, ...]] = attrgetter(*PROMPT_UNITS)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One unit of a request: count times rate, and the facts the rate came from."""

    unit: str
    count: int
    rate_picos: int  # pico-dollars per token, or per item of a tool
    amount: Money
    cell_id: str
    claim_ids: tuple[str, ...]
    status: str = ""  # the grade of the price: documented, reported, unconfirmed, …


@dataclass(frozen=True, slots=True)
class Price:
    """What a request costs, from which book, and why."""

    amount: Money
    lines: tuple[PriceLine, ...]
    offer: Offer  # its scope as the book names it
    at: date
    book_digest: str


def price(usage: Usage, offer: Offer, at: date, book: PriceBook) -> Price:
    """The exact price of one request on a day (or at an aware instant); NoPrice, AmbiguousOffer, UsageUnknown.

    A count of zero needs no price. The prompt length of this request selects the band, so a sum of several
    requests must not be passed here: price each and add.
    """
    counts = _counts_of(usage)
    if None in counts:
        raise UsageUnknown(f"unknown is not zero: the count of {', '.join(usage.unknown)} is unknown", usage.unknown)
    if not any(counts):
        return Price(ZERO, (), _resolved_or_same(offer, at, book), day_of(at), book.digest)
    card = book.card(offer, at)
    prompt_tokens = sum(_prompt_of(usage))
    lines = []
    total_picos = 0
    for unit, count in zip(UNITS, counts, strict=True):
        if count == 0:
            continue
        cell = card.cell(unit, prompt_tokens)
        picos = cell.rate_picos * count
        total_picos += picos
        lines.append(PriceLine(unit, count, cell.rate_picos, Money(picos), cell.id, cell.claim_ids, cell.status))
    return Price(Money(total_picos), tuple(lines), card.offer, card.day, book.digest)


def _resolved_or_same(offer: Offer, at: date, book: PriceBook) -> Offer:
    """Nothing was consumed, so an offer without a price costs nothing either."""
    try:
        return book.resolve(offer, at)
    except (NoPrice, AmbiguousOffer):
        return offer
