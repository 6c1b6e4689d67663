"""The dynamic programme under the paths, its cheapest and the list of all near it, against plain enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trivium.plan.horizon._paths_price import Ways, look_ahead, paths_within, switching_usd

WORKLOADS, OFFERS, LENGTH = 2, 3, 4


def all_paths(cost: np.ndarray, ways: Ways, workload: int) -> dict[tuple[int, ...], float]:
    """Every path that is feasible and keeps its stays, with what it costs."""
    found = {}
    for path in product(range(OFFERS), repeat=LENGTH):
        total, before, free_from, kept = 0.0, int(ways.start[workload]), 0, True
        for month, offer in enumerate(path):
            if offer != before:
                kept = kept and month >= free_from
                free_from = month + int(ways.stay_months[offer])
                total += ways.switch_usd[workload, before, offer] * ways.month_weight[month] if before >= 0 else 0.0
            kept = kept and bool(ways.feasible[workload, offer, month])
            total += cost[workload, offer, month]
            before = offer
        if kept:
            found[path] = total
    return found


@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=OFFERS, max_size=OFFERS), st.booleans())
def test_the_cheapest_path_and_all_near_it_are_those_of_plain_enumeration(
    seed: int, stay: list[int], new: bool
) -> None:
    rng = np.random.default_rng(seed)
    ways = Ways(
        feasible=rng.random((WORKLOADS, OFFERS, LENGTH)) < 0.8,
        switch_usd=rng.integers(0, 4, (WORKLOADS, OFFERS, OFFERS)).astype(float),
        stay_months=np.array(stay),
        start=np.full(WORKLOADS, -1) if new else rng.integers(0, OFFERS, WORKLOADS),
        month_weight=np.array([1.0, 1.0, 0.5, 0.25]),
    )
    cost = rng.integers(0, 9, (WORKLOADS, OFFERS, LENGTH)).astype(float)
    ahead = look_ahead(cost, ways)
    value, path = ahead.cheapest()
    every = [all_paths(cost, ways, workload) for workload in range(WORKLOADS)]
    for workload, known in enumerate(every):
        if not known:
            assert value[workload] == np.inf
            continue
        assert value[workload] == min(known.values())
        assert known[tuple(path[workload])] == value[workload]
    if all(every):
        listed = paths_within(cost, ahead, 3.0, 1_000)
        assert listed is not None
        owners, paths = listed
        found = {(int(owner), tuple(int(offer) for offer in row)) for owner, row in zip(owners, paths, strict=True)}
        assert len(found) == len(owners)
        assert found == {
            (workload, row)
            for workload in range(WORKLOADS)
            for row, usd in every[workload].items()
            if usd <= value[workload] + 3
        }
        moved = switching_usd(owners, paths, ways)
        months = cost[owners[:, None], paths, np.arange(LENGTH)].sum(axis=1)
        assert all(
            every[owner][tuple(row)] == usd for owner, row, usd in zip(owners, paths, months + moved, strict=True)
        )


def test_a_list_that_would_be_too_long_is_not_made() -> None:
    ways = Ways(np.ones((1, 3, 4), bool), np.zeros((1, 3, 3)), np.ones(3, int), np.array([-1]), np.ones(4))
    ahead = look_ahead(np.zeros((1, 3, 4)), ways)
    assert paths_within(np.zeros((1, 3, 4)), ahead, 0.0, 81) is not None  # 3 · 3 · 3 · 3 paths, all free
    assert paths_within(np.zeros((1, 3, 4)), ahead, 0.0, 80) is None
