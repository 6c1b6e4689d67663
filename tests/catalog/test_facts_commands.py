"""`trivium facts`: what people and programs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trivium.cli.facts import app
from trivium.core import NoClaim, UserError

RUNNER = CliRunner()


def run(*arguments: str) -> str:
    done = RUNNER.invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def read(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2026-08-01", "forward-looking, announced; 2026-09-01 to …"),
        ("2026-08-15", "cancelled by price.base.claude-sonnet-5: cancelled on 2026-08-10"),
    ],
)
def test_list_shows_the_announced_rise_and_its_cancellation(as_of: str, said: str) -> None:
    shown = run("list", "--subject", "claude-sonnet-5", "--predicate", "base_price", "--as-of", as_of)
    assert "claude-sonnet-5 · base_price = 3/15" in shown
    assert said in shown


def test_list_filters_by_every_option() -> None:
    found = read(
        "list", "--topic", "quotas", "--surface", "bedrock:mantle", "--status", "documented", "--at", "2026-11-22"
    )
    assert {claim["surface"] for claim in found["claims"]} == {"bedrock-mantle"}
    assert {claim["topic"] for claim in found["claims"]} == {"quotas"}
    models = read("list", "--model", "Claude Opus 4.7", "--predicate", "prompt_cache_min", "--surface", "anthropic")
    assert [claim["value"] for claim in models["claims"]] == ["2048", "4096", "2048"]
    stale = read("list", "--state", "stale", "--at", "2027-06-01", "--topic", "wire")
    assert stale["claims"]
    with pytest.raises(UserError, match="in force"):
        run("list", "--state", "rotten")


def test_show_walks_a_price_back_to_its_sources() -> None:
    (cell,) = read("show", "bedrock/claude-opus-5/geo-or-regional/standard", "--unit", "input", "--at", "2026-11-22")
    assert (cell["amount_usd"], cell["rate_picos"]) == ("5.5", 5_500_000)
    assert [claim["id"] for claim in cell["claims"]] == [
        "price.base.claude-opus-5",
        "price.offer.bedrock",
        "price.factor.regional",
    ]
    assert all(claim["sources"][0]["date"] for claim in cell["claims"])


def test_show_prints_a_claim_with_all_it_says() -> None:
    shown = run("show", "price.base.claude-sonnet-5.rise", "--as-of", "2026-08-15")
    for part in ("3/15", "forward-looking", "cancelled", "2026-06-30", "Anthropic: Pricing", "3/15 from 2026-09-01"):
        assert part in shown
    with pytest.raises(NoClaim, match="neither a claim nor a price"):
        run("show", "anthropic/claude-opus-5/moon")


def test_why_says_which_claim_wins_and_why_the_others_lose() -> None:
    found = read("why", "vertex_ai/claude-opus-5", "beta:effort-2025-11-24")
    assert found["winner"]["value"] == "pass"
    assert [(loser["value"], loser["why"]) for loser in found["losers"]] == [
        ("drop", "documented stands above reported")
    ]
    shown = run("why", "claude-sonnet-5", "base_price", "--as-of", "2026-08-15")
    assert "does not count: cancelled by price.base.claude-sonnet-5" in shown
    undecided = run("why", "aws/trainium2", "chips_active")
    assert undecided.count("undecided") == 2


def test_why_of_a_price_names_rule_base_multiplier_and_sources() -> None:
    shown = run("why", "anthropic/claude-opus-5/us", "cache_read", "--at", "2026-11-22")
    assert "0.55 USD per million tokens of cache_read" in shown
    for part in ("base_price of claude-opus-5", "multiplier:cache_read", "factor:us-residency", "offer:anthropic.us"):
        assert part in shown
    with pytest.raises(NoClaim, match="priced 2026-07-24 to now"):
        run("why", "anthropic/claude-opus-5/us", "input", "--at", "2026-07-01")


def test_check_passes_as_shipped_and_fails_on_a_broken_overlay(tmp_path: Path) -> None:
    shown = run("check", "--notes", "--at", "2026-11-22")
    assert " 0 errors" in shown
    assert "expired" in shown
    (tmp_path / "own.csv").write_text("id,surface,predicate,value,status,source\nown.a,lunar,p,1,reported,us\n")
    done = RUNNER.invoke(app, ["check", "--overlay", str(tmp_path), "--json"])
    assert done.exit_code == 1
    found = [finding for finding in json.loads(done.output)["findings"] if finding["grade"] == "error"]
    assert [(finding["check"], finding["subject"]) for finding in found] == [("surface", "own.a")]


def test_conflicts_are_shown_with_their_winner() -> None:
    shown = run("conflicts", "--topic", "wire")
    assert "wins  pass" in shown
    assert "loses drop" in shown
    found = read("conflicts", "--topic", "prices")
    assert {conflict["subject"] for conflict in found} == {"claude-mythos-preview", "claude-3-5-haiku"}


def test_diff_says_what_happened_between_two_days() -> None:
    changes = read("diff", "--from", "2026-08-05", "--to", "2026-08-15", "--topic", "prices")
    kinds = {(change["day"], change["kind"]) for change in changes}
    assert {("2026-08-10", "cancelled"), ("2026-08-10", "announced"), ("2026-08-05", "ended")} <= kinds
    assert "cancelled" in run("diff", "--from", "2026-08-05", "--to", "2026-08-15")
    with pytest.raises(UserError, match="give a date"):
        run("diff", "--from", "August", "--to", "2026-08-15")
