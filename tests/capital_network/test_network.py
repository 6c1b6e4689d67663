"""The deal ledger as a network: what falls due, what is left out and why, and what a sheet adds."""

from __future__ import annotations

import json
from datetime import date
from functools import cache

import pytest
from typer.testing import CliRunner

from trivium.capital.cover import Degree
from trivium.capital.deals import DealLedger, read_deals
from trivium.capital.network import DealNetwork, deal_network, example_sheets, read_sheets
from trivium.capital.stress import parse_scenario, run_stress
from trivium.catalog import load
from trivium.cli.capital import app
from trivium.core import UserError

DAY = date(2026, 6, 28)


@cache
def ledger() -> DealLedger:
    return read_deals(load().snapshot(DAY))


def made(text: str) -> DealNetwork:
    return deal_network(ledger(), read_sheets(text))


ALL = "default_outside_assets = 300\nquarters = 8\n"


def named(network: DealNetwork, deal: str) -> object:
    return next(item for item in network.network.obligations if item.name.startswith(deal))


def test_a_commitment_falls_due_by_its_schedule() -> None:
    """Azure's 30 billion over the assumed term, from the ledger's day: the same share each quarter."""
    deal = ledger().deal("D030")
    item = named(made(ALL), "D030")
    first = float(deal.schedule.share_between(date(2026, 6, 28), date(2026, 9, 28)) * 30)
    assert item.due[0] == pytest.approx(first)  # type: ignore[attr-defined]  # an obligation
    assert (item.debtor, item.creditor, item.kind) == ("Anthropic", "Microsoft", "commitment")  # type: ignore[attr-defined]  # the same


def test_what_is_firm_falls_due_first_and_notice_ends_the_rest() -> None:
    """Of D045's 45 billion 3.75 are firm: what of them was not due before the ledger's day, then 90 days of notice."""
    deal = ledger().deal("D045")
    gone = 45 * float(deal.schedule.share_between(date.min, DAY))
    firm, rest = (item for item in made(ALL).network.obligations if item.name.startswith("D045"))
    assert firm.name == "D045 Anthropic to SpaceX/xAI, firm"
    assert sum(firm.due) == pytest.approx(3.75 - gone)
    assert (firm.firm_share, rest.firm_share, rest.notice_days) == (1.0, 0.0, 90)
    due = 45 * float(deal.schedule.share_between(DAY, date(2028, 6, 28)))
    assert sum(firm.due) + sum(rest.due) == pytest.approx(due)


def test_a_supplier_may_end_what_the_user_says_it_may() -> None:
    network = made(ALL + "[supplier_notice_days]\nD045 = 90\n").network
    after = parse_scenario("cancel:D045 Anthropic to SpaceX/xAI").apply(network)
    rest = next(item for item in after.obligations if item.name == "D045 Anthropic to SpaceX/xAI")
    assert rest.due[0] > 0
    assert not any(rest.due[1:])


def test_every_current_deal_is_taken_or_says_why_not() -> None:
    network = made(ALL)
    seen = [*{one.deal_id for one in network.taken}, *(name for name, _ in network.left_out)]
    assert sorted(seen) == sorted(deal.id for deal in ledger().current)
    assert all(why for _, why in network.left_out)


def test_without_a_sheet_what_a_party_owes_is_left_out_and_said() -> None:
    network = made('[[parties]]\nname = "Anthropic"\ncash = 100\n')
    assert {item.debtor for item in network.network.obligations} == {"Anthropic"}
    assert dict(network.left_out)["deal.D003"] == "no sheet says what OpenAI can pay"
    assert "Microsoft" in network.without_sheet
    assert "Anthropic" not in network.without_sheet


def test_only_what_is_contracted_counts_unless_asked() -> None:
    contracted, headline = made(ALL), made(ALL + 'degree = "headline"\n')
    assert "reported, and only what is contracted counts" in dict(contracted.left_out)["deal.D043"]
    google = named(headline, "D043")
    assert google.firm_share == 0.0  # type: ignore[attr-defined]  # nothing binds that is only reported


def test_the_firm_degree_keeps_what_no_notice_ends() -> None:
    """12 of Meta's 27 billion at Nebius are firm, and they fall due first."""
    deal = ledger().deal("D112")
    gone = 27 * float(deal.schedule.share_between(date.min, DAY))
    due = 27 * float(deal.schedule.share_between(DAY, date(2028, 6, 28)))
    (item,) = (one for one in made(ALL + 'degree = "firm"\n').network.obligations if one.name.startswith("D112"))
    assert sum(item.due) == pytest.approx(min(12 - gone, due))
    assert read_sheets(ALL + 'degree = "firm"\n').degree is Degree.FIRM


def test_a_stake_needs_a_valuation_of_the_users() -> None:
    assert "in [valuations]" in dict(made(ALL).left_out)["deal.D038"]
    network = made(ALL + "[valuations]\nAnthropic = 742\n").network
    assert [(one.holder, one.issuer, one.share) for one in network.holdings] == [("Amazon", "Anthropic", 0.1)]


def test_a_guarantee_protects_the_lenders_of_its_vehicle() -> None:
    """Broadcom's 31 billion stand behind the notes of the vehicle that buys chips for Anthropic."""
    network = made(ALL + "loan_years = 10\n").network
    (guarantee,) = network.guarantees
    assert (guarantee.guarantor, guarantee.debtor, guarantee.amount) == ("Broadcom", "Anthropic TPU SPV", 31.0)
    assert guarantee.beneficiary == "Apollo/Blackstone et al"
    assert next(party for party in network.parties if party.name == "Anthropic TPU SPV").vehicle


def test_a_loan_is_repaid_at_its_end_or_over_assumed_years() -> None:
    network = made(ALL + "loan_years = 10\n")
    notes = named(network, "D048")
    assert notes.due == pytest.approx((35 / 40,) * 8)  # type: ignore[attr-defined]  # 35 over 40 quarters
    assert named(network, "D116").due[3] == 40.0  # type: ignore[attr-defined]  # 2027-03-31
    assert "give loan_years" in dict(made(ALL).left_out)["deal.D048"]


def test_staged_investment_is_a_tranche_with_the_users_floor() -> None:
    network = made(ALL + 'degree = "headline"\n[equity_floors]\nAmazon = 7\n').network
    found = {(one.investor, one.recipient): (one.amount, one.equity_floor) for one in network.tranches}
    assert found["Amazon", "Anthropic"] == (20.0, 7.0)
    assert found["Google", "Anthropic"] == (30.0, 0.0)


def test_a_scenario_runs_over_the_ledger_and_keeps_what_was_there() -> None:
    """The supplier of a buyer that fails loses, and one that sells it nothing does not."""
    network = made(ALL + "loan_years = 10\n").network
    run = run_stress(network, parse_scenario("default:Anthropic"))
    change = {one.party: one.best.change for one in run.outcomes}
    assert change["Microsoft"] < 0
    assert change["Amazon"] < 0
    assert change["AMD"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('[[parties]]\nname = "Antropic"', "parties"),
        ("[valuations]\nNobody = 3", "valuations"),
        ("default_outside_assets = -1", "default_outside_assets"),
        ("loan_years = 0", "loan_years"),
        ('degree = "sure"', "degree"),
        ("valuations = 3", "valuations"),
        ("[equity_floors]\nAmazon = true", "equity_floors.Amazon"),
        ("what = 3", "what"),
        ("[supplier_notice_days]\nD999 = 90", "supplier_notice_days"),
    ],
)
def test_a_wrong_sheet_is_refused_by_name(text: str, field: str) -> None:
    with pytest.raises(UserError) as caught:
        made(text)
    assert str(caught.value).startswith(field)


def test_the_example_says_that_it_is_invented_and_treats_all_parties_alike() -> None:
    network = made(example_sheets()).network
    assert "EVERY FIGURE HERE IS INVENTED" in example_sheets()
    assert len({(party.cash, party.assets, party.income) for party in network.parties}) == 1


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["stress", *words])
    return done.exit_code, done.output


def test_the_command_says_which_deals_it_took() -> None:
    words = ("--deals", "--example", "--as-of", "2026-06-28", "--scenario", "default:Anthropic")
    code, output = run(*words, "--json")
    document = json.loads(output)
    assert code == 0
    assert document["network_of_deals"]["as_of"] == "2026-06-28"
    assert {"claim": "deal.D030", "as": "commitment"}.items() <= document["network_of_deals"]["taken"][
        0
    ].items() or any(one["claim"] == "deal.D030" for one in document["network_of_deals"]["taken"])
    assert "no probability of default" in document["note"]


@pytest.mark.parametrize("words", [("--deals",), ("--example", "--as-of", "2026-06-28"), ("--sheets", "x.toml"), ()])
def test_the_command_refuses_halves(words: tuple[str, ...]) -> None:
    assert run(*words)[0] != 0
