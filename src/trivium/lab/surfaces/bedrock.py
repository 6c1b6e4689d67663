"""Bedrock's runtime: InvokeModel and Converse, their streams, CountTokens and the list of inference profiles."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b
from importlib.resources import files
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote

import msgspec

from trivium.lab import eventstream
from trivium.lab.auth.identities import AWS
from trivium.lab.auth.sigv4 import Received, SigV4Verifier
from trivium.lab.surfaces._base import (
    Call,
    Exchange,
    Metrics,
    Operation,
    Refused,
    Reply,
    Setup,
    Surface,
    account_of,
    bearer,
    derived,
    invalid,
    json_reply,
)
from trivium.lab.surfaces._bedrock_ids import ModelIds, Resolved, validation
from trivium.lab.surfaces._converse import CONVERSE, CONVERSE_STREAM, answer_of, fields_of, frames_of
from trivium.lab.surfaces._platform import (
    FIRST_PARTY_ONLY,
    SERVER_TOOLS,
    TOOLSETS,
    refuse_fields,
    refuse_remote_sources,
    refuse_tools,
)

VERSION_OWN, VERSION_NEW = "bedrock-2023-05-31", "2026-10-21"
_VERSIONS = {VERSION_OWN: "2023-06-01", VERSION_NEW: VERSION_NEW}
_INVOKE, _STREAM, _COUNT = "invoke", "invoke-with-response-stream", "count-tokens"
_STREAMS = {_STREAM, CONVERSE_STREAM}
_OPERATIONS = {
    **dict.fromkeys((_INVOKE, _STREAM, CONVERSE, CONVERSE_STREAM), Operation.MESSAGES),
    _COUNT: Operation.COUNT_TOKENS,
}
_REFUSED_FIELDS = FIRST_PARTY_ONLY | {"model", "stream"}
_TOOL_SEARCH, _TOOL_SEARCH_BETA = ("tool_search_tool_",), "tool-search-tool-2025-10-19"
_NOT_COUNTED = ("max_tokens", "metadata", "stop_sequences", "temperature", "top_p", "top_k")
_MODEL_ERRORS = "The model returned the following errors: "
_ERROR_TYPE_SUFFIX = ":http://internal.amazon.com/coral/com.amazon.bedrock/"

# The Messages API's error type → the exception of the service model and its HTTP status.
_ERRORS: Mapping[str, tuple[str, int]] = {
    "invalid_request_error": ("ValidationException", 400),
    "authentication_error": ("UnrecognizedClientException", 403),
    "permission_error": ("AccessDeniedException", 403),
    "billing_error": ("AccessDeniedException", 403),
    "not_found_error": ("ResourceNotFoundException", 404),
    "request_too_large": ("ValidationException", 400),
    "timeout_error": ("ModelTimeoutException", 408),
    "rate_limit_error": ("ThrottlingException", 429),
    "api_error": ("InternalServerException", 500),
    "overloaded_error": ("ServiceUnavailableException", 503),
}
_STATUSES: Mapping[int, str] = {
    424: "ModelErrorException",
    408: "ModelTimeoutException",
    503: "ServiceUnavailableException",
}
_NATIVE_STATUSES: Mapping[str, int] = {
    **dict(_ERRORS.values()),
    "ModelNotReadyException": 429,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ServiceQuotaExceededException": 400,
}
# What the platform says instead of the engine's or a fault's words.
_TEXTS: Mapping[str, str] = {
    "not_found_error": "Could not resolve the foundation model from the provided model identifier.",
    "rate_limit_error": "Too many requests, please wait before trying again.",
    "overloaded_error": "Bedrock is unable to process your request.",
}
_STREAM_ERRORS: Mapping[str, str] = {
    "invalid_request_error": "validationException",
    "rate_limit_error": "throttlingException",
    "timeout_error": "modelTimeoutException",
    "overloaded_error": "serviceUnavailableException",
}
_STREAM_NATIVES = frozenset({*_STREAM_ERRORS.values(), "internalServerException", "modelStreamErrorException"})


class Bedrock(Surface):
    """Claude through InvokeModel.

    Options: `aws` (access keys), `wall` (the clock that signatures are judged by; None: not at all), `region` (None:
    every region), `application_profiles` (id or ARN → the id it stands for).
    """

    name: ClassVar[str] = "bedrock"
    body_bytes_max: ClassVar[int] = 25_000_000
    stream_content_type: ClassVar[str] = "application/vnd.amazon.eventstream"
    pings: ClassVar[bool] = False

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        options = setup.options
        region = options.get("region")
        self._verifier = SigV4Verifier(
            options.get("aws", (AWS,)),
            service="bedrock",
            region=region,
            clock=options.get("wall", setup.clock),
        )
        self._ids = ModelIds(setup.models, region=region, application_profiles=options.get("application_profiles"))
        self._betas = frozenset((files("trivium.lab") / "data" / "betas_bedrock.csv").read_text().split()[1:])

    def route(self, exchange: Exchange) -> Operation | None:
        """The operations on a model, and the control plane's list of profiles, asked of the same address."""
        parts = exchange.path.split("/")
        if exchange.method == "POST" and len(parts) == 4 and parts[1] == "model" and parts[2]:  # noqa: PLR2004
            return _OPERATIONS.get(parts[3])
        if exchange.method == "GET" and parts[1] == "inference-profiles" and len(parts) in {2, 3}:
            return Operation.OTHER
        return None

    def authenticate(self, exchange: Exchange) -> str:
        """A Bedrock API key as bearer, else a signature."""
        key = bearer(exchange)
        if key is not None:
            account = account_of(self.setup.keys, [key])
            if account is None:
                message = "Authentication failed: Please make sure your API Key is valid."
                raise Refused(403, "permission_error", message, native="AccessDeniedException")
            return account
        headers = tuple(exchange.headers.items())
        request = Received(exchange.method, exchange.path, exchange.query, headers, exchange.body)
        return self._verifier.verify(request).account

    def read(self, exchange: Exchange, operation: Operation, body: dict[str, Any], account: str) -> Call:
        """Model and stream from the path; version and betas from the body."""
        model_id = unquote(exchange.path.split("/")[2])
        resolved = self._ids.resolve(model_id)
        if operation is Operation.COUNT_TOKENS:
            body = self._counted(resolved, body)
        else:
            self._ids.check_on_demand(resolved, model_id)
        operation_name = exchange.path.split("/")[3]
        form = CONVERSE if operation_name in {CONVERSE, CONVERSE_STREAM} else ""
        if form:
            body = fields_of(body, resolved.model)
            refuse_tools(body, _TOOL_SEARCH)  # InvokeModel only
            body["anthropic_version"] = VERSION_OWN  # the platform's own
        betas = self._read_betas(body)
        version = _read_version(body, resolved)
        self._check(body, resolved, betas)
        if operation is Operation.COUNT_TOKENS:
            body = {name: value for name, value in body.items() if name not in _NOT_COUNTED}
        return Call(
            surface=self.name,
            account=account,
            model=resolved.model.id,
            model_echo=resolved.model.names["anthropic"] or resolved.model.id,
            scope=resolved.scope,
            version=version,
            betas=betas,
            stream=operation_name in _STREAMS,
            fields=body,
            id_infix="bdrk_",
            form=form,
        )

    def other(self, exchange: Exchange) -> Reply:
        """ListInferenceProfiles and GetInferenceProfile."""
        profiles = list(self._ids.summaries(exchange.at))
        parts = exchange.path.split("/")
        if len(parts) == 3:  # noqa: PLR2004  /inference-profiles/{id or ARN}
            wanted = unquote(parts[2])
            for profile in profiles:
                if wanted in {profile["inferenceProfileId"], profile["inferenceProfileArn"]}:
                    return json_reply(200, profile)
            message = "The specified inference profile could not be found."
            raise Refused(404, "not_found_error", message, native="ResourceNotFoundException")
        query = parse_qs(exchange.query)
        kind = query.get("type", query.get("typeEquals", ["SYSTEM_DEFINED"]))[-1]
        return json_reply(200, {"inferenceProfileSummaries": profiles if kind == "SYSTEM_DEFINED" else []})

    def unknown_path(self, exchange: Exchange) -> Refused:
        """There is no such operation."""
        message = f"Unable to determine service/operation name to be authorized: {exchange.method} {exchange.path}"
        return Refused(404, "not_found_error", message, native="UnknownOperationException")

    def too_large(self) -> Refused:
        """The service model's cap on the body."""
        return validation(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
            f"than or equal to {self.body_bytes_max}"
        )

    def id_headers(self, request_id: str) -> dict[str, str]:
        """A UUID."""
        text = derived(request_id, "x-amzn-requestid", 32)
        return {"x-amzn-requestid": "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))}

    def answer(self, call: Call, message: dict[str, Any], metrics: Metrics) -> Reply:
        """The message, its counts repeated in headers; or what Converse makes of it."""
        if call.form:
            return json_reply(200, answer_of(message, metrics))
        counts = {
            "x-amzn-bedrock-invocation-latency": metrics.latency_ms,
            "x-amzn-bedrock-input-token-count": metrics.input_tokens,
            "x-amzn-bedrock-output-token-count": metrics.output_tokens,
            "x-amzn-bedrock-cache-read-input-token-count": metrics.cache_read_tokens,
            "x-amzn-bedrock-cache-write-input-token-count": metrics.cache_write_tokens,
        }
        return json_reply(200, message, {name: str(count) for name, count in counts.items()})

    def count_answer(self, call: Call, input_tokens: int) -> Reply:  # noqa: ARG002  the seam's form
        """In camel case, as AWS writes it."""
        return json_reply(200, {"inputTokens": input_tokens})

    def stream_start(self, call: Call) -> dict[str, str]:
        """What the chunks contain."""
        return {} if call.form else {"x-amzn-bedrock-content-type": "application/json"}

    def frame_of(self, call: Call, event: dict[str, Any], metrics: Metrics) -> bytes:
        """Frames of the operation that was called."""
        return frames_of(event, metrics, self.setup.seed) if call.form else self.frame(event, metrics)

    def frame(self, event: dict[str, Any], metrics: Metrics) -> bytes:
        """A `chunk` frame; the last event repeats the counts."""
        if event["type"] == "message_stop":
            event = {**event, "amazon-bedrock-invocationMetrics": _invocation_metrics(metrics)}
        encoded = msgspec.json.encode(event)
        # The padding's length is drawn from the seed and the event, so that a run repeats byte by byte.
        draw = blake2b(encoded, digest_size=2, salt=(self.setup.seed % 2**64).to_bytes(8, "big")).digest()
        return eventstream.chunk(encoded, 1 + int.from_bytes(draw, "big") % eventstream.PADDING_MAX)

    def refuse(self, refused: Refused, exchange: Exchange) -> Reply:  # noqa: ARG002  the seam's form
        """A message, with the exception in a header."""
        code, status = _native(refused)
        headers = {"x-amzn-errortype": code + _ERROR_TYPE_SUFFIX}
        headers.update({name: value for name, value in refused.headers.items() if not _first_party(name)})
        body: dict[str, Any] = {"message": _text(refused)}
        if code in {"ModelErrorException", "ModelStreamErrorException"}:
            body.update(originalStatusCode=refused.status, resourceName="")
        return json_reply(status, body, headers)

    def stream_error(self, refused: Refused, request_id: str) -> bytes:  # noqa: ARG002  exceptions carry no id
        """An exception frame."""
        kind = refused.native
        if kind not in _STREAM_NATIVES:
            kind = _STREAM_ERRORS.get(refused.kind, "internalServerException")
        body: dict[str, Any] = {"message": refused.message}
        if kind == "modelStreamErrorException":
            body.update(originalStatusCode=refused.status, originalMessage=refused.message)
        return eventstream.exception(kind, msgspec.json.encode(body))

    def _counted(self, resolved: Resolved, body: dict[str, Any]) -> dict[str, Any]:
        """The body inside a CountTokens request; only bare ids of the models before the profile-only ones count."""
        if not resolved.base or resolved.model.since_4_7:
            raise validation("The provided model doesn't support counting tokens.")
        given = body.get("input")
        if not isinstance(given, dict) or len(given) != 1:
            raise validation(
                "1 validation error detected: Value at 'input' must have exactly one of invokeModel, converse"
            )
        if "invokeModel" not in given:
            raise validation("the lab counts invokeModel bodies only")
        try:
            inner = msgspec.json.decode(base64.b64decode(given["invokeModel"]["body"], validate=True))
        except (TypeError, KeyError, binascii.Error, msgspec.DecodeError) as error:
            raise validation("Malformed input request, please reformat your input and try again.") from error
        if not isinstance(inner, dict):
            raise validation("Malformed input request, please reformat your input and try again.")
        if "max_tokens" not in inner:
            raise invalid("max_tokens: Field required")
        if inner.get("tools") == []:
            raise invalid("tools: List should have at least 1 item after validation, not 0")
        return inner

    def _read_betas(self, body: dict[str, Any]) -> tuple[str, ...]:
        betas = body.pop("anthropic_beta", [])
        if not isinstance(betas, list) or not all(isinstance(beta, str) for beta in betas):
            raise invalid("anthropic_beta: Input should be a valid list")
        if any(beta not in self._betas for beta in betas):
            raise validation("invalid beta flag")
        return tuple(betas)

    def _check(self, body: dict[str, Any], resolved: Resolved, betas: tuple[str, ...]) -> None:
        refuse_fields(body, _REFUSED_FIELDS)
        if resolved.model.sampling:
            refuse_fields(body, {"cache_control"})  # automatic caching came with the newer line
        config = body.get("output_config")
        if isinstance(config, dict) and "task_budget" in config:
            raise invalid("output_config.task_budget: Extra inputs are not permitted")
        refuse_tools(body, SERVER_TOOLS + TOOLSETS)
        if _TOOL_SEARCH_BETA not in betas:
            refuse_tools(body, _TOOL_SEARCH)
        refuse_remote_sources(body)
        body.pop("user_profile_id", None)  # SDKs move the header here; it changes neither answer nor price
        for name in [name for name in body if name.startswith("amazon-bedrock-")]:
            del body[name]  # guardrail settings are Bedrock's own and do not reach the model


def build(setup: Setup) -> Bedrock:
    """The surface."""
    return Bedrock(setup)


def _read_version(body: dict[str, Any], resolved: Resolved) -> str:
    given = body.pop("anthropic_version", None)
    if given is None:
        raise invalid("anthropic_version: Field required")
    if given not in _VERSIONS or (given == VERSION_NEW and not resolved.model.since_4_7):
        expected = f"'{VERSION_OWN}'" + (f" or '{VERSION_NEW}'" if resolved.model.since_4_7 else "")
        raise invalid(f"anthropic_version: Input should be {expected}")
    return _VERSIONS[given]


def _invocation_metrics(metrics: Metrics) -> dict[str, int]:
    return {
        "inputTokenCount": metrics.input_tokens,
        "outputTokenCount": metrics.output_tokens,
        "invocationLatency": metrics.latency_ms,
        "firstByteLatency": metrics.first_byte_ms,
        "cacheReadInputTokenCount": metrics.cache_read_tokens,
        "cacheWriteInputTokenCount": metrics.cache_write_tokens,
    }


def _native(refused: Refused) -> tuple[str, int]:
    if refused.native:
        return refused.native, _NATIVE_STATUSES.get(refused.native, refused.status)
    if refused.status in _STATUSES:
        return _STATUSES[refused.status], refused.status
    return _ERRORS.get(refused.kind, ("InternalServerException", 500))


def _text(refused: Refused) -> str:
    if not refused.native and refused.kind in _TEXTS:
        return _TEXTS[refused.kind]
    if refused.native or refused.kind != "invalid_request_error":
        return refused.message
    if refused.message.startswith("prompt is too long"):
        return "Input is too long for requested model."
    return _MODEL_ERRORS + refused.message


def _first_party(header: str) -> bool:
    return header.lower().startswith(("retry-after", "anthropic-", "x-should-retry"))
