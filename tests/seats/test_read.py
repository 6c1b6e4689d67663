"""Each documented export is recognised by its header and read exactly; what is not documented asks for a mapping."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivium.core import Money, UserError
from trivium.plan.seats import SeatUsage, read_seats, read_seats_text

METERED = """\
date,product,sku,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,username,\
organization,repository,workflow_path,cost_center_name
2026-09-01,copilot,Copilot Business,10,user-months,19,190,0,190,ann,acme,,,eng
2026-09-02,actions,Linux,500,minutes,0.006,3,0,3,ann,acme,acme/web,ci.yml,eng
2026-09-03,copilot,copilot_ai_credit,250.5,ai-credits,0.01,2.505,1.005,1.5,bob,acme,,,eng
"""
AI_USAGE = """\
date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,\
exceeds_quota,total_monthly_quota,organization,cost_center_name,aic_quantity,aic_gross_amount,input,output,cache_read,\
cache_write,new_column
2026-09-01,ann,copilot,copilot_ai_credit,Claude Sonnet 4.5,100,ai-credits,0.01,1,1,0,FALSE,1900,acme,eng,100,1,\
200000,10000,800000,4000,x
2026-09-02,ann,copilot,copilot_ai_credit,Claude Sonnet 4.5,50,ai-credits,0.01,0.5,0,0.5,TRUE,1900,acme,eng,50,0.5,\
100000,5000,,,x
2026-09-02,bob,copilot,coding_agent_premium_request,GPT-5,3,requests,0.04,0.12,0,0.12,FALSE,300,acme,eng,12,0.12,,,,,x
"""
LEGACY = """\
Timestamp,User,Model,Requests Used,Exceeds Monthly Quota,Total Monthly Quota
2025-10-01T10:00:00Z,ann,claude-sonnet-4,1.5,FALSE,300
2025-10-02T10:00:00Z,bob,gpt-4.1,0,FALSE,300
"""
M365 = """\
Report Refresh Date,User Principal Name,Display Name,Last Activity Date,Copilot Chat Last Activity Date,Report Period
2026-10-31,ann@acme.example,Ann,2026-10-30,2026-10-30,30
2026-10-31,bob@acme.example,Bob,2026-09-01,,30
2026-10-31,cy@acme.example,Cy,,,30
"""
AZURE = """\
Date,ProductName,MeterCategory,MeterSubCategory,MeterName,UnitOfMeasure,Quantity,CostInBillingCurrency,BillingCurrency
2026-10-01,Copilot Studio,Copilot Studio,,Copilot Credit,1,1200,12,USD
2026-10-02,Virtual Machines,Virtual Machines,,D2,1 Hour,24,2.4,USD
"""


def one(text: str, **options: object) -> SeatUsage:
    (found,) = read_seats_text("export", text, **options)  # type: ignore[arg-type]  # passed through
    return found


def test_a_metered_report_counts_seats_credits_and_money_and_leaves_other_products_out() -> None:
    found = one(METERED)
    assert (found.surface, found.report) == ("github-copilot", "github-metered-usage")
    assert (found.rows, found.left_out) == (2, 1)
    assert found.seat_months == 10
    assert found.credits == Decimal("250.5")
    assert found.gross == Money.from_usd("192.505")
    assert found.discount == Money.from_usd("1.005")
    assert found.net == Money.from_usd("191.5")
    assert found.active == 2
    assert (found.first_day, found.last_day) == (date(2026, 9, 1), date(2026, 9, 3))


def test_an_ai_usage_report_has_tokens_by_model_and_reads_past_columns_it_does_not_know() -> None:
    found = one(AI_USAGE)
    assert found.report == "github-ai-usage"
    assert (found.credits, found.requests, found.credits_if_metered) == (150, 3, 162)
    assert found.net == Money.from_usd("0.62")
    assert found.unknown_columns == ("new_column",)
    claude, other = found.by_model
    assert (claude.model, claude.credits) == ("claude-sonnet-4-5", 150)
    assert (claude.input, claude.output, claude.cache_read, claude.cache_write) == (300_000, 15_000, 800_000, 4_000)
    assert (other.name, other.model, other.input) == ("GPT-5", "", None)


def test_a_premium_request_report_is_known_by_its_model_column() -> None:
    text = """date,product,sku,quantity,unit_type,net_amount,model,exceeds_quota,total_monthly_quota,username
2025-11-01,copilot,copilot_premium_request,4,requests,0.16,Claude Opus 4.5,TRUE,300,ann
"""
    found = one(text)
    assert (found.report, found.requests, found.credits) == ("github-premium-requests", 4, 0)
    assert found.by_model[0].model == "claude-opus-4-5"


def test_a_legacy_report_counts_requests_of_who_used_any() -> None:
    found = one(LEGACY)
    assert (found.report, found.requests, found.active) == ("github-premium-requests-legacy", Decimal("1.5"), 1)
    assert found.net is None


def test_usage_metrics_are_adoption_and_the_tokens_of_the_command_line() -> None:
    users = [
        {
            "day": "2026-10-01",
            "user_login": "ann",
            "user_initiated_interaction_count": 5,
            "totals_by_model_feature": [{"model": "claude-opus-4.6", "user_initiated_interaction_count": 5}],
            "totals_by_cli": {"token_usage": {"prompt_tokens_sum": 1000, "output_tokens_sum": 50}},
        },
        {"day": "2026-10-02", "user_login": "bob", "user_initiated_interaction_count": 0},
    ]
    found = one("\n".join(json.dumps(user) for user in users))
    assert (found.report, found.active, found.rows) == ("github-usage-metrics", 1, 2)
    assert (found.prompt_tokens, found.output_tokens) == (1000, 50)
    assert (found.by_model[0].model, found.by_model[0].interactions) == ("claude-opus-4-6", 5)


def test_an_enterprise_record_gives_its_monthly_active_users() -> None:
    record = {"enterprise_id": "1", "day_totals": [{"day": "2026-10-01", "monthly_active_users": 42}]}
    assert one(json.dumps([record])).active == 42


def test_microsoft_365_counts_licensed_users_and_those_active_within_the_period() -> None:
    found = one(M365)
    assert (found.surface, found.seats, found.active) == ("m365-copilot", 3, 1)
    assert (found.first_day, found.last_day) == (date(2026, 10, 2), date(2026, 10, 31))


def test_the_same_from_graph() -> None:
    value = [
        {
            "reportRefreshDate": "2026-10-31",
            "userPrincipalName": "ann",
            "lastActivityDate": "2026-10-30",
            "copilotActivityUserDetailsByPeriod": [{"reportPeriod": "7"}],
        },
        {"reportRefreshDate": "2026-10-31", "userPrincipalName": "bob", "lastActivityDate": None},
    ]
    found = one(json.dumps({"value": value}))
    assert (found.seats, found.active, found.first_day) == (2, 1, date(2026, 10, 25))


def test_cost_management_credits_are_summed_exactly() -> None:
    text = """[{"userId": "a", "consumedQuantity": 0.1, "unit": "credits"},
               {"userId": "b", "consumedQuantity": 0.2, "unit": "credits"}]"""
    found = one(text)
    assert (found.credits, found.active) == (Decimal("0.3"), 2)


def test_copilot_meters_are_found_among_azure_costs() -> None:
    found = one(AZURE)
    assert (found.surface, found.rows, found.left_out) == ("copilot-studio", 1, 1)
    assert (found.credits, found.net) == (1200, Money.from_usd("12"))


def test_azure_costs_in_another_currency_give_no_dollars() -> None:
    assert one(AZURE.replace("USD", "EUR")).net is None


def test_licences_ask_for_a_mapping_and_name_the_columns_they_saw() -> None:
    text = "User principal name,Display name,Licenses\nann,Ann,Microsoft 365 E5+Microsoft 365 Copilot\n"
    with pytest.raises(UserError, match="User principal name, Display name, Licenses"):
        read_seats_text("licences.csv", text)
    with pytest.raises(UserError, match="map user, licences to its columns, which are User principal name"):
        read_seats_text("licences.csv", text, report="licences")
    columns = {"user": "User principal name", "licences": "Licenses"}
    found = one(text, report="licences", columns=columns)
    assert (found.surface, found.seats) == ("m365-copilot", 1)


def test_credits_of_an_undocumented_report_are_read_with_a_mapping() -> None:
    text = "Agent name;x\n"
    with pytest.raises(UserError, match="Agent name"):
        read_seats_text("credits.csv", text, report="copilot-credits")
    text = "Day,Agent name,Billed credits\n2026-10-01,helper,12.5\n"
    found = one(text, report="copilot-credits", columns={"credits": "Billed credits", "date": "Day"})
    assert (found.credits, found.first_day) == (Decimal("12.5"), date(2026, 10, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (METERED.replace("250.5", "many"), "export:4: quantity"),
        (METERED.replace("2026-09-03", "3 September"), "export:4: date"),
        (METERED + "2026-09-03,copilot\n", "export:5"),
        ("", "empty"),
        ("[]", "no records"),
        ('{"a": 1}', "no documented export"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row_and_column(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_seats_text("export", text)


@given(st.lists(st.decimals(0, 10_000, places=6), min_size=1, max_size=20))
def test_amounts_are_summed_to_the_last_digit(amounts: list[Decimal]) -> None:
    head = "date,product,sku,quantity,unit_type,net_amount\n"
    rows = "".join(f"2026-09-01,copilot,copilot_ai_credit,{value:f},ai-credits,{value:f}\n" for value in amounts)
    found = one(head + rows)
    assert found.net == Money.from_usd(sum(amounts, Decimal(0)))
    assert found.credits == sum(amounts, Decimal(0))


def test_columns_are_found_whatever_their_case_and_order(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(
        "Net Amount,SKU,Unit Type,Quantity,Product,Date\n1.5,copilot_ai_credit,credits,150,Copilot,2026-09-01\n"
    )
    (found,) = read_seats(path)
    assert (found.credits, found.net) == (150, Money.from_usd("1.5"))


def test_the_command_prints_json_with_exact_amounts(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(AI_USAGE)
    code = "import sys,typer; from trivium.cli.seats import command; sys.argv[0]='seats'; typer.run(command)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["exports"]
    assert (found["net"], found["report"]) == ("0.62", "github-ai-usage")
