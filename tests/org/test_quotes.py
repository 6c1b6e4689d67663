"""Quotes: the request from measured volumes, answers laid into an overlay, and what they cost once expired."""

from __future__ import annotations

import json
from contextlib import chdir
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plan.market import turn
from trivium import catalog
from trivium.cli._main import root
from trivium.core import Money, Offer, Usage, UserError
from trivium.ledger import write_export
from trivium.plan import demand_from_events
from trivium.plan.org import (
    Organisation,
    add_quotes,
    default_organisation,
    parse_organisation,
    quote_request,
    quote_states,
    request_markdown,
    what_expired,
)

OPUS = Offer("anthropic", "global", "claude-opus-4-6")
AT = date(2026, 4, 20)
ANSWER = """# by mail
[sources.mail]
title = "Offer by mail"
date = "2026-04-10"

[[contract]]
id = "tenth"
surface = "anthropic"
models = ["claude-opus-4-6"]
tiers = ["standard"]
factor = "0.9"
from = 2026-04-15
until = 2026-07-01
status = "contracted"
sources = ["mail"]
"""
HOUR_S = 3600


def demands(offer: Offer = OPUS) -> list:
    """A request of 10,000 written and 100 out, and one of 9,000 read, 1,000 in and 400 out a day later."""
    turns = [(0, Usage(0, 100, 0, 10_000)), (24 * HOUR_S, Usage(1000, 400, 9000, 0))]
    return list(demand_from_events([turn(at, usage, offer=offer) for at, usage in turns]))


def organisation() -> Organisation:
    return parse_organisation(
        {
            "organisation": {"name": "Northwind", "horizon_months": 24},
            "workloads": {"chat": {"needs": {"geography": "eu", "batchable_percent": 25, "attestations": ["soc2"]}}},
        }
    )


def test_what_was_used_for_an_hour_of_the_days_that_others_were_measured_is_scaled_from_those_days() -> None:
    """Both were watched for a day: 3 requests within an hour of it are 91 a month, and not 2,192."""
    brief = [turn(minutes * 60.0, Usage(100, 10), offer=OPUS, workload="brief") for minutes in (0, 30, 60)]
    long = [turn(at, Usage(100, 10), offer=OPUS) for at in (0.0, 24.0 * HOUR_S)]
    made = quote_request(organisation(), demand_from_events([*brief, *long]), AT)
    assert {volume.workload: volume.requests_per_month for volume in made.volumes} == {"brief": 91, "chat": 61}


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "answer.toml"
    path.write_text(ANSWER)
    return path


def test_a_month_is_the_measured_span_stretched() -> None:
    """Watched for one day; a month has 30.4375: 2 requests are 61, 500 output tokens 15,219."""
    made = quote_request(organisation(), demands(), AT, "vertex")
    (volume,) = made.volumes
    assert (volume.measured_days, volume.requests_per_month) == (1.0, 61)
    assert volume.tokens_per_month == {
        "input": 30_438,
        "cache_read": 273_938,
        "cache_write_5m": 304_375,
        "cache_write_1h": 0,
        "output": 15_219,
    }
    assert volume.cache_read_percent == 45.0  # 9,000 of 20,000
    assert (volume.peak_requests_per_minute, volume.peak_prompt_tokens_per_minute) == (1, 10_000)
    assert volume.peak_output_tokens_per_minute == 400
    assert (volume.scopes, volume.batchable_percent, volume.attestations) == (("eu",), 25.0, ("soc2",))
    assert (made.term_months, made.answer_by) == ((12, 24, 36), date(2026, 5, 4))


def test_the_letter_says_every_volume_and_when_to_answer() -> None:
    text = request_markdown(quote_request(organisation(), demands(), AT, "vertex"))
    for expected in ("prices: vertex", "From Northwind", "2026-05-04", "| 61 |", "304,375", "| eu |", "soc2", "25 %"):
        assert expected in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows[:3]}) == 1
    assert len({line.count("|") for line in rows[3:]}) == 1


def test_a_name_is_no_markup_and_no_command_in_the_letter() -> None:
    name = "\x1b[2J<img src=x>|[a](b)\r\n# me"
    (volume, *_) = quote_request(organisation(), demands(), AT, "vertex").volumes
    made = replace(
        quote_request(organisation(), demands(), AT, "vertex"),
        organisation=name,
        volumes=(replace(volume, workload=name, model=name),),
    )
    text = request_markdown(made)
    shown = " \\[2J\\<img src=x\\>\\|\\[a\\](b)  \\# me"
    assert f"From {shown}. " in text
    assert text.count(f"| {shown} | {shown} |") == 2
    assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize(
    ("found", "by", "says"),
    [([], None, "usage"), (demands(), AT, "answer-by"), (demands(), date(2026, 1, 1), "day after")],
)
def test_a_request_needs_use_and_a_day_ahead(found: list, by: date | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        quote_request(default_organisation(), found, AT, answer_by=by)


def test_an_answer_is_laid_into_the_folder_and_shows_what_it_changes(answer: Path, tmp_path: Path) -> None:
    """Nine tenths of 5 and 25 USD."""
    overlay = tmp_path / "own"
    changes = add_quotes(answer, overlay, AT)
    found = {(item.scope, item.unit): (str(item.before_usd), str(item.after_usd)) for item in changes}
    assert found["global", "input"] == ("5", "4.5")
    assert found["global", "output"] == ("25", "22.5")
    assert {item.quote for item in changes} == {"tenth"}
    assert (overlay / "prices.toml").read_text() == ANSWER
    second = answer.with_name("second.toml")
    second.write_text(ANSWER.replace("tenth", "fifth").replace("mail]", "mail2]").replace('["mail"]', '["mail2"]'))
    second.write_text(second.read_text().replace('surface = "anthropic"', 'surface = "vertex"'))
    add_quotes(second, overlay, AT)
    assert {rule.id for rule in catalog.load((overlay,)).rules[1].contract} == {"tenth", "fifth"}
    assert (overlay / "prices.toml").read_text().startswith("# by mail")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("until = 2026-07-01\n", "", "a quote expires"),
        ('"contracted"', '"forward-looking"', "never counted"),
        ('factor = "0.9"\n', "", "no price"),
        ('"anthropic"', '"nowhere"', "no list price|use one of|nowhere"),
        ("[[contract]]", "[[base]]", "base.0..surface: 'anthropic': did you mean surfaces"),
        ("factor =", "zork =", "contract.0..zork: '0.9': use one of"),
        ('factor = "0.9"', 'factor = "cheap"', "decimal"),
        ("[sources.mail]", "[sources.post]", "describe this source"),
        ("# by mail", "[", "valid TOML"),
    ],
)
def test_an_answer_that_cannot_count_is_refused_and_nothing_written(
    old: str, new: str, says: str, answer: Path, tmp_path: Path
) -> None:
    answer.write_text(ANSWER.replace(old, new))
    with pytest.raises(UserError, match=says) as caught:
        add_quotes(answer, tmp_path / "own", AT)
    assert str(caught.value).startswith((str(answer), answer.name))  # the file that the user has, not a copy of it
    assert not (tmp_path / "own").exists()


def test_the_same_answer_twice_is_refused(answer: Path, tmp_path: Path) -> None:
    add_quotes(answer, tmp_path / "own", AT)
    with pytest.raises(UserError, match="another id"):
        add_quotes(answer, tmp_path / "own", AT)
    assert (tmp_path / "own/prices.toml").read_text() == ANSWER


def test_the_demand_is_priced_with_and_without_the_quote(answer: Path, tmp_path: Path) -> None:
    """List: 10,000 x 6.25 + 1,000 x 5 + 9,000 x 0.5 + 500 x 25 = 84,500 millionths; nine tenths are 76,050."""
    add_quotes(answer, tmp_path / "own", AT)
    (state,) = quote_states(catalog.load((tmp_path / "own",)), demands(), AT)
    assert (state.with_usd, state.without_usd) == (Money.from_usd("0.07605"), Money.from_usd("0.0845"))
    assert state.more_usd_per_month == pytest.approx(0.00845 * 30.4375)
    assert (state.expired, state.priced_on, state.unpriced) == (False, AT, ())


def test_an_expired_quote_is_priced_on_its_last_day(answer: Path, tmp_path: Path) -> None:
    add_quotes(answer, tmp_path / "own", AT)
    (state,) = quote_states(catalog.load((tmp_path / "own",)), demands(), date(2026, 7, 1))
    assert (state.expired, state.priced_on) == (True, date(2026, 6, 30))
    assert state.with_usd == Money.from_usd("0.07605")


def test_use_elsewhere_is_not_moved_to_a_quote(answer: Path, tmp_path: Path) -> None:
    add_quotes(answer, tmp_path / "own", AT)
    (state,) = quote_states(catalog.load((tmp_path / "own",)), demands(Offer("vertex", "global", OPUS.model)), AT)
    assert (state.with_usd, state.without_usd, state.more_usd_per_month) == (Money(0), Money(0), 0.0)
    assert state.moved_more_usd_per_month == pytest.approx(0.00845 * 30.4375)  # as if it ran where the quote holds


def test_what_has_no_price_where_a_quote_holds_is_named_and_not_counted(answer: Path, tmp_path: Path) -> None:
    add_quotes(answer, tmp_path / "own", AT)
    strange = demands(Offer("vertex", "global", "claude-2"))  # the first party no longer sells it
    (state,) = quote_states(catalog.load((tmp_path / "own",)), [*demands(), *strange], AT)
    assert state.moved_unpriced == ("chat/claude-2",)
    assert state.moved_more_usd_per_month == pytest.approx(0.00845 * 30.4375)


def test_amounts_replace_the_units_that_they_name(answer: Path, tmp_path: Path) -> None:
    """Output at 20 instead of 25 USD: 500 tokens cost 2,500 millionths less."""
    answer.write_text(ANSWER.replace('factor = "0.9"', 'amounts = { output = "20" }'))
    changes = add_quotes(answer, tmp_path / "own", AT)
    assert {item.unit for item in changes} == {"output"}
    (state,) = quote_states(catalog.load((tmp_path / "own",)), demands(), AT)
    assert state.without_usd - state.with_usd == Money.from_usd("0.0025")


def test_one_quote_is_taken_out_while_the_other_still_holds(answer: Path, tmp_path: Path) -> None:
    """A tenth off what a tenth off leaves: 84,500 x 0.81 = 68,445 with both, 76,050 with one alone."""
    add_quotes(answer, tmp_path / "own", AT)
    answer.write_text(ANSWER.replace('"tenth"', '"more"').replace("mail]", "mail2]").replace('["mail"]', '["mail2"]'))
    assert {item.over for item in add_quotes(answer, tmp_path / "own", AT)} == {"tenth"}
    states = quote_states(catalog.load((tmp_path / "own",)), demands(), AT)
    assert {state.quote for state in states} == {"tenth", "more"}
    for state in states:
        assert (state.with_usd, state.without_usd) == (Money.from_usd("0.068445"), Money.from_usd("0.07605"))


def test_a_plan_hears_of_quotes_that_end_within_it(answer: Path, tmp_path: Path) -> None:
    add_quotes(answer, tmp_path / "own", AT)
    states = quote_states(catalog.load((tmp_path / "own",)), demands(), AT)
    assert what_expired(states, AT, states[0].until - timedelta(days=1)) == ()
    assert what_expired(states, AT, states[0].until) == states
    with pytest.raises(UserError, match="from 2026-04-20 on"):
        what_expired(states, AT, date(2026, 1, 1))


def test_the_commands_ask_enter_and_list(answer: Path, tmp_path: Path) -> None:
    trace, overlay, letter = tmp_path / "usage.jsonl", tmp_path / "own", tmp_path / "vertex.md"
    write_export([turn(at, Usage(0, 100, 0, 10_000), offer=OPUS) for at in (0, 24 * HOUR_S)], trace)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(root, ["quote", *arguments, "--at", AT.isoformat()], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    asked = json.loads(run("request", "--trace", str(trace), "--surface", "vertex", "--out", str(letter), "--json"))
    assert (asked["surface"], asked["volumes"][0]["requests_per_month"]) == ("vertex", 61)
    assert letter.read_text().startswith("# Request for per-token prices: vertex")
    assert "5 → 4.5 USD per million tokens (-10.0 %), 2026-04-15 to 2026-07-01" in run(
        "add", str(answer), "--overlay", str(overlay)
    )
    (state,) = json.loads(run("list", "--overlay", str(overlay), "--trace", str(trace), "--json"))
    assert (state["until"], state["without_usd"]) == ("2026-07-01", "0.13")  # 20,000 x 6.25 + 200 x 25 millionths
    assert "expires on 2026-07-01: without it" in run("list", "--overlay", str(overlay), "--trace", str(trace))


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_where_no_quote_was_ever_added_there_are_none_yet(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with chdir(tmp_path):
        result = CliRunner().invoke(root, ["quote", "list", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    assert ("[]" if arguments else "no quotes yet") in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_claims_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give a folder"):
        CliRunner().invoke(root, ["quote", "list", "--overlay", str(tmp_path / "x")], catch_exceptions=False)
