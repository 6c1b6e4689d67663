"""Documented advantages per type, and the article's assignment of platforms to types."""

from __future__ import annotations

from datetime import date

import pytest

from trivium.catalog import Catalog, Snapshot
from trivium.catalog.ask import TYPES, advantages, article_assignments
from trivium.core import UserError

NOW = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("day", "counts"),
    [("2024-06-30", False), ("2024-07-01", True), ("2025-06-01", True), ("2026-09-09", True), ("2026-09-10", False)],
)
def test_only_claude_3_haiku_on_bedrock_was_ever_tunable_and_only_until_its_end(
    day: str, counts: bool, catalog: Catalog
) -> None:
    at = date.fromisoformat(day)
    found = [one for one in advantages(catalog.snapshot(NOW), at, "customisation") if one.counts]
    assert bool(found) is counts
    assert all(one.surface == "bedrock" and "claude-3-haiku" in one.statement for one in found)


def test_what_is_no_longer_tunable_says_so_and_names_the_models_never_listed(snapshot: Snapshot) -> None:
    ga = advantages(snapshot, NOW, "customisation")[1]
    assert ga.standing == "expired"
    assert "its window ended on 2026-09-10" in ga.caveat
    assert "cap.bedrock.all-claude-models-after-claude-3-haiku.fine_tuning" in ga.claim_ids


def test_a_promise_without_an_instance_is_shown_and_never_counts(snapshot: Snapshot) -> None:
    promise = next(one for one in advantages(snapshot, NOW, "customisation") if "early access" in one.statement)
    assert promise.grade == "unconfirmed"
    assert not promise.counts


def test_what_vendors_say_of_their_chips_carries_its_caveat(snapshot: Snapshot) -> None:
    said = [one for one in advantages(snapshot, NOW, "inference") if "efficiency_claim" in one.claim_ids[0]]
    assert {one.surface for one in said} == {"bedrock", "vertex", "foundry"}
    assert all("no claim says that a customer's price or speed follows" in one.caveat for one in said)


def test_foundry_has_no_batch_among_its_points_for_inference(snapshot: Snapshot) -> None:
    points = [one.statement for one in advantages(snapshot, NOW, "inference") if one.surface == "foundry"]
    assert not any("batch" in point for point in points)


def test_the_copilots_count_for_workflow_from_the_day_they_had_claude(snapshot: Snapshot) -> None:
    found = [one for one in advantages(snapshot, date(2025, 10, 1), "workflow") if one.surface == "microsoft-copilot"]
    counted = [one.statement for one in found if one.counts]
    assert counted == [
        "GitHub Copilot offers Claude models",
        "Copilot Studio and M365 Copilot Researcher offer Claude, opt-in, hosted outside Microsoft",
    ]


@pytest.mark.parametrize("kind", TYPES)
def test_every_point_rests_on_claims_that_are_known(kind: str, snapshot: Snapshot) -> None:
    found = advantages(snapshot, NOW, kind)
    assert found
    for one in found:
        assert one.claim_ids
        assert all(snapshot.claim(name).id == name for name in one.claim_ids)


def test_another_type_is_refused_with_those_that_there_are(snapshot: Snapshot) -> None:
    with pytest.raises(UserError, match="customisation, inference, workflow"):
        advantages(snapshot, NOW, "research")


def test_none_of_the_articles_assignments_was_confirmed(snapshot: Snapshot) -> None:
    found = article_assignments(snapshot, NOW)
    assert [(one.type, one.place) for one in found] == [
        ("customisation", "AWS"),
        ("inference", "Google Cloud"),
        ("workflow", "Azure"),
    ]
    assert not any(one.holds for one in found)
    outcomes = {one.claim.id: one.outcome for assignment in found for one in assignment.outcomes}
    assert outcomes["article.S039"] == "contradicted"  # early access to fine-tuning of each new model
    assert outcomes["article.S074"] == "contradicted"  # the sentence on efficiency is Google's
    assert outcomes["article.S075"] == "corrected"  # integration: with limits
