"""A price book cut from a snapshot, and exact amounts from it."""

from trivium.pricing._book import PriceBook, RateCard
from trivium.pricing._cells import Cell, PriceSource, Segment
from trivium.pricing._price import Price, PriceLine, price

__all__ = ["Cell", "Price", "PriceBook", "PriceLine", "PriceSource", "RateCard", "Segment", "price"]
