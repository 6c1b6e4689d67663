"""Bedrock's own Converse, for clients that speak it: requests and answers pass as they come, read from a copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trivium.core import Quality, Usage
from trivium.gateway.seams import Facts, GatewaySettings, MessagesRequest
from trivium.gateway.upstream._choices import encoded
from trivium.gateway.upstream._draft import Draft
from trivium.gateway.upstream._errors import decoded, text_at
from trivium.gateway.upstream._fields import fit_betas, fit_fields
from trivium.gateway.upstream._frames import FramesDecoder, ReadException
from trivium.gateway.upstream._nested import refuse_features
from trivium.gateway.upstream._relay import BodyOrError
from trivium.gateway.wire.body import Body
from trivium.gateway.wire.decode import writes_may_be_long
from trivium.gateway.wire.eventstream import Frame
from trivium.gateway.wire.usage import UsageReader

DIALECT = "converse"
_MORE, _BETAS = "additionalModelRequestFields", "anthropic_beta"
_COUNTS = {
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "cacheReadInputTokens": "cache_read_input_tokens",
    "cacheWriteInputTokens": "cache_creation_input_tokens",
}
_CONTENT = frozenset({"contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})


def native_of(request: MessagesRequest) -> Body | None:
    """The client's own body where it speaks Converse; None where it does not."""
    return request.native if request.dialect == DIALECT else None


def fitted(request: MessagesRequest, native: Body, facts: Facts, surface: str, place: str) -> tuple[bytes, list[str]]:
    """The body to send and what was left out: only the model's own fields and betas are looked at."""
    given = native.raw(_MORE)
    draft = Draft(request, surface, facts, Body(given if given not in {None, b"null"} else b"{}"))
    fit_betas(draft)
    fit_fields(draft, place=place)
    refuse_features(draft)
    if draft.betas:
        draft.add(_BETAS, encoded(draft.betas))
    else:
        draft.remove([_BETAS])
    edited = draft.edited()
    if edited == draft.body.data:
        return native.data, draft.notes
    return native.edit(add={_MORE: edited}), draft.notes


def tier_of(native: Body, otherwise: str) -> str:
    """What is bought where the client names a tier of Bedrock's."""
    named = text_at(native.get("serviceTier"), "type")
    return otherwise if named in {"", "default"} else named


class ConverseStreamDecoder(FramesDecoder):
    """Frames pass as they came; what they say is read from a copy."""

    def __init__(
        self, surface: str, read_exception: ReadException, request: MessagesRequest, limits: GatewaySettings
    ) -> None:
        super().__init__(surface, read_exception, limits)
        self._reader = UsageReader(long_writes=writes_may_be_long(request))
        self.content_begun = False
        self.complete = False
        self.stop_reason = ""

    def _event(self, frame: Frame) -> bytes | None:
        name = frame.headers.get(":event-type", "")
        if name in _CONTENT:
            self.content_begun = True
        if name == "messageStop":
            self.complete = True
            self.stop_reason = text_at(decoded(frame.payload), "stopReason")
        elif name == "metadata":
            self._reader.read(counted(decoded(frame.payload)))
        return frame.raw

    @property
    def usage(self) -> Usage:
        """The counts of the last event; nothing is known before it."""
        return self._reader.usage()

    @property
    def quality(self) -> Quality:
        """Exact once the last event was read."""
        usage = self.usage
        return Quality.UNKNOWN if usage.input is None or usage.output is None else Quality.EXACT


class ConverseBodyDecoder(BodyOrError):
    """A whole answer passes as it came."""

    def _take(self, answer: dict[str, Any]) -> None:
        self._reader.read(counted(answer))
        self.stop_reason = text_at(answer, "stopReason")


def counted(answer: object) -> dict[str, Any] | None:
    """The counts of an answer or of a stream's last event, as a usage object of the Messages API."""
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    said: dict[str, Any] = {theirs: usage.get(ours) for ours, theirs in _COUNTS.items()}
    details = usage.get("cacheDetails")
    if isinstance(details, list):
        said["cache_creation"] = {
            f"ephemeral_{one.get('ttl')}_input_tokens": one.get("inputTokens")
            for one in details
            if isinstance(one, Mapping)
        }
    return said
