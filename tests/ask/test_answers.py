"""What the answers say: prices to redo by hand, days, states, conflicts, and what is unknown."""

from __future__ import annotations

from datetime import date

import pytest

from trivium.catalog import Catalog, Snapshot, find_cells, known_models
from trivium.catalog.ask import Answer, ask
from trivium.catalog.ask._prices import price_parity
from trivium.core import ROUTABLE_SURFACES

NOW = date(2026, 11, 25)


def _price(answer: Answer, *, scope: str, tier: str, unit: str) -> tuple[str, ...]:
    return tuple(row[6] for row in answer.figures[0].rows if (row[2], row[3], row[4]) == (scope, tier, unit))


def test_a_price_is_the_base_times_its_factors_with_the_claims_it_follows_from(snapshot: Snapshot) -> None:
    """Opus 5 is 5/25; regional on Bedrock 5 x 1.1 = 5.5 and 25 x 1.1 = 27.5; a cache read 5.5 x 0.1 = 0.55."""
    answer = ask("what does opus 5 cost on bedrock in europe on 2026-08-01?", snapshot, NOW)
    assert _price(answer, scope="geo-or-regional", tier="standard", unit="input") == ("5.5",)
    assert _price(answer, scope="geo-or-regional", tier="standard", unit="output") == ("27.5",)
    assert _price(answer, scope="geo-or-regional", tier="standard", unit="cache_read") == ("0.55",)
    assert {row[2] for row in answer.figures[0].rows} == {"geo-or-regional"}
    assert {one.claim_id for one in answer.evidence} >= {"price.base.claude-opus-5", "price.factor.regional"}
    assert answer.at == date(2026, 8, 1)


def test_every_price_cell_of_the_day_is_in_the_answer_and_no_other(snapshot: Snapshot) -> None:
    answer = ask("price of Sonnet 5 on vertex", snapshot, NOW)
    cells = find_cells(snapshot, "vertex/claude-sonnet-5", at=NOW)
    shown = sorted((row[2], row[3], row[4], row[6]) for row in answer.figures[0].rows)
    expected = sorted((c.scope, c.tier, c.unit, f"{c.amount_usd.normalize():f}") for c in cells)
    assert shown == expected


def test_a_rise_that_was_cancelled_is_shown_and_not_counted(catalog: Catalog) -> None:
    """Announced on 2026-06-30 for 2026-09-01, cancelled on 2026-08-10."""
    question = "what does Sonnet 5 cost on the claude api on 2026-09-15?"
    before = ask(question, catalog.snapshot(date(2026, 8, 1)), date(2026, 8, 1))
    after = ask(question, catalog.snapshot(NOW), NOW)
    assert any(line.startswith("Not counted: 3/15") and "cancelled on 2026-08-10" in line for line in after.lines)
    assert _price(after, scope="global", tier="standard", unit="input") == ("2",)
    assert not before.answered
    assert any(line.startswith("Not counted: 3/15") and "cancelled" not in line for line in before.lines)
    assert any("later announcements may change it" in note for note in before.notes)


def test_a_price_before_a_model_was_sold_is_no_answer_and_says_when_it_was(snapshot: Snapshot) -> None:
    answer = ask("what did opus 5 cost on bedrock on 2026-01-01?", snapshot, NOW)
    assert not answer.answered
    assert answer.lines == ("No claim gives a price of claude-opus-5 on bedrock on 2026-01-01.",)
    assert answer.notes == ("Prices are known for 2026-07-24 to ….",)


def test_list_prices_of_a_token_are_the_same_on_all_platforms_that_sell_the_model(snapshot: Snapshot) -> None:
    parity = price_parity(snapshot, NOW)
    assert parity.different == ()
    assert {"claude-opus-5", "claude-sonnet-5"} <= set(parity.same)


def test_no_claude_is_documented_to_be_tunable_and_the_last_that_was_is_named(snapshot: Snapshot) -> None:
    answer = ask("which platforms offer fine-tuning?", snapshot, NOW)
    assert answer.lines[0] == "fine_tuning on 2026-11-25: no surface is documented to offer it."
    assert any(line.startswith("expired: bedrock/claude-3-haiku") and "2026-09-10" in line for line in answer.lines)
    assert {row[2] for row in answer.figures[0].rows} == {"no", "not said"}


def test_on_a_day_when_it_was_tunable_the_answer_is_bedrock(snapshot: Snapshot) -> None:
    answer = ask("which platforms offer fine-tuning of claude-3-haiku?", snapshot, date(2025, 6, 1))
    assert answer.lines[0] == "fine_tuning for claude-3-haiku on 2025-06-01: bedrock/claude-3-haiku."


def test_a_capability_is_answered_for_every_surface_even_if_only_to_say_unknown(snapshot: Snapshot) -> None:
    answer = ask("which surfaces offer web search?", snapshot, NOW)
    named = {row[0].partition(":")[0].partition("/")[0] for row in answer.figures[0].rows}
    assert named == set(ROUTABLE_SURFACES)


def test_what_disagrees_is_shown_with_what_wins(snapshot: Snapshot) -> None:
    """Sonnet 4.5 on Foundry: documented for 2026-11-30, unconfirmed for 2026-10-19."""
    answer = ask("when does Sonnet 4.5 retire on foundry?", snapshot, NOW)
    assert answer.lines == (
        "claude-sonnet-4-5 retires on foundry on 2026-11-30 (documented). [cap.foundry.claude-sonnet-4-5.retirement]",
    )
    assert any("2026-10-19" in text and "the first wins" in text for text in answer.conflicts)


def test_a_floor_is_no_day_of_retirement(snapshot: Snapshot) -> None:
    answer = ask("when does Sonnet 4.5 retire on vertex?", snapshot, NOW)
    assert answer.lines[0].startswith("claude-sonnet-4-5 on vertex: no day is settled; not before 2026-09-29")


def test_an_attestation_that_no_claim_speaks_of_is_unknown_and_not_a_no(snapshot: Snapshot) -> None:
    answer = ask("is foundry SOC 2 certified?", snapshot, NOW)
    assert not answer.answered
    assert "No claim says anything on soc2 of foundry: that is unknown, not a no." in answer.notes


def test_an_attestation_comes_with_its_grade_and_its_reservation(snapshot: Snapshot) -> None:
    answer = ask("is HIPAA available on vertex?", snapshot, NOW)
    (line,) = answer.lines
    assert line == (
        "vertex: partial: Claude models not confirmed as HIPAA-included functionality; reported "
        "(platform BAA exists; check Google's list) [compliance.vertex.hipaa_baa]"
    )


def test_changes_begin_and_end_with_the_days_asked_for(snapshot: Snapshot) -> None:
    answer = ask("what changed from 2026-08-10 to 2026-08-10 for Sonnet 5?", snapshot, NOW)
    assert (
        answer.lines[0] == "4 changes from 2026-08-10 to 2026-08-10: 1 announced, 1 cancelled, 1 corrected, 1 started."
    )


def test_changes_since_the_article_begin_with_its_newest_fact(snapshot: Snapshot) -> None:
    answer = ask("what changed since the article about Sonnet 5?", snapshot, NOW)
    assert answer.lines[0].startswith("73 changes from 2026-03-01 to 2026-11-25")
    assert "The article bears no date; its newest fact is of 2026-03-01." in answer.notes


def test_changes_after_the_day_that_is_known_are_no_answer(snapshot: Snapshot) -> None:
    answer = ask("what changed since 2027-01-01?", snapshot, NOW)
    assert not answer.answered
    assert answer.lines == ("2027-01-01 is after 2026-11-25, the day up to which this answer knows.",)


def test_what_is_stale_is_what_the_catalogue_says_is_due(snapshot: Snapshot) -> None:
    answer = ask("what is stale?", snapshot, NOW)
    assert {row[6] for row in answer.figures[0].rows} == {claim.id for claim in snapshot.stale(NOW)}


def test_a_deal_that_was_overtaken_is_shown_as_such(snapshot: Snapshot) -> None:
    """NVIDIA's staged 10 bn of 2025-11-18, taken over by the report of 2026-03-04."""
    answer = ask("what did NVIDIA invest in Anthropic?", snapshot, NOW)
    states = {row[8]: (row[3], row[5], row[6]) for row in answer.figures[0].rows}
    assert states["deal.D032"][1:] == ("forward-looking", "cancelled")
    assert states["deal.D108"] == ("10", "reported", "in force")


def test_a_claim_tells_its_state_its_source_and_what_became_of_it(snapshot: Snapshot) -> None:
    answer = ask("what is S021?", snapshot, NOW)
    assert answer.lines[0] == "OpenAI azure commitment · end_year = 2032 [article.S021]"
    assert "contradicted by article-check.S021" in answer.lines[1]
    assert any(line.startswith("The article's claim: contradicted") for line in answer.lines)
    assert any(line.startswith("source: openai.com/index/") for line in answer.lines)


def test_a_model_with_a_price_is_to_be_had_and_a_suspended_one_is_not(snapshot: Snapshot) -> None:
    """Fable 5 was suspended for everyone from 2026-06-12 to 2026-07-01."""
    question = "is fable 5 available on the claude api?"
    during = ask(question, snapshot, date(2026, 6, 20))
    after = ask(question, snapshot, date(2026, 7, 1))
    assert during.lines[0] == "claude-fable-5 on 2026-06-20 is available, or has a price, on: no surface."
    assert after.lines[0] == "claude-fable-5 on 2026-07-01 is available, or has a price, on: anthropic."


@pytest.mark.parametrize("model", sorted(known_models()))
def test_prices_retirements_and_availability_are_answered_or_denied_for_every_model(
    model: str, snapshot: Snapshot
) -> None:
    for question in (f"price of {model}", f"when does {model} retire?", f"is {model} available?"):
        answer = ask(question, snapshot, NOW)
        assert answer.answered is bool(answer.evidence), (question, answer.lines)


def test_a_family_stands_for_all_its_models_and_a_bare_number_for_none(snapshot: Snapshot) -> None:
    """What 1 GW costs is no question on the model Claude 1."""
    family = ask("what does haiku cost on vertex?", snapshot, NOW)
    assert {row[1] for row in family.figures[0].rows} >= {"claude-haiku-5-5", "claude-haiku-4-5"}
    assert not ask("what does 1 GW cost?", snapshot, NOW).answered


def test_what_fits_no_kind_is_searched_for_by_all_its_words(snapshot: Snapshot) -> None:
    answer = ask("who is Gil Luria?", snapshot, NOW)
    assert answer.understood == "What do claims say about: who is gil luria?"
    assert {row[0] for row in answer.figures[0].rows} == {"Gil Luria"}
    assert not ask("who is Gil Luria of Paris?", snapshot, NOW).answered


def test_a_single_day_of_changes_ends_with_that_day(snapshot: Snapshot) -> None:
    answer = ask("what happened on 2026-08-10?", snapshot, NOW)
    assert {row[0] for row in answer.figures[0].rows} == {"2026-08-10"}


def test_what_was_announced_later_is_not_known_before(catalog: Catalog) -> None:
    """Anthropic's commitment to Amazon was announced on 2026-04-20."""
    question = "is Anthropic moving away from AWS?"
    before = ask(question, catalog.snapshot(date(2026, 4, 19)), date(2026, 4, 19))
    after = ask(question, catalog.snapshot(date(2026, 4, 20)), date(2026, 4, 20))
    assert not any("deal.D037" in line for line in before.lines)
    assert after.lines[0] == (
        "No, as far as claims say: none of them says that Anthropic leaves AWS. "
        "It has since committed itself to Amazon anew. [deal.D037]"
    )
    assert after.lines[-1].endswith("new: deal.D037, deal.D046.")


def test_performance_is_not_claimed_to_be_equal_where_nothing_is_documented(snapshot: Snapshot) -> None:
    answer = ask("does Claude perform better on Azure?", snapshot, NOW)
    assert answer.lines[0].startswith("Not as far as claims say")
    assert answer.lines[1].startswith("Absence of a claim is not parity")


def test_money_between_vendors_tells_ceilings_from_what_was_paid(snapshot: Snapshot) -> None:
    answer = ask("is the circular structure a reason to avoid Anthropic?", snapshot, NOW)
    rows = {row[0]: row[1:3] for row in answer.figures[0].rows}
    assert rows["Amazon"] == (
        "8 (contracted); 5 (contracted); 20 (forward-looking, ceiling)",
        "100 (contracted)",
    )
    assert rows["Microsoft"][0] == "5 (forward-looking, ceiling)"
    assert any("at most 50% of the commitment" in line for line in answer.lines)


def test_the_benefit_that_the_article_gives_aws_is_denied_with_the_product_record(snapshot: Snapshot) -> None:
    answer = ask("does AWS still have unique benefits?", snapshot, NOW)
    assert answer.lines[0].startswith("Not the one the article names: no claim says that any Claude can be tuned")
    assert any("ended: cap.bedrock.claude-3-haiku.fine_tuning@2024-11-01" in line for line in answer.lines)


def test_while_a_model_was_tunable_the_benefit_is_affirmed_for_bedrock(snapshot: Snapshot) -> None:
    answer = ask("does AWS still have unique benefits?", snapshot, date(2025, 12, 1))
    assert answer.lines[0].startswith("Fine-tuning is in force on bedrock.")


def test_eight_times_is_done_again_with_what_it_leaves_out(snapshot: Snapshot) -> None:
    answer = ask("how does the deal change Microsoft's relationship with OpenAI?", snapshot, NOW)
    assert any(line.startswith("250 / 30 = 8.33: the first is on top of earlier commitments") for line in answer.lines)
    assert any(row[0] == "article.S024" and row[2] == "opinion" for row in answer.figures[0].rows)
