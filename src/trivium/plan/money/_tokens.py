"""Tokens of one model for a token of another, for the same text: equal list prices are no equal costs across the line.

Claims `token_ratio`, `token_ratio_low` and `token_ratio_high` name the models of a newer tokenizer and how many of its
tokens stand for one of the older; two models that the same claim names, or that none names, count alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from trivium.catalog import Claim, Snapshot
from trivium.core import TOKEN_UNITS, Offer
from trivium.plan._market import UNCOUNTED, Market, Rate, Rates

POINT, LOW, HIGH = "token_ratio", "token_ratio_low", "token_ratio_high"
SAME = Fraction(1)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Tokens of the second model for one of the first: the stated figure, and the ends of what is stated."""

    low: Fraction
    point: Fraction
    high: Fraction
    claim_ids: tuple[str, ...] = ()

    @property
    def across(self) -> bool:
        """Whether the two count differently."""
        return bool(self.claim_ids)


def token_ratio(snapshot: Snapshot, at: date) -> Callable[[str, str], Ratio]:
    """How token counts change between two models, by the claims of a day."""
    stated = {name: [c for c in snapshot.find(predicate=name, at=at) if _counts(c)] for name in (LOW, POINT, HIGH)}

    def ratio(first: str, second: str) -> Ratio:
        point, ids = _between(stated[POINT], first, second)
        if not ids:
            return Ratio(SAME, SAME, SAME)
        low, low_ids = _between(stated[LOW], first, second)
        high, high_ids = _between(stated[HIGH], first, second)
        ends = [point, *(value for value, found in ((low, low_ids), (high, high_ids)) if found)]
        return Ratio(min(ends), point, max(ends), (*ids, *low_ids, *high_ids))

    return ratio


def point_ratio(snapshot: Snapshot, at: date) -> Callable[[str, str], Fraction]:
    """The stated figure alone: what an optimiser multiplies token counts with."""
    ratio = token_ratio(snapshot, at)
    return lambda first, second: ratio(first, second).point


def _counts(claim: Claim) -> bool:
    return claim.number is not None and claim.number > 0 and claim.status not in UNCOUNTED


def _between(claims: Sequence[Claim], first: str, second: str) -> tuple[Fraction, tuple[str, ...]]:
    found, ids = SAME, []
    for claim in claims:
        before, after = first in claim.models, second in claim.models
        if claim.number is None or before == after:
            continue
        found *= Fraction(claim.number) if after else 1 / Fraction(claim.number)
        ids.append(claim.id)
    return found, tuple(ids)


class TokenMarket:
    """A market seen by a workload that counted its tokens with one model: prices a token of that model's count.

    A rate is rounded to the pico-dollar a token, which a tokenizer's ratio (itself a round figure) never notices.
    """

    def __init__(self, market: Market, model: str, ratio: Callable[[str, str], Fraction]) -> None:
        self.market, self.model, self.ratio = market, model, ratio
        self._known: dict[tuple[Offer, tuple[int, ...]], Rates] = {}

    def rates(self, offer: Offer, band_starts: Sequence[int]) -> Rates:
        """See Market."""
        key = (offer, tuple(band_starts))
        if key not in self._known:
            found, factor = self.market.rates(offer, band_starts), self.ratio(self.model, offer.model)
            self._known[key] = found if factor == SAME else tuple(_scaled(band, factor) for band in found)
        return self._known[key]

    def surfaces(self, model: str) -> tuple[str, ...]:
        """See Market."""
        return self.market.surfaces(model)

    def scopes(self, surface: str, model: str, tier: str) -> tuple[str, ...]:
        """See Market."""
        return self.market.scopes(surface, model, tier)


class DiscountMarket:
    """A market with the discounts of signed contracts: shares off every price of a surface."""

    def __init__(self, market: Market, discounts: Mapping[str, Fraction]) -> None:
        self.market, self.discounts = market, discounts
        self._known: dict[tuple[Offer, tuple[int, ...]], Rates] = {}

    def rates(self, offer: Offer, band_starts: Sequence[int]) -> Rates:
        """See Market."""
        key = (offer, tuple(band_starts))
        if key not in self._known:
            found, off = self.market.rates(offer, band_starts), self.discounts.get(offer.surface, Fraction(0))
            self._known[key] = tuple(_scaled(band, 1 - off, everything=True) for band in found) if off else found
        return self._known[key]

    def surfaces(self, model: str) -> tuple[str, ...]:
        """See Market."""
        return self.market.surfaces(model)

    def scopes(self, surface: str, model: str, tier: str) -> tuple[str, ...]:
        """See Market."""
        return self.market.scopes(surface, model, tier)


def _scaled(band: Mapping[str, Rate], factor: Fraction, *, everything: bool = False) -> Mapping[str, Rate]:
    return {
        unit: replace(rate, picos=round(rate.picos * factor)) if everything or unit in TOKEN_UNITS else rate
        for unit, rate in band.items()
    }
