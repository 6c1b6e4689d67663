"""What comes into the gateway as an argument, and what its parts hand to each other: Protocols and frozen values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from trivium.core import (
    Closed,
    KeyRecord,
    Money,
    Offer,
    Outcome,
    Quality,
    Resource,
    ResourceKind,
    RouteTable,
    Target,
    TriviumError,
    UpstreamError,
    Usage,
    UserError,
)
from trivium.gateway.wire.body import Body

Endpoint = Literal["messages", "count_tokens", "batches", "files"]
Headers = Mapping[str, str]  # names in lower case; repeated headers are joined with ", "


class NotSupported(TriviumError):
    """The surface lacks what was asked: HTTP 501 `not_supported`, and the client should not retry."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """What of a request the Messages API has no words for: only the surface whose dialect it is can take it."""

    surface: str
    refused: UserError | None = None  # why any other surface cannot serve the request
    notes: tuple[str, ...] = ()  # what any other surface is not told, for the client


@dataclass(frozen=True, slots=True)
class MessagesRequest:
    """A client's request, read once. `body` keeps the client's bytes; `model` is the catalogue's id."""

    request_id: str
    endpoint: Endpoint
    body: Body
    model: str
    stream: bool = False
    max_tokens: int | None = None
    version: str = "2023-06-01"  # anthropic-version as sent
    betas: tuple[str, ...] = ()  # anthropic-beta, split
    headers: Headers = field(default_factory=dict)  # the other anthropic-* headers, to be forwarded
    session: str = ""
    notes: tuple[str, ...] = ()  # what of the request was not followed, for the client
    dialect: str = "messages"
    native: Body | None = None  # the body as it came, where its dialect is a surface's own
    complete: Complete | None = None  # what of the body depends on the model
    beyond: Beyond | None = None
    own: Headers = field(default_factory=dict)  # headers for the surface whose dialect the client speaks, and no other

    def body_for(self, surface: str) -> Body:
        """What an adapter edits: the client's own bytes where it speaks that surface's dialect."""
        own = self.native if self.dialect == surface and self.endpoint == "messages" else None
        return own or self.body

    def by(self, model: str, facts: Facts) -> MessagesRequest:
        """The request for another model that a route serves it by, within what was admitted; raises UserError."""
        if self.complete is None:
            return replace(self, model=model)
        return replace(self, model=model, body=self.complete(self.body, model, facts, self.max_tokens)[0])


@dataclass(frozen=True, slots=True)
class Outbound:
    """One HTTP request to an upstream. Its address comes from settings, never from a client."""

    surface: str
    method: str
    url: str
    headers: Headers
    body: bytes
    stream: bool = False
    notes: tuple[str, ...] = ()  # what was changed or left out, for the client: `x-trivium-notes`
    offer: Offer | None = None  # what this request buys when that is not the target's offer (fast mode, a geography)
    native: bool = False  # its answer is in the client's own dialect already, and passes as it comes


class Inbound(Protocol):
    """The answer of an upstream, its body not yet read."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers, names in lower case."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises TransportError when it breaks or falls silent for too long."""
        ...

    async def close(self) -> None:
        """Let go of the connection; an unread body is cancelled. Safe to call twice."""
        ...


class TransportError(TriviumError):
    """The connection failed. `sent` says whether the request may have reached the upstream, so may be billed."""

    def __init__(self, message: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a surface may take."""

    connect_s: float = 5.0
    first_byte_s: float = 600.0  # a whole answer is silent until it is complete
    idle_s: float = 300.0
    stream_first_byte_s: float = 120.0  # of a stream, and of a count of tokens


class Patience(NamedTuple):
    """How long a surface that is well may take to its first byte, in seconds; beyond it silence is suspicious."""

    unlearnt_s: float  # while the circuit's own pace is not known, and for a probe
    least_s: float  # however fast the circuit is


_EVENTS = Patience(10.0, 5.0)  # the first event of a stream comes long before its end
_WHOLE = Patience(600.0, 60.0)  # a whole answer is silent until it is complete


class Transport(Protocol):
    """Sends a request to an upstream: no redirects, no decompression, no retries."""

    async def send(self, outbound: Outbound, timeouts: Timeouts) -> Inbound:
        """Send and return once the answer's headers are there; raises TransportError."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Credential(Protocol):
    """Authorises requests to one surface."""

    async def headers(self, outbound: Outbound) -> Headers:
        """Headers to add to exactly this request (a signature covers its headers and body)."""
        ...

    async def refresh(self) -> None:
        """Forget what is cached: the surface called it expired."""
        ...


class Facts(Protocol):
    """What the catalogue says today; implemented over a Snapshot (`gateway.facts`) or by hand in a test."""

    def model_id(self, name: str) -> str:
        """The catalogue's id for a name a client sent; raises FactError when there is none or several."""
        ...

    def wire_model(self, surface: str, scope: str, model: str) -> str:
        """The id the surface wants; raises FactError when the surface does not carry the model."""
        ...

    def versions(self, surface: str, model: str) -> tuple[str, ...]:
        """The API versions the surface accepts for the model, as the surface spells them, newest first."""
        ...

    def beta(self, surface: str, model: str, beta: str) -> str | None:
        """The name a beta has on the surface, or None when the surface refuses it."""
        ...

    def unsupported_fields(self, surface: str, model: str) -> frozenset[str]:
        """Top-level request fields that the surface refuses for the model."""
        ...

    def supports(self, surface: str, model: str, capability: str) -> bool | None:
        """Whether the surface offers a capability of the catalogue's; None when no claim says."""
        ...

    def output_tokens_max(self, model: str) -> int | None:
        """The longest answer that every surface gives for the model; None when no claim says."""
        ...

    def models(self) -> tuple[str, ...]:
        """Every model that a surface carries today, newest first."""
        ...

    def display_name(self, model: str) -> str:
        """A name for people."""
        ...


class Complete(Protocol):
    """Says in a body what depends on the model; notes are for the client and hold for any model."""

    def __call__(self, body: Body, model: str, facts: Facts, most: int | None = None) -> tuple[Body, tuple[str, ...]]:
        """The body for a model; `most` is the longest answer that was admitted. Raises UserError."""
        ...


@dataclass(frozen=True, slots=True)
class SurfaceSettings:
    """One configured upstream: where it is and how it is addressed."""

    surface: str
    base_url: str
    scope: str = "global"
    region: str = ""
    project: str = ""
    workspace: str = ""
    deployments: Mapping[str, str] = field(default_factory=dict)  # catalogue model id -> deployment or profile name
    headers: Headers = field(default_factory=dict)  # the operator's own, sent with every request
    timeouts: Timeouts = field(default_factory=Timeouts)
    draining: bool = False  # takes no new requests while another target can
    on_disconnect: Literal["cancel", "drain", ""] = ""  # the answer of a client that left; empty: as claims suggest
    drain_s_max: float = 120.0  # how long such an answer is read on
    drain_bytes_max: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything an operator may set. Keys of `surfaces` are `surface` or `surface/scope`; the longer one wins."""

    surfaces: Mapping[str, SurfaceSettings]
    identity_workloads: frozenset[str] = frozenset()  # their keys are held by a gateway that names its users
    body_bytes_max: int = 32 * 1024 * 1024
    header_bytes_max: int = 64 * 1024
    header_count_max: int = 200
    header_read_s: float = 10.0  # a request's head must arrive within
    response_bytes_max: int = 64 * 1024 * 1024  # an answer that is not streamed
    event_bytes_max: int = 16 * 1024 * 1024  # one server-sent event
    body_read_s: float = 60.0  # a request body must arrive within
    body_idle_s: float = 15.0  # and may not stand still for longer
    keep_alive_s: float = 75.0  # a connection may be idle for so long between two requests
    batch_bytes_max: int = 256 * 1024 * 1024  # the body that makes a batch
    file_bytes_max: int = 500 * 1024 * 1024
    upload_read_s: float = 900.0  # such a body must arrive within
    uploads_max: int = 4  # such bodies in memory at a time
    deadline_s: float = 3600.0  # a request, all attempts together
    trail_s: float = 2.0  # how long a surface may keep its connection behind the last event of an answer
    gate_hold_s: float = 2.0  # how long an opening event may wait for the first content event
    ping_interval_s: float = 15.0
    extra_attempts_max: int = 2
    retry_ratio: float = 0.1  # extra attempts per request
    retry_floor_per_s: float = 3.0
    retry_after_s_max: float = 5.0  # a longer retry-after is the client's to wait
    rest_s_max: float = 300.0  # a surface that names a longer time is asked again after this one; 0: no rests
    breaker_failures: int = 5
    breaker_open_s: float = 30.0
    patience_events: Patience = _EVENTS  # with streams, and counts of tokens
    patience_whole: Patience = _WHOLE
    budget_wait_s_max: float = 20.0  # for room in the retry budget, where another surface could answer
    drain_s: float = 30.0
    hedge_after_s: Mapping[str, float] = field(default_factory=dict)  # by workload: a second surface is asked then
    stall_s: float = 60.0  # a client that takes no bytes for so long is given up
    cache_loss_max: Mapping[str, Money] = field(default_factory=dict)  # by workload; a route's own goes before it

    def key_for(self, offer: Offer) -> str | None:
        """The configured upstream that serves an offer, or None."""
        for key in (f"{offer.surface}/{offer.scope}", offer.surface):
            if key in self.surfaces:
                return key
        return None


# --- the adapter of a surface -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt as the surface's adapter reads it: the law's part, and what the client would be told."""

    error: UpstreamError  # retry never | here | elsewhere, retry_after_s
    status: int  # HTTP status for the client
    body: bytes  # Anthropic error envelope; the upstream's own bytes when it speaks that format
    error_type: str  # overloaded_error, rate_limit_error, …
    outcome: Outcome = Outcome.REFUSED  # REFUSED: certainly not billed; FAILED: unknown
    credential: bool = False  # the surface refused our credential: refresh it once and try again here


class Decoder(Protocol):
    """Turns one upstream answer into bytes for the client, and reads usage from a copy.

    Whatever `feed` returns consists of whole events (streams), so a ping or an error event may always follow.
    The concatenation of all results is the same wherever the input was cut.
    """

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they came, return bytes for the client (possibly none yet)."""
        ...

    def finish(self) -> bytes:
        """The upstream ended its answer regularly: the remaining bytes, if any."""
        ...

    @property
    def content_begun(self) -> bool:
        """Whether the first content event (streams) or the whole body (else) has been decoded."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the answer came to its regular end (`message_stop`, or valid JSON)."""
        ...

    @property
    def failure(self) -> Failure | None:
        """An error inside a 200 answer. `feed` returns what precedes it, and nothing after it."""
        ...

    @property
    def usage(self) -> Usage:
        """What has been consumed as far as it is known; what is not known is None."""
        ...

    @property
    def quality(self) -> Quality:
        """EXACT once final counts were read, ESTIMATED when output was counted from deltas, else UNKNOWN."""
        ...

    @property
    def stop_reason(self) -> str:
        """As the surface put it, empty when unknown."""
        ...


class Upstream(Protocol):
    """The adapter of one surface: pure functions on values. One file each in `gateway/upstream/`."""

    def prepare(self, request: MessagesRequest, target: Target, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The request to send, without credentials; raises UserError (400), NotSupported (501), FactError."""
        ...

    def decoder(self, request: MessagesRequest, status: int, headers: Headers, limits: GatewaySettings) -> Decoder:
        """A decoder for a 2xx answer to `request`."""
        ...

    def classify(self, status: int, headers: Headers, body: bytes) -> Failure:
        """Read an answer that is not 2xx."""
        ...

    def request_id(self, headers: Headers) -> str:
        """The upstream's own id of the request, empty when it sent none."""
        ...


@dataclass(frozen=True, slots=True)
class Errand:
    """A request about a batch or a file, for an adapter to address; `path` begins with `/v1/`."""

    method: str
    path: str
    version: str = "2023-06-01"
    betas: tuple[str, ...] = ()
    headers: Headers = field(default_factory=dict)  # the client's other anthropic-* headers
    accept: str = "application/json"
    content_type: str = ""
    body: bytes = b""


@runtime_checkable
class Keeper(Protocol):
    """The adapter of a surface that keeps batches or files; which of them is what claims say."""

    def auxiliary(self, errand: Errand, facts: Facts, settings: SurfaceSettings) -> Outbound:
        """The request to send, without credentials."""
        ...


# --- admission, routing, time --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """What an admission may look at before anything is sent. `offers` are the candidates in order."""

    request_id: str
    at: datetime
    key: KeyRecord
    model: str
    endpoint: Endpoint
    stream: bool
    session: str
    prompt_bytes: int
    max_output_tokens: int | None
    offers: tuple[Offer, ...]
    hedged: bool = False  # two of them may be asked at once


@dataclass(frozen=True, slots=True)
class Admitted:
    """A granted request; `hold_id` names what must be settled, `headers` go to the client.

    `allows` is asked as counts grow while an answer streams, with estimates where there are no counts yet, and must
    answer at once: a `bounded` budget says False when its overshoot is used up, and the stream ends with an error.
    """

    hold_id: str = ""
    headers: Headers = field(default_factory=dict)
    allows: Callable[[Offer, Usage], bool] | None = None


class Admission(Protocol):
    """Budgets and limits before spending."""

    async def admit(self, request: AdmissionRequest) -> Admitted:
        """Grant or raise AdmissionDenied."""
        ...

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        """The request is over; called once for each grant, with every attempt that was opened."""
        ...


class OpenAdmission:
    """Admits everything."""

    async def admit(self, request: AdmissionRequest) -> Admitted:  # noqa: ARG002  the signature is the Protocol's
        """Grant."""
        return Admitted()

    async def settle(self, admitted: Admitted, attempts: tuple[Closed, ...]) -> None:
        """Nothing was held."""


class CachePrices(Protocol):
    """What a prompt cache is worth; implemented over a price book by who may open one."""

    def rewrite(self, offer: Offer, tokens: int, *, hour: bool, at: datetime) -> Money | None:
        """What it costs to write so many tokens at an offer over reading them there; None where there is no price."""
        ...


class NoCachePrices:
    """Knows no price."""

    def rewrite(self, offer: Offer, tokens: int, *, hour: bool, at: datetime) -> Money | None:  # noqa: ARG002
        """None: unknown, not free."""
        return None


class Resources(Protocol):
    """Who owns a batch or a file; implemented over the ledger's file, or in memory (`gateway.resources`).

    Every call returns when what it wrote is durable, and raises LedgerError where that cannot be.
    """

    async def register(self, resource: Resource) -> None:
        """Write down an owner."""
        ...

    async def owner(self, kind: ResourceKind, resource_id: str) -> Resource | None:
        """The resource of an id; None if it is unknown or forgotten."""
        ...

    async def listing(
        self,
        kind: ResourceKind,
        workload: str,
        surfaces: Sequence[str],
        *,
        limit: int,
        after: str = "",
        before: str = "",
    ) -> tuple[tuple[Resource, ...], bool]:
        """A page of a workload's resources at some configured surfaces, newest first, and whether more follow."""
        ...

    async def metered(self, resource: Resource) -> None:
        """Every result of this batch is in the ledger."""
        ...

    async def forget(self, resource: Resource) -> None:
        """It was deleted, or the surface no longer has it."""
        ...


class Pin(NamedTuple):
    """Where a request must go, because a file that it names lies there."""

    surface: str  # as configured
    file_id: str

    def elsewhere(self, model: str) -> UserError:
        """What is told where no route leads there."""
        remedy = (
            f"it lies at {self.surface}, and no route takes {model} there: send the content as base64, or route to it"
        )
        return UserError("file_id", self.file_id, remedy)


class Circuit(NamedTuple):
    """What fails together: counting tokens may be down while messages are fine, and the other way round."""

    surface: str  # as configured: `surface` or `surface/scope`
    endpoint: Endpoint
    model: str


class Breaker(Protocol):
    """Keeps requests away from a circuit that keeps failing."""

    def allows(self, circuit: Circuit) -> bool:
        """Whether a request may be sent there now; an answer of True to a half-open circuit is its one probe."""
        ...

    def closed(self, circuit: Circuit) -> bool:
        """Whether requests pass freely; False also while one may probe."""
        ...

    def record(self, circuit: Circuit, *, healthy: bool, began_ns: int | None = None) -> None:
        """How an attempt went; a refusal for the request's own content counts as healthy.

        `began_ns` is the clock's monotonic time at which it was sent: an answer to what was sent before the breaker
        opened does not close it.
        """
        ...

    def trip(self, circuit: Circuit) -> None:
        """Open at once: requests wait there and none is answered."""
        ...

    def release(self, circuit: Circuit) -> None:
        """An attempt ended without evidence (the client left): give its probe back."""
        ...


Routes = Callable[[], RouteTable]
Stamp = Callable[[Headers], datetime]  # the event time of a request, from the clock or (replay) from a header
