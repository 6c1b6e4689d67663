"""The article's claims: each has an outcome, the sums come out, the contradictions are all there."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from trivium.catalog import Catalog, Snapshot
from trivium.catalog.ask import OUTCOMES, article_claims, ask, outcome_of, sums

NOW = date(2026, 11, 25)

# As the review of 2026-11-22 found them: 37 + 15 + 14 + 8 + 6 + 6 + 2 + 1 = 89.
FOUND = {
    "confirmed": 37,
    "corrected": 15,
    "contradicted": 14,
    "expired": 8,
    "unsupported": 6,
    "unconfirmed": 6,
    "opinion": 2,
    "unchecked": 1,
}

# What the sum is with its figures, and what comes out, to be redone by hand.
SUMS = {
    "D01": ("10 + 5", "15 bn (maximum)"),
    "D02": ("35 / 50 * 100", "70%"),
    "D03": ("250 / 30", "8.33"),
    "D04": ("30 / 19", "1.58"),
    "D05": ("30 / 14", "2.14"),
    "D06": ("30 / 47", "0.64"),
    "D07": ("(30 + 100 + 200) / 47", "7.02"),
    "D08": ("100 / 10 + 200 / 5 ; 30", "50 + 30/n bn per year"),
    "D09": ("350 / 183", "1.91"),
    "D10": ("380 - 30", "350"),
    "D11": ("380 / 14", "27.1x"),
    "D12": ("965 / 47", "20.5x"),
    "D13": ("19 / 14", "1.36x in about one month"),
    "D14": ("14 / 10 ** 3", "0.014 bn"),
    "D15": ("(121 / 28 - 1) * 100", "332%"),
    "D16": ("2025-11-18 - 2025-10-23", "26 days"),
    "D17": ("2025-11-18 - 2025-10-28", "21 days"),
    "D18": ("30 / 50", "0.6 GW"),
    "D19": ("30 / 10", "3 GW"),
    "D20": ("(10 + 5) / 30 * 100 ; 5 / 30 * 100", "50% (Microsoft alone 5/30 = 16.7%)"),
}


def test_each_of_the_89_claims_has_the_outcome_of_its_check(snapshot: Snapshot) -> None:
    found = [outcome_of(snapshot, claim, NOW) for claim in article_claims(snapshot)]
    assert Counter(one.outcome for one in found) == FOUND
    assert all(one.checked is not None and one.why for one in found)


def test_every_outcome_is_a_word_that_is_declared(snapshot: Snapshot) -> None:
    assert {claim.value for claim in snapshot.find(predicate="outcome")} == set(OUTCOMES)


def test_a_correction_says_what_is_so_instead(snapshot: Snapshot) -> None:
    one = outcome_of(snapshot, snapshot.claim("article.S004"), NOW)
    assert one.outcome == "corrected"
    assert "option ceiling" in one.why
    assert [claim.id for claim in one.against] == ["article-check.S004"]


def test_what_has_expired_was_right_until_its_window_ended(catalog: Catalog) -> None:
    """The valuation of 380 bn was superseded on 2026-05-28."""
    snapshot = catalog.snapshot(date(2026, 5, 27))
    claim = snapshot.claim("article.S055")
    assert outcome_of(snapshot, claim, date(2026, 5, 27)).outcome == "confirmed"
    assert outcome_of(snapshot, claim, date(2026, 5, 28)).outcome == "expired"


def test_an_answer_from_before_the_check_says_that_it_came_later(catalog: Catalog) -> None:
    early = ask("what does the article say", catalog.snapshot(date(2026, 4, 1)), date(2026, 4, 1))
    assert any("could not be told so then" in note for note in early.notes)


@pytest.mark.parametrize("name", sorted(SUMS))
def test_a_sum_done_again_comes_out_as_recorded(name: str, snapshot: Snapshot) -> None:
    done = {one.claim.id: one for one in sums(snapshot)}[f"article.{name}"]
    assert (done.worked, done.result) == SUMS[name]
    assert done.agrees
    assert done.operands


def test_all_twenty_sums_are_done(snapshot: Snapshot) -> None:
    recorded = {claim.id for claim in snapshot.claims if claim.id.startswith("article.D")}
    assert {one.claim.id for one in sums(snapshot)} == recorded
    assert len(recorded) == 20


def test_a_sum_over_figures_that_nobody_knew_yet_is_not_made_up(catalog: Catalog) -> None:
    """The run rate of 47 bn was announced on 2026-05-28."""
    done = {one.claim.id: one for one in sums(catalog.snapshot(date(2026, 5, 27)))}
    assert not done["article.D06"].agrees
    assert done["article.D06"].result == ""
    assert "series.anthropic.run_rate_usd.2026-05-28" in done["article.D06"].missing
    assert done["article.D04"].agrees


def test_the_answer_on_sums_adds_the_newest_run_rate(snapshot: Snapshot) -> None:
    """50 bn a year on 2026-06-30: 30 / 50 = 0.60."""
    answer = ask("do the article's sums hold?", snapshot, NOW)
    assert answer.lines[0] == "20 of 20 sums come out as recorded."
    assert "30 / 50 = 0.60 years of revenue" in answer.lines[1]


def test_the_answer_shows_every_claim_of_the_article(snapshot: Snapshot) -> None:
    answer = ask("what does the article say and what became of it?", snapshot, NOW)
    (table,) = answer.figures
    assert len(table.rows) == 89
    assert answer.lines[0] == (
        "89 of the 89 claims of the article: 37 confirmed, 15 corrected, 14 contradicted, 8 expired, 6 unsupported, "
        "6 unconfirmed, 2 opinion, 1 unchecked."
    )


def test_a_topic_narrows_the_article_to_what_speaks_of_it(snapshot: Snapshot) -> None:
    answer = ask("what does the article say about Rainier?", snapshot, NOW)
    names = [row[0] for row in answer.figures[0].rows]
    assert names == ["article.S034", "article.S035", "article.S036", "article.S037"]


def test_a_topic_on_which_the_article_says_nothing_is_no_answer(snapshot: Snapshot) -> None:
    answer = ask("what does the article say about bananas?", snapshot, NOW)
    assert not answer.answered
    assert answer.others


def test_an_outcome_narrows_the_article_to_the_claims_that_have_it(snapshot: Snapshot) -> None:
    answer = ask("which claims of the article are unsupported?", snapshot, NOW)
    assert {row[2] for row in answer.figures[0].rows} == {"unsupported"}
    assert len(answer.figures[0].rows) == 6


def test_the_21_contradictions_name_the_claims_they_concern(snapshot: Snapshot) -> None:
    answer = ask("where does the article contradict itself?", snapshot, NOW)
    rows = answer.figures[0].rows
    assert [row[0] for row in rows] == [f"article.I{number:02}" for number in range(1, 22)]
    assert rows[0][2] == "article.S008, article.S009, article.S051"
    assert rows[20][2] == "the article as a whole"
