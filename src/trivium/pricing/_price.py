"""The exact amount of one request, with the line for every unit it consumed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from trivium.core import ZERO, AmbiguousOffer, Money, NoPrice, Offer, Usage, UsageUnknown
from trivium.pricing._book import PriceBook
from trivium.pricing._cells import day_of


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
    counts = [(unit, count) for unit, count in usage if count != 0]
    if not counts:
        return Price(ZERO, (), _resolved_or_same(offer, at, book), day_of(at), book.digest)
    if usage.unknown:
        raise UsageUnknown(f"unknown is not zero: the count of {', '.join(usage.unknown)} is unknown", usage.unknown)
    card = book.card(offer, at)
    prompt_tokens = usage.prompt_tokens
    lines = []
    total_picos = 0
    for unit, count in counts:
        if count is None:  # excluded above; says so to the type checker
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
