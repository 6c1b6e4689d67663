"""A second stand-in for the first-party API, written apart from the lab and the gateway: standard library alone.

It answers the calls of the list as the lab says the API would, and deviates where a test tells it to.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-ant-stand-in-0123456789abcdef"
LIMIT = 32 * 1024 * 1024
MODEL = "claude-haiku-4-5-20251001"
TOP_LEVEL = {
    "max_tokens", "messages", "model", "stream", "system", "tools", "tool_choice", "stop_sequences", "thinking",
}  # fmt: skip


class Refusal(Exception):
    def __init__(self, status: int, kind: str, words: str) -> None:
        self.status, self.kind, self.words = status, kind, words
        super().__init__(words)


class Memory:
    """What one run of the stand-in remembers, and how it deviates."""

    def __init__(self, deviation: str = "", echo: str = "") -> None:
        self.deviation = deviation
        self.echo = echo  # put into every place of every answer
        self.cached: set[str] = set()
        self.asked: list[str] = []  # method and path, in order
        self.busy = 0  # so many answers are 529 first

    def does(self, name: str) -> bool:
        return self.deviation == name


def pieces(value: object) -> int:
    """Tokens: a word is one, an image as many as its pixels say (1092 squared over 750)."""
    if isinstance(value, str):
        return len(value.split())
    if isinstance(value, list):
        return sum(pieces(item) for item in value)
    if isinstance(value, dict):
        if value.get("type") == "image":
            return 1590
        return sum(pieces(item) for name, item in value.items() if name not in {"type", "role", "cache_control"})
    return 0


def checked(body: dict, *, counting: bool = False) -> None:
    """The refusals that the list asks for."""
    for name in body:
        if name not in TOP_LEVEL:
            raise Refusal(400, "invalid_request_error", f"{name}: Extra inputs are not permitted")
    if "max_tokens" not in body and not counting:
        raise Refusal(400, "invalid_request_error", "max_tokens: Field required")
    if not body.get("messages"):
        raise Refusal(400, "invalid_request_error", "messages: Field required")
    if body.get("thinking", {}).get("type") == "adaptive":
        raise Refusal(400, "invalid_request_error", "adaptive thinking is not supported for this model.")
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            raise Refusal(400, "invalid_request_error", "messages: text content blocks must be non-empty")


def counts(body: dict, memory: Memory) -> tuple[int, int, int]:
    """Fresh, written and read tokens of a prompt."""
    scale = 13 if memory.does("tokens 30 % off") else 10
    prompt = pieces([body.get("system"), body.get("tools"), body["messages"]]) * scale // 10
    system = body.get("system")
    marked = isinstance(system, list) and any("cache_control" in block for block in system)
    if not marked:
        return prompt, 0, 0
    text = system[0]["text"]
    size = pieces(text) * scale // 10
    if text in memory.cached and not memory.does("nothing is read from the cache"):
        return prompt - size, 0, size
    memory.cached.add(text)
    return prompt - size, size, 0


def usage(body: dict, memory: Memory, output: int) -> dict:
    fresh, written, read = counts(body, memory)
    found = {
        "input_tokens": fresh,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
        "service_tier": "standard",
        "inference_geo": "global",
        "speed": "standard",
    }
    if memory.does("a usage field is missing"):
        del found["cache_creation"]
    return found


def written(body: dict, infix: str = "") -> tuple[list[dict], int, str, str | None]:
    """Blocks, output tokens, stop reason and stop sequence."""
    if body.get("tools"):
        name = body["tools"][0]["name"]
        call = {"type": "tool_use", "id": f"toolu_{infix}{uuid.uuid4().hex}", "name": name, "input": {"city": "Oslo"}}
        return [call], 12, "tool_use", None
    blocks = []
    if body.get("thinking"):
        blocks.append({"type": "thinking", "thinking": "7 times 13 is 91.", "signature": uuid.uuid4().hex * 4})
    text, tokens, reason = "one two three four", body["max_tokens"], "max_tokens"
    stops = body.get("stop_sequences") or [None]
    if stops[0] or blocks:
        tokens, reason = 5, "stop_sequence" if stops[0] else "end_turn"
    return [*blocks, {"type": "text", "text": text, "citations": None}], tokens, reason, stops[0]


def shell(infix: str = "") -> dict:
    return {
        "id": f"msg_{infix}{uuid.uuid4().hex}", "type": "message", "role": "assistant", "model": MODEL, "content": [],
        "stop_reason": None, "stop_sequence": None, "stop_details": None, "container": None,
    }  # fmt: skip


def message(body: dict, memory: Memory, infix: str = "") -> dict:
    blocks, tokens, reason, stop = written(body, infix)
    found = {**shell(infix), "content": blocks, "stop_reason": reason, "stop_sequence": stop}
    if memory.does("a field more in the body"):
        found["mood"] = "good"
    return {**found, "usage": usage(body, memory, tokens)}


def events(body: dict, memory: Memory, infix: str = "", *, pings: bool = True) -> Iterator[dict]:
    """The events of a stream, in order unless told otherwise."""
    blocks, tokens, reason, stop = written(body, infix)
    counted = usage(body, memory, tokens)
    start = {**shell(infix), "usage": {**counted, "output_tokens": 1}}
    if memory.does("a field more in the body"):
        start["mood"] = "good"
    yield {"type": "message_start", "message": start}
    inner = []
    for index, block in enumerate(blocks):
        inner += list(_block(index, block))
        if index == 0 and pings and not memory.does("no pings"):
            inner.insert(1, {"type": "ping"})
    final = {"stop_reason": reason, "stop_sequence": stop, "stop_details": None, "container": None}
    cumulative = {
        name: value
        for name, value in counted.items()
        if name not in {"cache_creation", "service_tier", "inference_geo", "speed"}
    }
    last = {"type": "message_delta", "delta": final, "usage": cumulative}
    if memory.does("events in another order"):
        yield from [*inner[:-1], last, inner[-1]]
    else:
        yield from [*inner, last]
    if not memory.does("no last event"):
        yield {"type": "message_stop"}


def _block(index: int, block: dict) -> Iterator[dict]:
    kind = block["type"]
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
    yield {"type": "content_block_start", "index": index, "content_block": {**block, **empty}}
    deltas = {
        "text": [{"type": "text_delta", "text": "one two "}, {"type": "text_delta", "text": "three"}],
        "thinking": [
            {"type": "thinking_delta", "thinking": "7 times 13"},
            {"type": "signature_delta", "signature": block.get("signature")},
        ],
        "tool_use": [{"type": "input_json_delta", "partial_json": '{"city":"Oslo"}'}],
    }[kind]
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


class Handler(BaseHTTPRequestHandler):
    """What both stand-ins share: reading a request and writing an answer."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20  # headers and body in one write
    memory: Memory
    id_header = "request-id"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        pass

    def do_GET(self) -> None:
        self.respond(b"")

    def do_POST(self) -> None:
        self.respond(self.rfile.read(int(self.headers.get("content-length", 0))))

    def respond(self, raw: bytes) -> None:
        self.memory.asked.append(f"{self.command} {self.path}")
        self.request_id = f"req_{uuid.uuid4().hex}"
        if self.memory.busy:
            self.memory.busy -= 1
            self.refuse(Refusal(529, "overloaded_error", "Overloaded"))
            return
        try:
            self.serve(raw)
        except Refusal as refusal:
            self.refuse(refusal)

    def serve(self, raw: bytes) -> None:
        raise NotImplementedError

    def refuse(self, refusal: Refusal) -> None:
        raise NotImplementedError

    def send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        named = {self.id_header: self.request_id, "content-length": str(len(data)), **headers}
        if self.memory.does("a header more"):
            named["x-surprise"] = "1"
        if self.memory.echo:
            named["x-account"] = self.memory.echo
        for name, value in named.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        if self.memory.echo and isinstance(value, dict):
            value = {**value, **echoes(self.memory.echo)}
        self.send(status, json.dumps(value).encode(), {"content-type": "application/json", **(headers or {})})


def echoes(secret: str) -> dict:
    """A secret in every place of a JSON object where one could stand."""
    return {
        secret: secret, "type": secret, "model": secret, "note": f"for {secret}!", "organization_id": secret,
        "nested": [{"message": f"denied to {secret[3:15]} of {secret}", "code": secret, secret: 1}],
        "stop_reason": secret,
    }  # fmt: skip


class FirstParty(Handler):
    """The Messages API."""

    def serve(self, raw: bytes) -> None:
        path = self.path.partition("?")[0]
        if path not in {"/v1/messages", "/v1/messages/count_tokens", "/v1/models"}:
            raise Refusal(404, "not_found_error", "Not Found")
        if len(raw) > LIMIT:
            raise Refusal(413, "request_too_large", "Request exceeds the maximum size")
        key = self.headers.get("x-api-key")
        if key != KEY:
            words = "x-api-key header is required" if key is None else f"invalid x-api-key {self.memory.echo}"
            raise Refusal(401, "authentication_error", words)
        if path == "/v1/models":
            model = {"type": "model", "id": MODEL, "display_name": "Haiku", "created_at": "2025-10-15T00:00:00Z"}
            model |= {"max_input_tokens": 200000, "max_tokens": 64000, "retires_at": None}
            self.json(200, {"data": [model], "has_more": True, "first_id": MODEL, "last_id": MODEL})
            return
        body = json.loads(raw)
        if body["model"] != MODEL:
            raise Refusal(404, "not_found_error", f"model: {body['model']}")
        checked(body, counting=path.endswith("count_tokens"))
        if path.endswith("count_tokens"):
            self.json(200, {"input_tokens": counts(body, self.memory)[0]})
        elif body.get("stream"):
            self.stream(body)
        else:
            self.json(200, message(body, self.memory), self.limits())

    def limits(self) -> dict[str, str]:
        found = {"anthropic-organization-id": self.memory.echo or "f0e1d2c3-aaaa-bbbb-cccc-1234567890ab"}
        for name in ("requests", "tokens", "input-tokens", "output-tokens"):
            for what, value in (("limit", "4000"), ("remaining", "3999"), ("reset", "2026-11-25T12:00:00Z")):
                found[f"anthropic-ratelimit-{name}-{what}"] = value
        return found

    def stream(self, body: dict) -> None:
        data = b""
        for event in events(body, self.memory):
            name = b"" if self.memory.does("events without names") else f"event: {event['type']}\n".encode()
            echoed = {**event, **echoes(self.memory.echo), "type": event["type"]} if self.memory.echo else event
            data += name + b"data: " + json.dumps(echoed).encode() + b"\n\n"
        self.send(200, data, {"content-type": "text/event-stream; charset=utf-8", **self.limits()})

    def refuse(self, refusal: Refusal) -> None:
        unknown = "Extra inputs" in refusal.words
        kind = "bad_request_error" if unknown and self.memory.does("another error type") else refusal.kind
        status = 422 if unknown and self.memory.does("another status") else refusal.status
        body = {"type": "error", "error": {"type": kind, "message": f"{refusal.words} {self.memory.echo}"}}
        if not self.memory.does("errors without request id"):
            body["request_id"] = self.request_id
        self.json(status, body)


@contextmanager
def listening(kind: type[Handler], memory: Memory) -> Iterator[str]:
    """The stand-in on a free port of loopback, until the block ends: its address."""
    handler = type("Bound", (kind,), {"memory": memory})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
