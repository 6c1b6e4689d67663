"""What the path solver reads of an instance, and how commitments cut its months into atoms of spend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trivium.core import UserError
from trivium.plan.horizon._paths_terms import Deal, Option, Terms, cover_order

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Commitment(Protocol):
    """A spend commitment on one or more surfaces; amounts are US dollars a period.

    Continuous in [low_usd, high_usd] at `discount`, or one of `tiers` (amount, discount), nothing being among the
    choices unless it is `signed`. Form `covered`: the amount is paid and covers list spend of amount / (1 - discount);
    form `take-or-pay`: all spend has the discount, and a period costs the amount at least.
    """

    @property
    def surfaces(self) -> tuple[int, ...]: ...
    @property
    def first_month(self) -> int: ...
    @property
    def months(self) -> int: ...
    @property
    def periods(self) -> int: ...
    @property
    def form(self) -> str: ...
    @property
    def discount(self) -> float: ...
    @property
    def low_usd(self) -> float: ...
    @property
    def high_usd(self) -> float: ...
    @property
    def tiers(self) -> Sequence[tuple[float, float]]: ...
    @property
    def signed(self) -> bool: ...


class Spending(Protocol):
    """Demand, prices and feasibility over months and scenarios; arrays as in `Instance`."""

    @property
    def surfaces(self) -> tuple[str, ...]: ...
    @property
    def workloads(self) -> tuple[str, ...]: ...
    @property
    def offers(self) -> tuple[str, ...]: ...
    @property
    def surface_of(self) -> Ints: ...
    @property
    def demand(self) -> Floats: ...
    @property
    def unit_cost_usd(self) -> Floats: ...
    @property
    def feasible(self) -> Flags: ...
    @property
    def probability(self) -> Floats: ...
    @property
    def risk_weight(self) -> float: ...
    @property
    def risk_level(self) -> float: ...
    @property
    def month_weight(self) -> Floats: ...
    @property
    def commitments(self) -> Sequence[Commitment]: ...


def periods_of(commitment: Commitment, months: int) -> list[tuple[int, int, float]]:
    """(first month, end, part of the period that lies inside the horizon) of each period that begins before its end."""
    length = commitment.months / commitment.periods
    found = []
    for number in range(commitment.periods):
        begin = round(commitment.first_month + number * length)
        end = round(commitment.first_month + (number + 1) * length)
        low, high = max(begin, 0), min(end, months)
        if low < high:
            found.append((low, high, (high - low) / (end - begin)))
    return found


def terms_of(instance: Spending, scale: float) -> tuple[Terms, Floats]:
    """The terms of an instance, amounts times `scale`, and the factor (K, T) of spend as it enters its atom.

    Months that no commitment tells apart, and that weigh the same, are one atom of their surface; all spend that no
    commitment touches is one atom, weighted as it enters.
    """
    months, surfaces = len(instance.month_weight), len(instance.surfaces)
    spans = [periods_of(commitment, months) for commitment in instance.commitments]
    atom = np.zeros((surfaces, months), dtype=np.int64)
    weight = np.ones((surfaces, months))
    keys: dict[tuple[object, ...], int] = {}
    for surface in range(surfaces):
        for month in range(months):
            touched = tuple(
                (number, period)
                for number, commitment in enumerate(instance.commitments)
                if surface in commitment.surfaces
                for period, (low, high, _) in enumerate(spans[number])
                if low <= month < high
            )
            weight[surface, month] = 1.0 if touched else instance.month_weight[month]
            key = (surface, touched, float(instance.month_weight[month])) if touched else ()
            atom[surface, month] = keys.setdefault(key, len(keys))
    atom_weight = np.array([float(key[2]) if key else 1.0 for key in keys])  # type: ignore[arg-type]  # the third is a float
    deals = tuple(
        _deal(commitment, number, spans[number], atom, instance.month_weight, scale)
        for number, commitment in enumerate(instance.commitments)
    )
    risk = (instance.probability, instance.risk_weight, instance.risk_level)
    return Terms(atom, atom_weight, deals, cover_order(atom, deals), *risk), weight


def _deal(
    commitment: Commitment,
    number: int,
    spans: Sequence[tuple[int, int, float]],
    atom: Ints,
    month_weight: Floats,
    scale: float,
) -> Deal:
    if commitment.form not in {"covered", "take-or-pay"}:
        raise UserError(f"commitments[{number}].form", commitment.form, "covered or take-or-pay")
    rows = list(commitment.surfaces)
    options = tuple(Option(amount * scale, discount) for amount, discount in commitment.tiers)
    if options and not commitment.signed:
        options = (Option(0.0, 0.0), *options)
    low = commitment.low_usd * scale
    return Deal(
        take_or_pay=commitment.form == "take-or-pay",
        spans=tuple(tuple(int(item) for item in np.unique(atom[rows, low:high])) for low, high, _ in spans),
        weights=tuple(float(month_weight[low:high].mean()) for low, high, _ in spans),
        parts=tuple(part for _, _, part in spans),
        discount=commitment.discount,
        low_usd=low,
        high_usd=low if commitment.signed else commitment.high_usd * scale,
        options=options,
    )
