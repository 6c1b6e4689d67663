"""Clients of the platforms with the first party's wire, with only address and key changed, on every surface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anthropic
import pytest

from gateway.support import OTHER_SECRET, SECRET
from gateway_dialect.support import SURFACES, served
from gateway_dialect.test_sdk_clients import ASK, MODEL, WEATHER, run
from trivium.core import Outcome
from trivium.lab import Fault

NAMES = {
    "anthropic": MODEL,
    "claude-aws": MODEL,
    "claude-aws key": MODEL,
    "bedrock-mantle": f"anthropic.{MODEL}",
    "bedrock-mantle key": f"anthropic.{MODEL}",
    "claude-gcp": MODEL,
}


def client_of(kind: str, url: str, secret: str = SECRET) -> Any:
    # A client that signs: the session token is the virtual key, the other two may be anything.
    signed = {"aws_access_key": "any", "aws_secret_key": "any", "aws_session_token": secret, "aws_region": "us-west-2"}
    credential = {"api_key": secret} if kind.endswith(" key") else signed
    if kind.startswith("claude-aws"):
        return anthropic.AnthropicAWS(base_url=url, workspace_id="wrkspc_01", max_retries=0, **credential)
    if kind.startswith("bedrock-mantle"):
        return anthropic.AnthropicBedrockMantle(base_url=url, max_retries=0, **credential)
    if kind == "claude-gcp":
        base_url = f"{url}/v1/projects/any/locations/global/workspaces/wrkspc_01/invoke"
        return anthropic.AnthropicGoogleCloud(base_url=base_url, token_provider=lambda: secret, max_retries=0)
    return anthropic.Anthropic(base_url=url, api_key=secret, max_retries=0)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("kind", NAMES)
async def test_a_message_a_stream_and_a_tool_call(tmp_path: Path, kind: str, surface: str) -> None:
    """The stream rebuilt by the client's own accumulator is the message; what is recorded is what was billed."""

    def converse(url: str) -> list[Any]:
        with client_of(kind, url) as client:
            whole = client.messages.create(model=NAMES[kind], **ASK)
            with client.messages.stream(model=NAMES[kind], **ASK) as stream:
                text = "".join(stream.text_stream)
                streamed = stream.get_final_message()
            with client.messages.stream(model=NAMES[kind], tools=[WEATHER], **ASK) as stream:
                called = stream.get_final_message()
        return [whole, streamed, text, called]

    async with served(tmp_path, surface) as at:
        whole, streamed, text, called = await run(converse, at.url)
        assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 9)
        assert streamed.usage.output_tokens == 9
        assert text == streamed.content[0].text
        assert called.stop_reason in {"end_turn", "tool_use"}
        assert [closed.outcome for closed in at.site.sink.closed_events] == [Outcome.OK] * 3
        assert {opened.offer.model for opened in at.site.sink.opened_events} == {MODEL}
        at.site.assert_recorded_as_billed()


@pytest.mark.parametrize("kind", NAMES)
async def test_errors_are_the_envelope_whatever_form_the_surface_gave_them(tmp_path: Path, kind: str) -> None:
    """A foreign key, an unknown model, an overload before the first byte: the client's own exceptions."""

    def fail(url: str, secret: str, model: str) -> anthropic.APIStatusError:
        with client_of(kind, url, secret) as client, pytest.raises(anthropic.APIStatusError) as caught:
            client.messages.create(model=model, **ASK)
        return caught.value

    async with served(tmp_path, "bedrock") as at:
        denied = await run(fail, at.url, OTHER_SECRET, NAMES[kind])
        unknown = await run(fail, at.url, SECRET, "claude-none-9")
        at.site.lab.faults.add(Fault("status", surface="bedrock", status=503, count=3))
        overloaded = await run(fail, at.url, SECRET, NAMES[kind])
        found = [(error.status_code, error.response.json()["error"]["type"]) for error in (denied, unknown, overloaded)]
        assert found == [(401, "authentication_error"), (404, "not_found_error"), (529, "overloaded_error")]
