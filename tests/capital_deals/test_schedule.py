"""Schedules: shares add up to one, years are exact, shapes are what they say."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.capital.deals import Schedule
from trivium.capital.deals._schedule import given_years, years_after
from trivium.core import Money, UserError

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))


@given(DAYS, DAYS, st.sampled_from(["flat", "ramp", "at once"]))
def test_the_shares_of_all_years_add_up_to_one(one: date, other: date, shape: str) -> None:
    schedule = Schedule(shape, min(one, other), max(one, other))
    assert sum(schedule.share_of(year) for year in schedule.span) == 1
    assert all(schedule.share_of(year) >= 0 for year in schedule.span)
    assert schedule.share_of(schedule.span[0] - 1) == schedule.share_of(schedule.span[-1] + 1) == 0


def test_flat_is_the_same_in_each_full_year() -> None:
    schedule = Schedule("flat", date(2027, 1, 1), date(2031, 12, 31))
    assert [schedule.share_of(year) for year in range(2027, 2032)] == [Fraction(1, 5)] * 5
    assert schedule.due(Money.from_usd("200"), 2028) == 40


def test_a_ramp_grows_in_a_line() -> None:
    """Over four years: 1/16, then 4/16, 9/16 and 16/16 of all are paid at the ends."""
    schedule = Schedule("ramp", date(2027, 1, 1), date(2030, 12, 31))
    assert [schedule.share_of(year) for year in range(2027, 2031)] == [Fraction(n, 16) for n in (1, 3, 5, 7)]


def test_given_years_are_weights() -> None:
    years = given_years("2027: 40; 2028: 60", "x")
    assert years == ((2027, Fraction(2, 5)), (2028, Fraction(3, 5)))
    schedule = Schedule("given", date(2027, 1, 1), date(2028, 12, 31), years)
    assert [schedule.share_of(year) for year in range(2026, 2030)] == [0, Fraction(2, 5), Fraction(3, 5), 0]
    assert schedule.share_between(date(2027, 7, 1), date(2028, 7, 1)) == Fraction(1, 5) + Fraction(3, 10)


@pytest.mark.parametrize("text", ["steep", "2027: x", "2027: 0", "2027: -1; 2028: 2"])
def test_a_schedule_that_is_none_is_refused_by_the_name_of_its_claim(text: str) -> None:
    with pytest.raises(UserError, match=r"term\.D999"):
        given_years(text, "term.D999")


def test_a_term_of_years_ends_the_day_before_its_anniversary() -> None:
    assert years_after(date(2025, 11, 18), Fraction(5)) == date(2030, 11, 17)
    assert years_after(date(2024, 2, 29), Fraction(1)) == date(2025, 2, 27)
