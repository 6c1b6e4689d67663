"""What a surface is to the lab: which paths it serves, whom it believes, how it reads a request and frames an answer.

The server does the rest. For each request it asks the surface, in this order:

    route(exchange)          which operation a method and path mean, or None (→ unknown_path)
    authenticate(exchange)   the account behind the credential, or raise Refused
    read(exchange, …)        the Call: model, version, betas, stream, Messages fields, or raise Refused
    answer / count_answer    frame a finished message or a count
    stream_start, frame,     frame a stream, event by event
    stream_end
    refuse(refused, …)       frame an error before the first byte
    stream_error(refused)    frame an error after it

The defaults here speak the first-party wire; a surface overrides what it does differently.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Protocol

import msgspec

from trivium.core import Clock
from trivium.lab.models import ModelTable

TOKENIZER = "synthetic-1"


class Operation(Enum):
    """What a request asks for."""

    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    BATCHES = "batches"  # answered by `lab._batches`
    FILES = "files"  # answered by `lab._files`
    OTHER = "other"  # answered by `Surface.other`: model lists, inference profiles, hello


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request as it was received, whole. `headers` looks names up without regard to case."""

    method: str
    path: str  # as on the request line, percent-encoding untouched, without the query
    query: str  # as on the request line, without "?"
    headers: Mapping[str, str]
    body: bytes
    at: datetime  # the lab's clock on arrival
    request_id: str  # the lab's own id, `req_…`; a surface may derive its ids from it
    scheme: str = "http"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refused(Exception):
    """The surface refuses the request. `kind` is the Messages API's error type; a surface maps it to its own form.

    `native` lets a surface raise its platform's own error: it is handed back to the same surface's `refuse`.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        native: str = "",
    ) -> None:
        self.status = status
        self.kind = kind
        self.message = message
        self.headers = dict(headers or {})
        self.native = native
        super().__init__(f"{status} {kind}: {message}")


def invalid(message: str) -> Refused:
    """The Messages API's 400 `invalid_request_error`."""
    return Refused(400, "invalid_request_error", message)


@dataclass(frozen=True, slots=True)
class Call:
    """A request a surface has understood, in the engine's terms."""

    surface: str
    account: str  # partitions caches and limits: an API key, a project, a subscription
    model: str  # the lab's model id, undated: `claude-opus-4-5`
    model_echo: str  # what the answer's `model` says
    scope: str  # the price table's region class: global, us, geo_or_regional, us_gov, regional_or_multi_region, …
    version: str  # "2023-06-01" or "2026-10-21": which rules apply (bedrock-2023-05-31 → 2023-06-01)
    betas: tuple[str, ...]
    stream: bool
    fields: Mapping[str, Any]  # the Messages body, without model, stream and anthropic_version
    id_infix: str = ""  # "bdrk_" → msg_bdrk_…, toolu_bdrk_…
    tier: str = "standard"
    form: str = ""  # of a surface with several operations: which words the answer is said in


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a finished or running answer consumed and took; surfaces put it into headers and last events."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    first_byte_ms: int
    latency_ms: int
    cache_write_1h_tokens: int = 0  # of the written ones


class Verifier(Protocol):
    """Checks a credential; implemented in `lab.auth`."""

    def verify(self, credential: str, now: datetime) -> str:
        """The account behind it; raises Refused."""
        ...


@dataclass(frozen=True, slots=True)
class Setup:
    """What a surface is built from."""

    models: ModelTable
    clock: Clock
    seed: int
    keys: Mapping[str, str]  # accepted API key → account (all surfaces that take keys; the lab's fake ones)
    options: Mapping[str, Any] = field(default_factory=dict)  # per surface: deployments, project, region, entra, …


class Surface(ABC):
    """One emulated surface. Stateless but for its setup; called from one event loop."""

    name: ClassVar[str]  # canonical surface id
    body_bytes_max: ClassVar[int] = 32 * 1024 * 1024
    stream_content_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    pings: ClassVar[bool] = True
    system_messages: ClassVar[bool] = True  # whether role "system" is accepted inside messages

    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    @abstractmethod
    def route(self, exchange: Exchange) -> Operation | None:
        """What the method and path mean here; None if nothing."""

    @abstractmethod
    def authenticate(self, exchange: Exchange) -> str:
        """The account behind the credential; raises Refused."""

    @abstractmethod
    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:
        """The call: `body` is the decoded JSON object (may be changed). Raises Refused."""

    def other(self, exchange: Exchange) -> Reply:
        """The answer to an authenticated OTHER operation; raises Refused."""
        raise self.unknown_path(exchange)

    def body_limit(self, path: str) -> int:  # noqa: ARG002  surfaces that store files take more there
        """Bytes of a body that the surface reads at a path."""
        return self.body_bytes_max

    def unknown_path(self, exchange: Exchange) -> Refused:  # noqa: ARG002  surfaces that name the path override this
        """What is raised for a path that the surface does not serve."""
        return Refused(404, "not_found_error", "Not Found")

    def too_large(self) -> Refused:
        """What is raised for a body over `body_bytes_max`."""
        return Refused(413, "request_too_large", "Request exceeds the maximum size")

    def id_headers(self, request_id: str) -> dict[str, str]:
        """The request-id headers of every response of this surface."""
        return {"request-id": request_id}

    def limit_headers(self, account: str, now: datetime) -> dict[str, str]:  # noqa: ARG002  most surfaces send none
        """Rate-limit headers of a successful response."""
        return {}

    def observe(self, account: str, now: datetime, metrics: Metrics) -> None:  # noqa: B027  most need nothing of it
        """A request of the account was answered: for surfaces that show limits."""

    def answer(self, call: Call, message: dict[str, Any], metrics: Metrics) -> Reply:  # noqa: ARG002  for overriding
        """Frame a finished message (request-id headers are added by the server)."""
        return json_reply(200, message)

    def count_answer(self, call: Call, input_tokens: int) -> Reply:  # noqa: ARG002  for overriding
        """Frame the answer of count_tokens."""
        return json_reply(200, {"input_tokens": input_tokens})

    def stream_start(self, call: Call) -> dict[str, str]:  # noqa: ARG002  for overriding
        """Headers of a streamed answer, besides content-type and request ids."""
        return {"cache-control": "no-cache"}

    def frame(self, event: dict[str, Any], metrics: Metrics) -> bytes:  # noqa: ARG002  for overriding
        """The bytes of one Messages stream event. `metrics` are final with the `message_stop` event."""
        return sse(event)

    def frame_of(self, call: Call, event: dict[str, Any], metrics: Metrics) -> bytes:  # noqa: ARG002  for overriding
        """The same, for a surface whose operations answer in different words."""
        return self.frame(event, metrics)

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """Frame an error before the first byte."""
        error = {"type": refused.kind, "message": refused.message}
        body = {"type": "error", "error": error, "request_id": exchange.request_id}
        return json_reply(refused.status, body, refused.headers)

    def stream_error(self, refused: Refused, request_id: str) -> bytes:
        """Frame an error after the first byte."""
        error = {"type": refused.kind, "message": refused.message}
        return sse({"type": "error", "error": error, "request_id": request_id})


def json_reply(status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status, {"content-type": "application/json", **(headers or {})}, msgspec.json.encode(value))


def sse(event: dict[str, Any]) -> bytes:
    """One server-sent event, exactly as the Messages API writes it."""
    kind: str = event["type"]
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def bearer(exchange: Exchange) -> str | None:
    """The token of an `Authorization: Bearer` header, None without one."""
    scheme, _, token = exchange.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def account_of(keys: Mapping[str, str], presented: Iterable[str]) -> str | None:
    """The account of the first presented key that is known."""
    for key in presented:
        if key in keys:
            return keys[key]
    return None


def derived(request_id: str, label: str, length: int = 24) -> str:
    """A stable identifier derived from a request id, for surfaces whose ids have another form."""
    return hashlib.blake2b(f"{label}:{request_id}".encode(), digest_size=32).hexdigest()[:length]
