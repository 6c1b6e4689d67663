"""FOCUS commitments become contracts; what cannot is named; a file keeps its comments."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from trivium.cli._main import root
from trivium.core import UserError
from trivium.plan._months import add_months
from trivium.plan.org import (
    Contract,
    add_contracts,
    contract_state,
    focus_contracts,
    parse_organisation,
    read_focus,
    read_organisation,
)

AT = date(2026, 11, 25)
ROW = {
    "BillingCurrency": "USD",
    "ContractCommitmentCategory": "Spend",
    "ContractCommitmentCost": "3600000.00",
    "ContractCommitmentId": "EDP/2026 one",
    "ContractCommitmentPeriodStart": "2026-07-01T00:00:00Z",
    "ContractCommitmentPeriodEnd": "2029-07-01T00:00:00Z",
    "ServiceProviderName": "Amazon Web Services",
}
CSV = """ContractId,ContractCommitmentId,ContractCommitmentType,ContractCommitmentCategory,ContractCommitmentCost,\
ContractCommitmentPeriodStart,ContractCommitmentPeriodEnd,BillingCurrency,x_Team
C-1,macc-7,MACC,Spend,1200000,2026-01-01T00:00:00Z,2028-01-01T00:00:00Z,USD,platform
C-1,macc-8,MACC,Spend,1200000,2026-01-01T00:00:00Z,2028-01-01T00:00:00Z,EUR,platform
C-0,macc-1,MACC,Spend,1200000,2024-01-01T00:00:00Z,2025-01-01T00:00:00Z,USD,
"""
FILE = """# ours
[organisation]
name = "Northwind"  # kept

[contracts.old] # signed in spring
kind = "discount"
surfaces = ["vertex"]
discount_percent = 5
"""


def only(row: dict[str, str]) -> Contract:
    found = focus_contracts([row], AT)
    assert found.problems == ()
    (contract,) = found.contracts.values()
    return contract


def test_the_amount_of_three_years_is_a_third_a_year() -> None:
    found = focus_contracts([ROW | {"ContractCommitmentDiscountPercentage": "0.125"}], AT)
    (contract,) = found.contracts.values()
    assert list(found.contracts) == ["edp-2026-one"]
    assert (contract.kind, contract.status, contract.form) == ("spend-commitment", "signed", "take-or-pay")
    assert (contract.commitment_usd_per_year, contract.term_months) == ("1200000", 36)
    assert contract.discount_percent == Decimal("12.5")
    assert (contract.surfaces, contract.starts) == (("bedrock", "bedrock-mantle"), date(2026, 7, 1))
    assert any("Amazon Web Services was taken as" in text for text in found.remarks)


def test_an_amount_that_no_year_divides_is_rounded_to_the_cent_and_said() -> None:
    """100 USD over 18 months are 66.67 a year."""
    row = ROW | {"ContractCommitmentCost": "100", "ContractCommitmentPeriodEnd": "2028-01-01T00:00:00Z"}
    found = focus_contracts([row], AT)
    assert found.contracts["edp-2026-one"].commitment_usd_per_year == "66.67"
    assert any("rounded to the cent" in text for text in found.remarks)


@pytest.mark.parametrize(
    ("life", "status", "remaining"),
    [("Proposed", "offered", ""), ("Pending", "signed", ""), ("Active", "signed", ""), ("Exhausted", "signed", "0")],
)
def test_the_life_of_a_commitment_is_its_status(life: str, status: str, remaining: str) -> None:
    contract = only(ROW | {"ContractCommitmentLifecycleStatus": life})
    assert (contract.status, contract.remaining_usd) == (status, remaining)


@pytest.mark.parametrize(
    "change",
    [
        {"ContractCommitmentLifecycleStatus": "Canceled"},
        {"ContractCommitmentPeriodStart": "2023-11-25", "ContractCommitmentPeriodEnd": "2026-11-25"},
    ],
)
def test_what_is_over_is_listed_apart(change: dict[str, str]) -> None:
    found = focus_contracts([ROW | change], AT)
    assert (found.contracts, found.problems, found.ended) == ({}, (), ("EDP/2026 one",))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"BillingCurrency": "EUR"}, "BillingCurrency"),
        ({"ContractCommitmentCost": "1e40"}, "ContractCommitmentCost"),
        ({"ContractCommitmentPeriodStart": "9999-01-01"}, "ContractCommitmentPeriodStart"),
        ({"ContractCommitmentCost": ""}, "ContractCommitmentCost"),
        ({"ContractCommitmentCost": "-5"}, "ContractCommitmentCost"),
        ({"ContractCommitmentCost": "NaN"}, "ContractCommitmentCost"),
        ({"ContractCommitmentCategory": "Seats"}, "ContractCommitmentCategory"),
        ({"ContractCommitmentDiscountPercentage": "15"}, "ContractCommitmentDiscountPercentage"),
        ({"ContractCommitmentPeriodEnd": "2026-07-01"}, "ContractCommitmentPeriodEnd"),
        ({"ContractCommitmentPeriodStart": "soon"}, "ContractCommitmentPeriodStart"),
        ({"ContractCommitmentLifecycleStatus": "Fine"}, "ContractCommitmentLifecycleStatus"),
        ({"ContractCommitmentId": " "}, "ContractCommitmentId"),
        ({"ServiceProviderName": "Contoso Resale"}, "ServiceProviderName"),
        ({"x_Surfaces": "azure"}, "contracts.edp-2026-one.surfaces"),
        ({"ContractCommitmentCategory": "Usage"}, "x_Model"),
    ],
)
def test_a_row_that_is_no_contract_is_named_with_its_remedy(change: dict[str, str], field: str) -> None:
    found = focus_contracts([ROW | change, ROW | {"ContractCommitmentId": "good"}], AT)
    assert list(found.contracts) == ["good"]
    (problem,) = found.problems
    assert (problem.row, problem.field) == (1, field)
    assert problem.remedy


def test_a_second_row_of_one_commitment_is_refused() -> None:
    found = focus_contracts([ROW, ROW], AT)
    assert len(found.contracts) == 1
    assert [(problem.row, problem.field) for problem in found.problems] == [(2, "ContractCommitmentId")]


def test_an_amount_in_the_pricing_currency_serves_where_the_bill_is_in_another() -> None:
    row = ROW | {"BillingCurrency": "EUR", "PricingCurrency": "USD", "PricingCurrencyContractCommitmentCost": "36"}
    assert only(row).commitment_usd_per_year == "12"


def test_units_need_what_focus_does_not_say() -> None:
    row = ROW | {
        "ContractCommitmentCategory": "Usage",
        "ContractCommitmentQuantity": "4.0",
        "ContractCommitmentUnit": "Units",
        "x_Model": "claude-opus-5",
        "x_UnitTokensPerMinute": "20000",
        "x_PriceUsdPerUnitHour": "21.50",
    }
    contract = only(row)
    assert (contract.kind, contract.units_min, contract.unit_tokens_per_minute) == ("provisioned", 4, 20_000)
    assert contract.price_usd_per_unit_hour == "21.50"


def test_what_is_used_or_lost_hour_by_hour_is_covered() -> None:
    assert only(ROW | {"ContractCommitmentModel": "Continuous"}).form == "covered"


@pytest.mark.parametrize("form", ["list", "object", "lines"])
def test_json_says_the_same_as_csv(form: str, tmp_path: Path) -> None:
    row = ROW | {"ContractCommitmentApplicability": {"IsGlobalScope": True}, "ContractCommitmentCost": 3600000.00}
    text = {
        "list": json.dumps([row]),
        "object": json.dumps({"dataset": "contract_commitment", "rows": [row]}),
        "lines": json.dumps(row) + "\n",
    }[form]
    path = tmp_path / ("a.jsonl" if form == "lines" else "a.json")
    path.write_text(text)
    found = read_focus(path, AT)
    assert found.contracts["edp-2026-one"].commitment_usd_per_year == "1200000"
    assert found.kept_aside == {"ContractCommitmentApplicability": ('{"IsGlobalScope": true}',)}


@pytest.mark.parametrize(("name", "text"), [("a.csv", ""), ("a.csv", "a,b\n1,2\n"), ("a.json", "{"), ("a.json", "[1]")])
def test_a_file_that_is_no_such_dataset_is_refused(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="contract file"):
        read_focus(tmp_path / name, AT)


@given(cents=st.integers(1, 10**12), years=st.integers(1, 10))
def test_no_cent_is_lost_over_whole_years(cents: int, years: int) -> None:
    total = Decimal(cents * years) / 100
    end = f"{2026 + years}-07-01"
    contract = only(ROW | {"ContractCommitmentCost": f"{total:f}", "ContractCommitmentPeriodEnd": end})
    assert Decimal(contract.commitment_usd_per_year) * years == total


def test_the_command_adds_tables_and_keeps_comments(tmp_path: Path) -> None:
    source, file = tmp_path / "focus.csv", tmp_path / "trivium.toml"
    source.write_text(CSV)
    file.write_text(FILE)
    arguments = ["contract", "import", str(source), "--write", str(file), "--surface", "foundry", "--at", "2026-11-25"]
    result = CliRunner().invoke(root, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 1, result.output  # one row could not be used
    found = json.loads(result.stdout)
    assert list(found["contracts"]) == ["macc-7"]
    assert found["contracts"]["macc-7"]["commitment_usd_per_year"] == "600000"
    assert [problem["row"] for problem in found["problems"]] == [2]
    assert (found["ended"], found["kept_aside"]) == (["macc-1"], {"x_Team": ["platform"]})
    assert file.read_text().startswith(FILE)
    assert set(read_organisation(file).contracts) == {"old", "macc-7"}
    before = file.read_text()
    with pytest.raises(UserError, match="macc-7"):
        CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert file.read_text() == before


def test_the_command_shows_what_stands_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "trivium.toml"
    add_contracts(file, {"edp": only(ROW)})
    shown = CliRunner().invoke(root, ["contract", "list", "--organisation", str(file), "--at", "2026-12-01"])
    assert (
        "edp  signed, until 2029-07-01; spend-commitment on bedrock, bedrock-mantle; 1200000 USD a year" in shown.stdout
    )
    later = CliRunner().invoke(root, ["contract", "list", "--organisation", str(file), "--at", "2030-01-01", "--json"])
    assert [(item["name"], item["state"]) for item in json.loads(later.stdout)] == [("edp", "ended on 2029-07-01")]


def test_contracts_added_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    file = tmp_path / "trivium.toml"
    file.write_text(FILE)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda name: add_contracts(file, {name: only(ROW)}), ("a", "b", "c", "d", "e", "f")))
    assert set(read_organisation(file).contracts) == {"old", "a", "b", "c", "d", "e", "f"}


def test_a_month_later_is_its_last_day_where_it_is_shorter() -> None:
    assert add_months(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert add_months(date(2026, 12, 1), 12) == date(2027, 12, 1)


def test_a_file_with_inline_contracts_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "trivium.toml"
    text = 'contracts = { a = { kind = "discount", surfaces = ["vertex"] } }\n'
    file.write_text(text)
    with pytest.raises(UserError, match="tables of their own"):
        add_contracts(file, {"edp": only(ROW)})
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "signed"}, "signed"),
        ({"status": "signed", "starts": "2026-12-01"}, "signed, from 2026-12-01"),
        ({"status": "signed", "starts": "2026-01-01"}, "signed, until 2027-01-01"),
        ({"status": "signed", "starts": "2025-11-25"}, "ended on 2026-11-25"),
        ({"status": "signed", "starts": "2025-11-25", "renews": True}, "signed, until 2027-11-25, renews"),
        ({"expires": "2026-11-25"}, "offered, to be signed by 2026-11-25"),
        ({"expires": "2026-11-24"}, "offered, expired on 2026-11-24"),
        ({"status": "assumed"}, "assumed"),
    ],
)
def test_the_state_of_a_contract_follows_from_its_days(fields: dict[str, object], state: str) -> None:
    raw = {"kind": "discount", "surfaces": ["vertex"], **fields}
    contract = parse_organisation({"contracts": {"one": raw}}).contracts["one"]
    assert contract_state(contract, AT) == state


def test_a_file_of_version_1_4_gives_its_commitments() -> None:
    found = read_focus(Path(__file__).parent / "commitments.csv", AT)
    amounts = {name: contract.commitment_usd_per_year for name, contract in found.contracts.items()}
    assert amounts == {"edp-2026": "1200000", "macc-offer": "500000"}  # 3,600,000 over 3 years; 1,000,000 over 2
    assert [contract.status for contract in found.contracts.values()] == ["signed", "offered"]
    assert [problem.commitment for problem in found.problems] == ["units-1"]
