"""The cash layer pays in order, rolls over, cures, accelerates and cancels as stated, and agrees with plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capital_clearing.cash_witness import Witness
from capital_clearing.test_properties import drawn
from trivium.capital.clearing import CashNetwork, Due, cash_network, clear, run_cash
from trivium.core import UserError

NEAR = {"rel": 1e-7, "abs": 1e-7}


def worlds(seed: int, count: int, quarters: int) -> tuple[CashNetwork, np.ndarray]:
    rng = np.random.default_rng(seed)
    names = [f"p{number}" for number in range(count)]
    dues = []
    for debtor in names:
        for creditor in [*names, None]:
            if creditor == debtor or rng.random() < 0.5:
                continue
            firm, loose, ended = rng.lognormal(-0.7, 1, (3, quarters)) * (rng.random((3, 1)) < 0.6)
            dues.append(
                Due(
                    debtor,
                    creditor,
                    tuple(firm),
                    tuple(loose),
                    int(rng.integers(0, 3)),
                    rank=int(rng.integers(1, 4)),
                    termination=tuple(ended),
                    termination_rank=None if rng.random() < 0.5 else 3,
                    ends_with_creditor=bool(rng.random() < 0.3),
                    conditional=bool(rng.random() < 0.2),
                )
            )
    network = cash_network(
        names,
        quarters,
        rng.lognormal(0, 1, count),
        dues,
        costs=(rng.uniform(0, 1, count), rng.uniform(0, 1, count)),
        cure_quarters=int(rng.integers(0, 3)),
        notice=("never", "at once", "when behind")[rng.integers(0, 3)],
    )
    return network, rng.normal(1.0, 1.5, (3, quarters, count))


seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=30)
def test_plain_loops_over_dictionaries_come_to_the_same(seed: int, count: int, quarters: int) -> None:
    network, income = worlds(seed, count, quarters)
    found = run_cash(network, income, workers=1)
    assert found.unsolved == 0
    for scenario, flows in enumerate(income):
        witness = Witness(network, flows)
        assert found.cash[scenario] == pytest.approx(list(witness.cash.values()), **NEAR)
        expected = [witness.defaults.get(name, -1) for name in network.parties]
        assert found.default_quarter[scenario].tolist() == expected


@given(seeds, st.integers(1, 12), st.integers(1, 8))
@settings(max_examples=60)
def test_no_cash_is_lost_but_to_the_outside_and_to_costs(seed: int, count: int, quarters: int) -> None:
    network, income = worlds(seed, count, quarters)
    found = run_cash(network, income)
    came = network.opening_cash.sum() + income.sum(axis=(1, 2))
    left = (found.paid - found.received).sum(axis=1)  # to the outside
    assert (left >= -1e-9).all()
    assert found.cash.sum(axis=1) + left + found.costs.sum(axis=1) == pytest.approx(came, **NEAR)


@given(seeds, st.integers(1, 12), st.integers(1, 3), st.sampled_from([1.0, 0.6, 0.0, None]))
@settings(max_examples=80)
def test_one_quarter_without_a_cure_is_the_greatest_clearing(
    seed: int, count: int, classes: int, kept: float | None
) -> None:
    system = drawn(seed, count, classes, kept=kept)
    system = type(system)(**{**vars(system), "equity_holdings": np.zeros((count, count))})
    names = system.parties
    dues = []
    for rank, (debt, held) in enumerate(zip(system.debt, system.debt_holdings, strict=True), start=1):
        for j, debtor in enumerate(names):
            dues += [Due(debtor, names[i], (debt[j] * held[i, j],), rank=rank) for i in range(count) if held[i, j] > 0]
            dues.append(Due(debtor, None, (debt[j] * (1 - held[:, j].sum()),), rank=rank))
    costs = (system.alpha, system.beta)
    network = cash_network(names, 1, system.outside_assets, dues, costs=costs, cure_quarters=0)
    found, expected = run_cash(network, np.zeros((1, count))), clear(system).greatest
    assert found.paid[0] == pytest.approx(expected.payments, **NEAR)
    assert (found.default_quarter[0] == 0).tolist() == expected.defaulted.tolist()


def test_a_missed_payment_rolls_over_and_is_cured() -> None:
    network = cash_network(["lab"], 3, 0, [Due("lab", None, (10, 10, 10))], costs=(0.5, 0.5))
    found = run_cash(network, [[6], [14], [10]], keep_quarters=True)
    assert found.behind is not None
    assert found.behind[0, :, 0].tolist() == [4, 0, 0]
    assert found.default_quarter.tolist() == [[-1]]
    assert found.first_behind.tolist() == [[0]]


def test_who_is_behind_for_longer_than_the_cure_defaults_and_owes_what_ends_the_contract() -> None:
    due = Due("lab", "cloud", (10, 10, 10, 10), termination=(0, 30, 20, 8), termination_rank=2)
    bank = Due("lab", None, (1, 1, 1, 1))
    network = cash_network(["lab", "cloud"], 4, 0, [due, bank], costs=(0.5, 0.5))
    found = run_cash(network, [[5.5, 0], [5.5, 0], [40, 0], [0, 0]], keep_quarters=True)
    assert found.behind is not None
    # 11 due, 5.5 paid; 16.5 due, 5.5 paid: 11 behind, default. Then half of 40 for 11, and 9 of 20 of the claim.
    assert found.behind[0, :, 0] == pytest.approx([5.5, 11, 11, 11])
    assert found.default_quarter[0].tolist() == [1, -1]
    assert found.costs[0] == pytest.approx([20, 0])
    assert found.received[0, 1] == pytest.approx(5.5 * 10 / 11 + 5.5 * 15 / 16.5 + 10 + 9)
    assert found.paid[0, 0] == pytest.approx(5.5 + 5.5 + 20)


@pytest.mark.parametrize(
    ("notice", "paid"), [("never", 4 * 10), ("at once", 10 + 3 * 4), ("when behind", 10 + 10 + 2 * 4)]
)
def test_a_cancellable_part_drops_out_at_its_notice_period(notice: str, paid: float) -> None:
    due = Due("lab", None, (4,) * 4, (6,) * 4, notice_quarters=1)
    network = cash_network(["lab"], 4, 0, [due], notice=notice)
    assert run_cash(network, [[9], [11], [10], [10]]).paid[0, 0] == pytest.approx(paid)


def test_a_supply_ends_with_its_supplier_and_a_conditional_payment_waits() -> None:
    supply = Due("lab", "cloud", (5, 5, 5, 5), ends_with_creditor=True)
    promise = Due("cloud", "lab", (3, 3, 3, 3), conditional=True)
    network = cash_network(["lab", "cloud"], 4, [100, 0], [supply, promise, Due("cloud", None, (9, 9, 9, 9))])
    found = run_cash(network, np.zeros((4, 2)))
    assert found.default_quarter[0].tolist() == [-1, 1]
    assert found.paid[0, 0] == pytest.approx(5 + 5)  # nothing once the cloud is in default


def test_a_circle_that_creeps_is_solved() -> None:
    dues = [Due("a", "b", (1.0,)), Due("b", "a", (1.0,)), Due("b", None, (1e-7,))]
    found = run_cash(cash_network(["a", "b"], 1, 0, dues), np.zeros((1, 2)))
    assert found.unsolved == 0
    assert found.paid[0] == pytest.approx([0, 0], abs=1e-6)


def test_threads_and_blocks_do_not_change_anything() -> None:
    network, _ = worlds(5, 6, 4)
    income = np.random.default_rng(1).normal(1, 2, (350, 4, 6))
    told: list[tuple[int, int | None]] = []
    one = run_cash(network, income, workers=1, progress=lambda done, whole: told.append((done, whole)))
    two = run_cash(network, income, workers=3)
    assert (one.cash == two.cash).all()
    assert told == [(100, 350), (200, 350), (300, 350), (350, 350)]
    assert run_cash(network, income[17]).cash[0] == pytest.approx(one.cash[17], **NEAR)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"parties": ["a", "a"]}, "parties"),
        ({"quarters": 0}, "quarters"),
        ({"opening_cash": [-1, 0]}, "opening_cash"),
        ({"opening_cash": [np.nan, 0]}, "opening_cash"),
        ({"costs": (2, 1)}, "alpha"),
        ({"costs": (1, -1)}, "beta"),
        ({"cure_quarters": -1}, "cure_quarters"),
        ({"notice": "soon"}, "notice"),
        ({"dues": [Due("a", "z", (1,))]}, "dues[0].creditor"),
        ({"dues": [Due("z", "a", (1,))]}, "dues[0].debtor"),
        ({"dues": [Due("a", "a", (1,))]}, "dues[0].creditor"),
        ({"dues": [Due("a", "b", (1, 1))]}, "dues[0].firm"),
        ({"dues": [Due("a", "b", (-1,))]}, "dues[0].firm"),
        ({"dues": [Due("a", "b", (1,), rank=0)]}, "dues[0].rank"),
    ],
)
def test_a_wrong_network_is_refused_by_its_field(changed: dict[str, object], field: str) -> None:
    given = {"parties": ["a", "b"], "quarters": 1, "opening_cash": 0, "dues": [], **changed}
    with pytest.raises(UserError) as refused:
        cash_network(**given)
    assert refused.value.field == field


@pytest.mark.parametrize("income", [np.zeros((2, 3)), np.zeros(2), np.full((1, 2), np.nan)])
def test_income_of_the_wrong_shape_or_no_number_is_refused(income: np.ndarray) -> None:
    with pytest.raises(UserError, match="income"):
        run_cash(cash_network(["a", "b"], 1, 0, []), income)


def test_who_pays_nothing_is_behind_however_rich_another_party_is() -> None:
    """A debt of 100 a quarter, nothing to pay it with, beside an idle party with three trillion."""
    for rich in (1e3, 3e12):
        network = cash_network(["rich", "small"], 2, [rich, 0], [Due("small", None, (100.0, 100.0))])
        runs = run_cash(network, np.zeros((2, 2)), workers=1)
        assert runs.first_behind.tolist() == [[-1, 0]]
        assert runs.default_quarter.tolist() == [[-1, 1]]
