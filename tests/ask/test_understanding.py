"""How questions are understood: many ways to put each, one kind found; nothing else ever answered."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trivium.catalog import Catalog, Snapshot, known_models, load
from trivium.catalog.ask import ask, questions
from trivium.catalog.ask._ask import _ANSWERS
from trivium.catalog.ask._grammar import grammar
from trivium.catalog.ask._reading import read
from trivium.core import SURFACES, UserError

NOW = date(2026, 11, 25)
PUT = {
    "claim": ["what is deal.D030?", "explain article.S021", "S039", "what became of S039 of the article?"],
    "faq-leaving-aws": [
        "Does the $30 billion Azure commitment mean Anthropic is moving away from AWS?",
        "is anthropic leaving amazon",
        "Is AWS still primary cloud provider of Anthropic?",
    ],
    "faq-performance": [
        "Will Claude perform better on Azure than on AWS or Google Cloud?",
        "is claude faster on vertex?",
        "is there performance parity between clouds?",
    ],
    "faq-circular": [
        "Is the circular investment structure a reason to avoid Anthropic or Azure as an enterprise platform?",
        "is this a bubble?",
        "should I worry about circular financing?",
    ],
    "faq-aws-benefits": [
        "Does AWS still have unique benefits for Claude customers despite the Azure deal?",
        "what early access does bedrock give?",
        "is fine-tuning exclusive to aws?",
    ],
    "faq-openai": [
        "How does this deal change Microsoft's relationship with OpenAI?",
        "Is Microsoft hedging against OpenAI?",
    ],
    "platform-for-type": [
        "which platform for customisation",
        "Which cloud suits high-volume inference?",
        "best platform for integrated workflows",
        "where should we do fine-tuning?",
        "which platform for customization, inference or workflow",
    ],
    "article-derivations": [
        "do the derivations hold?",
        "the arithmetic of the article",
        "years of revenue, recomputed",
    ],
    "article-inconsistencies": ["where does the article contradict itself", "inconsistencies of the article"],
    "article": [
        "what does the article say about TPUs?",
        "what became of the article",
        "which article claims are opinion",
    ],
    "price": [
        "what does opus 5 cost on bedrock in europe on 2026-08-01",
        "price of Sonnet 5",
        "how much is claude-haiku-4-5 on azure?",
        "which cloud is cheapest for Opus 5?",
        "pricing of claude opus 4.8 on vertex ai in the us",
    ],
    "changes": [
        "what changed since 2026-08-01",
        "what is new on vertex?",
        "changes since the article",
        "news last month",
    ],
    "stale": ["what is stale", "which facts are due for review?", "what is outdated?"],
    "conflicts": ["where do claims disagree?", "conflicts about retirement"],
    "finance": ["who finances whom", "who invests in Anthropic?", "what did Google commit to Anthropic?"],
    "retirement": [
        "when does Sonnet 4.5 retire on foundry?",
        "end of life of claude-3-haiku",
        "is opus 4.1 deprecated",
    ],
    "attestation": [
        "is hipaa_baa available on vertex",
        "is HIPAA available on vertex?",
        "fedramp on bedrock",
        "Is Vertex SOC 2 certified?",
        "zdr on claude-aws",
    ],
    "capability": [
        "which surfaces offer web search?",
        "is batch available on foundry",
        "does bedrock support prompt caching for opus 5?",
        "which platforms offer fine-tuning of opus 5",
        "where can I use computer use",
        "can I fine-tune Claude on Azure?",
    ],
    "availability": ["is opus 5 available on vertex?", "which platforms sell fable 5.2?", "when was sonnet 5 released"],
    "search": ["what do claims say about Rainier?", "who is Gil Luria?", "run rate of Anthropic"],
    "quota": ["rate limits of opus 5 on foundry", "what is the tpm quota on bedrock?"],
}

SHIPPED = load()


@pytest.mark.parametrize(("kind", "question"), [(kind, question) for kind, put in PUT.items() for question in put])
def test_a_question_is_understood_and_answered(kind: str, question: str, snapshot: Snapshot) -> None:
    answer = ask(question, snapshot, NOW)
    assert answer.kind == kind
    assert answer.answered, answer.lines
    assert answer.lines


def test_every_kind_has_an_answer_a_test_and_a_way_to_be_put() -> None:
    names = [name for name, _ in questions()]
    assert names == [kind.name for kind in grammar().kinds]
    assert set(names) == set(_ANSWERS) == set(PUT)


def test_each_kind_understands_the_question_it_gives_as_its_own(snapshot: Snapshot) -> None:
    """As shown by `--list`, with its words in capitals filled in."""
    fill = {
        "CLAIM-ID": "deal.D030",
        "MODEL": "Sonnet 4.5",
        "PLATFORM": "Bedrock",
        "SCOPE": "the EU",
        "DAY": "2026-08-01",
        "ATTESTATION": "HIPAA",
        "CAPABILITY": "web search",
        "X": "TPUs",
    }
    for name, text in questions():
        put = re.sub(r"[\[\]]", "", text)
        for slot, value in fill.items():
            put = re.sub(rf"\b{slot}\b", value, put)
        if name == "conflicts":
            put = "Where do claims disagree?"
        answer = ask(put, snapshot, NOW)
        assert (answer.kind, answer.answered) == (name, True), put


@pytest.mark.parametrize(
    "question", ["what is the weather in Paris?", "hello", "how long is a piece of string?", "42", "?"]
)
def test_what_is_no_question_for_claims_is_not_answered_and_says_what_is(question: str, snapshot: Snapshot) -> None:
    answer = ask(question, snapshot, NOW)
    assert not answer.answered
    assert answer.evidence == ()
    assert len(answer.others) == len(questions())


def test_a_question_that_lacks_its_model_says_so(snapshot: Snapshot) -> None:
    answer = ask("how much does it cost?", snapshot, NOW)
    assert not answer.answered
    assert answer.lines == ("The question names no model that the catalogue knows: give a model.",)
    assert answer.others[0] == "What does MODEL cost on PLATFORM [in SCOPE] [on DAY]?"


def test_an_empty_question_is_refused(snapshot: Snapshot) -> None:
    with pytest.raises(UserError):
        ask("  ", snapshot, NOW)


@pytest.mark.parametrize("model", sorted(known_models()))
def test_every_model_is_found_by_its_id_and_by_its_name(model: str, snapshot: Snapshot) -> None:
    for name in (model, known_models()[model].name):
        assert read(f"when does {name} retire?", snapshot, NOW).named("model") == (model,)


@pytest.mark.parametrize("surface", SURFACES)
def test_every_surface_is_found_by_its_id(surface: str, snapshot: Snapshot) -> None:
    name = "anthropic api" if surface == "anthropic" else surface
    assert surface in read(f"what is new on {name}", snapshot, NOW).named("place")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("since 2026-08-01", ["2026-08-01"]),
        ("since 2026-08", ["2026-08-01"]),
        ("on 1 August 2026", ["2026-08-01"]),
        ("on August 1st, 2026", ["2026-08-01"]),
        ("in aug 2026", ["2026-08-01"]),
        ("the last 10 days", ["2026-11-15"]),
        ("last week", ["2026-11-18"]),
        ("from 2026-01-01 to 2026-02-01", ["2026-01-01", "2026-02-01"]),
        ("on 2026-02-30", []),
        ("sonnet 5 since 2026", []),
    ],
)
def test_days_are_read_in_many_ways(text: str, days: list[str], snapshot: Snapshot) -> None:
    assert [str(day) for day in read(text, snapshot, NOW).days] == days


def test_a_question_gets_the_same_answer_each_time(catalog: Catalog) -> None:
    question = "which platform for inference?"
    assert ask(question, catalog.snapshot(NOW), NOW) == ask(question, load().snapshot(NOW), NOW)


WORDS = """
opus 5 sonnet price cost bedrock azure vertex retire hipaa fedramp article stale changed since 2026-08-01 what is who
finances openai microsoft fine-tuning batch which platform circular eu global 2020-01-01 2030-01-01 S039 conflict
inference claude-3-haiku quota limits disagree [ } { * .. - unique benefits 9999-99-99 99 0 last year
"""


@example("changed since opus")
@given(
    st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=9).map(" ".join) | st.text(min_size=1, max_size=60)
)
def test_no_question_breaks_it_and_what_a_line_names_is_in_evidence(question: str) -> None:
    snapshot = SHIPPED.snapshot(NOW)
    if not question.strip():
        return
    try:
        answer = ask(question, snapshot, NOW)
    except UserError as error:  # "changed since opus": no day, and it is told which words are
        told = error.field
    else:
        told = ""
    if told:
        assert told == "question"
        return
    assert answer.answered or answer.others
    known = {one.claim_id for one in answer.evidence}
    for line in answer.lines:
        named = re.search(r"\[([^\[\]]+)\]$", line)
        if named and not line.startswith("source:"):
            assert set(named[1].split(", ")) <= known
    for one in answer.evidence:
        assert snapshot.claim(one.claim_id).status == one.grade


@pytest.mark.parametrize(
    ("question", "value", "remedy"),
    [
        ("what does M cost on mars", "mars", "such as aws"),
        ("what does opus 5 cost on bedrok?", "bedrok", "did you mean bedrock"),
        ("what does opus 5 cost in germani", "germani", "platform, scope or day"),
        ("when does sonnet 4.5 retire on the moon", "moon", "platform, scope or day"),
        ("is HIPAA available via vertexx", "vertexx", "did you mean vertex"),
        ("rate limits of opus 5 on mars", "mars", "such as aws"),
        ("what changed on mars since 2026-08-01", "mars", "such as aws"),
    ],
)
def test_a_platform_that_claims_do_not_know_is_refused_by_name_and_not_answered_for_all(
    question: str, value: str, remedy: str, snapshot: Snapshot
) -> None:
    with pytest.raises(UserError) as caught:
        ask(question, snapshot, NOW)
    assert (caught.value.field, caught.value.value) == ("question", value)
    assert remedy in caught.value.remedy


def test_a_model_that_the_catalogue_does_not_know_is_named(snapshot: Snapshot) -> None:
    answer = ask("what does zork-9 cost on bedrock in us", snapshot, NOW)
    assert not answer.answered
    assert "names no model that the catalogue knows (zork-9 is none)" in answer.lines[0]


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("since yesterday", "2026-11-24"),
        ("since today", "2026-11-25"),
        ("3 days ago", "2026-11-22"),
        ("since a week ago", "2026-11-18"),
        ("in the last 2 weeks", "2026-11-11"),
        ("since monday", "2026-11-23"),  # the day is a Wednesday
        ("since wednesday", "2026-11-18"),
        ("since 1 november 2026", "2026-11-01"),
    ],
)
def test_a_day_in_words_is_the_day_it_says(said: str, day: str, snapshot: Snapshot) -> None:
    assert read(f"what changed {said}", snapshot, NOW).days == (date.fromisoformat(day),)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("what changed since flurbday", "flurbday"),
        ("what changed since 2026-13-45", "2026-13-45"),
        ("what changed since 2026-02-30?", "2026-02-30"),
        ("what changed since 01/02/2026", "01/02/2026"),
        ("what changed since 2026", "2026"),
        ("what does opus 5 cost in 2025", "2025"),
        ("what does opus 5 cost on bedrock on 2026-02-31", "2026-02-31"),
    ],
)
def test_what_is_no_day_is_refused_and_never_taken_for_a_month(question: str, value: str, snapshot: Snapshot) -> None:
    with pytest.raises(UserError, match="give a day such as") as caught:
        ask(question, snapshot, NOW)
    assert caught.value.value == value


@pytest.mark.parametrize(
    ("question", "claim"),
    [("30/19", "article.D04"), ("250 / 30?", "article.D03"), ("what is 35/50", "article.D02")],
)
def test_a_sum_alone_shows_that_derivation(question: str, claim: str, snapshot: Snapshot) -> None:
    answer = ask(question, snapshot, NOW)
    assert (answer.kind, answer.answered) == ("article-derivations", True)
    assert [row[0] for row in answer.figures[0].rows] == [claim]


def test_a_sum_that_is_none_of_the_article_is_said_to_be_none(snapshot: Snapshot) -> None:
    answer = ask("31/19", snapshot, NOW)
    assert (answer.kind, answer.answered) == ("article-derivations", False)
    assert answer.lines == ("None of the 20 sums of the article holds 31 / 19.",)
    assert ask("is there 24/7 support on bedrock", snapshot, NOW).kind != "article-derivations"
