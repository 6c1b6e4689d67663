"""Facts by hand, requests as the gateway reads them, frames written by a codec of the tests' own."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trivium.core import NoClaim, Offer, Target
from trivium.gateway import GatewaySettings, Outbound, SurfaceSettings
from trivium.gateway.seams import Endpoint, MessagesRequest
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.wire.body import Body

LIMITS = GatewaySettings(surfaces={})
CAPTURES = Path(__file__).parent.parent / "golden" / "wire_captures"
OPUS_45, OPUS_5 = "claude-opus-4-5", "claude-opus-5"
SETTINGS = {
    "anthropic": SurfaceSettings("anthropic", "https://api.anthropic.com"),
    "claude-aws": SurfaceSettings(
        "claude-aws", "https://aws-external-anthropic.us-west-2.api.aws", region="us-west-2", workspace="wrkspc_01"
    ),
    "bedrock": SurfaceSettings(
        "bedrock", "https://bedrock-runtime.us-west-2.amazonaws.com", scope="us", region="us-west-2"
    ),
    "bedrock-mantle": SurfaceSettings(
        "bedrock-mantle",
        "https://bedrock-mantle.us-west-2.api.aws/anthropic",
        scope="us-west-2",
        region="us-west-2",
    ),
    "vertex": SurfaceSettings("vertex", "", project="my-proj", region="us-east5", scope="regional-or-multi-region"),
    "claude-gcp": SurfaceSettings(
        "claude-gcp", "https://claude.googleapis.com", project="my-proj", workspace="wrkspc_01"
    ),
    "foundry": SurfaceSettings("foundry", "https://res.services.ai.azure.com/anthropic", scope="global-standard"),
}
WIRE = {
    ("anthropic", OPUS_45): "claude-opus-4-5-20251101",
    ("bedrock", OPUS_45): "us.anthropic.claude-opus-4-5-20251101-v1:0",
    ("bedrock", OPUS_5): "us.anthropic.claude-opus-5",
    ("bedrock-mantle", OPUS_5): "anthropic.claude-opus-5",
    ("vertex", OPUS_45): "claude-opus-4-5@20251101",
}
REFUSED = {  # as the protocol documentation lists them
    "bedrock": frozenset(
        {
            "inference_geo", "service_tier", "speed", "container", "mcp_servers", "fallbacks", "fallback_credit_token",
            "thread", "diagnostics", "billing_policy",
        }
    ),
    "vertex": frozenset(
        {
            "inference_geo", "service_tier", "speed", "container", "mcp_servers", "fallbacks", "fallback_credit_token",
            "thread", "diagnostics", "billing_policy",
        }
    ),
    "bedrock-mantle": frozenset(
        {
            "container", "diagnostics", "fallback_credit_token", "fallbacks", "inference_geo", "mcp_servers", "speed",
            "thread",
        }
    ),
    "claude-aws": frozenset({"speed", "diagnostics"}),
    "foundry": frozenset({"fallbacks", "fallback_credit_token", "inference_geo", "speed"}),
}  # fmt: skip
LACKING = {
    "bedrock": {
        "web_search", "web_fetch", "code_execution", "mcp_connector", "url_sources", "files_api", "advisor_tool",
        "mid_conversation_tool_changes", "task_budgets",
    },
    "bedrock-mantle": {
        "web_search", "web_fetch", "code_execution", "mcp_connector", "url_sources", "files_api", "advisor_tool",
        "task_budgets",
    },
    "vertex": {"web_fetch", "code_execution", "mcp_connector", "url_sources", "files_api", "advisor_tool"},
    "foundry": {"mid_conversation_system"},
}  # fmt: skip
BETAS: dict[str, dict[str, str | None]] = {
    "bedrock": {
        "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
        "claude-code-20250219": None,
        "fast-mode-2026-02-01": None,
        "per-turn-control-2026-07-01": None,
        "mid-conversation-tool-changes-2026-07-01": None,
        "prompt-caching-scope-2026-01-05": None,
        "skills-2025-10-02": None,
        "structured-outputs-2025-11-13": None,
        "task-budgets-2026-03-13": None,
    },
    "bedrock-mantle": {
        "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
        "fast-mode-2026-02-01": None,
        "prompt-caching-scope-2026-01-05": None,
    },
    "vertex": {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19", "fast-mode-2026-02-01": None},
    "foundry": {"compact-2026-01-12": None, "thinking-display-updates-2026-08-18": None},
}


@dataclass
class HandFacts:
    """Facts for tests; the catalogue's are tested on their own."""

    wire: Mapping[tuple[str, str], str] = field(default_factory=lambda: WIRE)
    refused: Mapping[str, frozenset[str]] = field(default_factory=lambda: REFUSED)
    lacking: Mapping[str, set[str]] = field(default_factory=lambda: LACKING)
    betas: Mapping[str, Mapping[str, str | None]] = field(default_factory=lambda: BETAS)
    counting: bool | None = None

    def model_id(self, name: str) -> str:
        return name

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        if model == "unknown":
            raise NoClaim(f"{surface} does not carry {model}")
        return self.wire.get((surface, model), model)

    def versions(self, surface: str, model: str) -> tuple[str, ...]:
        own = {"bedrock": "bedrock-2023-05-31", "vertex": "vertex-2023-10-16"}.get(surface, "2023-06-01")
        return (own,) if surface == "bedrock" and model == OPUS_45 else ("2026-10-21", own)

    def beta(self, surface: str, model: str, beta: str) -> str | None:
        return self.betas.get(surface, {}).get(beta, beta)

    def unsupported_fields(self, surface: str, model: str) -> frozenset[str]:
        old = frozenset({"cache_control"}) if surface == "bedrock" and model == OPUS_45 else frozenset()
        return self.refused.get(surface, frozenset()) | old

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        if capability == "token_counting":
            return self.counting
        return False if capability in self.lacking.get(surface, set()) else None

    def output_tokens_max(self, model: str) -> int | None:
        return 128_000

    def models(self) -> tuple[str, ...]:
        return (OPUS_5, OPUS_45)

    def display_name(self, model: str) -> str:
        return model


FACTS = HandFacts()
HELLO: dict[str, Any] = {"max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}


def request(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    model: str = OPUS_5,
    betas: tuple[str, ...] = (),
    version: str = "2023-06-01",
    endpoint: Endpoint = "messages",
    headers: Mapping[str, str] | None = None,
) -> MessagesRequest:
    """What the gateway makes of a client's body; `model` is put in when the body names none."""
    data = (
        body if isinstance(body, bytes) else json.dumps({"model": model, **(HELLO if body is None else body)}).encode()
    )
    read = Body(data)
    return MessagesRequest(
        request_id="req_1",
        endpoint=endpoint,
        body=read,
        model=model,
        stream=bool(read.get("stream")) and endpoint == "messages",
        max_tokens=read.get("max_tokens"),
        version=version,
        betas=betas,
        headers=dict(headers or {}),
    )


def send(
    surface: str,
    asked: MessagesRequest,
    *,
    scope: str = "",
    tier: str = "standard",
    facts: Any = FACTS,
    **settings: Any,
) -> Outbound:
    """What the adapter would send."""
    known = SETTINGS[surface]
    changed = {name: getattr(known, name) for name in known.__slots__} | settings
    target = Target(Offer(surface, scope or known.scope, asked.model, tier), 1)
    return UPSTREAMS[surface].prepare(asked, target, facts, SurfaceSettings(**changed))


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One event-stream frame, written here and not by the code under test."""
    encoded = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    lengths = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + encoded + payload
    return body + struct.pack(">I", zlib.crc32(body))


def chunk(event: bytes | Mapping[str, Any], padding: str = "abcd") -> bytes:
    """A frame that carries one event."""
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    payload = json.dumps({"bytes": base64.b64encode(raw).decode(), "p": padding}).encode()
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return frame(named, payload)


def exception(kind: str, **fields: Any) -> bytes:
    """A frame that ends a stream."""
    named = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(named, json.dumps(fields).encode())
