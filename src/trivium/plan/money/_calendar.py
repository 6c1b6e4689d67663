"""What signed contracts take off the price of a surface, month by month, counted in days."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from trivium.plan._in_force import in_force, terms
from trivium.plan.org import Contract

__all__ = ["discount_over", "holds_within", "in_force"]


def discount_over(contracts: Iterable[Contract], at: date, surface: str, first: date, end: date) -> float:
    """The share off list from a day to before another: on each day that of the largest discount in force."""
    held = [contract for contract in contracts if surface in contract.surfaces]
    edges = {day for contract in held for term in terms(contract, at, end) for day in term if first < day < end}
    off = 0.0
    for low, high in pairwise(sorted({first, end, *edges})):
        most = max((float(one.discount_percent) for one in held if in_force(one, at, low)), default=0.0)
        off += most / 100 * (high - low).days
    return off / (end - first).days


def holds_within(contract: Contract, at: date, until: date) -> bool:
    """Whether a signed discount is in force on any day from the plan's to before another."""
    days = (max(first, at) for first, end in terms(contract, at, until) if end > at and first < until)
    return any(in_force(contract, at, day) for day in days)
