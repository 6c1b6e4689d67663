"""Claude on Google Cloud in the lab: the official client is understood, what Google or the API refuses is refused."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest

from lab_clouds.golden import capture
from lab_clouds.helpers import exchange, of_golden, setup, understand
from trivium.lab import LabServer
from trivium.lab.surfaces._base import Exchange, Operation, Refused, Reply
from trivium.lab.surfaces.claude_gcp import ClaudeGcp, build

SURFACE = "claude-gcp"
ASK: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "h i [[lab out=7]]"}],
}
PREFIX = "/v1/projects/p/locations/global/workspaces/wrkspc_01/invoke"
HEADERS = {"anthropic-version": "2023-06-01", "authorization": "Bearer ya29.fake"}


def client(lab: LabServer, token: str = "", workspace: str = "wrkspc_01") -> anthropic.AsyncAnthropicGoogleCloud:
    token = token or lab.identities.google.issue()
    return anthropic.AsyncAnthropicGoogleCloud(
        base_url=lab.url(SURFACE) + f"/v1/projects/lab-project/locations/global/workspaces/{workspace}/invoke",
        token_provider=lambda: token,
        project="lab-project",
        workspace_id=workspace,
        max_retries=0,
    )


@pytest.fixture
def surface() -> ClaudeGcp:
    return build(setup())  # type: ignore[return-value]  # the module builds nothing else


def refused(surface: ClaudeGcp, request: Exchange) -> Reply:
    with pytest.raises(Refused) as caught:
        surface.authenticate(request)
    return surface.refuse(caught.value, request)


async def test_the_official_client_is_understood_and_pays_the_apis_price() -> None:
    async with LabServer((SURFACE,)) as lab, client(lab) as sdk:
        answer = await sdk.messages.with_raw_response.create(**ASK)
        assert answer.headers["request-id"].startswith("req_")
        async with sdk.messages.stream(**ASK) as stream:
            assert (await stream.get_final_message()).usage.output_tokens == 7
        counted = await sdk.messages.count_tokens(model=ASK["model"], messages=ASK["messages"])
        assert counted.input_tokens == 3
        assert lab.bill.total(surface=SURFACE).picos == 2 * (3 * 4_000_000 + 7 * 20_000_000)
        assert {line.account for line in lab.bill.lines} == {"lab-project/wrkspc_01"}
        models = [model.id async for model in sdk.models.list()]
        assert "claude-opus-5-5" in models
        assert "claude-opus-4-1-20250805" not in models


@pytest.mark.parametrize(
    ("extra", "picos"),
    [
        ({"inference_geo": "us"}, 3 * 4_400_000 + 7 * 22_000_000),  # x 1.1
        ({"speed": "fast"}, 3 * 8_000_000 + 7 * 40_000_000),  # x 2
    ],
)
async def test_a_geography_and_fast_mode_have_their_price(extra: dict[str, Any], picos: int) -> None:
    async with LabServer((SURFACE,)) as lab, client(lab) as sdk:
        await sdk.messages.create(**ASK, extra_body=extra)
        assert lab.bill.total(surface=SURFACE).picos == picos
        if "speed" in extra:  # of Opus 5.5 alone
            with pytest.raises(anthropic.BadRequestError):
                await sdk.messages.create(**{**ASK, "model": "claude-opus-5"}, extra_body=extra)


async def test_caches_belong_to_a_workspace() -> None:
    system = [{"type": "text", "text": "rule " * 3000, "cache_control": {"type": "ephemeral"}}]
    async with LabServer((SURFACE,)) as lab:
        reads = []
        for workspace in ("wrkspc_01", "wrkspc_01", "wrkspc_02"):
            async with client(lab, workspace=workspace) as sdk:
                usage = (await sdk.messages.create(**ASK, system=system)).usage
                reads.append(bool(usage.cache_read_input_tokens))
        assert reads == [False, True, False]


async def test_a_token_that_is_none_is_refused_in_googles_form() -> None:
    async with LabServer((SURFACE,)) as lab, client(lab, "ya29.other") as sdk:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            await sdk.messages.create(**ASK)
        assert caught.value.response.json()["error"]["status"] == "UNAUTHENTICATED"
        assert not lab.bill.lines


@pytest.mark.parametrize("name", ["google_cloud__create", "google_cloud__count_tokens"])
def test_a_recorded_request_is_understood(surface: ClaudeGcp, name: str) -> None:
    golden = capture(name)
    request = of_golden(golden)
    assert surface.authenticate(request) == "my-proj/wrkspc_01"
    call = understand(surface, request, golden["request"]["body"])
    assert (call.model, call.version, call.scope) == ("claude-opus-5-5", "2026-10-21", "global")


@pytest.mark.parametrize(
    ("path", "headers", "status", "native"),
    [
        (PREFIX, {"authorization": ""}, 401, "UNAUTHENTICATED"),
        (PREFIX, {"authorization": "", "x-api-key": "sk-ant-lab"}, 401, "UNAUTHENTICATED"),
        (PREFIX, {"x-api-key": "sk-ant-lab"}, 400, "x-api-key"),
        (PREFIX, {"anthropic-workspace-id": "wrkspc_01"}, 400, "anthropic-workspace-id"),
        (PREFIX.replace("/p/", "/other/"), {}, 403, "PERMISSION_DENIED"),
        (PREFIX.replace("wrkspc_01", "wrkspc_09"), {}, 404, "NOT_FOUND"),
        (PREFIX.replace("wrkspc_01", "01"), {}, 404, "NOT_FOUND"),
        (PREFIX.replace("global", "us-east5"), {}, 404, "NOT_FOUND"),
    ],
)
def test_who_and_where_are_checked(path: str, headers: dict[str, str], status: int, native: str) -> None:
    surface: Any = build(setup({"projects": ["p"], "workspaces": ["wrkspc_01"]}))
    reply = refused(surface, exchange(f"{path}/v1/messages", headers={**HEADERS, **headers}))
    assert reply.status == status
    error = json.loads(reply.body)["error"]
    assert native in (error["message"] if status == 400 else error["status"])


def test_paths_below_the_prefix_are_the_apis_and_all_others_googles(surface: ClaudeGcp) -> None:
    assert surface.route(exchange(f"{PREFIX}/v1/messages")) is Operation.MESSAGES
    assert surface.route(exchange(f"{PREFIX}/v1/messages/count_tokens")) is Operation.COUNT_TOKENS
    assert surface.route(exchange(f"{PREFIX}/v1/models", method="GET")) is Operation.OTHER
    for path, form in ((f"{PREFIX}/v1/complete", "type"), ("/v1/messages", "code")):
        asked = exchange(path)
        assert surface.route(asked) is None
        assert form in json.loads(surface.refuse(surface.unknown_path(asked), asked).body)["error"]
