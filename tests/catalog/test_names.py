"""Model ids on the wire: what each surface wants, and what any id means."""

from __future__ import annotations

import pytest

from trivium.catalog import Snapshot, model_id, parse_wire_model, wire_model
from trivium.core import AmbiguousName, FactError, NoClaim


@pytest.mark.parametrize(
    ("surface", "scope", "model", "wire"),
    [
        ("anthropic", "global", "claude-opus-4-5", "claude-opus-4-5-20251101"),
        ("anthropic", "us", "claude-opus-5", "claude-opus-5"),
        ("claude-aws", "global", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-gcp", "global", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("bedrock", "us", "claude-opus-4-5", "us.anthropic.claude-opus-4-5-20251101-v1:0"),
        ("bedrock", "global", "claude-opus-4-6", "global.anthropic.claude-opus-4-6-v1"),
        ("bedrock", "jp", "claude-sonnet-5-5", "jp.anthropic.claude-sonnet-5-5"),
        ("bedrock", "in-region", "claude-opus-5", "anthropic.claude-opus-5"),
        ("bedrock", "eu-west-1", "claude-opus-5", "anthropic.claude-opus-5"),
        ("bedrock-mantle", "us", "claude-opus-4-8", "anthropic.claude-opus-4-8"),
        ("vertex", "global", "claude-opus-4-5", "claude-opus-4-5@20251101"),
        ("vertex", "global", "claude-3-5-sonnet", "claude-3-5-sonnet-v2@20241022"),
        ("vertex", "eu", "claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("foundry", "global", "claude-opus-4-5", "claude-opus-4-5"),
        ("aws_claude_platform", "global", "claude-opus-5", "claude-opus-5"),
    ],
)
def test_each_surface_gets_the_id_it_wants_and_the_id_leads_back(
    surface: str, scope: str, model: str, wire: str
) -> None:
    assert wire_model(surface, scope, model) == wire
    assert parse_wire_model(surface, wire)[0] == model
    assert model_id(wire) == model


@pytest.mark.parametrize(
    ("wire", "model", "scope"),
    [
        ("us.anthropic.claude-opus-5", "claude-opus-5", "us"),
        ("us-gov.anthropic.claude-opus-5", "claude-opus-5", "us-gov"),
        ("apac.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4", "apac"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku", None),
        ("arn:aws:bedrock:us-west-2:123456789012:inference-profile/eu.anthropic.claude-opus-5", "claude-opus-5", "eu"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-6-v1", "claude-opus-4-6", "us-east-1"),
    ],
)
def test_a_bedrock_id_says_its_model_and_where_it_is_served(wire: str, model: str, scope: str | None) -> None:
    assert parse_wire_model("bedrock", wire) == (model, scope)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("claude-opus-4.7", "claude-opus-4-7"),
        ("Claude Opus 4.7", "claude-opus-4-7"),
        ("opus 4.7", "claude-opus-4-7"),
        ("claude-haiku-3-5", "claude-3-5-haiku"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
        ("claude-3-opus-latest", "claude-3-opus"),
        ("anthropic/claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("publishers/anthropic/models/claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("CLAUDE-OPUS-5", "claude-opus-5"),
    ],
)
def test_a_model_is_known_by_all_its_names(name: str, model: str) -> None:
    assert model_id(name) == model


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("claude-opus-4-5-20251102", "no claim knows"),  # a wrong date is no model
        ("claude-fable-5-5", "no claim knows"),  # a model that some tables have and nobody sells
        ("gpt-5", "no claim knows"),
        ("", "no claim knows"),
        ("arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc", "map the model to this ARN"),
        ("arn:aws:bedrock:us-west-2:123456789012:provisioned-model/abc", "map the model to this ARN"),
        ("arn:aws:s3:::bucket", "no ARN of a Bedrock model"),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, says: str) -> None:
    with pytest.raises(NoClaim, match=says):
        model_id(name)


@pytest.mark.parametrize("scope", ["geo", "geo-or-regional", "all", ""])
def test_a_scope_that_leaves_the_profile_open_is_ambiguous(scope: str) -> None:
    with pytest.raises(AmbiguousName, match="name one of global, us, eu"):
        wire_model("bedrock", scope, "claude-opus-5")


@pytest.mark.parametrize(
    ("surface", "scope", "model"),
    [
        ("bedrock", "moon", "claude-opus-5"),
        ("vertex", "global", "claude-mythos-5"),
        ("github-copilot", "global", "claude-opus-5"),
    ],
)
def test_what_a_surface_does_not_carry_has_no_id(surface: str, scope: str, model: str) -> None:
    with pytest.raises(FactError):
        wire_model(surface, scope, model)


def test_every_wire_id_leads_back_to_its_model_on_its_surface(snapshot: Snapshot) -> None:
    claims = snapshot.find(predicate="wire_model")
    assert len(claims) > 140
    for claim in claims:
        assert snapshot.parse_wire_model(claim.surface, claim.value)[0] in claim.models
