"""The official clients as readers: each is handed an answer's bytes and says what it understood."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import anthropic as sdk
import boto3
import httpx2
import openai
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from gateway import grammar
from gateway_dialect import chunk_grammar, converse_grammar

MODEL = "claude-opus-5"
FRAMES = "application/vnd.amazon.eventstream"
_ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}


@dataclass(frozen=True)
class Answered:
    """One answer of the gateway."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    stream: bool


@dataclass(frozen=True)
class Meaning:
    """What a client understood; counts are input, output, read from the cache, written to it."""

    content: tuple[tuple[Any, ...], ...]
    stop: str
    counts: tuple[int, int, int, int]


MEANT = Meaning(
    content=(
        ("thinking", "It may clear up.", "c2lnLTI="),
        ("text", "Sun in Zürich ☀"),
        ("tool_use", "toolu_2", "weather", {"city": "Genève"}),
    ),
    stop="tool_use",
    counts=(12, 6, 5, 4 + 3),
)

MEANT_CHAT = replace(MEANT, stop="tool_calls")


class Refusal(Exception):
    """The client's own exception, with its status and the words in it."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"{status} {message}")


Read = Callable[[Answered], Meaning]


def anthropic(answered: Answered) -> Meaning:
    """`Anthropic`."""
    with _http(answered) as http:
        return _understood(sdk.Anthropic(api_key="k", max_retries=0, http_client=http), answered)


def foundry(answered: Answered) -> Meaning:
    """`AnthropicFoundry`."""
    with _http(answered) as http:
        client = sdk.AnthropicFoundry(base_url="http://gateway/anthropic", api_key="k", max_retries=0, http_client=http)
        return _understood(client, answered)


def vertex(answered: Answered) -> Meaning:
    """`AnthropicVertex`."""
    with _http(answered) as http:
        client = sdk.AnthropicVertex(access_token="t", project_id="p", region="global", max_retries=0, http_client=http)
        return _understood(client, answered)


def bedrock_invoke(answered: Answered) -> Meaning:
    """`AnthropicBedrock`."""
    with _http(answered) as http:
        client = sdk.AnthropicBedrock(api_key="k", aws_region="us-west-2", max_retries=0, http_client=http)
        return _understood(client, answered)


def converse(answered: Answered) -> Meaning:
    """boto3."""
    with _boto(answered) as client:
        ask = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
        try:
            if answered.stream:
                with contextlib.closing(client.converse_stream(**ask)["stream"]) as events:
                    answer = converse_grammar.message_of(list(events))
            else:
                answer = client.converse(**ask)
        except client.exceptions.ClientError as error:
            said = error.response  # an exception frame has no status: it came after a good one
            status = said.get("ResponseMetadata", {}).get("HTTPStatusCode", answered.status)
            raise Refusal(status, said["Error"]["Message"]) from error
    content = tuple(_converse_block(block) for block in answer["output"]["message"]["content"])
    usage = answer["usage"]
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    return Meaning(content, answer["stopReason"], tuple(usage[name] for name in names))  # type: ignore[arg-type]


def chat(answered: Answered) -> Meaning:
    """`OpenAI`."""
    with _http(answered) as http, openai.OpenAI(api_key="k", max_retries=0, http_client=http) as client:
        ask: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
        try:
            if answered.stream:
                with client.chat.completions.stream(**ask) as events:
                    completion: Any = events.get_final_completion()
            else:
                completion = client.chat.completions.create(**ask)
        except openai.APIError as error:  # an error chunk has no status: it came after a good one
            raise Refusal(getattr(error, "status_code", answered.status), error.message) from error
    (choice,) = completion.choices
    message, usage, of_prompt = choice.message, completion.usage, completion.usage.prompt_tokens_details
    thoughts = [
        (block["type"], block["thinking"], block["signature"]) for block in message.model_extra["thinking_blocks"]
    ]
    calls = [
        ("tool_use", call.id, call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls
    ]
    fresh = usage.prompt_tokens - of_prompt.cached_tokens - of_prompt.cache_write_tokens
    counts = (fresh, usage.completion_tokens, of_prompt.cached_tokens, of_prompt.cache_write_tokens)
    return Meaning((*thoughts, ("text", message.content), *calls), choice.finish_reason, counts)


def check_events(answered: Answered) -> None:
    """A stream of server-sent events."""
    grammar.check(answered.body)


def check_chunks(answered: Answered) -> None:
    """The same events in frames, or an exception frame at the end."""
    events = []
    for headers, payload in converse_grammar.frames_of(answered.body):
        value = json.loads(payload)
        if headers[":message-type"] == "event":
            inner = base64.b64decode(value["bytes"])
        else:
            error = {"type": headers[":exception-type"], "message": value["message"]}
            inner = json.dumps({"type": "error", "error": error}).encode()
        events.append(b"event: %s\ndata: %s\n\n" % (json.loads(inner)["type"].encode(), inner))
    grammar.check(b"".join(events))


def check_chat(answered: Answered) -> None:
    """Chunks and `[DONE]`, or an error in the last one."""
    if b'data: {"error"' not in answered.body:
        chunk_grammar.check(answered.body, usage=True)
        return
    assert b"[DONE]" not in answered.body
    *_, last = chunk_grammar.chunks_of(answered.body)
    assert set(last["error"]) == {"message", "type", "param", "code"}


def check_converse(answered: Answered) -> None:
    """Converse's own frames."""
    converse_grammar.check(answered.body)


def _understood(client: Any, answered: Answered) -> Meaning:
    try:
        if answered.stream:
            with client.messages.stream(**_ASK) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**_ASK)
    except sdk.APIStatusError as error:
        raise Refusal(error.status_code, error.message) from error
    usage = message.usage
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_input_tokens or 0,
        usage.cache_creation_input_tokens or 0,
    )
    return Meaning(tuple(_block(block) for block in message.content), str(message.stop_reason), counts)


def _block(block: Any) -> tuple[Any, ...]:
    if block.type == "thinking":
        return ("thinking", block.thinking, block.signature)
    if block.type == "text":
        return ("text", block.text)
    return (block.type, block.id, block.name, block.input)


def _converse_block(block: Mapping[str, Any]) -> tuple[Any, ...]:
    ((kind, value),) = block.items()
    if kind == "reasoningContent":
        return ("thinking", value["reasoningText"]["text"], value["reasoningText"]["signature"])
    if kind == "text":
        return ("text", value)
    return ("tool_use", value["toolUseId"], value["name"], value["input"])


def _http(answered: Answered) -> httpx2.Client:
    def handle(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(answered.status, headers=dict(answered.headers), content=answered.body)

    return httpx2.Client(transport=httpx2.MockTransport(handle))


@contextlib.contextmanager
def _boto(answered: Answered) -> Iterator[Any]:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url="https://gateway",
        region_name="us-west-2",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )

    def handle(request: Any, **_: Any) -> AWSResponse:
        raw = SimpleNamespace(
            stream=lambda *_, **__: iter([answered.body]), read=lambda *_: answered.body, close=lambda: None
        )
        return AWSResponse(request.url, answered.status, dict(answered.headers), raw)

    client.meta.events.register("before-send.bedrock-runtime", handle)
    with contextlib.closing(client):
        yield client
