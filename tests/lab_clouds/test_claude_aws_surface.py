"""Claude Platform on AWS in the lab: the official client is understood, and what the platform refuses is refused."""

from __future__ import annotations

import anthropic
import pytest

from trivium.lab import LabServer

ASK = {"model": "claude-opus-5", "max_tokens": 50, "messages": [{"role": "user", "content": "[[lab out=9]] hi"}]}


def client(
    lab: LabServer, region: str = "us-west-2", secret: str = "", workspace: str = "wrkspc_01"
) -> anthropic.AsyncAnthropicAWS:
    known = lab.identities.aws[0]
    return anthropic.AsyncAnthropicAWS(
        base_url=lab.base_url("claude-aws"),
        workspace_id=workspace,
        aws_region=region,
        aws_access_key=known.access_key_id,
        aws_secret_key=secret or known.secret_access_key,
        max_retries=0,
    )


async def test_the_official_client_signs_and_is_billed() -> None:
    async with LabServer(("claude-aws",)) as lab, client(lab) as sdk:
        answer = await sdk.messages.with_raw_response.create(**ASK)
        assert answer.headers["request-id"].startswith("req_")
        assert len(answer.headers["x-amzn-requestid"]) == 36
        async with sdk.messages.stream(**ASK) as stream:
            assert (await stream.get_final_message()).usage.output_tokens == 9
        assert [line.surface for line in lab.bill.lines] == ["claude-aws", "claude-aws"]


async def test_a_wrong_secret_is_refused_in_the_fronts_form() -> None:
    async with LabServer(("claude-aws",)) as lab, client(lab, secret="wrong") as sdk:
        with pytest.raises(anthropic.APIStatusError) as refused:
            await sdk.messages.create(**ASK)
        assert refused.value.response.headers["x-amzn-errortype"] == "InvalidSignatureException"
        assert not lab.bill.lines


async def test_a_request_names_its_workspace() -> None:
    async with LabServer(("claude-aws",)) as lab:
        at, key = lab.base_url("claude-aws"), lab.key("claude-aws")
        async with anthropic.AsyncAnthropic(base_url=at, api_key=key, max_retries=0) as plain:
            with pytest.raises(anthropic.BadRequestError, match="anthropic-workspace-id"):
                await plain.messages.create(**ASK)
            named = {"anthropic-workspace-id": "wrkspc_01"}
            answer = await plain.messages.create(**ASK, extra_headers=named)
            assert answer.usage.output_tokens == 9


async def test_caches_belong_to_a_workspace() -> None:
    system = [{"type": "text", "text": "rule " * 3000, "cache_control": {"type": "ephemeral"}}]
    async with LabServer(("claude-aws",)) as lab:
        reads = []
        for workspace in ("wrkspc_01", "wrkspc_01", "wrkspc_02"):
            async with client(lab, workspace=workspace) as sdk:
                usage = (await sdk.messages.create(**ASK, system=system)).usage
                reads.append(bool(usage.cache_read_input_tokens))
        assert reads == [False, True, False]
