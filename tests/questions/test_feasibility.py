"""Feasibility from claims: what is denied, what holds only somewhere, what is not shown, and what must be signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from questions.support import AT, HOME, MONTH, demand, snapshot
from trivium.catalog import load
from trivium.core import Offer, UserError
from trivium.plan.org import Needs
from trivium.plan.questions import Verdict, feasibility


def _ask(needs: Needs, surface: str, scope: str, model: str = "claude-opus-5", tier: str = "standard") -> Verdict:
    return feasibility(demand(), needs, Offer(surface, scope, model, tier), MONTH, snapshot())


@pytest.mark.parametrize(
    ("need", "surface", "scope", "ok"),
    [
        ("hipaa_baa", "anthropic", "global", True),
        ("hipaa_baa", "bedrock", "us", True),
        ("hipaa_baa", "claude-aws", "us", False),  # "not available"
        ("hipaa_baa", "foundry", "global-standard", False),  # "Anthropic's HIPAA readiness not available"
        ("hipaa_baa", "vertex", "us", False),  # "partial: … not confirmed": to be asked
        ("fedramp", "bedrock", "us-gov", True),
        ("fedramp", "bedrock", "us", False),  # High in GovCloud; the regions of Moderate are not stated
        ("fedramp_moderate", "bedrock", "us-gov", True),  # High includes Moderate
        ("fedramp", "vertex", "us", False),  # "High", but not for which versions
        ("dod_il4", "bedrock", "us-gov", True),
        ("dod_il6", "bedrock", "us-gov", False),
        ("dod_il2", "vertex", "us", True),
        ("dod_il4", "vertex", "us", False),
        ("soc2", "bedrock", "global", True),
        ("soc2", "claude-aws", "global", False),  # an inference, unconfirmed
        ("pci", "bedrock", "global", False),
        ("hitrust", "anthropic", "global", False),  # no claim speaks of it
    ],
)
def test_attestations_hold_where_they_are_shown(need: str, surface: str, scope: str, ok: bool) -> None:
    assert _ask(Needs(attestations=(need,)), surface, scope).ok is ok


def test_what_is_not_shown_is_out_and_says_what_to_ask() -> None:
    verdict = _ask(Needs(attestations=("fedramp_high",)), "vertex", "us")
    assert "is not shown (which Claude versions not listed)" in verdict.reason
    assert verdict.unknown == (
        "fedramp_high on vertex for claude-opus-5: ask the platform (which Claude versions not listed)",
    )
    assert verdict.claim_ids == ("compliance.vertex.fedramp",)


def test_what_the_organisation_can_sign_or_ask_for_is_a_condition_and_excludes_nothing() -> None:
    verdict = _ask(Needs(attestations=("HIPAA",), data_terms=("zdr",)), "anthropic", "global")
    assert verdict.ok
    assert verdict.conditions == (
        "HIPAA on anthropic: sign the business associate agreement",
        "HIPAA on anthropic: have the organisation enabled for HIPAA",
        "zdr on anthropic: ask for it and have it granted",
    )


def test_a_feature_in_use_that_the_attestation_leaves_out_excludes() -> None:
    needs = Needs(attestations=("hipaa_baa",))
    batch = _ask(needs, "anthropic", "global", tier="batch")
    assert (batch.ok, batch.reason) == (False, "hipaa_baa on anthropic: does not cover batch")
    assert "compliance.anthropic.hipaa_features_excluded" in batch.claim_ids
    code = feasibility(demand(code_hours=1), needs, HOME, MONTH, snapshot())
    assert code.reason == "hipaa_baa on anthropic: does not cover code_execution"
    assert _ask(needs, "bedrock", "global", tier="batch").ok  # nothing of that kind is said of Bedrock


@pytest.mark.parametrize(
    ("geography", "surface", "scope", "ok"),
    [
        ("eu", "bedrock", "eu", True),
        ("eu", "bedrock", "geo-or-regional", True),
        ("eu", "bedrock", "global", False),
        ("eu", "bedrock", "us", False),
        ("eu", "vertex", "europe-west1", True),
        ("eu", "vertex", "europe-west2", False),  # London
        ("eu", "anthropic", "global", False),
        ("us", "anthropic", "us", True),
        ("us", "bedrock", "us-gov", True),
        ("us", "foundry", "us-data-zone-standard", True),
        ("us", "foundry", "global-standard", False),
        ("eu", "foundry", "us-data-zone-standard", False),
    ],
)
def test_processing_stays_where_the_scope_keeps_it(geography: str, surface: str, scope: str, ok: bool) -> None:
    assert _ask(Needs(geography=geography), surface, scope).ok is ok


def test_a_class_of_scopes_holds_a_place_only_if_one_chooses_it() -> None:
    verdict = _ask(Needs(geography="eu"), "bedrock", "geo-or-regional")
    assert verdict.conditions == ("claude-opus-5 on bedrock: choose the eu profile, endpoint or region",)


def test_a_model_without_a_listed_profile_there_is_out() -> None:
    """Opus 4.1 on Bedrock is listed with the profile `us` alone."""
    verdict = _ask(Needs(geography="eu"), "bedrock", "eu", "claude-opus-4-1")
    assert "profiles are listed for us" in verdict.reason


@pytest.mark.parametrize("surface", ["anthropic", "bedrock", "vertex"])
def test_models_that_share_data_are_out_for_zero_retention_and_known_to_everybody_else(surface: str) -> None:
    strict = _ask(Needs(data_terms=("zdr",)), surface, "global", "claude-fable-5")
    assert not strict.ok
    open_ = _ask(Needs(), surface, "global", "claude-fable-5")
    assert open_.ok
    assert any("accept that" in text for text in open_.conditions)


def test_a_younger_sister_of_such_a_model_is_to_be_asked_about() -> None:
    verdict = _ask(Needs(data_terms=("zdr",)), "anthropic", "global", "claude-fable-5-2")
    assert not verdict.ok
    assert "none is stated for this model here" in verdict.reason
    assert verdict.unknown


def test_claims_that_say_otherwise_are_shown() -> None:
    verdict = _ask(Needs(), "bedrock", "global", "claude-fable-5")
    assert any("says otherwise: account must be set to provider_data_share" in text for text in verdict.caveats)


@pytest.mark.parametrize(("month", "ok"), [(date(2026, 11, 29), True), (date(2026, 11, 30), False)])
def test_a_model_is_out_from_the_month_in_which_it_is_retired(month: date, ok: bool) -> None:
    """Sonnet 4.5 leaves the first-party API on 2026-11-30."""
    offer = Offer("anthropic", "global", "claude-sonnet-4-5")
    assert feasibility(demand(offer), Needs(), offer, month, snapshot()).ok is ok


def test_a_suspended_model_is_out_while_it_is_suspended() -> None:
    offer = Offer("anthropic", "global", "claude-fable-5")
    verdict = feasibility(demand(offer), Needs(), offer, date(2026, 6, 20), snapshot())
    assert verdict.reason == "the surface has suspended the model"


def test_a_capability_that_is_denied_excludes_and_one_that_nobody_speaks_of_is_listed() -> None:
    denied = _ask(Needs(capabilities=("fine_tuning",)), "vertex", "global")
    assert denied.reason == "fine_tuning is not offered there"
    open_ = _ask(Needs(capabilities=("telepathy",)), "vertex", "global")
    assert open_.ok
    assert open_.unknown == (
        "telepathy on vertex for claude-opus-5: ask the platform (no claim says whether it is offered)",
    )


def test_a_model_that_is_handed_out_one_by_one_says_so() -> None:
    verdict = _ask(Needs(), "anthropic", "global", "claude-mythos-5-2")
    assert verdict.ok
    assert any("access is gated" in text for text in verdict.conditions)


@pytest.mark.parametrize(
    ("wanted", "surface", "unknown", "caveat"),
    [
        ("99.9", "bedrock", False, False),  # "99.9% monthly"
        ("99.95", "bedrock", False, True),
        ("99.9", "vertex", False, True),  # "99.5 to 99.9%"
        ("99.9", "anthropic", True, False),  # none published, unconfirmed
        ("99.9", "claude-aws", True, False),  # no claim
    ],
)
def test_an_availability_is_held_against_what_is_promised_and_excludes_nothing(
    wanted: str, surface: str, unknown: bool, caveat: bool
) -> None:
    verdict = _ask(Needs(availability_percent=Decimal(wanted)), surface, "global")
    assert verdict.ok
    assert any("availability" in text for text in verdict.unknown) is unknown
    assert any("more than the platform promises" in text for text in verdict.caveats) is caveat


def test_a_latency_is_asked_about_until_somebody_has_measured_it() -> None:
    offer, needs = Offer("bedrock", "us", "claude-opus-5"), Needs(latency_ms_p95=1500)
    verdict = feasibility(demand(), needs, offer, MONTH, snapshot())
    assert verdict.ok
    assert [(ask.surface, ask.need) for ask in verdict.asks] == [
        ("bedrock", "first token within 1,500 ms for 95 of 100")
    ]
    base = snapshot().claim("compliance.bedrock.soc2")
    shipped = load()
    for measured, caveats in ((1400, 0), (1600, 1)):
        claim = replace(
            base, id="own.latency", predicate="latency_ms_p95", value=str(measured), status="measured", note=""
        )
        own = replace(shipped, claims=(*shipped.claims, claim), _snapshots={}).snapshot(AT)
        known = feasibility(demand(), needs, offer, MONTH, own)
        assert (known.ok, known.asks, len(known.caveats)) == (True, (), caveats)


def test_an_attestation_of_the_past_is_not_assumed_before_its_claim_begins() -> None:
    needs = Needs(attestations=("soc2",))
    offer = Offer("bedrock", "global", "claude-opus-5")
    assert not feasibility(demand(), needs, offer, date(2026, 6, 30), snapshot()).ok  # stated from 2026-07-05
    assert feasibility(demand(), needs, offer, date(2026, 7, 31), snapshot()).ok


def test_an_organisations_own_claim_answers_what_the_platforms_pages_leave_open(tmp_path: Path) -> None:
    """What a platform has confirmed in writing is entered as a claim and stands above the shipped ones."""
    header = "id,surface,models,subject,predicate,value,unit,status,from,until,announced,seen,review_by"
    header += ",supersedes,source,quote,note"
    row = "own.vertex.fedramp,vertex,claude-opus-5,,fedramp,High,,contracted,2026-11-01,,,2026-11-01,"
    row += ",,letter of 2026-11-01,,"
    (tmp_path / "compliance.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    own = load((tmp_path,)).snapshot(AT)
    needs = Needs(attestations=("fedramp_high",))
    for model, ok in (("claude-opus-5", True), ("claude-haiku-4-5", False)):
        offer = Offer("vertex", "us", model)
        assert feasibility(demand(offer), needs, offer, MONTH, own).ok is ok


def test_a_need_that_is_no_name_is_refused() -> None:
    with pytest.raises(UserError, match="hipaa_baa"):
        _ask(Needs(attestations=("we need SOC!",)), "anthropic", "global")
