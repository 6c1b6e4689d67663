"""A rating: what an attempt costs by a price book, or why it cannot be priced and between which bounds it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from trivium.core import (
    Closed,
    Money,
    Offer,
    Opened,
    Outcome,
    PriceError,
    TriviumError,
    Usage,
    UsageUnknown,
    UserError,
)
from trivium.core.usage import PROMPT_UNITS
from trivium.pricing import Price, PriceBook, PriceLine

PICOS_MAX = 2**63 - 1  # what one stored amount holds: 9.2 million dollars for a single request
REFUSED = "refused by the surface: nothing was billed"
_METHOD = "bounds: prompt tokens at most its bytes, output at most max_output_tokens"

Pricer = Callable[[Usage, Offer, datetime, PriceBook], Price]
Books = Callable[[], PriceBook | None]


@dataclass(frozen=True, slots=True)
class RatingLine:
    """One unit of a rated attempt: count times rate, and the price cell and claims it came from."""

    unit: str
    count: int
    rate_picos: int
    amount: Money
    cell_id: str
    claim_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """What an attempt costs. Without an amount it is unpriced, and `reason` says why.

    An amount that is unpriced, or an estimate, has bounds between which the true one lies, where there are any.
    """

    event_id: str
    amount: Money | None
    lines: tuple[RatingLine, ...]
    reason: str
    lower: Money | None
    upper: Money | None
    offer: Offer  # its scope as the price book names it
    book_digest: str | None
    book_as_of: date | None
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A rating before it is written."""

    amount_picos: int | None
    lines: Sequence[PriceLine]
    reason: str
    scope: str
    lower_picos: int | None = None
    upper_picos: int | None = None


def rate(opened: Opened, closed: Closed, book: PriceBook | None, pricer: Pricer) -> Draft:
    """Price an attempt at its own time; every failure becomes the state `unpriced` with its reason."""
    offer = opened.offer
    if closed.outcome is Outcome.REFUSED and not any(count for _, count in closed.usage):
        return Draft(0, (), REFUSED, offer.scope)
    if book is None:
        return Draft(None, (), "no price book was at hand", offer.scope)
    try:
        priced = pricer(closed.usage, offer, opened.at, book)
    except UsageUnknown as error:
        lower, upper, method = bounds(opened, closed, book, pricer)
        return Draft(None, (), f"UsageUnknown: {error}; {method}", offer.scope, lower, upper)
    except TriviumError as error:
        return Draft(None, (), f"{type(error).__name__}: {error}", offer.scope)
    except Exception as error:  # noqa: BLE001  recorded as the reason: a defect in pricing must not lose the attempt
        return Draft(None, (), f"pricing failed: {type(error).__name__}: {error}", offer.scope)
    draft = _checked(priced, offer)
    if closed.usage_lower is None or draft.amount_picos is None:
        return draft
    lower, upper, _ = bounds(opened, closed, book, pricer)
    return replace(draft, lower_picos=lower, upper_picos=upper)


def _checked(priced: Price, offer: Offer) -> Draft:
    total = 0
    for line in priced.lines:
        total += line.count * line.rate_picos
    if total != priced.amount.picos:
        reason = f"the lines of the price give {Money(total)} USD, its amount says {priced.amount} USD"
        return Draft(None, (), reason, offer.scope)
    if total > PICOS_MAX:
        reason = f"{priced.amount} USD for one request is beyond what a record holds: the counts are corrupt"
        return Draft(None, (), reason, offer.scope)
    return Draft(total, priced.lines, "", priced.offer.scope)


def bounds(opened: Opened, closed: Closed, book: PriceBook, pricer: Pricer) -> tuple[int | None, int | None, str]:
    """Lower and upper bound in pico-dollars of an attempt whose final counts never came, and the method in words.

    The gateway's bounds are taken where it recorded them. Else: a token is at least one byte, so the prompt's bytes
    bound its tokens, and `max_output_tokens` bounds the output. All tokens of an unknown prompt are taken in the
    dearest class. Server tools, and content sent by reference, lie outside bounds that the gateway did not record.
    """
    least, most = closed.usage_lower or _least(closed), closed.usage_upper or _most(opened, closed)
    prompt_known = all(least.get(unit) == most.get(unit) for unit in PROMPT_UNITS)
    # Without the whole prompt the band is open, and only the bound 0 holds.
    lower = _picos(least, opened, book, pricer) if prompt_known else 0
    if most.unknown:
        return lower, None, f"no upper bound: none was recorded for {', '.join(most.unknown)}"
    if prompt_known:
        candidates = [most]
    else:
        empty = dict.fromkeys(PROMPT_UNITS, 0)
        prompt = max(most.get(unit) or 0 for unit in PROMPT_UNITS)
        candidates = [replace(most, **{**empty, unit: prompt}) for unit in PROMPT_UNITS]
    uppers = [picos for usage in candidates if (picos := _picos(usage, opened, book, pricer)) is not None]
    if not uppers:
        return lower, None, "no upper bound: no price"
    return lower, max(uppers), _METHOD


def _least(closed: Closed) -> Usage:
    return Usage(**{unit: count or 0 for unit, count in closed.usage})


def _most(opened: Opened, closed: Closed) -> Usage:
    usage = closed.usage
    most: dict[str, int | None] = {unit: count or 0 for unit, count in usage}
    if any(usage.get(unit) is None for unit in PROMPT_UNITS):
        most |= dict.fromkeys(PROMPT_UNITS, opened.prompt_bytes or None)
    if usage.output is None:
        most["output"] = opened.max_output_tokens
    return Usage(**most)


def _picos(usage: Usage, opened: Opened, book: PriceBook, pricer: Pricer) -> int | None:
    try:
        picos = pricer(usage, opened.offer, opened.at, book).amount.picos
    except (PriceError, UserError):
        return None
    return picos if picos <= PICOS_MAX else None
