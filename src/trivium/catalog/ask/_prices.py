"""Answers about list prices: what a model costs where and when, and whether platforms differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from trivium.catalog._claim import PriceCell
from trivium.catalog._names import known_models
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._states import standing
from trivium.catalog._tables import read_table
from trivium.catalog.ask._reading import HERE, Reading
from trivium.catalog.ask._values import Draft, said
from trivium.core import ROUTABLE_SURFACES, TOKEN_UNITS

_TIERS = ("standard", "batch", "fast", "extended-access", "provisioned-1mo", "provisioned-6mo")
_ANYWHERE = frozenset({"global", "global-standard"})


@lru_cache(maxsize=1)
def _scopes() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in read_table(HERE / "scopes.csv", ("asked", "scope")):
        found.setdefault(row["asked"], set()).add(row["scope"])
    return {asked: frozenset(scopes) for asked, scopes in found.items()}


def answer_price(draft: Draft, reading: Reading) -> None:
    """Every price cell of the models, platforms and scopes that are named, on a day, with the claims behind each."""
    day = reading.days[0] if reading.days else draft.at
    draft.at = day
    models = reading.named("model")
    asked = [cell for cell in draft.snapshot.cells if cell.model in models and _asked(cell, reading)]
    cells = [cell for cell in asked if cell.holds_on(day)]
    if day > draft.snapshot.as_of:
        draft.notes.append(f"{day} lies after {draft.snapshot.as_of}: later announcements may change it.")
    if not cells:
        _no_price(draft, asked, reading, day)
        return
    _say_token_prices(draft, cells, day)
    _announced(draft, models)
    for cell in cells:
        draft.rest_on(*(draft.snapshot.claim(name) for name in cell.claim_ids))
    if any(cell.unit in TOKEN_UNITS for cell in cells):
        draft.notes.append("USD per million tokens, or per item where the unit is none of tokens; list prices.")
    draft.show(
        f"Prices on {day}",
        ("surface", "model", "scope", "tier", "unit", "prompt tokens", "USD", "grade", "window", "claims"),
        [_row(cell) for cell in sorted(cells, key=_order)],
    )


def _asked(cell: PriceCell, reading: Reading) -> bool:
    places, wanted = reading.named("place"), reading.named("scope")
    tiers = [tier for tier in ("batch", "fast") if tier in reading.words]
    scopes = frozenset[str]().union(*(_scopes()[name] for name in wanted))
    return (
        (not places or cell.surface in places)
        and (not wanted or cell.scope in scopes)
        and (not tiers or cell.tier in tiers)
    )


def _no_price(draft: Draft, asked: list[PriceCell], reading: Reading, day: date) -> None:
    where = f" on {' or '.join(reading.named('place'))}" if reading.has("place") else ""
    scope = f" in {', '.join(reading.named('scope'))}" if reading.has("scope") else ""
    draft.answered = False
    draft.lines.append(f"No claim gives a price of {', '.join(reading.named('model'))}{where}{scope} on {day}.")
    _announced(draft, reading.named("model"))
    windows = sorted({(str(cell.valid_from or "…"), str(cell.valid_until or "…")) for cell in asked})
    if windows:
        told = ", ".join(f"{start} to {end}" for start, end in windows)
        draft.notes.append(f"Prices are known for {told}.")


def _say_token_prices(draft: Draft, cells: list[PriceCell], day: date) -> None:
    """Input and output a model, where it is the same everywhere in one line."""
    ordered = [c for c in sorted(cells, key=_order) if c.unit in {"input", "output"} and c.tier == "standard"]
    for model in dict.fromkeys(cell.model for cell in ordered):
        offers: dict[str, list[PriceCell]] = {}
        for cell in ordered:
            if cell.model == model:
                offers.setdefault(f"{cell.surface}/{cell.scope}", []).append(cell)
        rates: dict[str, list[str]] = {}
        for place, offered in offers.items():
            told = ", ".join(f"{cell.unit} {_usd(cell.amount_usd)}{_band(cell)}" for cell in offered)
            rates.setdefault(told, []).append(place)
        for told, places in rates.items():
            names = dict.fromkeys(name for place in places for cell in offers[place] for name in cell.claim_ids)
            text = f"{model} on {day}: {told} USD per million tokens on {', '.join(places)}."
            draft.say(text, *(draft.snapshot.claim(name) for name in names))


def _announced(draft: Draft, models: tuple[str, ...]) -> None:
    """Base prices that were announced for later, or withdrawn: shown, never counted."""
    for claim in draft.snapshot.claims:
        if claim.predicate == "base_price" and claim.status == "forward-looking" and set(claim.models) & set(models):
            found = standing(draft.snapshot, claim, draft.at)
            why = f": {found.why}" if found.why else ""
            draft.say(f"Not counted: {said(claim)} from {claim.valid_from}, {found.state.value}{why}.", claim, found.by)


def _usd(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _band(cell: PriceCell) -> str:
    low, high = cell.band
    if high is not None:
        return f" (prompts of {low} to {high})"
    return f" (prompts of {low} and more)" if low else ""


def _order(cell: PriceCell) -> tuple[object, ...]:
    models = list(known_models())
    tier = _TIERS.index(cell.tier) if cell.tier in _TIERS else len(_TIERS)
    place = models.index(cell.model) if cell.model in models else len(models)
    unit = TOKEN_UNITS.index(cell.unit) if cell.unit in TOKEN_UNITS else len(TOKEN_UNITS)
    return (place, cell.surface, tier, cell.scope, unit, cell.unit, cell.band[0])


def _row(cell: PriceCell) -> tuple[str, ...]:
    low, high = cell.band
    prompt = f"{low} to {high}" if high is not None else f"{low} and more" if low else "any"
    window = f"{cell.valid_from or '…'} to {cell.valid_until or '…'}"
    return (
        *(cell.surface, cell.model, cell.scope, cell.tier, cell.unit, prompt, _usd(cell.amount_usd), cell.status),
        window,
        ", ".join(cell.claim_ids),
    )


@dataclass(frozen=True, slots=True)
class Parity:
    """Whether the list price of input and output tokens, served from anywhere, differs between platforms."""

    same: tuple[str, ...]
    different: tuple[str, ...]
    longer: tuple[str, ...]  # where long prompts have prices of their own on some platforms only
    claim_ids: tuple[str, ...]


def price_parity(snapshot: Snapshot, at: date) -> Parity:
    """Models sold on two platforms or more, by whether they cost the same on all of them."""
    return snapshot.remembered(("ask.parity", at), lambda: _parity(snapshot, at))


def _parity(snapshot: Snapshot, at: date) -> Parity:
    rates: dict[str, dict[str, set[tuple[str, int]]]] = {}
    longer: dict[tuple[str, int], dict[str, None]] = {}
    claims: dict[str, None] = {}
    for cell in snapshot.cells:
        if not _served_from_anywhere(cell) or not cell.holds_on(at):
            continue
        claims |= dict.fromkeys(cell.claim_ids)
        places = rates.setdefault(cell.model, {}).setdefault(cell.surface, set())
        if cell.band[0] == 0:
            places.add((cell.unit, cell.rate_picos))
        else:
            longer.setdefault((cell.model, cell.band[0]), {})[cell.surface] = None
    shared = {model: places for model, places in rates.items() if len(places) > 1}
    same = {model for model, places in shared.items() if len({frozenset(told) for told in places.values()}) == 1}
    partly = [
        f"{start} tokens and more have a price of their own for {model} on {', '.join(surfaces)} only"
        for (model, start), surfaces in sorted(longer.items())
        if model in shared and len(surfaces) < len(shared[model])
    ]
    return Parity(tuple(sorted(same)), tuple(sorted(shared.keys() - same)), tuple(partly), tuple(claims))


def _served_from_anywhere(cell: PriceCell) -> bool:
    return (
        cell.surface in ROUTABLE_SURFACES
        and cell.scope in _ANYWHERE
        and cell.tier == "standard"
        and cell.unit in {"input", "output"}
    )
