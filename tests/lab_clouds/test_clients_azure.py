"""azure-identity and AnthropicFoundry against the lab's tenant."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic import AnthropicFoundry, DefaultHttpxClient
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, get_bearer_token_provider

from trivium.lab import LabServer

HI: Any = [{"role": "user", "content": "h i [[lab out=7]]"}]


def _credential(lab: LabServer, *, secret: str | None = None, tenant: str | None = None) -> ClientSecretCredential:
    application = lab.identities.application
    assert lab.certificates is not None
    return ClientSecretCredential(
        tenant or lab.identities.entra.tenant,
        application.client_id,
        secret or application.client_secret,
        authority=lab.url("signin"),
        disable_instance_discovery=True,
        connection_verify=str(lab.certificates.ca_path),
    )


def _foundry(lab: LabServer, provider: Any) -> AnthropicFoundry:
    assert lab.certificates is not None
    return AnthropicFoundry(
        base_url=lab.base_url("foundry") + "/",
        azure_ad_token_provider=provider,
        http_client=DefaultHttpxClient(verify=lab.certificates.client_context()),
        max_retries=0,
    )


@pytest.mark.parametrize("resource", ["https://ai.azure.com", "https://cognitiveservices.azure.com"])
def test_an_application_signs_in_and_is_answered(tls_lab: LabServer, resource: str) -> None:
    with _credential(tls_lab) as credential:
        provider = get_bearer_token_provider(credential, f"{resource}/.default")
        with _foundry(tls_lab, provider) as client:
            message = client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)
            assert (message.usage.input_tokens, message.usage.output_tokens) == (3, 7)
            with client.messages.stream(model="claude-opus-5", max_tokens=50, messages=HI) as stream:
                assert stream.get_final_message().usage.output_tokens == 7


def test_a_wrong_secret_or_tenant_is_named(tls_lab: LabServer) -> None:
    with (
        _credential(tls_lab, secret="not-it") as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token("https://ai.azure.com/.default")
    with (
        _credential(tls_lab) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS500011"),
    ):
        credential.get_token("https://elsewhere.example/.default")


def test_a_token_that_the_tenant_did_not_sign_is_refused(tls_lab: LabServer) -> None:
    with _foundry(tls_lab, lambda: "eyJ.not.signed") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="claude-opus-5", max_tokens=50, messages=HI)
