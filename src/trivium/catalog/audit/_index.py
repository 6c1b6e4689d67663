"""The catalogue's price cells, by what an audit asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from trivium.catalog._claim import PriceCell
from trivium.catalog.audit._names import Models, scopes_for

_SHARES = {"bedrock-mantle": "bedrock"}  # one price list for both endpoints of Bedrock, where the first has no price


class CellIndex:
    """Finds the cell that prices an offer on a day, or priced it last."""

    def __init__(self, cells: Iterable[PriceCell]) -> None:
        self.cells = tuple(cells)
        self._by_offer: dict[tuple[str, str, str, str], dict[str, list[PriceCell]]] = {}
        launches: dict[str, date | None] = {}
        for cell in self.cells:
            scopes = self._by_offer.setdefault((cell.surface, cell.model, cell.tier, cell.unit), {})
            scopes.setdefault(cell.scope, []).append(cell)
            first = launches.get(cell.model)
            days = [day for day in (first, cell.valid_from) if day is not None]
            launches[cell.model] = min(days, default=None)
        self.launches = launches

    def models(self, known: Callable[[str], str | None] | None = None) -> Models:
        """The reader of model names over the priced models; `known` answers what spelling alone cannot."""
        return Models(self.launches, known)

    def windows(self, surface: str, scope: str, model: str, tier: str, unit: str) -> tuple[PriceCell, ...]:
        """Every cell, of any window and band, in the best scope that answers."""
        for place in dict.fromkeys((surface, _SHARES.get(surface, surface))):
            scopes = self._by_offer.get((place, model, tier, unit), {})
            for name in scopes_for(place, scope, scopes):
                return tuple(scopes[name])
        return ()

    def scope_of(self, surface: str, scope: str) -> str:
        """The catalogue's name for a scope of a surface, as its offers have it; the given one if none answers."""
        sold = {name for (place, *_), scopes in self._by_offer.items() if place == surface for name in scopes}
        return next(iter(scopes_for(surface, scope, sold)), scope)

    def every_window(self, surface: str, model: str, tier: str, unit: str) -> tuple[PriceCell, ...]:
        """Every cell of a unit of an offer, in all scopes."""
        scopes = self._by_offer.get((surface, model, tier, unit), {})
        return tuple(cell for cells in scopes.values() for cell in cells)

    def any_windows(self, model: str, tier: str, unit: str) -> tuple[PriceCell, ...]:
        """Every cell of a model's unit at a tier, on all surfaces and scopes."""
        return tuple(
            cell
            for (_, name, level, kind), scopes in self._by_offer.items()
            if (name, level, kind) == (model, tier, unit)
            for cells in scopes.values()
            for cell in cells
        )

    def on(self, cells: Sequence[PriceCell], day: date, prompt: int) -> PriceCell | None:
        """The cell among those that holds on a day for a prompt of so many tokens."""
        fitting = [cell for cell in cells if holds(cell, day) and _spans(cell, prompt)]
        return max(
            fitting, key=lambda cell: cell.band[0], default=None
        )  # the band that starts nearest is the one meant

    def last(self, cells: Sequence[PriceCell], day: date, prompt: int) -> PriceCell | None:
        """The cell that held last before a day."""
        ended = [
            cell for cell in cells if cell.valid_until is not None and cell.valid_until <= day and _spans(cell, prompt)
        ]
        return max(ended, key=lambda cell: (cell.valid_until or date.min, cell.band[0]), default=None)

    def price(self, place: tuple[str, str, str, str, str], day: date, prompt: int = 1) -> PriceCell | None:
        """The cell of (surface, scope, model, tier, unit) on a day, or the last one before it."""
        cells = self.windows(*place)
        return self.on(cells, day, prompt) or self.last(cells, day, prompt)

    def siblings(self, surface: str, scope: str, model: str, tier: str, unit: str) -> Iterable[tuple[str, PriceCell]]:
        """The same unit of every other model of the surface: (model, cell), current and ended."""
        for place, name, level, kind in self._by_offer:
            if place == surface and name not in {model, "*"} and (level, kind) == (tier, unit):
                for cell in self.windows(surface, scope, name, tier, unit):
                    yield name, cell

    def offers(self, surface: str, day: date) -> dict[tuple[str, str, str], set[str]]:
        """What a surface sells on a day: (model, scope, tier) to units."""
        sold: dict[tuple[str, str, str], set[str]] = {}
        for (place, model, tier, unit), scopes in self._by_offer.items():
            if place != surface:
                continue
            for scope, cells in scopes.items():
                if any(holds(cell, day) for cell in cells):
                    sold.setdefault((model, scope, tier), set()).add(unit)
        return sold


def holds(cell: PriceCell, day: date) -> bool:
    """Whether a day falls in the cell's window, which is half-open."""
    return (cell.valid_from is None or cell.valid_from <= day) and (cell.valid_until is None or day < cell.valid_until)


def _spans(cell: PriceCell, prompt: int) -> bool:
    low, high = cell.band
    return low <= prompt and (high is None or prompt <= high)


def same(one: Decimal, other: Decimal) -> bool:
    """Equal to twelve significant digits: what a binary float in a file cannot keep apart is not a difference."""
    return one == other or abs(one - other) <= max(abs(one), abs(other)) * Decimal("1e-12")
