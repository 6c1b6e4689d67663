"""A second stand-in for Bedrock's runtime, with frames of its own; the Messages part is the first-party stand-in's."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from urllib.parse import unquote

from certify.stand_in import Handler, Refusal, checked, events, message

KEY = "bedrock-stand-in-key-0123456789"
PROFILE = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
LIMIT = 25_000_000


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of the event stream (AWS's `vnd.amazon.eventstream`): lengths, headers, payload, two checksums."""
    block = bytearray()
    for name, value in headers.items():
        block += bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
    size = 16 + len(block) + len(payload)
    prelude = struct.pack("!LL", size, len(block))
    whole = prelude + binascii.crc32(prelude).to_bytes(4, "big") + bytes(block) + payload
    return whole + binascii.crc32(whole).to_bytes(4, "big")


class Bedrock(Handler):
    """InvokeModel and its stream, with an API key as bearer."""

    id_header = "x-amzn-requestid"

    def serve(self, raw: bytes) -> None:
        parts = self.path.strip("/").split("/")
        if len(parts) != 3 or parts[0] != "model":
            raise Refusal(404, "UnknownOperationException", "Unable to determine service/operation name")
        if len(raw) > LIMIT:
            raise Refusal(400, "ValidationException", "1 validation error detected: Value at 'body' failed")
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer":
            raise Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        if key != KEY:
            raise Refusal(
                403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid."
            )
        body = json.loads(raw)
        if unquote(parts[1]) != PROFILE:
            raise Refusal(400, "ValidationException", "The provided model identifier is invalid.")
        if body.pop("anthropic_version") != "bedrock-2023-05-31":
            raise Refusal(400, "ValidationException", "anthropic_version")
        try:
            checked(body)
        except Refusal as refusal:
            raise Refusal(400, "ValidationException", f"The model returned: {refusal.words}") from refusal
        if parts[2] == "invoke":
            self.whole(body)
        else:
            self.frames(body)

    def whole(self, body: dict) -> None:
        found = message(body, self.memory, "bdrk_")
        found["usage"]["inference_geo"] = "global"
        names = ("invocation-latency", "input-token-count", "output-token-count")
        names += ("cache-read-input-token-count", "cache-write-input-token-count")
        self.json(200, found, {f"x-amzn-bedrock-{name}": "7" for name in names})

    def frames(self, body: dict) -> None:
        fresh, written, read = 0, 0, 0
        data = b""
        for event in events(body, self.memory, "bdrk_", pings=self.memory.does("pings")):
            sent = event
            if event["type"] == "message_start":
                counted = event["message"]["usage"]
                fresh, written, read = (
                    counted[name] for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
                )
            if event["type"] == "message_stop":
                metrics = {
                    "inputTokenCount": fresh, "outputTokenCount": 5, "invocationLatency": 900, "firstByteLatency": 300,
                    "cacheReadInputTokenCount": read, "cacheWriteInputTokenCount": written,
                }  # fmt: skip
                if self.memory.does("a metric is missing"):
                    del metrics["firstByteLatency"]
                sent = {**event, "amazon-bedrock-invocationMetrics": metrics}
            inner = {"bytes": base64.b64encode(json.dumps(sent).encode()).decode()}
            if not self.memory.does("frames without padding"):
                inner["p"] = "abcdefgh"
            headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
            data += frame(headers, json.dumps(inner).encode())
        if self.memory.does("a frame is broken"):
            data = data[:-3] + b"\0\0\0"
        headers = {"content-type": "application/vnd.amazon.eventstream"}
        self.send(200, data, {**headers, "x-amzn-bedrock-content-type": "application/json"})

    def refuse(self, refusal: Refusal) -> None:
        unknown = "Extra inputs" in refusal.words
        kind = "ThrottlingException" if unknown and self.memory.does("another error type") else refusal.kind
        status = 422 if unknown and self.memory.does("another status") else refusal.status
        self.json(status, {"message": refusal.words}, {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/"})
