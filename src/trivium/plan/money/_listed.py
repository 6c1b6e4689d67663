"""List prices per token, surface by surface: the same everywhere, or where they differ and by what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from trivium.core import ROUTABLE_SURFACES, TOKEN_UNITS, AmbiguousOffer, Money, NoPrice, Offer
from trivium.plan._market import UNCOUNTED, Market
from trivium.plan.decision import Point
from trivium.plan.money._basis import basis_of
from trivium.plan.money._values import PriceAsk

WIDEST = "global"
_MTOK = 10**6


@dataclass(frozen=True, slots=True)
class ListPrice:
    """What a surface lists for a model, in the scope that compares: `global` where it sells that, else another one."""

    offer: Offer
    picos: tuple[tuple[str, int], ...]  # unit → pico-dollars a token, short prompts
    claim_ids: tuple[str, ...]

    def usd_per_mtok(self, unit: str) -> Decimal:
        """The rate of a unit in dollars per million tokens."""
        return Money(dict(self.picos)[unit] * _MTOK).usd


@dataclass(frozen=True)
class Listing:
    """A model's list prices on the surfaces that sell it in `global`."""

    model: str
    prices: tuple[ListPrice, ...]
    elsewhere: tuple[str, ...]  # surfaces that sell it, but not in `global`

    @property
    def units(self) -> tuple[str, ...]:
        """Units that every one of these surfaces lists; a unit that one of them lacks compares nothing."""
        return tuple(
            unit for unit in TOKEN_UNITS if self.prices and all(unit in dict(price.picos) for price in self.prices)
        )

    @property
    def equal(self) -> bool:
        """Whether every surface that sells it in `global` asks the same for each unit that all of them list."""
        return len({self.common(price) for price in self.prices}) == 1

    def common(self, price: ListPrice) -> tuple[int, ...]:
        """The rates of the units that all list."""
        return tuple(dict(price.picos)[unit] for unit in self.units)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What some surface does not list though another does, in words."""
        every = {unit for price in self.prices for unit, _ in price.picos}
        return tuple(
            f"{price.offer.surface} lists no {unit}"
            for price in self.prices
            for unit in TOKEN_UNITS
            if unit in every and unit not in dict(price.picos)
        )


def listing(market: Market, model: str, band_starts: Sequence[int]) -> Listing:
    """What every surface that can be routed to lists for a model."""
    found, elsewhere = [], []
    for surface in (name for name in ROUTABLE_SURFACES if name in market.surfaces(model)):
        offer = Offer(surface, WIDEST, model)
        try:
            rates = market.rates(offer, band_starts)[0]
        except (NoPrice, AmbiguousOffer):
            elsewhere.append(surface)
            continue
        tokens = {unit: rates[unit] for unit in TOKEN_UNITS if unit in rates and rates[unit].status not in UNCOUNTED}
        if not tokens:
            continue
        ids = tuple(dict.fromkeys(name for rate in tokens.values() for name in rate.claim_ids))
        found.append(ListPrice(offer, tuple((unit, rate.picos) for unit, rate in tokens.items()), ids))
    return Listing(model, tuple(found), tuple(elsewhere))


def list_point(ask: PriceAsk, found: Listing) -> Point:
    """The listing as evidence."""
    ids = [name for price in found.prices for name in price.claim_ids]
    basis = basis_of(ask.snapshot, ids)
    names = ", ".join(price.offer.surface for price in found.prices)
    what = f"list price of {found.model} per token, global scope"
    only = f"; {', '.join(found.elsewhere)}: not in global scope" if found.elsewhere else ""
    more = "".join(f"; {text}" for text in found.lacking) + only
    if not found.prices:
        return Point(what, f"no surface lists it on {ask.at}{only}", "nothing", basis)
    if len(found.prices) == 1:
        return Point(what, f"{rates_text(found.prices[0])}, on {names} alone{only}", "no choice of surface", basis)
    if found.equal:
        value = f"{rates_text(found.prices[0])}: the same on {len(found.prices)} surfaces ({names}){more}"
        return Point(what, value, "the levers, not the surface", basis)
    groups: dict[tuple[int, ...], list[ListPrice]] = {}
    for price in found.prices:
        groups.setdefault(found.common(price), []).append(price)
    parts = [f"{', '.join(p.offer.surface for p in same)}: {rates_text(same[0])}" for same in groups.values()]
    return Point(what, "; ".join(parts) + more, "the surface, too", basis)


def rates_text(price: ListPrice) -> str:
    """Input and output in dollars per million tokens."""
    rates: Mapping[str, int] = dict(price.picos)
    texts = [f"{price.usd_per_mtok(unit):f}" for unit in ("input", "output") if unit in rates]
    return "/".join(text.rstrip("0").rstrip(".") if "." in text else text for text in texts) + " USD/Mtok"
