"""Prices of seats and credits, read from claims: what a seat costs and includes, what a token costs on a seat."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trivium.catalog import STATUSES, Claim, Snapshot
from trivium.core import ClaimsDisagree, Money, NoClaim, rate_picos
from trivium.plan._demand import Demand

UNCOUNTED = frozenset({"forward-looking", "unconfirmed"})
_PART = re.compile(r"(input|cached input|output|cache write) (\d+(?:\.\d+)?)")
_UNITS = {"input": "input", "cached input": "cache_read", "output": "output", "cache write": "cache_write"}
_LEADING = re.compile(r"\d+(?:\.\d+)?")
_PACK = re.compile(r"(\d+(?:\.\d+)?) USD per tenant per month for (\d+) credits")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with the claim it stands in."""

    value: Decimal
    claim: Claim


def figure(snapshot: Snapshot, surface: str, predicate: str, at: date) -> Figure | None:
    """The number with which a claim's value begins, None where no claim that counts says one."""
    claim = stated(snapshot, surface, predicate, at)
    if claim is None or (found := _LEADING.match(claim.value)) is None:
        return None
    return Figure(Decimal(found[0]), claim)


def stated(snapshot: Snapshot, surface: str, predicate: str, at: date) -> Claim | None:
    """The claim that wins, None where none counts or they disagree."""
    try:
        claim = snapshot.value(surface, predicate, at)
    except (NoClaim, ClaimsDisagree):
        return None
    return None if claim.status in UNCOUNTED else claim


def capacity_pack(snapshot: Snapshot, at: date) -> tuple[Decimal, Decimal, Claim] | None:
    """Dollars and credits of a month's pack of Copilot Credits."""
    claim = stated(snapshot, "copilot-studio", "capacity_pack", at)
    found = _PACK.search(claim.value) if claim is not None else None
    if claim is None or found is None:
        return None
    return Decimal(found[1]), Decimal(found[2]), claim


def token_rates(snapshot: Snapshot, model: str, at: date) -> tuple[Mapping[str, int], Claim] | None:
    """Pico-dollars a token that GitHub meters for a model; None where it names no price."""
    claims = [
        claim
        for claim in snapshot.find(predicate="usd_per_mtok", at=at)
        if claim.surface == "github-copilot" and model in claim.models and claim.status not in UNCOUNTED
    ]
    if not claims:
        return None
    claim = max(claims, key=lambda item: (item.layer, STATUSES.index(item.status), item.valid_from or date.min))
    rates = {_UNITS[name]: rate_picos(amount) for name, amount in _PART.findall(claim.value)}
    return (rates, claim) if "input" in rates and "output" in rates else None


@dataclass(frozen=True, slots=True)
class Metered:
    """The same tokens on GitHub's meter; models that it has no price for or no longer offers, with the reason."""

    amount: Money
    claim_ids: tuple[str, ...]
    missing: dict[str, str]


def metered(snapshot: Snapshot, demands: Sequence[Demand], at: date) -> Metered:
    """Exact for the measured span. Its meter has one price for cache writes, whatever their life."""
    picos = 0
    ids: list[str] = []
    missing: dict[str, str] = {}
    for demand in demands:
        gone = snapshot.retired_at("github-copilot", demand.model)
        if gone is not None and gone <= at:
            missing[demand.model] = f"retired there on {gone}"
            ids += _retirements(snapshot, demand.model)
            continue
        found = token_rates(snapshot, demand.model, at)
        if found is None:
            missing[demand.model] = "no price a token there"
            continue
        rates, claim = found
        ids.append(claim.id)
        picos += sum(_picos(rates, row.as_sent()) for row in demand.rows)
    return Metered(Money(picos), tuple(dict.fromkeys(ids)), missing)


def _picos(rates: Mapping[str, int], usage: Iterable[tuple[str, int | None]]) -> int:
    found = 0
    for unit, count in usage:
        name = "cache_write" if unit.startswith("cache_write") else unit
        if count and name in {"input", "output", "cache_read", "cache_write"}:
            found += rates.get(name, rates["input"]) * count
    return found


def _retirements(snapshot: Snapshot, model: str) -> list[str]:
    return [
        claim.id
        for claim in snapshot.find(predicate="retirement")
        if claim.surface == "github-copilot" and model in claim.models and claim.status not in UNCOUNTED
    ]
