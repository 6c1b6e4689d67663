"""Whatever the words, some readings must never happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.support import AT, demand, snapshot
from trivium.catalog import STATUSES, Catalog, Claim, load
from trivium.core import Offer
from trivium.plan.org import Needs
from trivium.plan.questions import feasibility
from trivium.plan.questions._reading import Says, read

CLAIMS = tuple(claim for claim in snapshot().catalog.claims if claim.topic == "compliance")
YES = (Says.YES, Says.CONDITIONAL)
PROMISES = ("training_use", "operator_access")  # their words of refusal are the promise


@given(st.sampled_from(CLAIMS), st.sampled_from(("not verified", "not available", "no", "unknown", "partial", "none")))
def test_a_claim_that_begins_with_a_refusal_is_no_yes(claim: Claim, word: str) -> None:
    if claim.predicate not in PROMISES:
        assert read(replace(claim, value=f"{word}: {claim.value}")).says not in YES


@given(st.sampled_from(CLAIMS), st.sampled_from(STATUSES))
def test_only_what_counts_can_affirm(claim: Claim, status: str) -> None:
    says = read(replace(claim, status=status)).says
    assert says not in YES or status not in {"forward-looking", "unconfirmed"}


@given(st.sampled_from(CLAIMS), st.text(max_size=40))
def test_a_doubt_in_the_note_takes_a_yes_back(claim: Claim, words: str) -> None:
    doubtful = replace(claim, note=f"{words.replace(';', ' ')}; coverage of this model not explicit")
    assert read(doubtful).says not in YES


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_read(value: str, note: str) -> None:
    claim = replace(CLAIMS[0], value=value, note=note)
    assert read(claim).says in Says


def _with(*claims: Claim) -> Catalog:
    shipped = load()
    return replace(shipped, claims=(*shipped.claims, *claims), _snapshots={})


@pytest.mark.parametrize(("order"), [(0, 1), (1, 0)])
def test_claims_of_equal_standing_that_disagree_leave_it_open(order: tuple[int, int]) -> None:
    base = snapshot().claim("compliance.bedrock.pci")
    pair = (
        replace(base, id="x.1", value="certified", status="documented"),
        replace(base, id="x.2", value="no", status="documented"),
    )
    at = _with(*(pair[number] for number in order)).snapshot(AT)
    verdict = feasibility(demand(), Needs(attestations=("pci",)), Offer("bedrock", "us", "claude-opus-5"), AT, at)
    assert not verdict.ok
    assert set(verdict.claim_ids) >= {"x.1", "x.2"}
    assert verdict.unknown


def test_a_better_founded_claim_wins_and_the_other_is_shown() -> None:
    base = snapshot().claim("compliance.bedrock.pci")
    strong = replace(base, id="x.1", value="certified", status="documented", note="")
    weak = replace(base, id="x.2", value="no", status="reported", note="")
    at = _with(strong, weak).snapshot(AT)
    verdict = feasibility(demand(), Needs(attestations=("pci",)), Offer("bedrock", "us", "claude-opus-5"), AT, at)
    assert verdict.ok
    assert "x.2 says otherwise: no" in verdict.caveats
