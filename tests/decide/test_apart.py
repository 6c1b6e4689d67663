"""A steady workload is not foretold an end that only a bursty companion suggests."""

from datetime import UTC, datetime, timedelta

import numpy as np

from trivium.plan.cone import History
from trivium.plan.decide._apart import fit_apart


def _median(values: np.ndarray, names: tuple[str, ...]) -> float:
    history = History(names, datetime(2026, 4, 1, tzinfo=UTC), timedelta(days=1), values)
    fitted, cone = fit_apart(history, {}, 24, 400, np.random.default_rng(1))
    assert cone.names == names
    assert fitted.base.shape == (len(names),)
    return float(np.median(cone.paths[0, :, 23]))


def test_a_bursty_companion_leaves_a_steady_workload_as_it_is() -> None:
    rng = np.random.default_rng(0)
    steady = 100 * np.exp(rng.normal(0, 0.1, 28))
    bursty = np.where(rng.random((6, 28)) < 0.2, 50 * np.exp(rng.normal(0, 1, (6, 28))), 0.0)
    alone = _median(steady[None, :], ("steady",))
    beside = _median(np.vstack([steady, bursty]), ("steady", *(f"b{number}" for number in range(6))))
    assert abs(beside - alone) < 0.3 * alone
    assert beside > 0.5
