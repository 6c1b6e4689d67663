"""What a call can cost at most, before it is sent, and what it did cost, from the surface's own counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from trivium.certify._calls import Call
from trivium.core import ZERO, Money, NoPrice, Offer, Usage, UsageUnknown
from trivium.pricing import PriceBook, price

_WRITES = ("cache_write_5m", "cache_write_1h")


def worst_case(call: Call, body: bytes, offer: Offer, at: date, book: PriceBook) -> Money:
    """The upper bound of a call: every byte of it a token, all of them written to a cache, all output used.

    A token is made of at least one byte. Padding is blanks between JSON tokens, which no prompt contains; an image is
    bounded by the list (`adds_max`). Raises NoPrice where the book cannot say: an unknown price is not zero.
    """
    if call.free:
        return ZERO
    tokens_in = max(0, len(body) - call.padding_bytes - _image_bytes(call, body)) + call.adds_max
    tokens_out = call.tokens_out_max
    bounds = [price(Usage(input=tokens_in, output=tokens_out), offer, at, book).amount]
    for unit in _WRITES:
        try:
            bounds.append(price(Usage(output=tokens_out, **{unit: tokens_in}), offer, at, book).amount)
        except NoPrice:  # the offer has no such cache, so nothing can be written to it
            continue
    return max(bounds)


def _image_bytes(call: Call, body: bytes) -> int:
    """Bytes of the body that are an image, bounded by `adds_max` and not by their number."""
    if not call.image_side:
        return 0
    start = body.index(b'"data":"') + len(b'"data":"')
    return body.index(b'"', start) - start


def settled(call: Call, status: int, usage: Mapping[str, Any] | None, offer: Offer, at: date, book: PriceBook) -> Money:
    """What was billed by the counts of the answer. UsageUnknown where an answer has none: then the bound stands.

    A refusal is not billed: no surface bills an answer of 4xx.
    """
    if call.free or 400 <= status < 500:  # noqa: PLR2004  HTTP's own classes
        return ZERO
    if usage is None:
        raise UsageUnknown("the answer says no usage", ())
    return price(read_usage(usage), offer, at, book).amount


def read_usage(raw: Mapping[str, Any]) -> Usage:
    """The Messages API's usage object; a count that is missing or no whole number is unknown where it must be there."""
    split = raw.get("cache_creation")
    long = _count(split.get("ephemeral_1h_input_tokens")) if isinstance(split, Mapping) else 0
    written = _count(raw.get("cache_creation_input_tokens")) or 0
    return Usage(
        input=_count(raw.get("input_tokens")),
        output=_count(raw.get("output_tokens")),
        cache_read=_count(raw.get("cache_read_input_tokens")) or 0,
        cache_write_5m=max(0, written - (long or 0)),
        cache_write_1h=long or 0,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 50 else None
