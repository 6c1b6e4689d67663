"""Foundry's form of the Messages API: its paths stand under `/anthropic`, its keys come as `api-key` too."""

from __future__ import annotations

import msgspec

from trivium.gateway.dialect._seam import NOWHERE, Asked, Speech, Spoken, bearer, presented
from trivium.gateway.dialect.messages import JSON, Messages, MessagesSpeech
from trivium.gateway.seams import Headers
from trivium.gateway.wire.errors import error_type_of, message_of

_UNAUTHENTICATED, _NOT_FOUND = 401, 404
_NO_DEPLOYMENT = {"type": "invalid_request_error", "code": "DeploymentNotFound"}


class _Speech(MessagesSpeech):
    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """Azure's form for what Azure's front would refuse, the envelope for all that the model service says."""
        message = message_of(envelope)
        if status == _UNAUTHENTICATED:
            error: dict[str, str] = {"code": str(status), "message": message}
        elif error_type_of(envelope) == "not_found_error" and message.startswith("model: "):
            error = {**_NO_DEPLOYMENT, "message": message}
        elif status == _NOT_FOUND and message.endswith(NOWHERE):
            error = {"code": "api_not_supported", "message": message}
        else:
            return super().refusal(status, envelope)
        return Spoken(status, JSON, msgspec.json.encode({"error": error}))


class Foundry(Messages):
    """Clients of Microsoft Foundry."""

    name = "foundry"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """`api-key`, `x-api-key` (one SDK sends both) or a bearer token in place of Entra's."""
        return presented(headers.get("api-key"), headers.get("x-api-key"), bearer(headers))

    def speech(self, asked: Asked) -> Speech:  # noqa: ARG002  the signature is the Protocol's
        """The API's words but for Azure's refusals."""
        return _Speech()
