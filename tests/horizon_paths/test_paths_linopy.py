"""Paths, stays, openings and commitments of any size equal an independent model of the same problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from horizon_paths.independent import Independent
from horizon_paths.worlds import world
from trivium.plan.horizon import Moves, SpendCommitment, solve_paths


@pytest.mark.parametrize("stay", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_laddered_commitments_of_any_size_equal_an_independent_model(seed: int, stay: int) -> None:
    """Three workloads, four offers on three surfaces, six months that weigh less and less, four scenarios.

    Two savings plans overlap on the first surface, the horizon cuts the second's, the third has a signed take-or-pay.
    """
    rng = np.random.default_rng(seed)
    instance = world(rng, 3, 4, 3, 6, 4)
    month = float(instance.demand.mean(axis=1).sum(axis=0)[0])
    commitments = (
        SpendCommitment((0,), 0, 4, 1, "covered", 0.2, high_usd=10 * month),
        SpendCommitment((0,), 2, 4, 2, "covered", 0.15, high_usd=10 * month),
        SpendCommitment((1,), 3, 6, 1, "covered", 0.25, high_usd=10 * month),
        SpendCommitment((2,), 0, 6, 2, "take-or-pay", 0.05, low_usd=0.6 * month, high_usd=0.6 * month, signed=True),
    )
    instance = replace(instance, commitments=commitments)
    moves = Moves([0, 1, -1], rng.uniform(0.0, 0.1, (3, 4, 4)) * month, [0.0, 0.3 * month, 0.0], stay)
    found = solve_paths(instance, moves, gap=0.0)
    expected = Independent(instance, moves, stay).solve()
    assert found.lower_bound_usd <= expected * (1 + 1e-6)
    assert found.objective_usd == pytest.approx(expected, rel=1e-5)
