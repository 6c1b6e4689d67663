"""What a prompt cache is worth, for a gateway that opens no price book itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trivium.core import Money, Offer, PriceError, Usage
from trivium.pricing import PriceBook, price


class BookCachePrices:
    """The gateway's `CachePrices` over the book of the day."""

    def __init__(self, book: Callable[[], PriceBook]) -> None:
        self._book = book

    def rewrite(self, offer: Offer, tokens: int, *, hour: bool, at: datetime) -> Money | None:
        """Tokens, at the offer's price of a write less that of a read, in the band of a prompt of so many tokens.

        None where the offer has no such price: unknown is not zero.
        """
        written = Usage(cache_write_1h=tokens) if hour else Usage(cache_write_5m=tokens)
        try:
            book = self._book()
            return price(written, offer, at, book).amount - price(Usage(cache_read=tokens), offer, at, book).amount
        except PriceError:
            return None
