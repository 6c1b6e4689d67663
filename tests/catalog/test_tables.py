"""Every row of every facts table is a claim, and a wrong row says where and why."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from trivium.catalog import STATUSES, Catalog, Snapshot, known_models, load, surface_id, surface_place
from trivium.catalog._tables import COLUMNS, read_claims
from trivium.core import SURFACES, FactError, UserError

FACTS = Path(__file__).parents[1] / "facts"
BESIDE = Path(__file__).parents[3] / "shared/facts"
ROWS = {  # as the tables' own README counts them
    "capabilities": 619,
    "quotas": 211,
    "compliance": 74,
    "copilot": 103,
    "silicon": 95,
    "deals": 101,
    "company_series": 49,
    "seed_claims": 130,
    "seed_sources": 55,
}


def _claims_by_row() -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    with (FACTS / "rows.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault((row["table"], int(row["row"])), []).append(row["claim"])
    return found


def test_every_row_of_every_table_is_a_claim(catalog: Catalog) -> None:
    by_row = _claims_by_row()
    assert Counter(table for table, _ in by_row) == ROWS
    ids = {claim.id for claim in catalog.claims}
    assert {name for names in by_row.values() for name in names} <= ids


@pytest.mark.parametrize("table", ROWS)
def test_each_claim_says_what_its_row_says(catalog: Catalog, table: str) -> None:
    """Against the tables themselves: value, window and source of every row."""
    if not BESIDE.is_dir():
        pytest.skip("the facts tables do not lie beside the checkout")
    with (BESIDE / f"{table}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ROWS[table]
    by_row = _claims_by_row()
    for number, row in enumerate(rows, 1):
        claims = [catalog.claim(name) for name in by_row[table, number]]
        values = {claim.value for claim in claims}
        authored = {
            text
            for name in ("value", "amount_usd", "run_rate_usd", "valuation_usd", "period_revenue_usd", "what_it_says")
            if (text := row.get(name, ""))
        } or {"unknown"}
        if row.get("status") == "conflict":  # one row of two values became two claims
            assert all(value in row["value"] for value in values)
        else:
            assert values == authored, row
        for name in ("effective_from", "effective_until"):
            starts = {claim.valid_from if name.endswith("from") else claim.valid_until for claim in claims}
            text = row.get(name, "")
            assert starts == {date.fromisoformat(text + "-01" * (3 - len(text.split("-")))) if text else None} or (
                name not in row
            )
        source = row.get("source") or row.get("address") or ""
        titles = " ".join(source.title for claim in claims for source in claim.sources)
        assert all(part.strip() in titles for part in source.split("; ")) or row.get("status") == "conflict"


def test_expired_and_conflict_are_not_authored(snapshot: Snapshot) -> None:
    assert {claim.status for claim in snapshot.claims} <= set(STATUSES)
    ended = {claim.id for claim in snapshot.expired(date(2026, 11, 22))}
    assert {"cap.anthropic.claude-opus-4.available", "cap.anthropic.claude-fable-5.suspended"} <= ended


def test_announced_deals_and_letters_of_intent_are_forward_looking(snapshot: Snapshot) -> None:
    statuses = Counter(claim.status for claim in snapshot.claims if claim.topic == "deals")
    assert statuses == {"contracted": 61, "reported": 20, "forward-looking": 18 + 2}


def test_claims_name_canonical_surfaces_and_models(snapshot: Snapshot) -> None:
    known = {*known_models(), "managed-agents", "claude-code"}
    for claim in snapshot.claims:
        assert claim.surface == "" or claim.surface in SURFACES, claim.id
        if claim.topic in {"capabilities", "quotas", "compliance", "copilot", "wire", "wire-models"}:
            assert set(claim.models) <= known, claim.id


@pytest.mark.parametrize(
    ("name", "surface"),
    [
        ("aws_claude_platform", "claude-aws"),
        ("github_copilot", "github-copilot"),
        ("google_anthropic_managed", "claude-gcp"),
        ("bedrock:messages", "bedrock-mantle"),
        ("bedrock:invoke_legacy", "bedrock"),
        ("Vertex AI", "vertex"),
        ("foundry", "foundry"),
    ],
)
def test_one_table_leads_from_any_name_to_the_surface(name: str, surface: str) -> None:
    assert surface_id(name) == surface


def test_a_variant_keeps_its_surface_and_a_stranger_is_refused() -> None:
    assert surface_place("foundry:hosted_on_azure") == ("foundry", "hosted-on-azure")
    assert surface_place("foundry:hosted-on-azure") == ("foundry", "hosted-on-azure")
    with pytest.raises(FactError, match="the surfaces are"):
        surface_id("openai")


def test_the_digest_is_the_same_in_whatever_order_rows_are_written(tmp_path: Path) -> None:
    lines = ["s/a,p,1,reported,S", "s/b,p,2,reported,S"]
    digests = []
    for number, order in enumerate((lines, lines[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows = [f"own.{line[2]},{line}" for line in order]
        (folder / "own.csv").write_text("\n".join(["id,subject,predicate,value,status,source", *rows]) + "\n")
        digests.append(load([folder]).snapshot(date(2026, 11, 22)).digest)
    assert digests[0] == digests[1]
    assert digests[0] != load().snapshot(date(2026, 11, 22)).digest


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("id,subject\n", "needs these columns"),
        ("id,subject,predicate,value,status,source,colour\n", "the columns of a claims table"),
        ("id,subject,predicate,value,status,source\na,s,p,1,reported\n", "give 6 fields"),
        ("id,subject,predicate,value,status,source\na,s,p,,reported,S\n", "written `unknown`"),
        ("id,subject,predicate,value,status,source\na,s,p,1,expired,S\n", "use one of"),
        ("id,subject,predicate,value,status,source,from\na,s,p,1,reported,S,May\n", "give a day"),
        (
            "id,subject,predicate,value,status,source,from,until\na,s,p,1,reported,S,2026-01-01,2026-01-01\n",
            "half-open",
        ),
        ("id,subject,predicate,value,status,source\na,,p,1,reported,S\n", "name a surface, or a subject"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_the_remedy(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(row)
    with pytest.raises(UserError, match=r"own\.csv") as raised:
        read_claims(path)
    assert says in str(raised.value)


def test_ids_are_unique_and_corrections_name_claims_that_exist(tmp_path: Path) -> None:
    head = "id,subject,predicate,value,status,source,supersedes\n"
    (tmp_path / "own.csv").write_text(head + "cap.anthropic.citations,s,p,1,reported,S,\n")
    with pytest.raises(UserError, match="an id of its own"):
        load([tmp_path])
    (tmp_path / "own.csv").write_text(head + "own.a,s,p,1,reported,S,own.b\n")
    with pytest.raises(UserError, match="name a claim that exists"):
        load([tmp_path])
