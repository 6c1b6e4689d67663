"""What falls due from the deal ledger, and the command that holds it against a run rate."""

from __future__ import annotations

import json
import math
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from trivium import catalog
from trivium.capital.cover import Degree, dues, run_rates
from trivium.capital.deals import read_deals
from trivium.cli import main
from trivium.core import FactError

CATALOG = catalog.load()
JUNE = date(2026, 6, 28)
BILLION = 10**9
DEALS = read_deals(CATALOG.snapshot(JUNE)).deals


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["capital", "cover", *arguments])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


def test_a_flat_deal_falls_due_by_its_months() -> None:
    """D037: 100 billion over the ten years from 2026-04-20, so 2.5 a quarter, whatever the degree."""
    for degree in Degree:
        row = next(
            one for one in dues(DEALS, "Anthropic", degree, date(2027, 1, 1), 4).deals if one.deal_id == "deal.D037"
        )
        assert [float(usd) / BILLION for usd in row.usd] == pytest.approx([2.5] * 4, rel=1e-2)


def test_what_is_only_reported_falls_due_in_the_headline_alone() -> None:
    ids = {degree: {one.deal_id for one in dues(DEALS, "Anthropic", degree, JUNE, 24).deals} for degree in Degree}
    assert "deal.D043" in ids[Degree.HEADLINE]
    assert "deal.D043" not in ids[Degree.CONTRACTED]
    assert ids[Degree.CONTRACTED] == ids[Degree.FIRM] == ids[Degree.HEADLINE] - {"deal.D043"}


def test_a_notice_ends_what_comes_after_the_firm_part() -> None:
    """D045: 45 billion from 2026-05-01, of it 3.75 firm: it is over within the first quarters."""
    row = next(
        one for one in dues(DEALS, "Anthropic", Degree.FIRM, date(2026, 5, 1), 12).deals if one.deal_id == "deal.D045"
    )
    assert sum(row.usd, Fraction(0)) == Fraction("3.75") * BILLION
    assert sum(row.usd[:2], Fraction(0)) == Fraction("3.75") * BILLION
    assert set(row.usd[2:]) == {0}


def test_all_quarters_together_are_what_is_left_of_the_whole() -> None:
    whole = dues(DEALS, "Anthropic", Degree.HEADLINE, date(2025, 1, 1), 60)
    assert sum(whole.total_usd, Fraction(0)) == 375 * BILLION
    assert set(whole.unknown) == {"deal.D042", "deal.D046", "deal.D049", "deal.D091", "deal.D107"}


def test_about_71_billion_fall_due_in_the_first_full_year_from_mid_2027() -> None:
    year = dues(DEALS, "Anthropic", Degree.HEADLINE, date(2027, 7, 1), 4)
    assert float(sum(year.total_usd, Fraction(0))) / BILLION == pytest.approx(71, abs=0.6)


def test_a_run_rate_nobody_claims_is_refused() -> None:
    with pytest.raises(FactError, match="run_rate_usd of Oracle"):
        run_rates(CATALOG.snapshot(JUNE), "Oracle")


def test_the_articles_years_come_out_for_its_dates_beside_the_later_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    """30/14 and 30/19: the article's 1.5 to 2. By the end of May 2026: 375/47, 175/47, 133.75/47."""
    code, out, _ = run(["Anthropic", "--as-of", "2026-06-28", "--history", "--json"], capsys)
    assert code == 0
    found = json.loads(out)
    years = {one["claim"]: one["static_years"] for one in found["history"]}
    assert years["article.S059"]["contracted"] == pytest.approx(30 / 14)
    assert years["article.S063"]["contracted"] == pytest.approx(30 / 19)
    assert {row["degree"]: round(row["static_years"], 2) for row in found["cover"]} == {
        "headline": 7.98,
        "contracted": 3.72,
        "firm": 2.85,
    }
    assert "shortfall" not in found


SCENARIO = ["--growth", "2", "--spread", "0.5", "--share", "0.4", "--cash", "2e10", "--paths", "400", "--quarters", "8"]


def test_a_scenario_prints_its_assumptions_with_its_probability(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["anthropic", "--as-of", "2026-06-28", *SCENARIO], capsys)
    assert code == 0
    assert (
        "Your scenario: growth x2 a year, spread 0.5, 40% of revenue free for dues, cash 20 bn USD; 400 futures" in out
    )
    assert "not a finding about the party" in out
    code, out, _ = run(["anthropic", "--as-of", "2026-06-28", *SCENARIO, "--json"], capsys)
    found: dict[str, Any] = json.loads(out)
    chances = [found["shortfall"][degree]["probability"] for degree in ("headline", "contracted", "firm")]
    assert chances == sorted(chances, reverse=True)
    assert len(found["cone_usd"]["0.5"]) == 8
    assert found["cone_usd"]["0.5"][3] == pytest.approx(47e9 * 2 * math.exp(-0.125))


def test_revenue_that_shrinks_too_fast_never_adds_up_and_json_says_null(capsys: pytest.CaptureFixture[str]) -> None:
    shrinking = ["--as-of", "2026-06-28", "--growth", "0.01", "--spread", "0", "--share", "0.5", "--cash", "1e15"]
    code, out, _ = run(["Anthropic", *shrinking, "--json"], capsys)
    assert code == 0
    assert "Infinity" not in out
    assert json.loads(out)["cover"][0]["grown_years"] is None
    code, out, _ = run(["Anthropic", *shrinking], capsys)
    assert "never" in out
    assert "x0.14 or less" in out


def test_a_cancelled_deal_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(["Anthropic", "--as-of", "2026-06-28", "--cancelled", "D045", "--json"], capsys)
    assert code == 0
    assert json.loads(out)["cover"][1]["committed_usd"] == 130e9


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["Nobody"], "PARTY"),
        (["Oracle"], "--run-rate"),
        (["Anthropic", "--run-rate", "-1"], "--run-rate"),
        (["Anthropic", "--run-rate", "1e400"], "--run-rate"),
        (["Anthropic", "--run-rate", "1e-300"], "--run-rate"),
        (["Anthropic", "--growth", "2", "--spread", "1e200", "--share", "0.4"], "spread"),
        (["Anthropic", "--growth", "2"], "--spread"),
        (["Anthropic", "--growth", "0", "--spread", "0.5", "--share", "0.4"], "--growth"),
        (["Anthropic", "--growth", "2", "--spread", "0.5", "--share", "1.4"], "share_of_revenue"),
        (["Anthropic", "--quarters", "0"], "--quarters"),
        (["Anthropic", "--paths", "3"], "--paths"),
        (["Anthropic", "--cancelled", "D999"], "--cancelled"),
    ],
)
def test_wrong_input_is_named(arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(arguments, capsys)
    assert code == 2
    assert named in err
