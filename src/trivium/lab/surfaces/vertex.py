"""Vertex AI, Google-managed: rawPredict, streamRawPredict and count-tokens of the publisher anthropic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from trivium.lab.models import Model
from trivium.lab.surfaces._base import (
    Call,
    Exchange,
    Metrics,
    Operation,
    Refused,
    Reply,
    Setup,
    Surface,
    Verifier,
    account_of,
    bearer,
    derived,
    invalid,
    json_reply,
    sse,
)
from trivium.lab.surfaces._first_party import header_betas, known_betas
from trivium.lab.surfaces._platform import (
    FIRST_PARTY_ONLY,
    SERVER_TOOLS,
    TOOLSETS,
    refuse_fields,
    refuse_remote_sources,
    refuse_tools,
)

VERSION_OWN, VERSION_NEW = "vertex-2023-10-16", "2026-10-21"
_VERSIONS = {VERSION_OWN: "2023-06-01", VERSION_NEW: VERSION_NEW}
_PATH = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/anthropic/models/(?P<model>[^/:]+)"
    r":(?P<method>rawPredict|streamRawPredict)"
)
_COUNT, _STREAM = "count-tokens", "streamRawPredict"
_MULTI_REGIONS = ("us", "eu")
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")
_COUNT_LOCATIONS = ("global", "us-east5", "europe-west1", "asia-southeast1")
_GLOBAL, _REGIONAL = "global", "regional_or_multi_region"
_WEB_SEARCH = "web_search_20250305"
_VERTEX_EVENT = b'event: vertex_event\ndata: {"type":"vertex_event"}\n\n'
_SIZE_LIMIT_MB = 30

# HTTP status → google.rpc status, for what Google's front end answers itself.
_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Vertex(Surface):
    """Claude as Google serves it; the project in the path is the account.

    Options: `google` verifies access tokens (the setup's keys are taken for tokens too); `projects` that may be named
    (None: any); `vertex_events` sends one in each stream; `array_errors` says whether an error on
    streamRawPredict comes wrapped in a JSON array: "seeded" (the default, about half), "always", "never".
    """

    name: ClassVar[str] = "vertex"
    body_bytes_max: ClassVar[int] = _SIZE_LIMIT_MB * 1_000_000

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._google: Verifier | None = setup.options.get("google")
        projects = setup.options.get("projects")
        self._projects = frozenset(projects) if projects else None
        self._vertex_events = bool(setup.options.get("vertex_events", False))
        self._array_errors = str(setup.options.get("array_errors", "seeded"))
        self._betas = known_betas()

    def route(self, exchange: Exchange) -> Operation | None:
        """Path and method; `models/count-tokens` is the count."""
        match = _PATH.fullmatch(exchange.path)
        if match is None or exchange.method != "POST":
            return None
        if match["model"] == _COUNT:
            return Operation.COUNT_TOKENS if match["method"] != _STREAM else None
        return Operation.MESSAGES

    def authenticate(self, exchange: Exchange) -> str:
        """An OAuth bearer token, then the project."""
        token = bearer(exchange)
        if token is None:
            message = (
                "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
                "other valid authentication credential."
            )
            raise Refused(401, "authentication_error", message, native="UNAUTHENTICATED")
        self._check_token(token, exchange)
        match = _match(exchange)
        project = unquote(match["project"])
        if self._projects is not None and project not in self._projects:
            message = (
                "Permission 'aiplatform.endpoints.predict' denied on resource "
                f"'//aiplatform.googleapis.com/{_resource(match)}' (or it may not exist)."
            )
            raise Refused(403, "permission_error", message, native="PERMISSION_DENIED")
        return project

    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:
        """Model and location from the path, version from the body, betas from the header."""
        match = _match(exchange)
        location = unquote(match["location"])
        version = _read_version(body)
        if operation is Operation.COUNT_TOKENS:
            name = body.pop("model", None)
            if not isinstance(name, str) or not name:
                raise invalid("model: Field required")
            if location not in _COUNT_LOCATIONS:
                raise _not_servable(match, _COUNT)
        else:
            name = unquote(match["model"])
        model = self.setup.models.find("vertex", name)
        if model is None or not _is_location(location):
            raise _not_found(match, name)
        _check_location(match, model, location, name)
        stream = body.pop("stream", False) if operation is Operation.MESSAGES else False
        if not isinstance(stream, bool):
            raise invalid("stream: Input should be a valid boolean")
        betas = self._read_betas(exchange)
        _check(body)
        return Call(
            surface=self.name,
            account=account,
            model=model.id,
            model_echo=model.names["anthropic"] or model.id,
            scope=_GLOBAL if location == _GLOBAL else _REGIONAL,
            version=version,
            betas=betas,
            stream=stream,
            fields=body,
            id_infix="vrtx_",
        )

    def unknown_path(self, exchange: Exchange) -> Refused:  # noqa: ARG002  Google's page does not name the path
        """Google's 404."""
        return Refused(404, "not_found_error", "Method not found.", native="NOT_FOUND")

    def too_large(self) -> Refused:
        """30 MB."""
        message = f"The request size exceeds {_SIZE_LIMIT_MB}.000MB limit."
        return Refused(400, "request_too_large", message, native="INVALID_ARGUMENT")

    def id_headers(self, request_id: str) -> dict[str, str]:  # noqa: ARG002  no stable header is known
        """None: the id stands in the body of an error."""
        return {}

    def frame(self, event: dict[str, Any], metrics: Metrics) -> bytes:
        """Server-sent events, with a `vertex_event` before the first block when asked for."""
        framed = super().frame(event, metrics)
        if self._vertex_events and event["type"] == "content_block_start" and event["index"] == 0:
            return _VERTEX_EVENT + framed
        return framed

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:
        """Google's error object for what its front end refuses, Anthropic's envelope for the model service."""
        headers = {name: value for name, value in refused.headers.items() if not name.lower().startswith("retry-after")}
        if not refused.native and refused.status not in _STATUSES.keys() - {400}:
            error = {"type": refused.kind, "message": refused.message}
            body = {"type": "error", "error": error, "request_id": _request_id(exchange.request_id)}
            return json_reply(refused.status, body, headers)
        status = refused.native or _STATUSES[refused.status]
        google = {"error": {"code": refused.status, "message": self._google_text(refused, exchange), "status": status}}
        return json_reply(refused.status, [google] if self._wrapped(exchange) else google, headers)

    def stream_error(self, refused: Refused, request_id: str) -> bytes:
        """Anthropic's event, with Vertex's form of request id."""
        error = {"type": refused.kind, "message": refused.message}
        return sse({"type": "error", "error": error, "request_id": _request_id(request_id)})

    def _check_token(self, token: str, exchange: Exchange) -> None:
        if account_of(self.setup.keys, [token]) is not None:
            return
        if self._google is not None:
            self._google.verify(token, exchange.at)
        else:
            message = "Request had invalid authentication credentials."
            raise Refused(401, "authentication_error", message, native="UNAUTHENTICATED")

    def _read_betas(self, exchange: Exchange) -> tuple[str, ...]:
        betas = header_betas(exchange)
        unknown = ", ".join(f"`{beta}`" for beta in betas if beta not in self._betas)
        if unknown:
            raise invalid(f"Unexpected value(s) {unknown} for the `anthropic-beta` header.")
        return betas

    def _google_text(self, refused: Refused, exchange: Exchange) -> str:
        match = _PATH.fullmatch(exchange.path)
        if refused.native or match is None:
            return refused.message
        name = unquote(match["model"])
        if refused.status == 404:  # noqa: PLR2004  the engine: not served on that day
            return _not_found(match, name).message
        if refused.status == 429:  # noqa: PLR2004  a limit, or a fault that plays one
            prefix = "global_" if match["location"] == _GLOBAL else ""
            return (
                f"Quota exceeded for aiplatform.googleapis.com/{prefix}online_prediction_requests_per_base_model with "
                f"base model: anthropic-{name.partition('@')[0]}. Please submit a quota increase request. "
                "https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai."
            )
        return refused.message

    def _wrapped(self, exchange: Exchange) -> bool:
        if not exchange.path.endswith(f":{_STREAM}") or self._array_errors == "never":
            return False
        seeded = int(derived(exchange.request_id, f"array {self.setup.seed}", 2), 16) % 2 == 0
        return seeded or self._array_errors == "always"


def build(setup: Setup) -> Vertex:
    """The surface."""
    return Vertex(setup)


def _match(exchange: Exchange) -> re.Match[str]:
    match = _PATH.fullmatch(exchange.path)
    if match is None:
        raise Refused(404, "not_found_error", "Method not found.", native="NOT_FOUND")
    return match


def _read_version(body: dict[str, Any]) -> str:
    given = body.pop("anthropic_version", None)
    if given is None:
        raise invalid("anthropic_version: Field required")
    if given not in _VERSIONS:
        raise invalid(f"anthropic_version: Input should be '{VERSION_OWN}' or '{VERSION_NEW}'")
    return _VERSIONS[given]


def _check(body: Mapping[str, Any]) -> None:
    refuse_fields(body, FIRST_PARTY_ONLY | {"model"})
    refuse_tools(body, SERVER_TOOLS + TOOLSETS, but={_WEB_SEARCH})
    refuse_remote_sources(body)


def _is_location(location: str) -> bool:
    return location == _GLOBAL or location in _MULTI_REGIONS or _REGION.fullmatch(location) is not None


def _check_location(match: re.Match[str], model: Model, location: str, name: str) -> None:
    """Specific regions end with the line before 4.7; newer models are global or multi-region."""
    if model.since_4_7 and _REGION.fullmatch(location):
        raise _not_servable(match, name)


def _resource(match: re.Match[str], name: str | None = None) -> str:
    project, location = unquote(match["project"]), unquote(match["location"])
    return f"projects/{project}/locations/{location}/publishers/anthropic/models/{name or unquote(match['model'])}"


def _not_found(match: re.Match[str], name: str) -> Refused:
    message = (
        f"Publisher Model `{_resource(match, name)}` was not found or your project does not have access to it. Please "
        "ensure you are using a valid model version."
    )
    return Refused(404, "not_found_error", message, native="NOT_FOUND")


def _not_servable(match: re.Match[str], name: str) -> Refused:
    message = f"Publisher Model `{_resource(match, name)}` is not servable in region {unquote(match['location'])}."
    return Refused(400, "invalid_request_error", message, native="FAILED_PRECONDITION")


def _request_id(request_id: str) -> str:
    return "req_vrtx_" + request_id.removeprefix("req_")
