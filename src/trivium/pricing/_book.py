"""The price book: every cell of a snapshot, indexed by what a request names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NoReturn

from trivium.catalog import PriceCell, Snapshot
from trivium.core import AmbiguousOffer, NoPrice, Offer, UserError
from trivium.core.usage import TOKEN_UNITS, TOOL_UNITS, UNITS
from trivium.pricing._cells import (
    Segment,
    below,
    checked,
    day_of,
    in_force,
    long_prompt_start,
    segments,
)
from trivium.pricing._scopes import candidates

_MEMO_MAX = 65_536  # (offer, day) pairs kept resolved; a year of a large organisation's traffic
_ANY_MODEL = "*"
_TOOL_SCOPES = ("all", "global")  # a tool's fee knows no region: the request's own scope, else one of these, else any
_TOOL_TIERS = ("tool", "standard")  # nor a tier

_Units = Mapping[str, tuple[PriceCell, ...]]


@dataclass(frozen=True, slots=True)
class RateCard:
    """Everything an offer costs on one day: the segments of prompt length per unit, ascending and disjoint."""

    offer: Offer
    day: date
    units: Mapping[str, tuple[Segment, ...]]

    def cell(self, unit: str, prompt_tokens: int) -> PriceCell:
        """The one cell for a unit at a prompt length; NoPrice, AmbiguousOffer."""
        for segment in self.units.get(unit, ()):
            if segment.prompt_min <= prompt_tokens and (
                segment.prompt_max is None or prompt_tokens <= segment.prompt_max
            ):
                return segment.cells[0] if len(segment.cells) == 1 else segment.cell
        raise self._no_price(unit, prompt_tokens)

    def _no_price(self, unit: str, prompt_tokens: int) -> NoPrice:
        priced = self.units.get(unit, ())
        why = (
            f"priced prompt lengths: {', '.join(_span(segment) for segment in priced)}; this prompt has {prompt_tokens}"
            if priced
            else f"priced units: {', '.join(unit for unit in UNITS if unit in self.units)}"
        )
        return _no_price(self.offer, unit, self.day, why)


class PriceBook:
    """Exact prices of one snapshot; immutable. All rates are whole pico-dollars (`rate_unit`)."""

    rate_unit = "pico-USD"

    def __init__(self, cells: Iterable[PriceCell], as_of: date) -> None:
        self.cells: tuple[PriceCell, ...] = tuple(checked(cell) for cell in cells)
        self.as_of = as_of
        self.digest = _digest(self.cells)
        self._offers: dict[tuple[str, str, str], dict[str, _Units]] = _index(self.cells)
        self._cards: dict[tuple[Offer, date], RateCard] = {}

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot) -> PriceBook:
        """The book of a snapshot; raises UserError if a rate is not whole in pico-dollars."""
        return cls(snapshot.cells, snapshot.as_of)

    def resolve(self, offer: Offer, at: date) -> Offer:
        """The offer with its scope as the book names it, on that day; NoPrice, AmbiguousOffer."""
        return self.card(offer, at).offer

    def cell(self, offer: Offer, unit: str, at: date, prompt_tokens: int) -> PriceCell:
        """The price cell of a unit of a request with that prompt length; NoPrice, AmbiguousOffer, UserError."""
        if unit not in UNITS:
            raise UserError("unit", unit, f"use one of {', '.join(UNITS)}")
        return self.card(offer, at).cell(unit, prompt_tokens)

    def card(self, offer: Offer, at: date) -> RateCard:
        """All rates of an offer on a day (a date, or an aware instant: its UTC day); NoPrice, AmbiguousOffer."""
        key = (offer, day_of(at))
        found = self._cards.get(key)
        if found is None:
            found = self._resolve_card(offer, key[1])
            if len(self._cards) >= _MEMO_MAX:
                self._cards.clear()
            self._cards[key] = found
        return found

    def scopes(self, surface: str, model: str, tier: str, at: date) -> tuple[str, ...]:
        """The scopes in which a model is sold at a tier on a day, sorted; empty if it is not."""
        day = day_of(at)
        by_scope = self._offers.get((surface, model, tier), {})
        return tuple(sorted(scope for scope, units in by_scope.items() if _sold(units, day)))

    def scope_names(self) -> tuple[str, ...]:
        """Every scope that has a price on some day, sorted."""
        return tuple(sorted({cell.scope for cell in self.cells}))

    def means_scope(self, scope: str) -> bool:
        """Whether a word leads to some scope of the book: a class, a geography, or a region."""
        return bool(candidates(scope, self.scope_names()))

    def change_days(self) -> tuple[date, ...]:
        """Every day on which some price begins or ends, ascending: between two of them nothing changes."""
        days = {day for cell in self.cells for day in (cell.valid_from, cell.valid_until)}
        return tuple(sorted(day for day in days if day is not None))

    def _resolve_card(self, offer: Offer, day: date) -> RateCard:
        offered = self.scopes(offer.surface, offer.model, offer.tier, day)
        if not offered:
            self._fail_unsold(offer, day)
        meant = candidates(offer.scope, offered)
        if not meant:
            why = f"sold on that day in scope {', '.join(offered)}"
            raise _no_price(offer, "any unit", day, why)
        if len(meant) > 1:
            raise AmbiguousOffer(
                f"{offer} on {day}: scope {offer.scope!r} may mean {', '.join(meant)}; name one",
                tuple(str(replace(offer, scope=scope)) for scope in meant),
            )
        resolved = replace(offer, scope=meant[0])
        own = self._offers[offer.surface, offer.model, offer.tier][meant[0]]
        now = {unit: valid for unit, cells in own.items() if (valid := _valid(cells, day))}
        units = {unit: segments(valid) for unit, valid in now.items()}
        start = self._long_prompt_start(offer, day)
        if start is not None:
            units |= {unit: below(units[unit], start) for unit in units if unit in TOKEN_UNITS}
        for unit in TOOL_UNITS:
            if unit not in units and (shared := self._shared_tool(resolved, unit, day)):
                units[unit] = segments(shared)
        return RateCard(resolved, day, units)

    def _long_prompt_start(self, offer: Offer, day: date) -> int | None:
        """Where long prompts begin for the model on the surface that day, in whatever scope that is stated.

        A scope for which it is not stated has no price beyond: its base price must not stand in.
        """
        by_scope = self._offers[offer.surface, offer.model, offer.tier]
        return long_prompt_start(
            cell for units in by_scope.values() for cells in units.values() for cell in _valid(cells, day)
        )

    def _shared_tool(self, offer: Offer, unit: str, day: date) -> tuple[PriceCell, ...]:
        """The cells of a server tool where they are authored once for all models, scopes or tiers."""
        for model in (offer.model, _ANY_MODEL):
            for tier in (offer.tier, *_TOOL_TIERS):
                by_scope = self._offers.get((offer.surface, model, tier), {})
                priced = {
                    scope: valid for scope, units in by_scope.items() if (valid := _valid(units.get(unit, ()), day))
                }
                for scope in (offer.scope, *_TOOL_SCOPES, *priced):
                    if scope in priced:
                        return priced[scope]
        return ()

    def _fail_unsold(self, offer: Offer, day: date) -> NoReturn:
        """Say which part of the offer the book does not know."""
        surfaces = sorted({surface for surface, _, _ in self._offers})
        models = sorted({model for surface, model, _ in self._offers if surface == offer.surface} - {_ANY_MODEL})
        tiers = sorted(
            {tier for surface, model, tier in self._offers if (surface, model) == (offer.surface, offer.model)}
        )
        sold_now = [tier for tier in tiers if self.scopes(offer.surface, offer.model, tier, day)]
        if not models:
            why = f"priced surfaces: {', '.join(surfaces)}"
        elif offer.model not in models:
            why = f"{offer.surface} has prices for {', '.join(models)}"
        elif sold_now:
            why = f"tiers sold on that day: {', '.join(sold_now)}"
        else:
            why = f"priced {self._windows(offer)}"
        raise _no_price(offer, "any unit", day, why)

    def _windows(self, offer: Offer) -> str:
        """The windows in which a model has any price on a surface, for a message."""
        spans = {
            (str(cell.valid_from or "the beginning"), str(cell.valid_until or "further notice"))
            for (surface, model, _), by_scope in self._offers.items()
            if (surface, model) == (offer.surface, offer.model)
            for units in by_scope.values()
            for cells in units.values()
            for cell in cells
        }
        return "; ".join(f"from {start} until {end}" for start, end in sorted(spans))


def _index(cells: Sequence[PriceCell]) -> dict[tuple[str, str, str], dict[str, _Units]]:
    collected: dict[tuple[str, str, str], dict[str, dict[str, list[PriceCell]]]] = {}
    for cell in cells:
        by_scope = collected.setdefault((cell.surface, cell.model, cell.tier), {})
        by_scope.setdefault(cell.scope, {}).setdefault(cell.unit, []).append(cell)
    return {
        offer: {
            scope: {unit: tuple(sorted(found, key=lambda cell: cell.id)) for unit, found in by_unit.items()}
            for scope, by_unit in by_scope.items()
        }
        for offer, by_scope in collected.items()
    }


def _valid(cells: Sequence[PriceCell], day: date) -> tuple[PriceCell, ...]:
    return tuple(cell for cell in cells if in_force(cell, day))


def _sold(units: _Units, day: date) -> bool:
    """Whether any token class has a price that day; a lone tool fee does not make a model an offer."""
    return any(unit in UNITS and unit not in TOOL_UNITS and _valid(cells, day) for unit, cells in units.items())


def _span(segment: Segment) -> str:
    return f"{segment.prompt_min} to {'any' if segment.prompt_max is None else segment.prompt_max}"


def _no_price(offer: Offer, unit: str, day: date, why: str) -> NoPrice:
    keys = (offer.surface, offer.scope, offer.model, offer.tier, unit, day.isoformat())
    return NoPrice(f"no price for {unit} of {offer} on {day}; {why}", keys)


def _digest(cells: Sequence[PriceCell]) -> str:
    """SHA-256 over what decides an amount, so that facts on other subjects leave it as it is."""
    lines = sorted(
        "\x1f".join(
            (
                *(cell.id, cell.surface, cell.model, cell.scope, cell.tier, cell.unit),
                *(str(cell.band[0]), str(cell.band[1]), str(cell.rate_picos)),
                *(str(cell.valid_from), str(cell.valid_until)),
            )
        )
        for cell in cells
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
