"""What an adapter sends is what the platform's official client sends for the same request, but for what is listed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from gateway_upstream.support import CAPTURES, HELLO, HandFacts, request, send
from trivium.core import ManualClock
from trivium.gateway import Outbound
from trivium.gateway.credentials import ApiKey, AwsCredential, AwsKeys, Bearer, Held
from trivium.gateway.seams import Credential, MessagesRequest

AT = datetime(2026, 11, 22, 15, 8, tzinfo=UTC)
VOLATILE = (
    "host", "content-length", "connection", "user-agent", "accept-encoding", "accept-language", "sec-fetch-mode",
    "x-stainless-", "x-amz-date", "x-amz-content-sha256", "x-claude-code-session-id", "x-app",
)  # fmt: skip
ABSENT = "(absent)"
SIGNED = "(signature)"
Differences = dict[str, tuple[Any, Any]]  # what: (the client's, ours)

KEY_HEADER: Differences = {  # our own credential goes out as the header that the documentation names first
    "authorization": ("Bearer", ABSENT),
    "x-api-key": (ABSENT, "key"),
}
ACCEPT: Differences = {"accept": ("application/json", "text/event-stream")}  # a stream is asked for by its type
QUERY: Differences = {"query": ("beta=true", "")}  # betas need no query any more
TWO_HEADERS: Differences = {"x-api-key": ("foundry-key", ABSENT)}  # one of the two is enough
ONE_HEADER: Differences = {"x-api-key": ("fk", ABSENT), "api-key": (ABSENT, "foundry-key")}  # the other of the two
BROWSER: Differences = {"anthropic-dangerous-direct-browser-access": ("true", ABSENT)}  # ours to say, and we are none
OLD_MODEL: Differences = {  # the surface refuses the newer version for models before 4.7; the client does not check
    "body.anthropic_version": ("2026-10-21", "bedrock-2023-05-31")
}
BETA_HEADER: Differences = {  # the runtime reads the body; the client leaves its header in place
    "anthropic-beta": ("context-management-2025-06-27,fast-mode-2026-02-01", ABSENT),
}
NO_FAST: Differences = {  # fast mode is not offered there: the beta would be refused
    "body.anthropic_beta": (
        ["context-management-2025-06-27", "fast-mode-2026-02-01"],
        ["context-management-2025-06-27"],
    ),
}
BOTO: Differences = {"accept": (ABSENT, "application/json"), "content-type": (ABSENT, "application/json")}
COLON: Differences = {"path": ("%3A", ":")}  # both spellings name the model; each is signed as it is sent

EXPECTED: Mapping[str, Differences] = {
    "first_party__create": KEY_HEADER,
    "first_party__create_rich": KEY_HEADER,
    "first_party__create_stream": KEY_HEADER | ACCEPT,
    "first_party__messages_stream": KEY_HEADER | ACCEPT,
    "first_party__beta_create_betas": KEY_HEADER,
    "first_party__count_tokens": KEY_HEADER,
    "first_party__js_create": KEY_HEADER,
    "first_party__py1_beta_create_betas": QUERY,
    "first_party__claude_code_create": QUERY | ACCEPT,
    "first_party__claude_code_tool_result": QUERY | ACCEPT | KEY_HEADER,
    "first_party__claude_code_count_tokens": QUERY | KEY_HEADER,
    "platform_aws__create": {},
    "platform_aws__create_apikey": {},
    "platform_aws__claude_code_create": QUERY
    | ACCEPT
    | {"authorization": (ABSENT, "Bearer")},  # the client's own sign-in was switched off
    "bedrock__create": OLD_MODEL,
    "bedrock__create_rich": OLD_MODEL
    | {  # the surface refuses both; the geography is that of the route, any capacity is what it has
        "body.inference_geo": ("us", ABSENT),
        "body.service_tier": ("auto", ABSENT),
    },
    "bedrock__create_stream": OLD_MODEL,
    "bedrock__beta_create_betas": OLD_MODEL | BETA_HEADER | NO_FAST,
    "bedrock__js_beta_create_betas": OLD_MODEL | BETA_HEADER | NO_FAST,
    "bedrock__create_arn": OLD_MODEL,
    "bedrock__create_apikey": {},
    "bedrock__create_profile_workspace": OLD_MODEL
    | {"anthropic-workspace-id": ("wrkspc_1", ABSENT)},  # a workspace of the first party means nothing here
    "bedrock__py1_create": {},
    "bedrock__boto3_invoke_model": BOTO | COLON,
    "bedrock__boto3_invoke_model_arn": BOTO | COLON,
    "bedrock__boto3_invoke_model_options": COLON,
    "bedrock__boto3_invoke_stream": BOTO | COLON,
    "bedrock__boto3_count_tokens": COLON
    | {
        "accept": (ABSENT, "application/json"),
        "body.max_tokens": (5, 1),  # required there and not counted; a client that counts names none
    },
    "bedrock__claude_code_probe": {
        "anthropic-version": ("2023-06-01", ABSENT),  # the runtime reads the body
    },
    "bedrock__claude_code_stream": BROWSER
    | {
        "anthropic-version": ("2023-06-01", ABSENT),
        "anthropic-beta": ("claude-code-20250219,thinking-token-count-2026-05-13,effort-2025-11-24", ABSENT),
        "body.anthropic_beta": (  # what stood in the header only is moved to where the runtime reads it
            ["interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19", "thinking-token-count-2026-05-13"],
            [
                "interleaved-thinking-2025-05-14",
                "tool-search-tool-2025-10-19",
                "thinking-token-count-2026-05-13",
                "effort-2025-11-24",
            ],
        ),
    },
    "mantle__create": {},
    "mantle__create_apikey": {},
    "mantle__count_tokens": {},
    "mantle__beta_create_betas": {
        "anthropic-beta": ("context-management-2025-06-27,fast-mode-2026-02-01", "context-management-2025-06-27"),
    },  # fast mode is not offered there: the beta would be refused
    "mantle__claude_code_create": QUERY
    | ACCEPT
    | {"authorization": (ABSENT, "Bearer")},  # the client's own sign-in was switched off
    "vertex__create": {},
    "vertex__create_stream": ACCEPT,
    "vertex__create_global": {},
    "vertex__beta_create_betas": {
        "anthropic-beta": (
            "context-management-2025-06-27,fast-mode-2026-02-01",
            "context-management-2025-06-27",  # whether fast mode is offered there is unconfirmed
        ),
    },
    "vertex__beta_count_tokens": {},
    "vertex__claude_code_stream": ACCEPT
    | {
        "anthropic-version": ("2023-06-01", ABSENT),  # the body says it
        "authorization": (ABSENT, "Bearer"),  # the client's own sign-in was switched off
    },
    "google_cloud__create": {},
    "google_cloud__count_tokens": {},
    "google_cloud__claude_code_create": QUERY
    | ACCEPT
    | {
        "authorization": (ABSENT, "Bearer"),  # the client's own sign-in was switched off
        "path": (  # its address had been replaced, prefix and all
            "/gc/v1/messages",
            "/v1/projects/my-proj/locations/global/workspaces/wrkspc_01/invoke/v1/messages",
        ),
    },
    "foundry__create": TWO_HEADERS,
    "foundry__count_tokens": TWO_HEADERS,
    "foundry__create_entra": {},
    "foundry__js_create": ONE_HEADER,
    "foundry__js_create_entra": {},
    "foundry__claude_code_create": QUERY | ACCEPT | ONE_HEADER,
}
NOT_OURS = (
    "batches",
    "models",
    "files",
    "converse",  # passed as it came: gateway_dialect/test_converse_dialect.py
    "anomaly",
    "inference_profiles",
)  # the gateway makes none of these


def capture(name: str) -> dict[str, Any]:
    return dict(json.loads((CAPTURES / f"{name}.json").read_text()))


def headers_of(captured: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in captured["request"]["headers"]}


def wire_of(captured: Mapping[str, Any]) -> str:
    """The model as the platform was told."""
    body, path = captured["request"]["body"], unquote(captured["request"]["path"])
    if "model" in body:
        return str(body["model"])
    if "/models/" in path:
        return path.partition("/models/")[2].rpartition(":")[0]
    return path.removeprefix("/model/").rpartition("/")[0]


def as_messages(captured: Mapping[str, Any], *, model: str) -> MessagesRequest:
    """The request a client of the Messages API would have sent to the gateway instead."""
    headers = headers_of(captured)
    body = dict(captured["request"]["body"])
    path = captured["request"]["path"]
    version = body.pop("anthropic_version", None) or headers.get("anthropic-version", "2026-10-21")
    betas = [*body.pop("anthropic_beta", []), *filter(None, headers.get("anthropic-beta", "").split(","))]
    forwarded = {
        name: value
        for name, value in headers.items()
        if name.startswith("anthropic-") and name not in {"anthropic-version", "anthropic-beta"}
    }
    if "user_profile_id" in body:
        forwarded["anthropic-user-profile-id"] = body.pop("user_profile_id")
    if path.endswith("invoke-with-response-stream"):
        body["stream"] = True
    counting = "count_tokens" in path or "count-tokens" in path
    return request(
        {"model": model, **body} if "model" not in body else {**body, "model": model},
        model=model,
        version=version if version[0] == "2" else "2023-06-01",
        betas=tuple(dict.fromkeys(betas)),
        endpoint="count_tokens" if counting else "messages",
        headers=forwarded,
    )


def surface_of(name: str) -> str:
    platform = name.partition("__")[0]
    return {
        "first_party": "anthropic",
        "platform_aws": "claude-aws",
        "mantle": "bedrock-mantle",
        "google_cloud": "claude-gcp",
    }.get(platform, platform)


async def ours(name: str) -> Outbound:
    """What the adapter and the credential make of it."""
    captured, surface = capture(name), surface_of(name)
    wire, path = wire_of(captured), captured["request"]["path"]
    model = "claude-opus-4-5" if "opus-4-5" in wire or "profile" in wire else "claude-opus-5-5"
    asked = as_messages(captured, model=model)
    settings: dict[str, Any] = {"deployments": {model: wire}} if surface != "anthropic" else {}
    scope = ""
    if surface == "vertex":
        scope = settings["region"] = path.partition("/locations/")[2].partition("/")[0]
        settings["base_url"] = "http://127.0.0.1:18801" + path.partition("/projects/")[0]
    if surface == "claude-aws":
        settings["workspace"] = headers_of(captured)["anthropic-workspace-id"]
    if name == "bedrock__boto3_count_tokens":
        inner = {**HELLO, "max_tokens": 1}
        asked = request(inner, model=model, endpoint="count_tokens")
    if name == "bedrock__boto3_invoke_model_options":
        settings["headers"] = {key: value for key, value in headers_of(captured).items() if key.startswith("x-amzn-")}
    if surface == "bedrock" and wire.startswith("global."):
        scope = "global"
    if surface == "anthropic" and asked.body.get("inference_geo"):
        scope = "us"
    facts = HandFacts(wire={("anthropic", model): wire}, counting=True)
    outbound = send(surface, asked, scope=scope, facts=facts, **settings)
    return replace(outbound, headers={**outbound.headers, **await credential(name, captured).headers(outbound)})


def credential(name: str, captured: Mapping[str, Any]) -> Credential:
    if name.startswith("foundry") and "entra" not in name:
        return ApiKey("foundry-key", header="api-key")
    if name.startswith("first_party"):
        return ApiKey(headers_of(captured).get("x-api-key", "key"))
    if "sigv4" in captured:
        keys = AwsKeys("AKIAFAKE", "secret", headers_of(captured).get("x-amz-security-token"))
        service = captured["sigv4"]["service"]
        return AwsCredential(region="us-west-2", service=service, clock=ManualClock(AT), find=lambda: Held(keys))
    return Bearer(headers_of(captured).get("authorization", "Bearer ya29.fake").removeprefix("Bearer "))


def form(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that say something, credentials by their kind."""
    kept = {name: value for name, value in headers.items() if not name.startswith(VOLATILE)}
    if "authorization" in kept:
        kept["authorization"] = "signature" if kept["authorization"].startswith("AWS4") else "Bearer"
    if "x-amz-security-token" in kept:
        kept["x-amz-security-token"] = SIGNED
    return {name: value for name, value in kept.items() if not name.startswith("amz-sdk-")}


def differences(captured: Mapping[str, Any], sent: Outbound) -> Differences:
    theirs_url, ours_url = urlsplit(captured["request"]["path"]), urlsplit(sent.url)
    theirs: dict[str, Any] = {"path": theirs_url.path, "query": theirs_url.query, **form(headers_of(captured))}
    mine: dict[str, Any] = {"path": ours_url.path, "query": ours_url.query, **form(sent.headers)}
    theirs |= {f"body.{field}": value for field, value in _inner(captured["request"]["body"]).items()}
    mine |= {f"body.{field}": value for field, value in _inner(json.loads(sent.body)).items()}
    found = {
        what: (theirs.get(what, ABSENT), mine.get(what, ABSENT))
        for what in sorted(theirs.keys() | mine.keys())
        if theirs.get(what, ABSENT) != mine.get(what, ABSENT)
    }
    if "path" in found and found["path"][0].replace("%3A", ":") == found["path"][1]:
        found["path"] = ("%3A", ":")
    return found


def _inner(body: dict[str, Any]) -> dict[str, Any]:
    """CountTokens carries the body it counts inside, in base64: compare that one."""
    if set(body) != {"input"}:
        return body
    return dict(json.loads(base64.b64decode(body["input"]["invokeModel"]["body"])))


def test_every_capture_that_the_gateway_could_send_is_compared() -> None:
    surfaces = ("first_party__", "platform_aws__", "bedrock__", "mantle__", "google_cloud__", "vertex__", "foundry__")
    named = {path.stem for path in CAPTURES.glob("*.json") if path.stem.startswith(surfaces)}
    assert {name for name in named if not any(part in name for part in NOT_OURS)} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_the_request_is_the_official_clients(name: str) -> None:
    captured = capture(name)
    sent = await ours(name)
    assert sent.method == captured["request"]["method"]
    assert differences(captured, sent) == EXPECTED[name]


async def test_what_is_left_out_is_said() -> None:
    assert (await ours("bedrock__create_rich")).notes == (
        "left out inference_geo: bedrock does not take it",
        "left out service_tier: bedrock does not take it",
        "anthropic-version 2026-10-21 became bedrock-2023-05-31: bedrock has no newer one for claude-opus-4-5",
    )
    assert (await ours("vertex__beta_create_betas")).notes == ("left out betas: fast-mode-2026-02-01",)
    assert (await ours("vertex__create")).notes == ()
