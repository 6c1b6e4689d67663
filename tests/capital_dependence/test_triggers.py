"""Exit triggers on the shipped claims and on an organisation's own: fired, not fired, or which claim is missing."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trivium import catalog
from trivium.capital.checkpoints import (
    NAMES,
    STALE,
    Reading,
    Scenario,
    Sight,
    State,
    read_triggers,
    reading_document,
    triggers_of,
)
from trivium.capital.deals import read_deals
from trivium.capital.own import read_own
from trivium.core import UserError

NOV = date(2026, 11, 25)
CLOUDS = ("Anthropic", "Amazon", "Google", "Microsoft", "NVIDIA")
HEADER = "id,subject,predicate,value,unit,status,from,announced,source\n"


def _read(
    name: str, at: date = NOV, *, parties: tuple[str, ...] = CLOUDS, own: dict[str, Any] | None = None, **values: Any
) -> dict[str, Reading]:
    """The readings of one trigger by subject."""
    overlays = values.pop("overlays", ())
    threshold = values.pop("threshold", None)
    snapshot = catalog.load(overlays).snapshot(at)
    standard = {"makers": ("Anthropic",), "used": None, "own": read_own(own or {})}
    sight = Sight(snapshot, read_deals(snapshot), at, parties, **(standard | values))
    given = {} if threshold is None else {name: Decimal(threshold)}
    chosen = tuple(one for one in triggers_of(sight.own, given) if one.name == name)
    return {one.subject: one for one in read_triggers(sight, chosen)}


def _own_claims(folder: Path, table: str, *rows: str) -> tuple[Path, ...]:
    (folder / table).write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return (folder,)


def test_one_buyer_over_the_threshold_fires() -> None:
    """OpenAI is 45 percent of Microsoft's backlog: over 40, not over 45."""
    found = _read("one-buyer")["Microsoft"]
    assert (found.state, found.value) == (State.FIRED, "OpenAI 45 % (backlog)")
    assert found.claim_ids == ("indicator.microsoft.backlog-share.openai",)
    assert _read("one-buyer", threshold="45")["Microsoft"].state is State.NOT_FIRED


def test_what_is_unconfirmed_does_not_fire_and_says_which_claim_is_missing() -> None:
    """Anthropic is over 40 percent of Google Cloud's backlog only if a report holds."""
    found = _read("one-buyer", threshold="30")["Google"]
    assert found.state is State.CANNOT_TELL
    assert found.missing == ("a claim of backlog_share:Anthropic better than unconfirmed",)
    assert _read("one-buyer")["Amazon"].missing == ("backlog_share of Amazon",)


def test_the_newest_reading_counts() -> None:
    """CoreWeave: Microsoft was 62 percent of 2024's revenue and 67 of 2025's; its largest customer 35 of backlog."""
    snapshot = catalog.load().snapshot(date(2026, 4, 1))
    sight = Sight(snapshot, read_deals(snapshot), date(2026, 4, 1), ("CoreWeave",), ("Anthropic",), None, read_own({}))
    chosen = tuple(one for one in triggers_of(sight.own) if one.name == "one-buyer")
    told = {one.value: one.state for one in read_triggers(sight, chosen)}
    assert told == {
        "Microsoft 67 % (revenue)": State.FIRED,
        "its largest customer 35 % (backlog)": State.NOT_FIRED,
    }


def test_evidence_above_the_set_age_reads_stale_and_the_state_is_kept() -> None:
    """From 2026-01-28 to 2026-11-25 are 3 + 28 + 31 + 30 + 31 + 30 + 31 + 31 + 30 + 31 + 25 = 301 days."""
    found = _read("one-buyer")["Microsoft"]
    assert (found.age_days, found.verdict, found.state) == (301, STALE, State.FIRED)
    assert _read("one-buyer", own={"evidence_days": 300})["Microsoft"].verdict == STALE
    assert _read("one-buyer", own={"evidence_days": 301})["Microsoft"].verdict == "fired"


def test_cover_is_firm_commitments_over_the_run_rate() -> None:
    """On 2026-06-28, bn USD: (30 + 100 + 3.75) / 47 = 2.846 years; over 2.8, and what has no amount is missing to 3."""
    june = date(2026, 6, 28)
    fired = _read("cover-years", june, threshold="2.8")["Anthropic"]
    assert fired.state is State.FIRED
    assert fired.value == "(30 + 100 + 3.75) / 47 bn USD = 2.85 years"
    assert {"deal.D030", "deal.D037", "deal.D045", "series.anthropic.run_rate_usd.2026-05-28"} == set(fired.claim_ids)
    open_ = _read("cover-years", june)["Anthropic"]
    assert open_.state is State.CANNOT_TELL
    assert "the amount of deal.D046" in open_.missing
    assert _read("cover-years", june, makers=("Nobody",))["Nobody"].missing == ("run_rate_usd of Nobody",)


def test_the_run_rate_is_held_against_the_reader_s_cone_alone() -> None:
    """From 30 (2026-04-07) at x100 a year, spread 0: 51 days later 57.1 > 47, 84 days later 86.5 > 50: fired."""
    assert _read("run-rate-cone")["Anthropic"].missing == ("a scenario: --growth and --spread",)
    fast = _read("run-rate-cone", scenario=Scenario(math.log(100), 0.0))["Anthropic"]
    assert fast.state is State.FIRED
    assert fast.value == "2026-05-28: 47 against 57.07 bn USD; 2026-06-30: 50 against 86.51 bn USD"
    slow = _read("run-rate-cone", scenario=Scenario(math.log(10), 0.0))["Anthropic"]  # 41.4 and 50.9
    assert slow.state is State.NOT_FIRED
    late = Scenario(math.log(10), 0.0, date(2026, 5, 28))
    assert _read("run-rate-cone", scenario=late)["Anthropic"].state is State.CANNOT_TELL


def test_a_letter_of_intent_that_was_replaced_fires_for_a_while() -> None:
    """D005 was replaced by D006 on 2026-02-27: within 90 days on 2026-05-27, no longer on 2026-05-28."""
    what = "NVIDIA to OpenAI, D005"
    found = _read("tranche-missed", date(2026, 5, 27), parties=("OpenAI",))[what]
    assert (found.state, found.value) == (State.FIRED, "replaced by D006 on 2026-02-27")
    assert found.claim_ids[-1] == "deal.D006"
    assert what not in _read("tranche-missed", date(2026, 5, 28), parties=("OpenAI",))


def test_an_announced_payment_without_a_day_cannot_be_told_and_one_past_its_day_fires(tmp_path: Path) -> None:
    assert _read("tranche-missed")["Amazon to Anthropic, D036"].missing == ("the day by which D036 is paid",)
    (tmp_path / "deals.csv").write_text(
        "id,subject,predicate,value,unit,status,from,until,announced,source\n"
        "deal.X1,Fund -> Anthropic,invest:staged_equity,1000,USD,forward-looking,,2026-09-01,2026-05-01,our note\n"
    )
    found = _read("tranche-missed", overlays=(tmp_path,))["Fund to Anthropic, X1"]
    assert (found.state, found.value) == (State.FIRED, "its window ended on 2026-09-01, announced")


@pytest.mark.parametrize(
    ("trigger", "deal", "event"),
    [("notice-served", "D045", "notice"), ("guarantee-called", "D050", "called")],
)
def test_an_event_of_a_deal_fires_once_a_claim_says_so(tmp_path: Path, trigger: str, deal: str, event: str) -> None:
    parties = ("Anthropic", "SpaceX/xAI", "Broadcom")
    quiet = _read(trigger, parties=parties)
    (what,) = [name for name in quiet if name.endswith(deal)]
    assert quiet[what].state is State.NOT_FIRED
    row = f"ours.event,deal.{deal},event:{event},we were told,,reported,,2026-10-01,our note"
    told = _read(trigger, parties=parties, overlays=_own_claims(tmp_path, "deal_terms.csv", row))[what]
    assert (told.state, told.value) == (State.FIRED, f"{event} on 2026-10-01: we were told")
    assert "ours.event" in told.claim_ids


def test_a_guarantee_that_ended_was_not_called(tmp_path: Path) -> None:
    row = "ours.end,deal.D050,event:terminated,the notes were repaid,,reported,,2026-10-01,our note"
    overlays = _own_claims(tmp_path, "deal_terms.csv", row)
    told = _read("guarantee-called", parties=("Anthropic TPU SPV",), overlays=overlays)
    assert {one.state for one in told.values()} == {State.NOT_FIRED}


def test_exclusivity_that_changed_of_late_fires() -> None:
    """It ended on 2026-04-27: within 90 days on 2026-07-25, no longer on 2026-07-26."""
    assert _read("exclusivity-change", date(2026, 7, 25))["Microsoft"].state is State.FIRED
    assert _read("exclusivity-change", date(2026, 7, 26))["Microsoft"].state is State.NOT_FIRED
    assert _read("exclusivity-change", parties=("Amazon",))["Amazon"].state is State.CANNOT_TELL


def test_a_model_in_use_that_its_surface_stopped_serving_fires() -> None:
    """Opus 4.1 went on 2026-08-05, 112 days before; Sonnet 4.5 goes on 2026-11-30."""
    used = (("anthropic", "claude-opus-4-1"), ("anthropic", "claude-sonnet-4-5"))
    assert _read("model-removed")["models in use"].missing == ("the models in use: name a ledger with --db",)
    found = _read("model-removed", used=used, threshold="112")
    assert {one.state for one in found.values()} == {State.NOT_FIRED}
    found = _read("model-removed", used=used, threshold="113")
    assert found["claude-opus-4-1 on anthropic"].state is State.FIRED
    assert found["claude-sonnet-4-5 on anthropic"].value == "served until 2026-11-30"


def test_measures_without_a_claim_name_it_and_own_claims_decide(tmp_path: Path) -> None:
    assert _read("spread-widening", parties=("Oracle",))["Oracle"].state is State.NOT_FIRED  # 48 of 50
    assert _read("spread-widening", parties=("Oracle",), threshold="47")["Oracle"].state is State.FIRED
    assert _read("spread-widening")["Amazon"].missing == ("spread_widening_bp of Amazon",)
    assert _read("going-concern")["NVIDIA"].missing == ("going_concern of NVIDIA",)
    overlays = _own_claims(
        tmp_path, "indicators.csv", "ours.doubt,CoreWeave,going_concern,1,,documented,2026-11-01,2026-11-01,10-Q"
    )
    assert _read("going-concern", parties=("CoreWeave",), overlays=overlays)["CoreWeave"].state is State.FIRED


def test_thresholds_owners_and_actions_are_the_organisation_s() -> None:
    own = read_own(
        {
            "owner": "risk",
            "triggers": {
                "one-buyer": {"threshold": 50, "owner": "procurement", "action": "call them"},
                "going-concern": {"off": True},
            },
        }
    )
    found = {one.name: one for one in triggers_of(own)}
    assert set(found) == set(NAMES) - {"going-concern"}
    buyer = found["one-buyer"]
    assert (buyer.threshold, buyer.owner, buyer.action) == (Decimal(50), "procurement", "call them")
    assert buyer.condition == "one buyer is over 50 percent of a party's backlog or revenue"
    assert found["cover-years"].owner == "risk"
    assert {one.name: one for one in triggers_of(own, {"one-buyer": Decimal(35)})}["one-buyer"].threshold == 35


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ({"triggers": {"one-byer": {"threshold": 1}}}, "capital.triggers.one-byer"),
        ({"triggers": {"one-buyer": {"threshold": -1}}}, "capital.triggers.one-buyer.threshold"),
        ({"triggers": {"run-rate-cone": {"threshold": 1}}}, "capital.triggers.run-rate-cone.threshold"),
        ({"triggers": {"notice-served": {"threshold": Decimal("1.5")}}}, "capital.triggers.notice-served.threshold"),
        ({"triggers": {"one-buyer": {"treshold": 1}}}, "capital.triggers.one-buyer.treshold"),
        ({"triggers": {"one-buyer": {"threshold": "nan"}}}, "capital.triggers.one-buyer.threshold"),
    ],
)
def test_a_wrong_setting_is_named(table: dict[str, Any], field: str) -> None:
    with pytest.raises(UserError) as refused:
        triggers_of(read_own(table))
    assert refused.value.field == field


def test_a_document_names_claims_condition_and_owner() -> None:
    found = reading_document(_read("one-buyer")["Microsoft"])
    assert found["claims"] == ["indicator.microsoft.backlog-share.openai"]
    assert found["condition"].startswith("one buyer is over 40 percent")
    assert (found["state"], found["verdict"]) == ("fired", STALE)
