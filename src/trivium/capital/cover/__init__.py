"""Can a buyer serve what it committed to: years of cover, the cone of revenue, probability and size of a shortfall."""

from trivium.capital.cover._dues import Degree, Due, Dues, dues, quarter_starts, run_rates
from trivium.capital.cover._growth import Growth, grown_years, static_years
from trivium.capital.cover._paths import (
    RATE_LEAST,
    SEED,
    Means,
    Shortfall,
    break_even_growth,
    passage_share,
    revenue_usd,
    shortfall,
)

__all__ = [
    "RATE_LEAST",
    "SEED",
    "Degree",
    "Due",
    "Dues",
    "Growth",
    "Means",
    "Shortfall",
    "break_even_growth",
    "dues",
    "grown_years",
    "passage_share",
    "quarter_starts",
    "revenue_usd",
    "run_rates",
    "shortfall",
    "static_years",
]
