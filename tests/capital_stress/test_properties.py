"""What holds for every network under every scenario: order, settled rounds, and losses that add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capital_stress.witness import plain
from trivium.capital.stress import (
    Default,
    Guarantee,
    Holding,
    Network,
    Obligation,
    Party,
    Resale,
    Scenario,
    Stress,
    Together,
    Tranche,
    run_stress,
)


def drawn(seed: int, count: int, *, monotone: bool) -> Network:
    """A random network, in half of which somebody is in trouble; without what makes it fall where it should rise."""
    rng = np.random.default_rng(seed)
    names = [f"p{number}" for number in range(count)]

    def pair() -> tuple[str, str]:
        first, second = rng.choice(count, 2, replace=False)
        return names[first], names[second]

    obligations = []
    for number in range(3 * count):
        debtor, creditor = pair()
        avoidable = rng.uniform(0, 0.6)
        obligations.append(
            Obligation(
                f"o{number}",
                debtor,
                creditor if rng.random() < 0.8 else "",
                tuple(rng.lognormal(-0.5, 1, 3)),
                "commitment" if rng.random() < 0.5 else "debt",
                int(rng.integers(1, 3)),
                rng.uniform(0.3, 1),
                int(rng.integers(0, 200)),
                avoidable,
                rng.uniform(0, 1 - avoidable),
            )
        )
    holders = [(issuer, holder) for issuer in names for holder in names if issuer != holder and rng.random() < 0.4]
    return Network(
        3,
        tuple(
            Party(
                name,
                rng.lognormal(0, 1),
                rng.lognormal(0.5, 1),
                tuple(rng.normal(1, 1, 3)),
                rng.uniform(0.2, 1),
                rng.uniform(0.2, 1),
                rng.uniform(0, 2),
                rng.uniform(0, 2),
            )
            for name in names
        ),
        tuple(obligations),
        tuple(Holding(holder, issuer, 0.8 / count * rng.random(), rng.uniform(0.5, 1)) for issuer, holder in holders),
        tuple(Tranche(*pair(), rng.lognormal(0, 1), rng.lognormal(0, 1), as_asset=monotone) for _ in range(2)),
        ()
        if monotone
        else tuple(Guarantee(*rng.permutation(names)[:3].tolist(), rng.lognormal(0, 1)) for _ in range(2)),
        resale_sensitivity=rng.uniform(0, 1),
        resale_market=5.0,
        discount_per_year=0.05,
    )


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.sampled_from([None, Default("p0"), Resale(40)]))
@settings(max_examples=40)
def test_plain_loops_come_to_the_same_ends(seed: int, count: int, scenario: Scenario | None) -> None:
    network = drawn(seed, count, monotone=True)
    found = run_stress(network, scenario)
    stressed = scenario.apply(network) if scenario else network
    for which in ("best", "worst"):
        expected = plain(stressed, best=which == "best")
        ours = [getattr(outcome, which).equity for outcome in found.outcomes]
        assert ours == pytest.approx(list(expected.values()), rel=1e-6, abs=1e-6)


def add_up(found: Stress) -> None:
    for outcome in found.outcomes:
        for end in (outcome.best, outcome.worst):
            assert end.change == pytest.approx(end.direct + sum(end.channels.values()), rel=1e-6, abs=1e-6)
            assert 0 <= end.recovery <= 1
            assert end.equity >= 0
            assert not (end.default and end.equity > 1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6))
@settings(max_examples=25)
def test_a_monotone_network_settles_with_the_best_above_the_worst(seed: int, count: int) -> None:
    found = run_stress(drawn(seed, count, monotone=True), Together((Default("p0"), Resale(40))))
    assert found.monotone
    assert found.cycles == ()
    assert found.gap >= -1e-7
    for outcome in found.outcomes:
        assert outcome.best.equity >= outcome.worst.equity - 1e-7
        assert outcome.best.equity <= outcome.before + 1e-7, "less for one is never more for another"
    add_up(found)


@given(st.integers(0, 2**32 - 1), st.integers(3, 5))
@settings(max_examples=15)
def test_another_network_settles_or_says_that_it_goes_round(seed: int, count: int) -> None:
    found = run_stress(drawn(seed, count, monotone=False), Default("p0", remaining=0.3))
    assert not found.monotone
    add_up(found)
