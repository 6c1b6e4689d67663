"""Every known disagreement that quotes comparable figures is found, with its class, in that tool's own format.

A file of each tool is written from the rows of `tests/facts/price_disagreements.csv`: each id a row names is filled
with what the catalogue says of it, then the quoted figures replace the ones they contradict.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog_audit import tables
from catalog_audit.conftest import TODAY, Audit
from trivium.catalog import Snapshot
from trivium.catalog.audit import Finding

ROOT = Path(__file__).parents[2]
Row = dict[str, str]

# The rows that quote no comparable figure, and why. docs/audit.md says the same to readers.
NOT_COMPARABLE = {
    "PD078": "a schema without fields for 1-hour writes, batch and regions: an absence, which --gaps lists as C04",
    "PD079": "two tools that carry no table: a sentence on when they over-reported",
    "PD115": "a captured page and two tools, no table: the figure lies in prose",
    "PD128": "expected is that the model does not exist; the audit reports it as C12 without an expected figure",
    "PD133": "expected is conditional (1.10 if the same rule holds); the row is found as C13",
    "PD173": "two figures against an implied range; the catalogue holds both as unconfirmed",
    "PD174": "the sibling row is missing: an absence, which --gaps lists as C20",
}


def rows() -> list[Row]:
    with (ROOT / "tests/facts/price_disagreements.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = rows()
COMPARABLE = [row for row in ROWS if row["row_id"] not in NOT_COMPARABLE]
SOURCES = sorted({row["observed_source"] for row in COMPARABLE})


def is_decimal(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def test_the_rows_without_comparable_figures_are_exactly_these_seven() -> None:
    unquoted = {row["row_id"] for row in ROWS if not (is_decimal(row["expected"]) and is_decimal(row["observed"]))}
    assert unquoted == set(NOT_COMPARABLE)
    assert (len(ROWS), len(COMPARABLE)) == (182, 175)


def test_the_page_names_each_row_without_comparable_figures() -> None:
    page = (ROOT / "docs/audit.md").read_text()
    assert [row_id for row_id in NOT_COMPARABLE if row_id not in page] == []


def table_scope(row: Row) -> str:
    """The scope that the id itself says."""
    if row["region_class"] == "geo":
        return row["observed_id"].rpartition("/")[2].split(".")[0]
    return row["region_class"].split()[0].replace("_", "-")


def place_in_catalogue(row: Row, snapshot: Snapshot) -> tuple[str, str, str]:
    """The (surface, scope, model) whose cells hold what the row expects."""
    wanted = {
        "geo": ("geo-or-regional", "all"),
        "in-region": ("geo-or-regional", "all"),
        "us": ("us",),
        "global": ("global", "global-standard", "all"),
    }["geo" if row["region_class"] == "geo" else table_scope(row)]
    sold = {cell.scope for cell in snapshot.cells if (cell.surface, cell.model) == (row["platform"], row["model"])}
    scope = next(scope for scope in wanted if scope in sold)
    return row["platform"], scope, row["model"]


def written(source: str, snapshot: Snapshot) -> Any:
    """The file of one tool: every id its rows name, in agreement with us but for the quoted figures."""
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in COMPARABLE:
        if row["observed_source"] == source:
            by_id[row["observed_id"]].append(row)
    document: dict[str, Any] = {}
    for key, quoted in by_id.items():
        tier = "fast" if quoted[0]["tier"] == "fast" else "standard"
        prices = tables.prices_of(
            snapshot.cells,
            place_in_catalogue(quoted[0], snapshot),
            TODAY,
            (tier, "batch") if tier != "fast" else (tier,),
        )
        prices = {**prices, **{(row["tier"], row["token_kind"], 0): Decimal(row["observed"]) for row in quoted}}
        if source.startswith("models.dev"):
            vendor, _, model = key.partition("/")
            models = document.setdefault(vendor, {"id": vendor, "models": {}})["models"]
            models[model] = {"id": model, "cost": tables.models_dev_cost(prices)}
        elif source.startswith("simonw"):
            dated = [
                {"input": 2, "output": 10, "from_date": None, "to_date": "2026-09-01", "input_cached": None},
                {
                    "input": int(prices["standard", "input", 0]),
                    "output": int(prices["standard", "output", 0]),
                    "from_date": "2026-09-01",
                    "to_date": None,
                    "input_cached": None,
                },
            ]
            document |= {"vendor": "anthropic", "models": [{"id": key, "name": key, "price_history": dated}]}
        else:
            document[key] = tables.litellm_row(tables.LITELLM_PROVIDERS[quoted[0]["platform"]], prices, tier)
    return document


def told(finding: Finding) -> tuple[Any, ...]:
    return (
        finding.class_id,
        finding.surface,
        finding.table_scope,
        finding.model,
        finding.tier,
        finding.unit,
        finding.expected_usd,
        finding.observed_usd,
        finding.table_id,
    )


@pytest.mark.parametrize("source", SOURCES)
def test_every_quoted_figure_is_found_with_its_class_and_nothing_else_is(
    source: str, snapshot: Snapshot, run: Audit
) -> None:
    report = run(written(source, snapshot))
    wanted = {
        (
            row["class_id"],
            row["platform"],
            table_scope(row),
            row["model"],
            row["tier"],
            row["token_kind"],
            Decimal(row["expected"]),
            Decimal(row["observed"]),
            row["observed_id"],
        )
        for row in COMPARABLE
        if row["observed_source"] == source
    }
    assert {told(finding) for finding in report.findings if finding.class_id != "T03"} == wanted
    ended = {finding.table_id for finding in report.findings if finding.class_id == "T03"}
    assert ended <= {item[-1] for item in wanted}


def test_all_rows_together_are_all_comparable_rows(snapshot: Snapshot, run: Audit) -> None:
    found = sum(finding.class_id != "T03" for source in SOURCES for finding in run(written(source, snapshot)).findings)
    assert found == 175


def test_who_is_wrong_follows_the_pattern(snapshot: Snapshot, run: Audit) -> None:
    verdicts = {
        (finding.class_id, finding.probably_wrong)
        for source in SOURCES
        for finding in run(written(source, snapshot)).findings
    }
    assert verdicts == {("C13", "open")} | {
        (class_id, "table")
        for class_id in ("C01", "C02", "C03", "C05", "C06", "C07", "C08", "C09", "C10", "C11", "C15", "T03")
    }


def test_every_finding_leads_to_claims_that_exist(snapshot: Snapshot, run: Audit) -> None:
    for source in SOURCES:
        for finding in run(written(source, snapshot)).findings:
            assert finding.claim_ids
            assert all(snapshot.claim(claim_id).sources for claim_id in finding.claim_ids)


def test_the_phantom_model_is_reported_without_an_expected_figure(run: Audit) -> None:
    """PD128: azure_ai/claude-fable-5-5 at 10/50/12.5/20/0.25."""
    row = {"litellm_provider": "azure_ai", "input_cost_per_token": 1e-05, "output_cost_per_token": 5e-05}
    (finding,) = run({"azure_ai/claude-fable-5-5": row}).findings
    assert (finding.class_id, finding.surface, finding.unit) == ("C12", "foundry", "input")
    assert (finding.expected_usd, finding.observed_usd, finding.probably_wrong) == (None, Decimal(10), "table")


def test_a_mantle_row_without_prefix_is_reported_like_its_siblings(run: Audit) -> None:
    """PD133: bedrock_mantle/anthropic.claude-haiku-4-5 at 1.00; in a region 1.1 x 1.00 = 1.10."""
    row = {"litellm_provider": "bedrock_mantle", "input_cost_per_token": 1e-06}
    (finding,) = run({"bedrock_mantle/anthropic.claude-haiku-4-5": row}).findings
    assert (finding.class_id, finding.surface, finding.expected_usd) == ("C13", "bedrock-mantle", Decimal("1.1"))


def test_what_a_format_cannot_hold_and_what_a_table_lacks_are_gaps(run: Audit) -> None:
    """PD078 and PD174: models.dev has no field for a 1-hour write; a table with the us profile alone lacks global."""
    cost = {"input": 11, "output": 55, "cache_read": 1.1, "cache_write": 13.75}
    report = run({"amazon-bedrock": {"models": {"us.anthropic.claude-mythos-5": {"cost": cost}}}})
    assert report.findings == ()
    gaps = {(gap.class_id, gap.scope, gap.tier, gap.units) for gap in report.gaps if gap.model == "claude-mythos-5"}
    assert ("C04", "geo-or-regional", "standard", ("cache_write_1h",)) in gaps
    assert ("C20", "global", "standard", ("cache_read", "cache_write_5m", "input", "output")) in gaps


@pytest.mark.parametrize("at", [date(2026, 8, 5), date(2026, 9, 1), TODAY])
def test_the_announced_rise_is_found_whenever_it_is_asked(at: date, snapshot: Snapshot, run: Audit) -> None:
    """Before its day as a change to come, after it as a price: cancelled on 2026-08-10 either way."""
    report = run(written("simonw/llm-prices @723ef0b", snapshot), at)
    assert {(finding.class_id, finding.unit, finding.observed_usd) for finding in report.findings} == {
        ("C05", "input", Decimal(3)),
        ("C05", "output", Decimal(15)),
    }
