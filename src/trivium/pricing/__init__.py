"""A price book cut from a snapshot, and exact amounts from it."""

from trivium.pricing._book import PriceBook, RateCard
from trivium.pricing._cells import Segment
from trivium.pricing._price import Price, PriceLine, price

__all__ = ["Price", "PriceBook", "PriceLine", "RateCard", "Segment", "price"]
