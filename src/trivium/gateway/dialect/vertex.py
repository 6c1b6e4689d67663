"""Vertex's form: model and method in the path, the version in the body, Google's error object for Google's refusals."""

from __future__ import annotations

import msgspec

from trivium.core import UserError
from trivium.gateway.dialect._seam import Asked, Canonical, Speech, Spoken, bearer, header_betas, presented
from trivium.gateway.dialect.messages import JSON, MessagesSpeech
from trivium.gateway.seams import Headers
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.errors import error_type_of, message_of

# The first version's name on this platform; a newer one is spelled as everywhere.
_FIRST, _FIRST_HERE = "2023-06-01", "vertex-2023-10-16"
_BUYS = "x-vertex-ai-llm-"  # headers that choose between provisioned throughput and what is paid by the token
# Google's front refuses these; what the model service says comes in its own envelope.
_GOOGLE = {
    "authentication_error": "UNAUTHENTICATED",
    "permission_error": "PERMISSION_DENIED",
    "not_found_error": "NOT_FOUND",
    "not_supported": "UNIMPLEMENTED",
    "rate_limit_error": "RESOURCE_EXHAUSTED",
}


class _Speech(MessagesSpeech):
    def refusal(self, status: int, envelope: bytes) -> Spoken:
        """Google's object, or the envelope."""
        name = _GOOGLE.get(error_type_of(envelope) or "")
        if name is None:
            return super().refusal(status, envelope)
        error = {"code": status, "message": message_of(envelope), "status": name}
        return Spoken(status, JSON, msgspec.json.encode({"error": error}))


class Vertex:
    """Clients of Vertex AI."""

    name = "vertex"

    def secrets(self, headers: Headers) -> frozenset[str]:
        """The access token is the virtual key."""
        return presented(bearer(headers), headers.get("x-api-key"))

    def canonical(self, asked: Asked, data: bytes, headers: Headers) -> Canonical:
        """The version leaves the body; the model of the path enters it, in front."""
        sent = Body(data)
        version = sent.get("anthropic_version")
        if not isinstance(version, str):
            raise UserError("anthropic_version", version, f"give {_FIRST_HERE} or a newer version, in the body")
        add: dict[str, bytes] = {}
        if asked.model:
            if "model" in sent:
                raise UserError("model", asked.model, "leave it out of the body: the path names it")
            add["model"] = msgspec.json.encode(asked.model)
        if asked.stream and sent.raw("stream") is None:
            sent = Body(sent.edit(add={"stream": b"true"}))  # else the model service answers whole, path or no path
        body = Body(sent.edit(remove=["anthropic_version"], add=add))
        notes = tuple(
            f"left out {name}: the route decides what is bought" for name in headers if name.startswith(_BUYS)
        )
        return Canonical(body, _FIRST if version == _FIRST_HERE else version, header_betas(headers), sent, notes)

    def speech(self, asked: Asked) -> Speech:  # noqa: ARG002  the signature is the Protocol's
        """The API's words but for Google's refusals."""
        return _Speech()
