"""The dialects that clients speak, found by path. Adding one is a file here; the pump knows none of them."""

from __future__ import annotations

import re
from urllib.parse import unquote

from trivium.core import Clock
from trivium.gateway.dialect._seam import Asked, Canonical, Dialect, NoMessage, Speech, Spoken
from trivium.gateway.dialect.bedrock import Bedrock
from trivium.gateway.dialect.converse import Converse
from trivium.gateway.dialect.foundry import Foundry
from trivium.gateway.dialect.messages import Messages, MessagesSpeech
from trivium.gateway.dialect.openai import OpenAI
from trivium.gateway.dialect.vertex import Vertex
from trivium.gateway.seams import Endpoint

__all__ = [
    "BEDROCK",
    "DIALECTS",
    "FOUNDRY",
    "MESSAGES",
    "OPENAI",
    "PROFILES",
    "VERTEX",
    "Asked",
    "Canonical",
    "Dialect",
    "MessagesSpeech",
    "NoMessage",
    "Speech",
    "Spoken",
    "asked",
    "models_asked",
]

_MESSAGES, _FOUNDRY, _VERTEX, _BEDROCK, _CONVERSE = Messages(), Foundry(), Vertex(), Bedrock(), Converse()
_OPENAI = OpenAI()
MESSAGES, BEDROCK, FOUNDRY, OPENAI, VERTEX = _MESSAGES, _BEDROCK, _FOUNDRY, _OPENAI, _VERTEX
PROFILES = "/inference-profiles"  # what Bedrock's clients ask for before they begin
DIALECTS: tuple[Dialect, ...] = (_MESSAGES, _FOUNDRY, _VERTEX, _BEDROCK, _CONVERSE, _OPENAI)

_PLAIN = {
    "/v1/messages": Asked(_MESSAGES, "messages"),
    "/v1/messages/count_tokens": Asked(_MESSAGES, "count_tokens"),
    "/anthropic/v1/messages": Asked(_FOUNDRY, "messages"),
    "/anthropic/v1/messages/count_tokens": Asked(_FOUNDRY, "count_tokens"),
}
_CHAT = "/v1/chat/completions"  # its answers say when they were made
_INVOKE = re.compile(r"/model/([^/]+)/(invoke|invoke-with-response-stream|count-tokens)")
_CONVERSES = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
_PREDICT = re.compile(
    r"(?:/v1)?/projects/[^/]+/locations/([^/]+)/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)"
)
_WORKSPACE = re.compile(r"/v1/projects/[^/]+/locations/[^/]+/workspaces/[^/]+/invoke(/v1/messages(?:/count_tokens)?)")
_MODELS = re.compile(r"(/anthropic|/v1/projects/[^/]+/locations/[^/]+/workspaces/[^/]+/invoke)?/v1/models(?:/(.+))?")
_COUNTED = "count-tokens"


def models_asked(path: str) -> tuple[Dialect | None, str] | None:
    """Whether a decoded path asks for models: the dialect if the path says one, and the one model, if it names one."""
    found = _MODELS.fullmatch(path)
    if found is None:
        return None
    prefix = found[1]
    return (None if not prefix else _FOUNDRY if prefix == "/anthropic" else _MESSAGES), found[2] or ""


def asked(path: str, clock: Clock | None = None) -> Asked | None:
    """What a path asks for; percent-encoding untouched, without the query. None when nothing is served there.

    The clock is for answers that say how long they took.
    """
    if path in _PLAIN:
        return _PLAIN[path]
    if path == _CHAT:
        return Asked(_OPENAI, "messages", clock=clock)
    if found := _WORKSPACE.fullmatch(path):  # Claude on Google Cloud: the first-party wire below a prefix
        return _PLAIN[found[1]]
    if found := _INVOKE.fullmatch(path):
        endpoint: Endpoint = "count_tokens" if found[2] == _COUNTED else "messages"
        return Asked(_BEDROCK, endpoint, unquote(found[1]), found[2] == "invoke-with-response-stream")
    if found := _CONVERSES.fullmatch(path):
        return Asked(_CONVERSE, "messages", unquote(found[1]), found[2] == "converse-stream", clock=clock)
    if found := _PREDICT.fullmatch(path):
        notes = (f"the route decides where this is served, not location {found[1][:40]} of the path",)
        model = unquote(found[2])
        if model == _COUNTED:
            return Asked(_VERTEX, "count_tokens", notes=notes)
        return Asked(_VERTEX, "messages", model, found[3] == "streamRawPredict", notes)
    return None
