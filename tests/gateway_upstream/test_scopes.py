"""What a request buys has a price: profiles, ARNs and regions lead to the scope that the price list sells."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway_upstream.support import OPUS_5, request, send
from trivium.catalog import load
from trivium.core import ManualClock, Offer, Usage, UserError
from trivium.gateway import SnapshotFacts
from trivium.pricing import PriceBook, price

TODAY = date(2026, 11, 22)
SNAPSHOT = load().snapshot(TODAY)
BOOK = PriceBook.from_snapshot(SNAPSHOT)
CLAIMS = SnapshotFacts(lambda: SNAPSHOT, ManualClock(datetime(2026, 11, 22, tzinfo=UTC)))
MILLION = Usage(input=1_000_000)
ARN = "arn:aws:bedrock:us-east-1:123456789012:"


def costs(surface: str, scope: str, **settings: Any) -> tuple[str, str]:
    """The scope that is bought, and what a million tokens of Opus 5 cost there in USD."""
    sent = send(surface, request(), scope=scope, facts=CLAIMS, **settings)
    offer = sent.offer or Offer(surface, scope, OPUS_5)
    return offer.scope, str(price(MILLION, offer, TODAY, BOOK).amount)


@pytest.mark.parametrize(
    ("deployment", "scope", "bought", "usd"),
    [
        ("", "global", "global", "5"),
        ("", "us", "us", "5.5"),  # 5 x 1.1
        ("", "in-region", "in-region", "5.5"),
        ("", "us-gov", "us-gov", "6"),  # 5 x 1.2
        ("global.anthropic.claude-opus-5", "global", "global", "5"),
        ("us.anthropic.claude-opus-5", "global", "us", "5.5"),  # the deployment says more than the route
        ("us-gov.anthropic.claude-opus-5", "global", "us-gov", "6"),
        ("us.anthropic.claude-opus-5", "us", "us", "5.5"),
        ("jp.anthropic.claude-opus-5", "geo-or-regional", "geo-or-regional", "5.5"),
        (f"{ARN}inference-profile/eu.anthropic.claude-opus-5", "global", "eu", "5.5"),
        (f"{ARN}inference-profile/global.anthropic.claude-opus-5", "global", "global", "5"),
        (f"{ARN}application-inference-profile/abc123", "us", "us", "5.5"),  # does not say: the route does
        ("arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-5", "global", "eu-west-1", "5.5"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-opus-5", "eu", "eu", "5.5"),
        ("anthropic.claude-opus-5", "us-west-2", "us-west-2", "5.5"),
        ("anthropic.claude-opus-5", "global", "us-west-2", "5.5"),  # a bare id is served where the endpoint is
        ("", "us-west-2", "us-west-2", "5.5"),
    ],
)
def test_a_profile_or_an_arn_of_bedrock_leads_to_its_price(deployment: str, scope: str, bought: str, usd: str) -> None:
    settings = {"deployments": {OPUS_5: deployment}} if deployment else {}
    assert costs("bedrock", scope, **settings) == (bought, usd)


@pytest.mark.parametrize(
    ("deployment", "scope"),
    [
        ("global.anthropic.claude-opus-5", "us"),
        ("global.anthropic.claude-opus-5", "geo-or-regional"),
        ("us.anthropic.claude-opus-5", "eu"),
        ("anthropic.claude-opus-5", "eu"),
        ("us.anthropic.claude-opus-5", "in-region"),
        (f"{ARN}inference-profile/us.anthropic.claude-opus-5", "us-east-1"),
        ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5", "eu"),
    ],
)
def test_a_deployment_that_leaves_the_routes_place_is_refused(deployment: str, scope: str) -> None:
    with pytest.raises(UserError, match=r"surfaces\.bedrock\.deployments"):
        send("bedrock", request(), scope=scope, deployments={OPUS_5: deployment})


def test_an_endpoint_elsewhere_does_not_serve_a_route_that_keeps_a_region() -> None:
    """A route to a region falls to the surface without one when only that is configured."""
    with pytest.raises(UserError, match=r"surfaces\.bedrock\.region: 'us-west-2'"):
        send("bedrock", request(), scope="eu-west-1", facts=CLAIMS)
    for scope, region in (("us-east5", "europe-west1"), ("regional-or-multi-region", "global")):
        with pytest.raises(UserError, match=rf"surfaces\.vertex\.region: '{region}'"):
            send("vertex", request(), scope=scope, region=region)


@pytest.mark.parametrize(
    ("scope", "region", "usd"),
    [("us-west-2", "us-west-2", "5.5"), ("global", "eu-west-1", "5.5"), ("us", "us-east-1", "5.5")],
)
def test_an_endpoint_of_mantle_sells_at_the_price_of_its_region(scope: str, region: str, usd: str) -> None:
    assert costs("bedrock-mantle", scope, region=region) == (region, usd)


@pytest.mark.parametrize(
    ("scope", "region", "base", "usd"),
    [
        ("global", "", "https://aiplatform.googleapis.com/v1", "5"),
        ("us", "", "https://aiplatform.us.rep.googleapis.com/v1", "5.5"),
        ("eu", "", "https://aiplatform.eu.rep.googleapis.com/v1", "5.5"),
        ("eu", "europe-west1", "https://aiplatform.eu.rep.googleapis.com/v1", "5.5"),  # the multi-region is the route's
        ("us-east5", "us-east5", "https://us-east5-aiplatform.googleapis.com/v1", "5.5"),
        ("regional-or-multi-region", "europe-west1", "https://europe-west1-aiplatform.googleapis.com/v1", "5.5"),
        ("global", "us-east5", "https://us-east5-aiplatform.googleapis.com/v1", "5.5"),  # the settings narrow it
    ],
)
def test_every_kind_of_location_of_vertex_has_its_host_path_and_price(
    scope: str, region: str, base: str, usd: str
) -> None:
    sent = send("vertex", request(), scope=scope, region=region)
    where = region if "-" in base.partition("//")[2].partition(".")[0] else scope
    assert sent.url == (
        f"{base}/projects/my-proj/locations/{where}/publishers/anthropic/models/claude-opus-5:rawPredict"
    )
    assert costs("vertex", scope, region=region)[1] == usd


def test_a_location_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"surfaces\.vertex\.region"):
        send("vertex", request(), scope="regional-or-multi-region", region="")
    with pytest.raises(UserError, match=r"surfaces\.vertex\.region"):
        send("vertex", request(), scope="global", region="us-east5/../x")
