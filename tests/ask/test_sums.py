"""The evaluator of sums: exact, and nothing but sums."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.catalog.ask._derive import evaluate
from trivium.core import UserError

NUMBERS = st.integers(min_value=1, max_value=10**6)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_sums_follow_the_order_of_arithmetic(first: int, second: int, third: int, fourth: int) -> None:
    found = evaluate(f"({first} + {second}) * {third} - {fourth} / 4")
    exact = Fraction((first + second) * third) - Fraction(fourth, 4)
    assert Fraction(found) == exact


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_a_number_keeps_its_digits(number: Decimal) -> None:
    assert evaluate(format(number, "f")) == number


@pytest.mark.parametrize(
    "text", ["", "x", "1 +", "pow(2, 3)", "1 if 1 else 2", "__import__", "'a'", "-1", "1e9", "2 % 3"]
)
def test_anything_but_a_sum_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        evaluate(text)
