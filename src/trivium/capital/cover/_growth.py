"""Revenue that grows and spreads: log-normal, its growth fading from one rate to another, with closed forms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from trivium.core import UserError

_NORMAL = NormalDist()
_RATE_MAX = 10.0  # x22,000 a year, and as wide a spread: over fifteen years still a number
_USD_MAX = 1e18


@dataclass(frozen=True, slots=True)
class Growth:
    """Run rate R_t in USD a year: d ln R = g(t) dt - s^2/2 dt + s dW, g(t) = g_end + (g_0 - g_end) 2^(-t / half_life).

    Rates are continuous, per year: a growth of x1.1 a year is ln 1.1. Without a `growth_end` it does not
    fade. `spread` is the standard deviation of ln R after one year.
    """

    run_rate_usd: float
    growth: float
    spread: float = 0.0
    growth_end: float | None = None  # None: it does not fade
    half_life_years: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.run_rate_usd <= _USD_MAX:
            raise UserError("run_rate_usd", self.run_rate_usd, f"give USD a year above 0, {_USD_MAX:g} at most")
        if not 0 <= self.spread <= _RATE_MAX:
            raise UserError("spread", self.spread, f"give 0 to {_RATE_MAX:g}, such as 0.4 for 40 percent a year")
        if not 0 < self.half_life_years < math.inf:
            raise UserError("half_life_years", self.half_life_years, "give years above 0")
        for name in ("growth", "growth_end"):
            value = getattr(self, name)
            if value is not None and not -_RATE_MAX <= value <= _RATE_MAX:
                remedy = f"give a continuous rate a year, -{_RATE_MAX:g} to {_RATE_MAX:g}, such as 0.7 for a doubling"
                raise UserError(name, value, remedy)

    def drift(self, years: float) -> float:
        """The integral of g from now: what ln E[R] has grown by."""
        if self.growth_end is None:
            return self.growth * years
        decay = math.log(2) / self.half_life_years
        fading = years if decay == 0 else -math.expm1(-decay * years) / decay  # also where it fades over ages
        return self.growth_end * years + (self.growth - self.growth_end) * fading

    def mean_usd(self, years: float) -> float:
        """The expected run rate, E[R_t] = R_0 exp(integral of g)."""
        return self.run_rate_usd * math.exp(self.drift(years))

    def quantile_usd(self, years: float, share: float) -> float:
        """The run rate that stays unreached in `share` of all futures: exact, for ln R_t is normal."""
        if not 0 < share < 1:
            raise UserError("share", share, "give a share between 0 and 1")
        deviation = self.spread * math.sqrt(years)
        shift = self.drift(years) - deviation**2 / 2
        return self.run_rate_usd * math.exp(shift + deviation * _NORMAL.inv_cdf(share))

    def passage_below(self, level_usd: float, years: float) -> float:
        """The probability that R falls to a level within some years, watched at every moment; growth must not fade.

        By the reflection principle, with m = g - s^2/2 and b = ln(level / R_0) < 0:
        N((b - m t) / (s sqrt t)) + exp(2 m b / s^2) N((b + m t) / (s sqrt t)).
        """
        if self.growth_end is not None:
            raise UserError("growth_end", self.growth_end, "leave it out: the closed form holds for steady growth")
        if level_usd >= self.run_rate_usd:
            return 1.0
        barrier, rate = math.log(level_usd / self.run_rate_usd), self.growth - self.spread**2 / 2
        if self.spread == 0:
            return float(rate < 0 and barrier >= rate * years)
        deviation = self.spread * math.sqrt(years)
        reflected = math.exp(2 * rate * barrier / self.spread**2) * _NORMAL.cdf((barrier + rate * years) / deviation)
        return _NORMAL.cdf((barrier - rate * years) / deviation) + reflected


def static_years(committed_usd: float, run_rate_usd: float) -> float:
    """Years of today's run rate that a commitment is: C / R."""
    return committed_usd / run_rate_usd


def grown_years(committed_usd: float, run_rate_usd: float, growth: float, share: float = 1.0) -> float:
    """Years until `share` of a run rate that grows at a steady rate has added up to C: ln(1 + g C / (s R)) / g.

    Infinite where revenue shrinks so fast that it never does.
    """
    if not 0 < share <= 1:
        raise UserError("share", share, "give the share of revenue, above 0 and up to 1")
    years = committed_usd / (share * run_rate_usd)
    if growth == 0:
        return years
    inside = 1 + growth * years
    return math.inf if inside <= 0 else math.log(inside) / growth
