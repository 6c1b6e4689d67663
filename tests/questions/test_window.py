"""The tuning window: dates of a wish against dated claims; what nobody says stays unknown; what there is instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from questions.support import AT, snapshot
from trivium.catalog import load
from trivium.core import NoClaim
from trivium.plan.org import Tuning
from trivium.plan.questions import alternatives, tuning_window


@pytest.mark.parametrize(
    ("at", "tuning", "verdict"),
    [
        (date(2026, 3, 1), Tuning(), "open"),  # Claude 3 Haiku on Bedrock until 2026-09-10
        (date(2026, 9, 9), Tuning(), "open"),
        (date(2026, 9, 10), Tuning(), "closed"),
        (AT, Tuning(), "closed"),
        (AT, Tuning(model="claude-3-haiku"), "closed"),
        (AT, Tuning(model="claude-opus-5"), "never existed"),
        (date(2026, 3, 1), Tuning(wanted_from=date(2026, 10, 1)), "closed"),
        (date(2026, 3, 1), Tuning(wanted_from=date(2026, 9, 1), wanted_until=date(2027, 3, 1)), "open"),
        (date(2024, 6, 1), Tuning(model="claude-3-haiku", wanted_until=date(2024, 6, 15)), "closed"),
        (AT, None, "not wanted"),
    ],
)
def test_a_wish_meets_the_windows_that_claims_state(at: date, tuning: Tuning | None, verdict: str) -> None:
    assert tuning_window(tuning, snapshot(AT), at).verdict == verdict


def test_a_closed_window_says_when_it_closed_and_where_nothing_is_stated() -> None:
    answer = tuning_window(Tuning(), snapshot(), AT)
    assert "claude-3-haiku on bedrock could be tuned from 2024-11-01 until 2026-09-10" in answer.sentence
    assert "Nothing is stated for claude-aws, bedrock-mantle, claude-gcp: ask." in answer.sentence
    assert answer.margin == "75 days after it closed"  # 20 days of September, 31 of October, 24 of November
    assert "cap.bedrock.claude-3-haiku.fine_tuning@2024-11-01" in answer.basis.claim_ids


def test_an_open_window_that_ends_before_the_wish_says_so() -> None:
    wish = Tuning(wanted_from=date(2026, 9, 1), wanted_until=date(2026, 9, 30))
    answer = tuning_window(wish, snapshot(), date(2026, 3, 1))
    assert answer.margin == "9 days until it closes, 20 days before the wish ends"


def test_it_is_asked_again_when_a_claim_is_due_or_the_wish_begins() -> None:
    answer = tuning_window(Tuning(wanted_from=date(2026, 12, 1)), snapshot(), AT)
    assert answer.ask_again == date(2026, 12, 1)
    later = tuning_window(Tuning(wanted_from=date(2029, 1, 1)), snapshot(), AT)
    assert later.ask_again is not None
    assert AT < later.ask_again < date(2029, 1, 1)


def test_the_articles_sentences_are_shown_and_not_counted() -> None:
    answer = tuning_window(Tuning(), snapshot(), AT)
    said = [point for point in answer.points if point.speaks_for == "not counted"]
    assert any("contradicted by product record" in point.value for point in said)
    assert not {name for point in said for name in point.basis.claim_ids} & set(answer.basis.claim_ids)


def test_without_any_claim_it_is_unknown_and_to_be_asked() -> None:
    shipped = load()
    silent = replace(shipped, claims=tuple(c for c in shipped.claims if c.predicate != "fine_tuning"), _snapshots={})
    answer = tuning_window(Tuning(), silent.snapshot(AT), AT)
    assert answer.verdict == "unknown"
    assert answer.sentence.startswith("No claim says whether any Claude can be tuned. Nothing is stated for anthropic,")


def test_a_model_that_nobody_knows_is_refused() -> None:
    with pytest.raises(NoClaim):
        tuning_window(Tuning(model="gpt-x"), snapshot(), AT)


def test_an_organisations_own_window_opens_it(tmp_path: Path) -> None:
    header = "id,surface,models,subject,predicate,value,unit,status,from,until,announced,seen,review_by"
    header += ",supersedes,source,quote,note"
    row = "own.tuning,vertex,claude-opus-5,,fine_tuning,preview for us,,contracted,2027-01-01,2027-07-01,2026-11-01"
    row += ",2026-11-01,,,letter of 2026-11-01,,"
    (tmp_path / "capabilities.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    own = load((tmp_path,)).snapshot(AT)
    wish = Tuning(model="claude-opus-5", wanted_from=date(2027, 2, 1), wanted_until=date(2027, 3, 1))
    assert tuning_window(wish, own, AT).verdict == "open"
    early = Tuning(model="claude-opus-5", wanted_until=date(2026, 12, 22))
    assert tuning_window(early, own, AT).margin == "10 days too early"


def test_alternatives_are_what_claims_say_platforms_do() -> None:
    found = {one.name: one for one in alternatives(snapshot(), "claude-opus-5", AT)}
    assert "bedrock" in found["structured_outputs"].surfaces
    assert "bedrock" not in found["files_api"].surfaces
    assert str(found["context_window_tokens"]).startswith("examples and documents in a context of 1,000,000 tokens (")
    assert all(one.claims for one in found.values())
