"""Paths of income: a walk of mean 1 with the spread stated, the same for the same seed, counted as in closed form."""

from __future__ import annotations

from math import log
from statistics import NormalDist

import numpy as np
import pytest

from trivium.capital.stress import Network, Obligation, Party, run_paths
from trivium.capital.stress._paths import walks
from trivium.core import UserError


def lab(**more: float) -> Network:
    party = Party("lab", income=(10.0,), income_spread=0.8)
    return Network(1, (party,), (Obligation("use", "lab", "", (8.0,)),), **more)


def test_walks_have_a_mean_of_one_the_spread_of_a_year_and_what_is_common() -> None:
    found = walks(np.array([0.4, 0.4, 0.0]), 0.25, (40_000, 4), np.random.default_rng(1))
    assert found.mean(axis=0)[:, :2] == pytest.approx(np.ones((4, 2)), abs=0.01)
    logs = np.log(found[:, 3])
    assert logs.std(axis=0) == pytest.approx([0.4, 0.4, 0.0], abs=0.01)
    assert np.corrcoef(logs[:, 0], logs[:, 1])[0, 1] == pytest.approx(0.25, abs=0.03)
    assert (found[:, :, 2] == 1).all()


def test_how_often_a_party_is_behind_is_what_the_normal_distribution_says() -> None:
    found = run_paths(lab(), None, 20_000, 7).parties[0]
    sd = 0.8 / 2  # of one quarter
    expected = NormalDist().cdf((log(8 / 10) + sd**2 / 2) / sd)
    assert found.behind_share == pytest.approx(expected, abs=0.012)  # about 3.5 standard errors
    assert found.first_behind == (0.0, 0.0, 0.0)
    assert found.default_share == 0.0  # it has a quarter to make it good


def test_the_same_seed_draws_the_same_and_progress_is_told() -> None:
    told: list[int] = []
    first = run_paths(lab(), None, 250, 3, lambda done, _: told.append(done))
    assert first == run_paths(lab(), None, 250, 3)
    assert first != run_paths(lab(), None, 250, 4)
    assert told == [100, 200, 250]
    assert first.income_spread == {"lab": 0.8}


def test_paths_without_a_spread_and_too_many_are_refused() -> None:
    with pytest.raises(UserError, match="income_spread"):
        run_paths(Network(1, (Party("lab", income=(1.0,)),)), None, 10, 1)
    with pytest.raises(UserError, match="paths"):
        run_paths(lab(), None, 0, 1)
    with pytest.raises(UserError, match="paths"):
        run_paths(lab(), None, 10**9, 1)
