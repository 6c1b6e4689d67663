"""AnthropicVertex and google-auth against the lab: service accounts, refresh tokens, the metadata server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import pytest
import requests
from anthropic import AnthropicVertex, AsyncAnthropicVertex, DefaultHttpxClient
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from trivium.lab import Fault, LabServer
from trivium.lab.auth.google import SCOPE

HI: Any = [{"role": "user", "content": "h i [[lab out=7]]"}]


def _account(lab: LabServer, **changes: str) -> Any:
    info = {**lab.identities.google.service_account(lab.url("signin") + "/token"), **changes}
    return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])


@contextmanager
def _session(lab: LabServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        if lab.certificates is not None:
            session.verify = str(lab.certificates.ca_path)
        yield session


def _vertex(lab: LabServer, **more: Any) -> AnthropicVertex:
    verify = lab.certificates.client_context() if lab.certificates else True
    return AnthropicVertex(
        project_id="lab-project",
        base_url=lab.base_url("vertex"),
        http_client=DefaultHttpxClient(verify=verify),
        max_retries=0,
        **{"region": "global", **more},
    )


def test_a_service_account_signs_in_and_is_answered_over_tls(tls_lab: LabServer) -> None:
    credentials = _account(tls_lab)
    with _session(tls_lab) as session:
        credentials.refresh(Request(session))
    assert credentials.token.startswith("ya29.")
    with _vertex(tls_lab, credentials=credentials) as client:
        message = client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)
        assert message.id.startswith("msg_vrtx_")
        assert (message.model, message.usage.input_tokens, message.usage.output_tokens) == ("claude-opus-5", 3, 7)
        with client.messages.stream(model="claude-opus-5", max_tokens=50, messages=HI) as stream:
            streamed = stream.get_final_message()
        assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in message.content]


# The SDK drops the HTTP session with which it fetched the token without closing it.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_the_sdk_fetches_the_token_itself(plain_lab: LabServer) -> None:
    with _vertex(plain_lab, credentials=_account(plain_lab), region="us") as client:
        assert client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI).usage.output_tokens == 7
    gc.collect()


def test_tokens_are_counted(plain_lab: LabServer) -> None:
    with _vertex(plain_lab, access_token=plain_lab.identities.google.issue()) as client:
        assert client.messages.count_tokens(model="claude-opus-5", messages=HI).input_tokens == 3


def test_an_access_token_is_enough_and_a_strange_one_is_not(tls_lab: LabServer) -> None:
    with _vertex(tls_lab, access_token=tls_lab.identities.google.issue(), region="us-east5") as client:
        message = client.messages.create(model="claude-opus-4-5@20251101", max_tokens=50, messages=HI)
        assert message.model == "claude-opus-4-5-20251101"
        with pytest.raises(anthropic.BadRequestError, match="not servable in region us-east5"):
            client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)
        with pytest.raises(anthropic.NotFoundError, match="was not found or your project does not have access"):
            client.messages.create(model="claude-opus-9", max_tokens=50, messages=HI)
    with _vertex(tls_lab, access_token="ya29.strange") as stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)


def test_an_asynchronous_client_streams(plain_lab: LabServer) -> None:
    async def ask() -> int:
        token = plain_lab.identities.google.issue()
        async with (
            AsyncAnthropicVertex(
                project_id="lab-project", region="eu", base_url=plain_lab.base_url("vertex"), access_token=token
            ) as client,
            client.messages.stream(model="claude-opus-5", max_tokens=50, messages=HI) as stream,
        ):
            return (await stream.get_final_message()).usage.output_tokens

    assert asyncio.run(ask()) == 7


def test_a_limit_on_a_stream_is_seen_by_the_sdk_wrapped_or_not(tls_lab: LabServer) -> None:
    fault = tls_lab.faults.add(Fault("status", surface="vertex", status=429))
    with _vertex(tls_lab, access_token=tls_lab.identities.google.issue()) as client:
        for _ in range(4):
            with (
                pytest.raises(anthropic.RateLimitError, match="RESOURCE_EXHAUSTED"),
                client.messages.stream(model="claude-opus-5", max_tokens=50, messages=HI),
            ):
                pass
    tls_lab.faults.clear(fault)


def test_a_refresh_token_is_granted_an_access_token(tls_lab: LabServer) -> None:
    info = tls_lab.identities.google.authorized_user(tls_lab.url("signin") + "/token")
    credentials: Any = user_credentials.Credentials(
        token=None,
        refresh_token=info["refresh_token"],
        token_uri=info["token_uri"],
        client_id=info["client_id"],
        client_secret=info["client_secret"],
    )
    with _session(tls_lab) as session:
        credentials.refresh(Request(session))
    with _vertex(tls_lab, credentials=credentials) as client:
        assert client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI).usage.output_tokens == 7


def test_a_forged_assertion_and_an_unknown_account_get_nothing(tls_lab: LabServer) -> None:
    genuine = tls_lab.identities.google.service_account(tls_lab.url("signin") + "/token", name="genuine")
    forged = _account(tls_lab, client_email=genuine["client_email"])
    unknown = _account(tls_lab, client_email="nobody@lab-project.iam.gserviceaccount.com")
    with _session(tls_lab) as session:
        with pytest.raises(RefreshError, match="Invalid JWT Signature"):
            forged.refresh(Request(session))
        with pytest.raises(RefreshError, match="account not found"):
            unknown.refresh(Request(session))


def test_a_token_without_the_platforms_scope_is_denied(tls_lab: LabServer) -> None:
    info = tls_lab.identities.google.service_account(tls_lab.url("signin") + "/token")
    scopes = ["https://www.googleapis.com/auth/devstorage.read_only"]
    narrow: Any = service_account.Credentials.from_service_account_info(info, scopes=scopes)
    with _session(tls_lab) as session:
        narrow.refresh(Request(session))
    with (
        _vertex(tls_lab, credentials=narrow) as client,
        pytest.raises(anthropic.PermissionDeniedError, match="insufficient authentication scopes"),
    ):
        client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)
