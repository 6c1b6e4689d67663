"""Volume tiers by enumeration against whole steps in an independent model."""

from __future__ import annotations

import numpy as np
import pytest

from horizon.independent import volume
from horizon.worlds import world
from trivium.core import UserError
from trivium.plan.horizon import SpendCommitment, VolumeTiers, solve_volume

TWO = (VolumeTiers(0, (30.0, 90.0), (0.1, 0.3)), VolumeTiers(1, (0.0, 60.0), (0.02, 0.25)))
ONE = (VolumeTiers(2, (50.0,), (0.5,)),)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("tiers", "periods"), [(TWO, 1), (TWO, 3), (ONE, 2)])
def test_the_least_bill_of_every_scenario_is_that_of_whole_steps(
    seed: int, tiers: tuple[VolumeTiers, ...], periods: int
) -> None:
    instance = world(seed, shape=(4, 4, 6, 2), weights=(0.9,) * 6)
    found = solve_volume(instance, tiers, periods)
    assert found.scenario_usd == pytest.approx(volume(instance, tiers, periods), rel=1e-6)


def test_a_bill_by_hand() -> None:
    # 100 + 50 at 10 % off + 30 at 20 % off: 100 + 45 + 24
    assert VolumeTiers(0, (100.0, 150.0), (0.1, 0.2)).bill(np.array([180.0])) == pytest.approx([169.0])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("discounts", lambda: VolumeTiers(0, (1.0,), ())),
        ("from_usd", lambda: VolumeTiers(0, (2.0, 1.0), (0.1, 0.2))),
        ("discounts", lambda: VolumeTiers(0, (1.0, 2.0), (0.2, 0.1))),
        ("tiers", lambda: solve_volume(world(1), (ONE[0], ONE[0]), 1)),
        ("periods", lambda: solve_volume(world(1), ONE, 7)),
        ("month_weight", lambda: solve_volume(world(1, weights=(1, 1, 1, 1, 1, 0.5)), ONE, 1)),
        ("commitments", lambda: solve_volume(world(1, (SpendCommitment((0,), 0, 6),)), ONE, 1)),
    ],
)
def test_a_contradiction_is_refused_by_the_name_of_its_field(name: str, make: object) -> None:
    with pytest.raises(UserError, match=name):
        make()  # type: ignore[operator]
