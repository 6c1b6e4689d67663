"""Each class on the smallest table that shows it; amounts are sums a reader can redo on the price card."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog_audit.conftest import TODAY, Audit
from trivium.catalog.audit import CLASSES

LITELLM = {"anthropic": "anthropic", "us.": "bedrock_converse", "vertex": "vertex_ai-anthropic_models"}


def row(provider: str = "anthropic", **fields: float) -> dict[str, Any]:
    return {"litellm_provider": provider, **fields}


@pytest.mark.parametrize(
    ("class_id", "unit", "expected", "observed", "document"),
    [
        # Opus 5 on Bedrock in a region: 1.1 x 5 = 5.5
        ("C01", "input", "5.5", "5", {"us.anthropic.claude-opus-5": row("bedrock", input_cost_per_token=5e-6)}),
        ("C02", "input", "5.5", "16.5", {"us.anthropic.claude-opus-5": row("bedrock", input_cost_per_token=1.65e-5)}),
        # a read of Opus 5 is 0.1 x 5
        ("C03", "cache_write_5m", "6.25", "0.5", {"claude-opus-5": row(cache_creation_input_token_cost=5e-7)}),
        ("C16", "cache_write_5m", "0.125", "0.12", {"claude-haiku-5-5": row(cache_creation_input_token_cost=1.2e-7)}),
        ("C22", "input", "5", "6.25", {"claude-opus-5": row(input_cost_per_token=6.25e-6)}),
        ("C24", "output", "25", "2.5", {"claude-opus-5": row(output_cost_per_token=2.5e-6)}),
        # 0.1 x 8 where Fable 5.2 has 0.025 x 8 = 0.2
        ("C28", "cache_read", "0.2", "0.8", {"claude-fable-5-2": row(cache_read_input_token_cost=8e-7)}),
        ("T02", "input", "5", "5000000", {"claude-opus-5": row(input_cost_per_token=5)}),
        ("T04", "input", "5", "5.5", {"claude-opus-5": row(input_cost_per_token=5.5e-6)}),
        ("T05", "input", "5", "5.25", {"claude-opus-5": row(input_cost_per_token=5.25e-6)}),
        ("T07", "input", "5", "0", {"claude-opus-5": row(input_cost_per_token=0)}),
        ("T01", "input", "2.5", "3", {"claude-opus-5": row(input_cost_per_token_batches=3e-6)}),
    ],
)
def test_a_class_on_its_smallest_table(
    class_id: str, unit: str, expected: str, observed: str, document: Any, run: Audit
) -> None:
    found = [one for one in run(document).findings if one.class_id != "C27"]
    told = [(one.class_id, one.unit, one.expected_usd, one.observed_usd) for one in found]
    assert told == [(class_id, unit, Decimal(expected), Decimal(observed))]


def test_a_flat_price_for_a_model_with_bands_is_a_dropped_band(run: Audit) -> None:
    """Haiku 5.5: 0.10 up to 100K, 0.50 beyond; a row without the second says 0.10 for all."""
    (finding,) = run({"claude-haiku-5-5": row(input_cost_per_token=1e-7)}).findings
    assert (finding.class_id, finding.band) == ("C27", (100_001, None))
    assert (finding.expected_usd, finding.observed_usd) == (Decimal("0.5"), Decimal("0.1"))


def test_a_model_that_is_not_sold_any_more_is_compared_with_its_last_price(run: Audit) -> None:
    """Sonnet 3.7 ended on 2026-02-19 at 3: right but retired, or wrong."""
    right, wrong = row(input_cost_per_token=3e-6), row(input_cost_per_token=3.1e-6)
    assert [one.class_id for one in run({"claude-3-7-sonnet-20250219": right}).findings] == ["T03"]
    (finding,) = run({"claude-3-7-sonnet-20250219": wrong}).findings
    assert (finding.class_id, finding.expected_usd) == ("T05", Decimal(3))
    assert "last sold until 2026-02-19" in finding.reason


def test_before_its_end_the_same_row_is_no_finding(run: Audit) -> None:
    document = {"claude-3-7-sonnet-20250219": row(input_cost_per_token=3e-6)}
    assert run(document, date(2026, 2, 18)).findings == ()


def test_a_price_in_more_digits_than_ours_tells_against_us(run: Audit) -> None:
    """Provisioned Instant in Tokyo: 0.008194 USD a second x 3600 = 29.4984 an hour, where we hold 29.498."""
    key = "bedrock/ap-northeast-1/6-month-commitment/anthropic.claude-instant-v1"
    (finding,) = run({key: row("bedrock", input_cost_per_second=0.008194)}).findings
    assert (finding.class_id, finding.probably_wrong) == ("C16", "us")
    assert (finding.expected_usd, finding.observed_usd) == (Decimal("29.498"), Decimal("29.4984"))


def test_an_unexplained_difference_counts_against_the_table_only_if_our_price_is_documented(run: Audit) -> None:
    (documented,) = run({"claude-opus-5": row(input_cost_per_token=5.3e-6)}).findings
    (reported,) = run({"global.anthropic.claude-opus-5": row("bedrock", input_cost_per_token=5.3e-6)}).findings
    assert (documented.status, documented.probably_wrong) == ("documented", "table")
    assert (reported.status, reported.probably_wrong) == ("reported", "open")


def test_a_start_later_than_ours_is_told_as_such(run: Audit) -> None:
    """genai-prices gives batch from 2026-10-14, the day of its import; Opus 5 is sold in batch since 2026-07-24."""
    prices = {"input_mtok": 2.5, "output_mtok": 12.5}
    variant = {"when": {"processing": "batch"}, "constraint": {"start_date": "2026-10-14"}, "prices": prices}
    model = {"id": "claude-opus-5", "prices": {"input_mtok": 5}, "price_variants": [variant]}
    findings = run([{"id": "anthropic", "models": [model]}]).findings
    assert [(one.class_id, one.tier, one.unit) for one in findings] == [
        ("C29", "batch", "input"),
        ("C29", "batch", "output"),
    ]
    finding = findings[0]
    assert finding.reason == "from 2026-10-14 in the table, from 2026-07-24 by our claims"


def test_a_change_to_come_that_nobody_announced_is_ours_to_look_at(run: Audit) -> None:
    history = [
        {"input": 5, "output": 25, "from_date": None, "to_date": "2027-01-01"},
        {"input": 4.3, "output": 21.5, "from_date": "2027-01-01", "to_date": None},
    ]
    report = run({"vendor": "anthropic", "models": [{"id": "claude-opus-5", "price_history": history}]})
    assert {(one.class_id, one.unit, one.probably_wrong) for one in report.findings} == {
        ("T06", "input", "us"),
        ("T06", "output", "us"),
    }


def test_a_profile_the_price_list_does_not_carry_is_open(run: Audit) -> None:
    """Fable 5.1 has a regional rate in the US only: 1.1 x 10 = 11."""
    price = row("bedrock_converse", input_cost_per_token=1.1e-5)
    assert run({"us.anthropic.claude-fable-5-1": price}).findings == ()
    (finding,) = run({"eu.anthropic.claude-fable-5-1": price}).findings
    assert (finding.class_id, finding.probably_wrong) == ("C30", "open")


def test_a_search_twice_as_dear_on_fast_is_a_multiplied_tool(run: Audit) -> None:
    search = {"search_context_size_medium": 0.02}
    fast = row("azure_ai", search_context_cost_per_query=search, input_cost_per_token=8e-6)  # type: ignore[arg-type]
    (finding,) = run({"azure_ai/claude-opus-5-5-fast": fast}).findings
    assert (finding.class_id, finding.expected_usd, finding.observed_usd) == ("C17", Decimal("0.01"), Decimal("0.02"))


def test_derived_factors_of_a_row_are_compared_too(run: Audit) -> None:
    """us 1.1 and fast 2.0 on Opus 5: 5.5, 10, and 11 for both. A factor of 3 for fast is wrong on both."""
    right = row(input_cost_per_token=5e-6, provider_specific_entry={"us": 1.1, "fast": 2.0})  # type: ignore[arg-type]
    report = run({"claude-opus-5": right})
    assert (report.compared, report.equal) == (4, 4)
    wrong = row(input_cost_per_token=5e-6, provider_specific_entry={"us": 1.1, "fast": 3.0})  # type: ignore[arg-type]
    findings = run({"claude-opus-5": wrong}).findings
    told = {(one.table_scope, one.tier, one.expected_usd, one.observed_usd) for one in findings}
    assert told == {
        ("global", "fast", Decimal(10), Decimal(15)),
        ("us", "fast", Decimal(11), Decimal("16.5")),
    }


def test_every_class_is_on_the_page_and_has_words() -> None:
    from catalog_audit.test_disagreements import ROOT

    page = (ROOT / "docs/audit.md").read_text()
    assert [class_id for class_id in CLASSES if class_id not in page] == []
    assert all(kind.meaning and kind.severity in {"high", "medium", "low"} for kind in CLASSES.values())
    assert TODAY.isoformat() in page
