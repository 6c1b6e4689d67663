"""The grammar of compliance claims: the reading of every claim of the catalogue is pinned in a table to review."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from questions.support import snapshot
from trivium.catalog import Claim
from trivium.plan.questions._reading import Reading, read

TABLE = Path(__file__).parent / "readings.csv"
COLUMNS = ("claim", "value", "says", "levels", "places", "acts", "features", "except_class", "doubts")


def _row(claim: Claim) -> dict[str, str]:
    found = read(claim)
    return {
        "claim": claim.id,
        "value": claim.value,
        "says": found.says.value,
        "levels": " ".join(sorted(found.levels)),
        "places": " ".join(sorted(found.places)),
        "acts": "; ".join(found.acts),
        "features": "; ".join(found.features),
        "except_class": found.except_class,
        "doubts": "; ".join(found.doubts),
    }


def test_every_compliance_claim_is_read_as_the_table_says() -> None:
    """A new or changed claim needs a reading that somebody looked at."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        reviewed = {row["claim"]: row for row in csv.DictReader(file)}
    claims = {claim.id: _row(claim) for claim in snapshot().catalog.claims if claim.topic == "compliance"}
    assert len(claims) >= 74
    assert claims == reviewed


def test_what_is_unconfirmed_affirms_nothing_however_it_is_worded() -> None:
    claim = replace(snapshot().claim("compliance.bedrock.hipaa_baa"), status="unconfirmed")
    assert read(claim).says.value == "unknown"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("none", "no"),
        ("not in scope", "no"),
        ("certificate revoked in May", "no"),
        ("not verified", "unknown"),
        ("under discussion", "unknown"),
        ("High, in AWS GovCloud (US)", "conditional"),
        ("eligible on request", "conditional"),
    ],
)
def test_words_of_refusal_and_of_doubt_are_no_yes(value: str, says: str) -> None:
    claim = replace(snapshot().claim("compliance.bedrock.hipaa_baa"), value=value, note="")
    assert read(claim).says.value == says


def test_a_promise_not_to_train_is_a_yes_and_anything_else_is_open() -> None:
    claim = snapshot().claim("compliance.vertex.training_use")
    assert read(claim).says.value == "yes"
    assert read(replace(claim, value="data may be used to train")).says.value == "unknown"


def test_a_level_that_the_note_leaves_open_is_not_read() -> None:
    claim = snapshot().claim("compliance.bedrock.fedramp")
    assert "moderate" not in read(claim).levels
    assert "moderate" in read(replace(claim, note="")).levels


def test_a_reading_of_a_doubt_names_the_doubt() -> None:
    found: Reading = read(snapshot().claim("compliance.vertex.fedramp"))
    assert found.doubts == ("which Claude versions not listed",)
