"""The table of cells: who asks, in which words; which surface answers; and what cannot be, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cells import clients
from gateway_upstream.support import OPUS_5, SETTINGS
from trivium.core import ROUTABLE_SURFACES
from trivium.gateway import SurfaceSettings

FOLDER = Path(__file__).parent.parent / "golden" / "cells"
REQUESTS: dict[str, Any] = json.loads((FOLDER / "requests.json").read_text())
PROFILE = f"us.anthropic.{OPUS_5}"


@dataclass(frozen=True)
class Asked:
    """One HTTP request to the gateway, but for the key."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Ingress:
    """A kind of client: how it says a request of the file, and what its official client makes of the answers.

    `say(request, stream)` gets one entry of the request file, `read` says what the client understood, `check` raises
    for a stream that leaves the grammar of its dialect, and `meant` is what the recorded answers mean to such a client.
    """

    name: str
    say: Callable[[Mapping[str, Any], bool], Asked]
    read: clients.Read
    check: Callable[[clients.Answered], object]
    meant: clients.Meaning = clients.MEANT


def _messages(request: Mapping[str, Any], stream: bool, *, path: str = "/v1/messages") -> Asked:
    body = {"model": OPUS_5, **({"stream": True} if stream else {}), **request["messages"]}
    betas = {"anthropic-beta": ",".join(request["betas"])} if request["betas"] else {}
    return Asked(path, body, {"anthropic-version": "2023-06-01", **betas})


def _foundry(request: Mapping[str, Any], stream: bool) -> Asked:
    return _messages(request, stream, path="/anthropic/v1/messages")


def _vertex(request: Mapping[str, Any], stream: bool) -> Asked:
    method = "streamRawPredict" if stream else "rawPredict"
    path = f"/v1/projects/p/locations/global/publishers/anthropic/models/{OPUS_5}:{method}"
    body = {"anthropic_version": "vertex-2023-10-16", **({"stream": True} if stream else {}), **request["messages"]}
    betas = {"anthropic-beta": ",".join(request["betas"])} if request["betas"] else {}
    return Asked(path, body, betas)


def _invoke(request: Mapping[str, Any], stream: bool) -> Asked:
    operation = "invoke-with-response-stream" if stream else "invoke"
    betas = {"anthropic_beta": request["betas"]} if request["betas"] else {}
    body = {"anthropic_version": "bedrock-2023-05-31", **betas, **request["messages"]}
    return Asked(f"/model/{PROFILE}/{operation}", body, {})


def _converse(request: Mapping[str, Any], stream: bool) -> Asked:
    body = dict(request["converse"])
    if request["betas"]:
        more = {**body.get("additionalModelRequestFields", {}), "anthropic_beta": request["betas"]}
        body["additionalModelRequestFields"] = more
    return Asked(f"/model/{PROFILE}/{'converse-stream' if stream else 'converse'}", body, {})


def _chat(request: Mapping[str, Any], stream: bool) -> Asked:
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    betas = {"anthropic-beta": ",".join(request["betas"])} if request["betas"] else {}
    return Asked("/v1/chat/completions", {"model": OPUS_5, **more, **request["chat"]}, betas)


INGRESSES = (
    Ingress("messages", _messages, clients.anthropic, clients.check_events),
    Ingress("foundry", _foundry, clients.foundry, clients.check_events),
    Ingress("vertex", _vertex, clients.vertex, clients.check_events),
    Ingress("bedrock-invoke", _invoke, clients.bedrock_invoke, clients.check_chunks),
    Ingress("converse", _converse, clients.converse, clients.check_converse),
    Ingress("chat", _chat, clients.chat, clients.check_chat, clients.MEANT_CHAT),
)
SURFACES: tuple[SurfaceSettings, ...] = tuple(SETTINGS[name] for name in ROUTABLE_SURFACES)

_NO_FETCH = "the surface fetches no images, and the gateway does not fetch for it"
_ONLY_THERE = "guardrails are Bedrock's own"
# (request, ingress, surface): why it cannot be. Everything else must be served.
NEVER: Mapping[tuple[str, str, str], str] = {
    **{
        ("narrow", ingress, surface): _NO_FETCH
        for ingress in ("messages", "foundry", "vertex", "bedrock-invoke", "chat")
        for surface in ("bedrock", "bedrock-mantle", "vertex")
    },
    **{("narrow", "converse", surface): _ONLY_THERE for surface in ROUTABLE_SURFACES if surface != "bedrock"},
}

# Where a client meets the surface whose dialect it speaks.
SAME = (
    ("messages", "anthropic"),
    ("messages", "claude-aws"),
    ("messages", "claude-gcp"),
    ("foundry", "foundry"),
    ("vertex", "vertex"),
    ("bedrock-invoke", "bedrock"),
    ("converse", "bedrock"),
)
