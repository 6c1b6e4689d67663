"""How the commitments of an instance cut its months into atoms of spend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trivium.plan.horizon._instance import Instance, SpendCommitment
from trivium.plan.horizon._paths_terms import Deal, Option, Terms, cover_order

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def periods_of(commitment: SpendCommitment, months: int) -> list[tuple[int, int, float]]:
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


def terms_of(instance: Instance, scale: float) -> tuple[Terms, Floats]:
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
        _deal(commitment, spans[number], atom, instance.month_weight, scale)
        for number, commitment in enumerate(instance.commitments)
    )
    risk = (instance.probability, instance.risk_weight, instance.risk_level)
    return Terms(atom, atom_weight, deals, cover_order(atom, deals), *risk), weight


def _deal(
    commitment: SpendCommitment,
    spans: Sequence[tuple[int, int, float]],
    atom: Ints,
    month_weight: Floats,
    scale: float,
) -> Deal:
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
