"""What goes out beside the report: sheets to negotiate with, a calendar, texts for the terminal, comparisons."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import icalendar
import pytest
from rich.console import Console

from decide.orgs import SILENT, given, snapshot
from report.helpers import claims
from report.sample import AT, HOSTILE, empty, sample
from trivium.core import Checkpoint
from trivium.figures import width_of
from trivium.plan.decide._compose import decide
from trivium.plan.decision import Decision, Swing
from trivium.plan.org import Contract
from trivium.plan.report import (
    Sheet,
    calendar_ics,
    compare,
    comparison_json,
    comparison_text,
    decision_text,
    negotiation_sheets,
    sheets_html,
    sheets_markdown,
    workload_text,
)
from trivium.plan.report._lines import on_lines

EDP = Contract(
    "spend-commitment",
    ("bedrock",),
    notice_days=90,
    renews=True,
    discount_percent=Decimal(8),
    expires=date(2026, 12, 31),
)


def _sheet(surface: str, decision: Decision | None = None, contracts: dict[str, Contract] | None = None) -> Sheet:
    sheets = negotiation_sheets(decision or sample(), snapshot(), contracts)
    return next(sheet for sheet in sheets if sheet.surface == surface)


def test_each_point_of_a_sheet_is_worth_what_the_decision_computed() -> None:
    worth = {(ask.topic, ask.ask.partition(":")[0]): ask.worth_usd for ask in _sheet("bedrock").asks}
    sheet = _sheet("bedrock")
    assert worth["discount", "a discount on everything used on this platform"] == pytest.approx(sheet.spend_usd / 100)
    assert worth["discount", "edp as offered, at 300,000 USD a year"] == 40_000.0
    assert worth["region", "the regional scope without its premium (residency in eu)"] == 4_100.0
    assert worth["shortfall", "edp"] == pytest.approx(0.1 * 6_000)  # the worst tenth loses 6,000 on average
    assert worth["price protection", "list prices held for the term"] == pytest.approx(0.07 * 540_000)


def test_a_ramp_is_worth_at_most_what_the_first_year_falls_short() -> None:
    ask = next(ask for ask in _sheet("bedrock").asks if ask.topic == "ramp")
    growth = [1.02**month for month in range(36)]
    two, split = 2 * sum(growth[:12]), sum(growth[:6]) + 0.6 * sum(growth[6:12])
    first_year = 180_000 * (two + split) / sum(growth)
    assert ask.worth_usd == pytest.approx(300_000 - first_year)


def test_a_quota_is_asked_of_its_platform_only() -> None:
    asked = {surface: {ask.topic for ask in _sheet(surface).asks} for surface in ("bedrock", "vertex")}
    assert "quota" in asked["vertex"]
    assert "quota" not in asked["bedrock"]


def test_a_name_within_a_name_is_another_platform() -> None:
    decision = replace(sample(), checkpoints=(Checkpoint(AT + timedelta(9), "bedrock-mantle", "look again"),))
    assert _sheet("bedrock", decision).deadlines == ()


def test_what_we_do_otherwise_is_the_runner_up_and_its_gap() -> None:
    sheet = _sheet("bedrock")
    assert sheet.leaving_usd_per_month == pytest.approx(3 * 410.5)
    assert sheet.alternatives[0] == "search: Vertex AI global, 410 USD a month dearer"
    alone = replace(sample(), workloads=(replace(sample().workloads[0], runner_up=None),))
    assert _sheet("bedrock", alone).leaving_usd_per_month is None
    assert "weakens our hand" in sheets_html([_sheet("bedrock", alone)], alone, claims())


def test_terms_and_last_days_come_from_the_contract() -> None:
    sheet = _sheet("bedrock", contracts={"edp": EDP})
    notice = next(ask for ask in sheet.asks if ask.topic == "notice")
    assert notice.why == "notice of 90 days, renewed by itself, for 12 months"
    assert (date(2026, 12, 31), "edp: last day of the offer") in sheet.deadlines
    assert all(day >= AT for day, _ in sheet.deadlines)


def test_a_model_promised_for_less_than_the_plan_runs_it_is_asked_for_with_its_claim() -> None:
    ask = next(ask for ask in _sheet("vertex").asks if ask.topic == "model availability")
    assert ask.basis.claim_ids
    for name in ask.basis.claim_ids:  # what nobody confirmed never counts
        assert snapshot().claim(name).status not in {"unconfirmed", "forward-looking"}


def test_a_sheet_brings_the_claims_it_names() -> None:
    decision = sample()
    html = sheets_html(negotiation_sheets(decision, snapshot()), decision, {})
    assert "retirement_not_before" in html
    assert "not in the catalogue that was given" not in html


def test_sheets_are_pages_and_markdown_without_markup_of_theirs() -> None:
    decision = sample()
    sheets = negotiation_sheets(decision, snapshot())
    assert "<script>" not in sheets_html(sheets, decision, claims())
    text = sheets_markdown(sheets, decision, claims())
    assert HOSTILE not in text
    rows = [line for line in text.splitlines() if line.startswith("| **discount**")]
    assert all(line.replace("\\|", "").count("|") == 6 for line in rows)
    assert "uses no platform" in sheets_markdown((), empty(), claims())
    assert negotiation_sheets(empty(), snapshot()) == ()


def test_a_composed_decision_has_its_sheets() -> None:
    decision = decide(given(), SILENT)
    sheets = negotiation_sheets(decision, snapshot())
    assert sum(sheet.spend_usd for sheet in sheets) == pytest.approx(decision.forecast.mean_usd, rel=1e-6)


def test_without_its_own_bar_a_price_rise_is_worth_its_percent() -> None:
    decision = replace(sample(), swings=(Swing("list prices", "l", "h", 1.0, 2.0),))
    ask = next(ask for ask in _sheet("bedrock", decision).asks if ask.topic == "price protection")
    assert ask.worth_usd == pytest.approx(_sheet("bedrock", decision).spend_usd / 100)


def test_the_calendar_holds_every_checkpoint_all_day_with_claims_and_alarms() -> None:
    found = icalendar.Calendar.from_ical(calendar_ics(sample())).walk("VEVENT")
    assert [event["dtstart"].dt for event in found] == [date(2026, 10, 1), date(2026, 12, 31), date(2027, 2, 1)]
    last = found[-1]
    assert last["dtend"].dt == date(2027, 2, 2)
    assert "may retire from then on" in last["description"]
    assert "price.offer.bedrock" in last["description"]
    assert len(last.walk("VALARM")) == 2
    assert "overdue" in found[0]["description"]


def test_equal_decisions_give_equal_calendars() -> None:
    assert calendar_ics(sample()) == calendar_ics(sample())
    assert b"BEGIN:VEVENT" not in calendar_ics(empty())


def test_an_event_keeps_its_identity_when_its_day_moves_and_counts_up() -> None:
    point = Checkpoint(date(2027, 2, 1), "opus on bedrock", "may retire", ("c1", "c2"))
    later = replace(point, due=date(2027, 5, 1), reason="may retire later", claim_ids=("c2", "c1"))
    before = replace(sample(), checkpoints=(point,))
    after = replace(sample(), checkpoints=(later,), at=AT + timedelta(30))
    one, other = (icalendar.Calendar.from_ical(calendar_ics(d)).walk("VEVENT")[0] for d in (before, after))
    assert one["uid"] == other["uid"]
    assert one["sequence"] < other["sequence"]
    twice = replace(sample(), checkpoints=(point, later))
    uids = [event["uid"] for event in icalendar.Calendar.from_ical(calendar_ics(twice)).walk("VEVENT")]
    assert len(set(uids)) == 2


def test_a_plan_beside_itself_is_the_same() -> None:
    found = compare(sample(), sample())
    assert found.same
    assert "same" in _printed(comparison_text(found))


def test_the_steps_between_two_plans_add_up_and_name_what_moved() -> None:
    first = sample()
    search, agents, *others = first.workloads
    busier = replace(search, requests=240_690, monthly_plan_usd=9_000.0)  # twice the requests at nine tenths a piece
    second = replace(
        first,
        at=AT + timedelta(30),
        workloads=(busier, replace(agents, stages=search.stages), *others),
        forecast=replace(first.forecast, mean_usd=700_000.0),
        claim_ids=first.claim_ids[1:],
    )
    found = compare(first, second)
    steps = {step.name: step.amount_usd for step in found.bridge.steps}
    assert steps["requests a month"] == pytest.approx(5_000 * 36)
    assert steps["cost a request, where it stayed"] == pytest.approx(-0.1 * 10_000 * 36)
    assert steps["growth, later prices and moves"] == pytest.approx(
        180_000 - 9_000 * 36
    )  # its own forecast stood still
    assert steps["contracts and openings"] == pytest.approx(160_000)  # no workload's forecast moved
    assert sum(steps.values()) == pytest.approx(160_000)
    assert [moved.workload for moved in found.moved] == ["agents"]
    assert ("claims", "price.base.claude-opus-5") in {(cause.kind, cause.what) for cause in found.causes}
    assert json.loads(json.dumps(comparison_json(found)))["same"] is False


def test_workloads_that_come_and_go_and_other_horizons_are_steps_of_their_own() -> None:
    first, second = sample(), sample(24, ("search", "new one"))
    steps = {step.name: step.amount_usd for step in compare(first, second).bridge.steps}
    assert steps["workloads that are gone"] == pytest.approx(-360_000)
    assert steps["workloads that are new"] == pytest.approx(180_000)
    assert steps["months"] == pytest.approx(7_500 * (24 - 36))  # 180,000 over 24 months is 7,500 a month
    difference = second.forecast.mean_usd - first.forecast.mean_usd
    assert sum(steps.values()) == pytest.approx(difference)
    assert compare(empty(), sample()).bridge.end.amount_usd == pytest.approx(540_000)


def _printed(renderable: object, width: int = 80) -> str:
    console = Console(width=width, record=True, file=StringIO(), color_system=None)
    console.print(renderable)
    return console.export_text()


@pytest.mark.parametrize("width", [80, 140])
def test_everything_fits_the_terminal_and_markup_is_text(width: int) -> None:
    decision = replace(sample(), organisation="[bold]x[/bold] " + "w" * 200)
    changed = replace(decision, forecast=replace(decision.forecast, mean_usd=1.0), workloads=decision.workloads[1:])
    shown = [
        decision_text(decision),
        decision_text(empty()),
        *(workload_text(decision, item) for item in decision.workloads),
        comparison_text(compare(decision, changed)),
    ]
    for text in (_printed(item, width) for item in shown):
        assert all(width_of(line) <= width for line in text.splitlines())
    assert "[bold]x[/bold]" in _printed(shown[0], 300)


@pytest.mark.parametrize(
    "name", ["North\nwind", "North\r\nwind", "North\rwind", "\x1b]0;North\x07wind", "North\u2028wind"]
)
def test_a_name_that_breaks_lines_leaves_a_calendar_whole(name: str) -> None:
    decision = sample()
    point = Checkpoint(AT, name, f"{name} ends", ())
    made = calendar_ics(replace(decision, organisation=name, checkpoints=(*decision.checkpoints, point)))
    assert b"\x1b" not in made
    assert b"\x07" not in made
    assert made.count(b"\r") == made.count(b"\n") == made.count(b"\r\n")
    calendar = icalendar.Calendar.from_ical(made)
    assert len(calendar.walk("VEVENT")) == len(decision.checkpoints) + 1
    assert "wind" in str(calendar["x-wr-calname"])


def test_a_name_takes_one_line_of_the_terminal_and_commands_nothing() -> None:
    name = "\x1b[2J\x1b]0;pwn\x07\r\nNo place: all"
    decision = sample()
    item = replace(decision.workloads[0], workload=name, owner=name)
    decision = replace(decision, organisation=name, workloads=(item, *decision.workloads[1:]))
    for shown in (decision_text(decision), workload_text(decision, item), comparison_text(compare(sample(), decision))):
        out = StringIO()
        Console(file=out, width=200, color_system=None).print(shown)
        assert all(character.isprintable() or character == "\n" for character in out.getvalue())
        assert not any(line.startswith("No place: all") for line in out.getvalue().splitlines())


def test_texts_that_break_no_line_are_left_as_they_are() -> None:
    decision = sample()
    assert on_lines(decision) is decision
