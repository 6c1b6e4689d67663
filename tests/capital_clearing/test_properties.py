"""What holds for every network: conservation, order, uniqueness without costs, and what independent witnesses say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capital_clearing.witness import by_iteration, eisenberg_noe, every_solution
from trivium.capital.clearing import System, clear, system

NEAR = {"rel": 1e-7, "abs": 1e-7}


def drawn(seed: int, count: int, classes: int = 1, *, kept: float | None = 1.0, fail: bool = False) -> System:
    """A sparse random network; about half of it is in trouble. `kept` None: each party has costs of its own."""
    rng = np.random.default_rng(seed)

    def shares(size: tuple[int, ...], most: float) -> np.ndarray:
        found = rng.random(size) * (rng.random(size) < 0.6)
        found[..., np.arange(count), np.arange(count)] = 0.0
        total = found.sum(axis=-2, keepdims=True)
        return np.where(total > 0, found / np.where(total > 0, total, 1) * rng.uniform(0.1, most, total.shape), 0.0)

    debt = rng.lognormal(1.0, 1.0, (classes, count)) / classes
    costs = rng.uniform(0.2, 1.0, (2, count)) if kept is None else np.full((2, count), kept)
    return system(
        [f"p{number}" for number in range(count)],
        rng.lognormal(0.0, 1.2, count),
        debt=debt,
        debt_holdings=shares((classes, count, count), 0.95),
        equity_holdings=shares((count, count), 0.6),
        alpha=costs[0],
        beta=costs[1],
        thresholds=rng.lognormal(-1, 1, count) * (rng.random(count) < 0.6) if fail else 0.0,
        failure_costs=rng.lognormal(-1, 1, count) if fail else 0.0,
    )


seeds = st.integers(0, 2**32 - 1)
networks = st.builds(
    drawn,
    seeds,
    st.integers(1, 24),
    st.integers(1, 3),
    kept=st.sampled_from([1.0, 0.6, 0.0, None]),
    fail=st.booleans(),
)


@given(networks)
@settings(max_examples=150)
def test_nothing_is_lost_but_what_default_and_failure_cost(network: System) -> None:
    found = clear(network)
    for end in (found.greatest, found.least):
        assert end.verified
        assert (end.costs >= -1e-9 * network.scale).all()
        assert end.outside_value + end.costs.sum() == pytest.approx(network.outside_assets.sum(), **NEAR)


@given(networks)
@settings(max_examples=150)
def test_the_greatest_solution_is_above_the_least(network: System) -> None:
    found = clear(network)
    assert (found.gap >= -1e-7).all()
    assert (found.greatest.payments_by_class - found.least.payments_by_class >= -1e-7).all()
    assert (found.greatest.defaulted <= found.least.defaulted).all()


@given(seeds, st.integers(1, 24), st.integers(1, 3))
@settings(max_examples=100)
def test_without_costs_there_is_one_solution(seed: int, count: int, classes: int) -> None:
    found = clear(drawn(seed, count, classes))
    assert found.unique
    assert (np.abs(found.gap) <= 1e-9 * found.system.scale).all()


@given(networks, st.floats(0, 3), seeds)
@settings(max_examples=100)
def test_more_outside_assets_leave_nobody_worse_off(network: System, more: float, seed: int) -> None:
    gifts = more * np.random.default_rng(seed).random(len(network.parties))
    richer = clear(replace(network, outside_assets=network.outside_assets + gifts))
    poorer = clear(network)
    for then, now in ((richer.greatest, poorer.greatest), (richer.least, poorer.least)):
        assert (then.equity - now.equity >= -1e-6).all()
        assert (then.payments - now.payments >= -1e-6).all()


@given(seeds, st.integers(1, 24))
@settings(max_examples=80)
def test_a_linear_program_pays_the_same(seed: int, count: int) -> None:
    network = replace(drawn(seed, count), equity_holdings=np.zeros((count, count)))
    assert clear(network).greatest.payments == pytest.approx(eisenberg_noe(network), rel=1e-6, abs=1e-6)


@given(seeds, st.integers(1, 4), st.sampled_from([1.0, 0.6, 0.3, None]), st.booleans())
@settings(max_examples=80)
def test_the_ends_are_the_ends_of_all_solutions_there_are(
    seed: int, count: int, kept: float | None, fail: bool
) -> None:
    network = drawn(seed, count, kept=kept, fail=fail)
    network = replace(network, failure_costs=np.minimum(network.failure_costs, network.outside_assets))
    found, every = clear(network), every_solution(network)
    payments, equity = (np.array(part) for part in zip(*every, strict=True))
    for end, chosen in ((found.greatest, np.max), (found.least, np.min)):
        assert end.payments == pytest.approx(chosen(payments, axis=0), **NEAR)
        assert end.equity == pytest.approx(chosen(equity, axis=0), **NEAR)


@given(seeds, st.integers(1, 7), st.integers(1, 3), st.sampled_from([1.0, 0.6, None]), st.booleans())
@settings(max_examples=40)
def test_the_plain_iteration_from_above_comes_to_the_same(
    seed: int, count: int, classes: int, kept: float | None, fail: bool
) -> None:
    network = drawn(seed, count, classes, kept=kept, fail=fail)
    paid, equity = by_iteration(network, best=True)
    found = clear(network).greatest
    assert found.payments_by_class == pytest.approx(paid, **NEAR)
    assert found.equity == pytest.approx(equity, **NEAR)


@given(networks)
@settings(max_examples=100)
def test_all_defaults_are_in_a_wave_and_each_once(network: System) -> None:
    found = clear(network)
    for end in (found.greatest, found.least):
        listed = [name for wave in end.waves for name in wave]
        expected = [name for name, fell in zip(network.parties, end.defaulted, strict=True) if fell]
        assert sorted(listed) == sorted(expected)


@given(networks, st.sampled_from([1e-9, 1e-3, 1e9]))
@settings(max_examples=60)
def test_the_unit_of_the_amounts_does_not_matter(network: System, unit: float) -> None:
    same = {name: getattr(network, name) * unit for name in ("outside_assets", "debt", "thresholds", "failure_costs")}
    first, then = clear(network), clear(replace(network, **same))
    assert (first.greatest.defaulted == then.greatest.defaulted).all()
    assert then.least.equity / unit == pytest.approx(first.least.equity, **NEAR)


def in_small_numbers(seed: int, count: int) -> System:
    """Whole amounts and quarters as shares: many a party has to the cent what it owes, or exactly its threshold."""
    rng = np.random.default_rng(seed)

    def shares(most: int) -> np.ndarray:
        found = rng.integers(0, most // max(count - 1, 1) + 1, (count, count)) / 16.0
        np.fill_diagonal(found, 0.0)
        return found

    return system(
        [f"p{number}" for number in range(count)],
        rng.integers(0, 7, count) * (rng.random(count) < 0.7),
        debt=rng.integers(0, 11, count),
        debt_holdings=shares(16),
        equity_holdings=shares(15),
        alpha=rng.integers(0, 5, count) / 4,
        beta=rng.integers(0, 5, count) / 4,
        thresholds=rng.integers(0, 4, count) * (rng.random() < 0.5),
        failure_costs=rng.integers(0, 5, count),
    )


@given(st.builds(in_small_numbers, seeds, st.integers(1, 4)))
@settings(max_examples=200)
def test_amounts_that_meet_to_the_cent_are_cleared_and_verified(network: System) -> None:
    found = clear(network)
    for end in (found.greatest, found.least):
        assert end.verified
        assert end.outside_value + end.costs.sum() == pytest.approx(network.outside_assets.sum(), **NEAR)


@given(networks, st.sampled_from([1e9, 1e13]))
@settings(max_examples=80)
def test_a_giant_that_stands_beside_changes_nothing(network: System, giant: float) -> None:
    """Its assets are no yardstick for others: nobody who has 50 pays 100 because a third party has a trillion."""
    count = len(network.parties) + 1

    def wider(found: np.ndarray) -> np.ndarray:
        return np.pad(found, [(0, 0)] * (found.ndim - 2) + [(0, 1), (0, 1)])

    beside = system(
        [*network.parties, "giant"],
        [*network.outside_assets, giant],
        debt=np.pad(network.debt, [(0, 0), (0, 1)]),
        debt_holdings=wider(network.debt_holdings),
        equity_holdings=wider(network.equity_holdings),
        alpha=[*network.alpha, 1],
        beta=[*network.beta, 1],
        thresholds=[*network.thresholds, 0],
        failure_costs=[*network.failure_costs, 0],
    )
    alone, found = clear(network), clear(beside)
    for end, then in ((alone.greatest, found.greatest), (alone.least, found.least)):
        assert then.verified
        assert then.waves == end.waves
        assert then.payments[: count - 1] == pytest.approx(end.payments, **NEAR)
        assert then.equity[: count - 1] == pytest.approx(end.equity, **NEAR)
