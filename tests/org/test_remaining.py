"""What a signed contract still binds to on a day, in sums a reviewer can redo."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from trivium.plan import remaining
from trivium.plan.org import Contract, parse_organisation

AT = date(2026, 11, 25)


def _contract(**fields: Any) -> Contract:
    standard = {
        "kind": "spend-commitment",
        "surfaces": ["bedrock"],
        "status": "signed",
        "starts": date(2026, 7, 1),
        "term_months": 12,
        "commitment_usd_per_year": "3650",
    }
    return parse_organisation({"contracts": {"one": standard | fields}}).contracts["one"]


def test_the_days_part_of_the_year_that_runs() -> None:
    """2026-11-25 to 2027-07-01: 218 of 365 days, 3,650 x 218 / 365 = 2,180."""
    found = remaining(_contract(), AT)
    assert found is not None
    assert (found.usd, found.ends, found.notice_by) == (2_180, date(2027, 7, 1), None)


def test_later_years_are_whole_and_what_remains_of_this_one_is_as_stated() -> None:
    found = remaining(_contract(term_months=36, remaining_usd="1000", other_spend_usd_per_year="365"), AT)
    assert found is not None
    assert found.usd == 1_000 + 3_650 + 3_650
    assert found.other_usd == Fraction(365 * (218 + 366 + 365), 365)  # the second year has a 29th of February


def test_a_renewal_that_notice_can_still_prevent_does_not_bind() -> None:
    """90 days before 2027-07-01 is 2027-04-02."""
    contract = _contract(renews=True, notice_days=90)
    found = remaining(contract, date(2027, 4, 2))
    assert found is not None
    assert (found.ends, found.notice_by) == (date(2027, 7, 1), date(2027, 4, 2))
    late = remaining(contract, date(2027, 4, 3))
    assert late is not None
    assert (late.ends, late.notice_by) == (date(2028, 7, 1), date(2028, 4, 2))
    assert late.usd == 10 * (date(2027, 7, 1) - date(2027, 4, 3)).days + 3_650


def test_offers_and_what_has_ended_bind_to_nothing() -> None:
    assert remaining(_contract(status="offered"), AT) is None
    assert remaining(_contract(), date(2027, 7, 1)) is None
    assert remaining(_contract(), date(2027, 6, 30)) is not None


def test_a_discount_has_no_amount() -> None:
    found = remaining(_contract(kind="discount", commitment_usd_per_year="", discount_percent=5), AT)
    assert found is not None
    assert found.usd is None


def test_reserved_units_are_paid_by_the_hour() -> None:
    """2 units at 3 USD for 218 days of 24 hours: 31,392."""
    found = remaining(
        _contract(
            kind="provisioned",
            commitment_usd_per_year="",
            model="claude-opus-5",
            unit_tokens_per_minute=1000,
            price_usd_per_unit_hour="3",
            units_min=2,
        ),
        AT,
    )
    assert found is not None
    assert found.usd == 2 * 3 * 24 * 218
