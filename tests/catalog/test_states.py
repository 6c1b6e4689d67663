"""What becomes of claims: corrected, cancelled, expired, contradicted, stale, and who wins a conflict."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from trivium.catalog import Catalog, Claim, Kind, Snapshot, State, diff, explain, load, rank, standing
from trivium.core import ClaimsDisagree, NoClaim, UserError

RISE = "price.base.claude-sonnet-5.rise"
NOW = date(2026, 11, 22)


def state(catalog: Catalog, claim: str, as_of: str, at: str = "") -> tuple[State, str]:
    snapshot = catalog.snapshot(date.fromisoformat(as_of))
    found = standing(snapshot, snapshot.claim(claim), date.fromisoformat(at or as_of))
    return found.state, found.by.id if found.by else ""


def test_an_announced_rise_is_shown_as_announced_and_then_as_cancelled(catalog: Catalog) -> None:
    assert state(catalog, RISE, "2026-08-01") == (State.ANNOUNCED, "")
    assert state(catalog, RISE, "2026-08-15") == (State.CANCELLED, "price.base.claude-sonnet-5")
    with pytest.raises(NoClaim, match="had been announced by 2026-06-29"):
        state(catalog, RISE, "2026-06-29")


@pytest.mark.parametrize(
    ("claim", "as_of", "at", "expected"),
    [
        ("price.base.claude-sonnet-5.introductory", "2026-08-15", "2026-08-15", State.SUPERSEDED),
        ("cap.anthropic.claude-fable-5.suspended", "2026-11-22", "2026-06-20", State.IN_FORCE),
        ("cap.anthropic.claude-fable-5.suspended", "2026-11-22", "2026-07-01", State.EXPIRED),
        ("wire.anthropic.api_versions.2026", "2026-11-22", "2026-10-20", State.UPCOMING),
        ("event.2026-11-30.opus-4-8-fast-ends", "2026-11-22", "2026-11-22", State.ANNOUNCED),
        ("cap.bedrock-mantle.structured_outputs", "2026-11-22", "2026-11-22", State.CONTRADICTED),
        ("article.S028", "2026-11-22", "2026-11-22", State.CONTRADICTED),  # more than a million chips: up to
        ("article.S004", "2026-11-22", "2026-11-22", State.SUPERSEDED),  # corrected: a ceiling
        ("cap.anthropic.citations", "2026-11-22", "2026-11-22", State.IN_FORCE),
        ("cap.anthropic.citations", "2026-11-22", "2027-01-01", State.STALE),  # seen 2026-08-22, due after 120 days
    ],
)
def test_a_state_is_computed_on_a_day(catalog: Catalog, claim: str, as_of: str, at: str, expected: State) -> None:
    assert state(catalog, claim, as_of, at)[0] is expected


def claim(name: str, value: str, status: str = "documented", **more: object) -> Claim:
    return Claim(name, "t", "s", "p", value, "", status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stronger", "weaker", "why"),
    [
        (claim("b", "1", "reported", layer=1), claim("a", "2", "contracted"), "the organisation's own"),
        (claim("b", "1", "contracted"), claim("a", "2", "documented"), "contracted stands above documented"),
        (claim("b", "1", "documented"), claim("a", "2", "reported"), "documented stands above reported"),
        (claim("b", "1", "reported"), claim("a", "2", "unconfirmed"), "reported stands above unconfirmed"),
        (claim("b", "1", valid_from=date(2026, 2, 1)), claim("a", "2", valid_from=date(2026, 1, 1)), "holds since"),
        (claim("b", "1", valid_until=NOW), claim("a", "2"), "states an end"),
        (claim("b", "1", seen_on=date(2026, 2, 1)), claim("a", "2", seen_on=date(2026, 1, 1)), "seen later"),
    ],
)
def test_of_two_claims_the_better_founded_wins_whatever_their_order(stronger: Claim, weaker: Claim, why: str) -> None:
    for order in ((stronger, weaker), (weaker, stronger)):
        ranked = rank(order)
        assert (ranked.winner, ranked.tied) == (stronger, False)
        assert why in ranked.reasons[0]


def test_equal_claims_that_differ_leave_the_question_open() -> None:
    assert rank([claim("a", "1"), claim("b", "2")]).tied
    assert not rank([claim("a", "1.0"), claim("b", "1")]).tied  # the same number


def test_a_question_without_a_winner_raises_and_one_without_a_claim_too(snapshot: Snapshot) -> None:
    with pytest.raises(ClaimsDisagree, match=r"500000.*1000000"):
        snapshot.value("aws/trainium2", "chips_active", NOW)
    with pytest.raises(NoClaim, match="what is forward-looking never counts"):
        snapshot.value("gcp/tpu", "chips_planned", NOW)
    with pytest.raises(NoClaim, match="known of it: "):
        explain(snapshot, "aws/trainium2", "colour", NOW)


def test_the_tables_conflicts_are_found_by_comparing(snapshot: Snapshot) -> None:
    """The 13 rows that the capability table marks as conflicts, without their mark."""
    found = {(conflict.subject, conflict.predicate) for conflict in snapshot.conflicts()}
    expected = {
        ("anthropic/claude-mythos-preview", "retirement"),
        ("bedrock/claude-3-5-sonnet", "retirement"),
        ("vertex/claude-opus-5", "retirement_not_before"),
        ("vertex/claude-sonnet-5", "retirement_not_before"),
        ("vertex/claude-fable-5-1", "retirement_not_before"),
        ("foundry/claude-sonnet-4-5", "retirement"),
        ("bedrock/claude-sonnet-4-6", "max_output_tokens"),
        ("vertex/claude-sonnet-4-6", "max_output_tokens"),
        *(
            ("foundry:hosted-on-azure", name)
            for name in ("web_search", "web_fetch", "tool_search", "structured_outputs", "mcp_connector")
        ),
    }
    assert len(expected) == 13
    assert expected <= found
    assert ("claude-mythos-preview", "base_price") in found  # 10/50 first party, 25/125 by Bedrock's rows
    assert ("foundry/claude-opus-4-6", "retirement_azure_api before retirement_not_before") in found


def test_both_sides_of_a_conflict_are_kept_with_the_reason(snapshot: Snapshot) -> None:
    answer = explain(snapshot, "bedrock/claude-sonnet-4-6", "max_output_tokens", NOW)
    assert answer.ranked is not None
    assert [claim.value for claim in answer.ranked.claims] == ["128000", "64000"]
    assert answer.ranked.reasons == ("documented stands above reported",)


def test_a_claim_about_a_model_stands_above_one_about_all(snapshot: Snapshot) -> None:
    found = snapshot.capability("bedrock", "claude-3-5-haiku", "token_counting", NOW)
    assert found is not None
    assert found.id == "wire.bedrock.token_counting.base"


def test_an_unconfirmed_exception_does_not_undo_a_reported_rule(snapshot: Snapshot) -> None:
    assert "speed" in snapshot.rejected_fields("vertex", "claude-fable-5-2", NOW)
    answer = explain(snapshot, "vertex/claude-fable-5-2", "field:speed", NOW)
    assert answer.ranked is not None
    assert answer.ranked.winner.id == "wire.vertex.field.speed"
    assert [other.claim.id for other in answer.others] == ["wire.vertex.field.speed.fable-5-2"]


def test_what_changed_between_two_days(catalog: Catalog) -> None:
    changes = diff(catalog, date(2026, 8, 10), date(2026, 8, 10))
    assert {(change.kind, change.claim.id) for change in changes if change.claim} >= {
        (Kind.CANCELLED, RISE),
        (Kind.CORRECTED, "price.base.claude-sonnet-5.introductory"),
        (Kind.ANNOUNCED, "price.base.claude-sonnet-5"),
        (Kind.STARTED, "event.2026-08-10.sonnet-5-rise-cancelled"),
    }
    november = diff(catalog, date(2026, 11, 9), date(2026, 11, 16))
    said = {(change.kind, change.subject, change.text) for change in november if change.claim is None}
    assert (Kind.STARTED, "anthropic/claude-fable-5-2", "5 prices, global/standard") in said
    assert (Kind.ENDED, "github-copilot/claude-opus-5", "4 prices, global/standard") in said
    with pytest.raises(UserError, match="not before 2026-11-16"):
        diff(catalog, date(2026, 11, 16), date(2026, 11, 9))


def test_the_change_log_is_complete(snapshot: Snapshot) -> None:
    events = snapshot.find(topic="events")
    assert len(events) == 20
    assert {claim.valid_from.isoformat()[:7] for claim in events if claim.valid_from} == {
        *("2024-12", "2025-09", "2026-02", "2026-03", "2026-05", "2026-06", "2026-07", "2026-08"),
        *("2026-09", "2026-10", "2026-11"),
    }


def test_a_correction_in_an_overlay_is_a_new_claim_that_names_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        "id,surface,predicate,value,status,source,announced,supersedes\n"
        "own.citations,anthropic,citations,no,measured,our probe of 2026-11-20,2026-11-20,cap.anthropic.citations\n"
    )
    mine = load([tmp_path])
    assert mine.snapshot(NOW).supports("anthropic", "claude-opus-5", "citations", NOW) is False
    assert mine.snapshot(date(2026, 11, 19)).supports("anthropic", "claude-opus-5", "citations", NOW) is True
    assert state(mine, "cap.anthropic.citations", "2026-11-22") == (State.SUPERSEDED, "own.citations")
