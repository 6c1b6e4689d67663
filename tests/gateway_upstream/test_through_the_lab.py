"""Gateway, adapters, the catalogue's facts and real sign-in against the lab over TLS; recorded is what was billed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ClientSecretCredential
from google.oauth2 import service_account

from gateway.support import AUTH, Caller, MemorySink, Response, Ring, record
from gateway_upstream.support import CAPTURES
from trivium.catalog import load
from trivium.core import ANY, ManualClock, Offer, Outcome, Quality, Route, RouteTable, SystemClock, Target
from trivium.gateway import (
    AiohttpTransport,
    Credential,
    Gateway,
    GatewaySettings,
    OpenAdmission,
    SnapshotFacts,
    SurfaceSettings,
)
from trivium.gateway.credentials import ApiKey, AwsCredential, AwsKeys, AzureCredential, Bearer, GoogleCredential, Held
from trivium.gateway.credentials._google import SCOPE
from trivium.lab import Fault, LabServer

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SURFACES = ("anthropic", "claude-aws", "bedrock", "bedrock-mantle", "vertex", "claude-gcp", "foundry")
SNAPSHOT = load().snapshot(AT.date())
SCOPES = {
    "anthropic": "global",
    "bedrock": "us",
    "bedrock-mantle": "us-west-2",
    "vertex": "global",
    "foundry": "global-standard",
    "claude-aws": "global",
    "claude-gcp": "global",
}
MODEL = "claude-opus-5"
AWS_SERVICES = {"claude-aws": "aws-external-anthropic", "bedrock": "bedrock", "bedrock-mantle": "bedrock-mantle"}
ENVELOPES = ("anthropic", "claude-aws", "bedrock-mantle", "claude-gcp", "foundry")
SIGN_IN = {
    "anthropic": "key",
    "vertex": "google",
    "claude-gcp": "google",
    "foundry": "azure",
    **dict.fromkeys(AWS_SERVICES, "aws"),
}


@dataclass
class Site:
    """A gateway in front of a lab, with one surface in use."""

    lab: LabServer
    gateway: Gateway
    sink: MemorySink
    credential: Credential

    async def post(self, body: Mapping[str, Any], path: str = "/v1/messages", **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps({"model": MODEL, "max_tokens": 200, **body}).encode()
        return await Caller(self.gateway).send("POST", path, headers={**AUTH, **named}, body=data)

    def assert_recorded_as_billed(self) -> None:
        self.sink.check()
        billed = [{unit: count for unit, count in line.tokens.items() if count} for line in self.lab.bill.lines]
        recorded = [
            {unit: count for unit, count in closed.usage if count}
            for closed in self.sink.closed_events
            if any(count for _, count in closed.usage)
        ]
        assert recorded == billed


def credential_of(lab: LabServer, surface: str, kind: str) -> Credential:
    assert lab.certificates is not None
    ca, signin = lab.certificates.ca_path, lab.url("signin") if kind in {"google", "azure"} else ""
    if kind == "key":
        if surface in AWS_SERVICES:
            return Bearer(lab.key(surface))
        return ApiKey(lab.key(surface), header="api-key" if surface == "foundry" else "")
    if kind == "aws":
        known = lab.identities.aws[0]
        keys = AwsKeys(known.access_key_id, known.secret_access_key)
        return AwsCredential(region="us-west-2", service=AWS_SERVICES[surface], find=lambda: Held(keys))
    if kind == "google":
        info = lab.identities.google.service_account(signin + "/token")
        return GoogleCredential(
            ca_file=ca,
            find=lambda: service_account.Credentials.from_service_account_info(info, scopes=[SCOPE]),
        )
    application = lab.identities.application
    return AzureCredential(
        find=lambda: ClientSecretCredential(
            lab.identities.entra.tenant,
            application.client_id,
            application.client_secret,
            authority=signin,
            disable_instance_discovery=True,
            connection_verify=str(ca),
        )
    )


@contextlib.asynccontextmanager
async def site(
    folder: Path, surface: str, kind: str = "", *, scope: str = "", sink: Any = None, **settings: Any
) -> AsyncIterator[Site]:
    kind = kind or SIGN_IN[surface]
    clock, scope = ManualClock(AT), scope or SCOPES[surface]
    async with LabServer((surface,), clock=clock, wall=SystemClock(), tls=folder) as lab:
        assert lab.certificates is not None
        configured = SurfaceSettings(
            surface,
            lab.url(surface) if surface == "claude-gcp" else lab.base_url(surface),  # the adapter makes its whole path
            scope=scope,
            **{
                "region": "us-west-2" if surface in AWS_SERVICES else "",
                "project": "lab-project",
                "workspace": "wrkspc_01",
                **settings,
            },
        )
        credential = credential_of(lab, surface, kind)
        sink = sink or MemorySink()
        table = RouteTable((Route(ANY, ANY, (Target(Offer(surface, scope, ANY), 1),)),), "1")
        gateway = Gateway(
            GatewaySettings(surfaces={surface: configured}),
            sink=sink,
            keys=Ring(record(created_at=AT)),
            routes=lambda: table,
            facts=SnapshotFacts(lambda: SNAPSHOT, clock),
            admission=OpenAdmission(),
            clock=clock,
            transport=AiohttpTransport(trust_env=False, ca_file=lab.certificates.ca_path),
            credentials={surface: credential},
        )
        try:
            yield Site(lab, gateway, sink, credential)
        finally:
            await gateway.close()


HI: dict[str, Any] = {"messages": [{"role": "user", "content": "[[lab out=9]] hi"}]}
CACHED: dict[str, Any] = {
    **HI,
    "system": [{"type": "text", "text": "rule " * 3000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
}
WAYS = [
    ("anthropic", "key"),
    ("claude-aws", "aws"),
    ("claude-aws", "key"),
    ("bedrock", "aws"),
    ("bedrock", "key"),
    ("bedrock-mantle", "aws"),
    ("bedrock-mantle", "key"),
    ("vertex", "google"),
    ("claude-gcp", "google"),
    ("foundry", "azure"),
    ("foundry", "key"),
]


@pytest.mark.parametrize(("surface", "kind"), WAYS)
async def test_messages_whole_and_streamed_with_the_real_sign_in(tmp_path: Path, surface: str, kind: str) -> None:
    async with site(tmp_path, surface, kind) as at:
        whole = await at.post(CACHED, anthropic_version="2026-10-21")
        assert whole.status == 200, whole.body
        assert whole.json()["usage"]["output_tokens"] == 9
        assert "x-trivium-notes" not in whole.headers
        streamed = await at.post({**CACHED, "stream": True})
        assert streamed.status == 200, streamed.body
        assert streamed.headers["content-type"] == "text/event-stream; charset=utf-8"
        events = [part.partition(b"\n") for part in streamed.body.split(b"\n\n") if part]
        names = [name.removeprefix(b"event: ").decode() for name, _, _ in events]
        assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])
        assert json.loads(events[-1][2].removeprefix(b"data: ")) == {"type": "message_stop"}
        for name, (_, _, data) in zip(names, events, strict=True):
            assert json.loads(data.removeprefix(b"data: "))["type"] == name
        first, second = at.sink.closed_events
        assert (first.quality, second.quality) == (Quality.EXACT, Quality.EXACT)
        assert first.usage.cache_write_1h
        assert second.usage.cache_read == first.usage.cache_write_1h
        at.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
async def test_claude_code_is_understood_by_every_surface(tmp_path: Path, surface: str) -> None:
    """The recorded request of Claude Code through the gateway, as each surface can take it."""
    captured = json.loads((CAPTURES / "first_party__claude_code_create.json").read_text())["request"]
    headers = {name.lower().replace("-", "_"): value for name, value in captured["headers"]}
    passed = {name: headers[name] for name in ("anthropic_version", "anthropic_beta", "x_claude_code_session_id")}
    async with site(tmp_path, surface) as at:
        reply = await at.post({**captured["body"], "model": MODEL}, **passed)
        if surface == "foundry":  # takes no system messages inside messages: the client is told so, and adapts
            assert reply.status == 400
            assert reply.json()["error"]["message"] == "capability_rejected: mid_conv_system"
            body = {**captured["body"], "model": MODEL}
            body["messages"] = [message for message in body["messages"] if message["role"] != "system"]
            reply = await at.post(body, **passed)
        assert reply.status == 200, reply.body
        assert b"event: message_stop" in reply.body
        assert at.sink.opened_events[-1].session == headers["x_claude_code_session_id"]
        notes = reply.headers.get("x-trivium-notes", "")
        assert ("per-turn-control-2026-07-01" in notes) == (surface == "bedrock")
        assert ("messages[].output_config" in notes) == (surface == "bedrock")
        at.assert_recorded_as_billed()


@pytest.mark.parametrize(("surface", "kind"), [way for way in WAYS if way[1] != "key"])
async def test_a_refused_credential_is_renewed_once_and_the_request_repeated(
    tmp_path: Path, surface: str, kind: str
) -> None:
    async with site(tmp_path, surface, kind) as at:
        at.lab.faults.add(Fault("status", surface=surface, status=401, error_type="authentication_error", count=1))
        reply = await at.post(HI)
        assert reply.status == 200, reply.body
        assert reply.headers["x-trivium-attempts"] == "2"
        assert at.sink.outcomes() == [Outcome.REFUSED, Outcome.OK]
        at.assert_recorded_as_billed()


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize(
    ("status", "shown", "error_type"),
    [(429, 429, "rate_limit_error"), (503, 529, "overloaded_error"), (500, 500, "api_error")],
)
async def test_errors_reach_the_client_in_one_form(
    tmp_path: Path, surface: str, status: int, shown: int, error_type: str
) -> None:
    async with site(tmp_path, surface) as at:
        at.lab.faults.add(Fault("status", surface=surface, status=status))
        for stream in (False, True):
            reply = await at.post({**HI, "stream": stream})
            envelope = reply.json()
            assert envelope["type"] == "error"
            if surface in ENVELOPES:  # the service's own envelope, unmodified
                assert reply.status == status
            else:
                assert (reply.status, envelope["error"]["type"]) == (shown, error_type)


@pytest.mark.parametrize("surface", SURFACES)
async def test_a_stream_that_fails_after_its_first_content_ends_with_an_error_event(
    tmp_path: Path, surface: str
) -> None:
    async with site(tmp_path, surface) as at:
        at.lab.faults.add(Fault("late_error", surface=surface, after_events=4, count=1))
        reply = await at.post({**HI, "stream": True})
        assert reply.status == 200
        last = [part for part in reply.body.split(b"\n\n") if part][-1]
        assert last.startswith(b'event: error\ndata: {"type":"error"')
        assert at.sink.outcomes() == [Outcome.CUT]
        at.sink.check()


@pytest.mark.parametrize("surface", [surface for surface in SURFACES if surface != "bedrock"])
async def test_tokens_are_counted(tmp_path: Path, surface: str) -> None:
    async with site(tmp_path, surface) as at:
        data = json.dumps({"model": MODEL, **HI}).encode()
        reply = await Caller(at.gateway).send("POST", "/v1/messages/count_tokens", headers=AUTH, body=data)
        assert reply.status == 200, reply.body
        assert set(reply.json()) == {"input_tokens"}


async def test_bedrock_counts_no_tokens_and_says_so(tmp_path: Path) -> None:
    async with site(tmp_path, "bedrock") as at:
        data = json.dumps({"model": MODEL, **HI}).encode()
        reply = await Caller(at.gateway).send("POST", "/v1/messages/count_tokens", headers=AUTH, body=data)
        assert (reply.status, reply.json()["error"]["type"]) == (501, "not_supported")
        assert reply.headers["x-should-retry"] == "false"
        assert at.sink.opened_events == []


async def test_a_version_the_model_does_not_take_is_lowered_and_said(tmp_path: Path) -> None:
    async with site(tmp_path, "bedrock") as at:
        reply = await at.post({**HI, "model": "claude-opus-4-5"}, anthropic_version="2026-10-21")
        assert reply.status == 200, reply.body
        assert reply.headers["x-trivium-notes"] == (
            "anthropic-version 2026-10-21 became bedrock-2023-05-31: bedrock has no newer one for claude-opus-4-5"
        )


async def test_a_model_that_is_not_served_there_is_told_without_names_of_the_account(tmp_path: Path) -> None:
    async with site(tmp_path, "vertex", scope="regional-or-multi-region", region="us-east5") as at:
        reply = await at.post(HI)
        assert reply.status == 400
        assert "projects/…/locations/us-east5" in reply.json()["error"]["message"]
        assert "lab-project" not in reply.body.decode()


def test_the_day_of_the_facts() -> None:
    assert SNAPSHOT.as_of == date(2026, 11, 22)
