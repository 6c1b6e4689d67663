"""The cone of an organisation: steady workloads and those used now and then are fitted apart.

What is learnt of all workloads together (how fast levels wander, how often one ends) is lent to each. Lent from a
bursty one to a steady one it would foretell an end that nothing in the steady one suggests, so each kind learns from
its own.
What moves all workloads of a kind moves them together; the two kinds are taken to move independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trivium.plan.cone import EVERY, Belief, Cone, History, fit
from trivium.plan.decide._deals import Array

STEADY = 0.9  # share of observed steps with use from which a workload is steady; an assumption


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted, what was supposed in it, in sentences, and each workload's mean use over its base period."""

    history: History
    assumptions: tuple[str, ...]
    base: Array  # (W,), in the history's order


def fit_apart(
    history: History, beliefs: Mapping[str, Belief], months: int, scenarios: int, rng: np.random.Generator
) -> tuple[Fitted, Cone]:
    """Fit and sample; workloads in the history's order. Beliefs about workloads that have no history are left aside."""
    seen = np.isfinite(history.values)
    used = (np.nan_to_num(history.values) > 0).sum(axis=1)
    steady = used >= STEADY * np.maximum(seen.sum(axis=1), 1)
    base = np.zeros(len(history.names))
    paths = np.zeros((len(history.names), scenarios, months))
    said: dict[str, None] = {}
    cone: Cone | None = None
    for kind in (steady, ~steady):
        rows = np.flatnonzero(kind)
        if not len(rows):
            continue
        names = tuple(history.names[row] for row in rows)
        mine = History(names, history.start, history.step, history.values[rows])
        model = fit(mine, beliefs={name: b for name, b in beliefs.items() if name == EVERY or name in names})
        cone = model.sample(months, scenarios, rng)
        base[rows], paths[rows] = model.base, cone.paths
        said |= dict.fromkeys(model.assumptions)
    assert cone is not None  # noqa: S101  a history names at least one workload, and each is of one kind
    return Fitted(history, tuple(said), base), Cone(history.names, cone.start, cone.step, paths, base)
