"""Real price: what every lever is worth for a workload, and what an estimate from early use misses."""

from trivium.plan.money._listed import Listing, ListPrice, listing
from trivium.plan.money._real_price import real_price
from trivium.plan.money._tokens import Ratio, point_ratio, token_ratio
from trivium.plan.money._values import LEVER_NAMES, LeverWorth, Path, PriceAsk, RealPrice

__all__ = [
    "LEVER_NAMES",
    "LeverWorth",
    "ListPrice",
    "Listing",
    "Path",
    "PriceAsk",
    "Ratio",
    "RealPrice",
    "listing",
    "point_ratio",
    "real_price",
    "token_ratio",
]
