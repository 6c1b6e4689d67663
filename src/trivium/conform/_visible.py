"""The rows that a client alone can see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trivium.conform._client import Answer, Client
from trivium.conform._rows import Seen, failed, inapplicable, judged, unseen

MESSAGES = "/v1/messages?beta=true"
_COUNT_TOKENS = "/v1/messages/count_tokens?beta=true"
MODELS = "/v1/models?limit=1000"
_MODELS_S = 3.0  # the client waits no longer
_NOT_FOUND, _BAD, _TOO_MANY, _LACKING, _SERVER = 404, 400, 429, 501, 500
_OF_CLOUDS = ("P7.silence", "P11.clouds")
_REFUSED = frozenset({401, 403})


async def hello(client: Client) -> dict[str, Seen]:
    """The probe at the start of a session."""
    answer = await client.ask("HEAD", "/api/hello")
    return {
        "P2.hello": judged(bool(answer.status), answer.line()),
        "P2.profiles": inapplicable("asked by Bedrock-format clients only; this check speaks the Anthropic format"),
    }


async def models(client: Client) -> tuple[dict[str, Seen], list[str]]:
    """Model discovery by both headers, and the ids that the client would keep."""
    bearer = await client.ask("GET", MODELS)
    api_key = await client.ask("GET", MODELS, api_key=True)
    return {"P3.bearer": _listing(bearer), "P3.api-key": _listing(api_key)}, kept(bearer) or kept(api_key)


def kept(answer: Answer) -> list[str]:
    """The ids of a listing that the client keeps."""
    found = answer.json() if answer.ok else None
    data = found.get("data") if isinstance(found, dict) else None
    ids = [entry.get("id") for entry in data if isinstance(entry, dict)] if isinstance(data, list) else []
    return [name for name in ids if isinstance(name, str) and ("claude" in name or "anthropic" in name)]


def _listing(answer: Answer) -> Seen:
    if answer.status == _NOT_FOUND:
        return inapplicable(f"{answer.line()}; the client falls back to the models it knows")
    if not answer.ok:
        return failed(answer.line())
    if answer.elapsed_s > _MODELS_S:
        return failed(f"{answer.line()} after {answer.elapsed_s:.1f} s; the client waits {_MODELS_S:g} s")
    names = kept(answer)
    shown = f"{len(names)} models with claude or anthropic in the id"
    return judged(bool(names), f"{answer.line()}, {shown}")


async def messages(client: Client, plain: Mapping[str, Any], filtered: str) -> tuple[dict[str, Seen], Answer]:
    """Whole answers: the path, the filters and the form of an error."""
    headers, body = plain["headers"], plain["body"]
    whole = await client.ask("POST", MESSAGES, headers=headers, body=json.dumps(body).encode())
    found = {"P1.messages": _whole(whole)}
    if whole.status == _TOO_MANY and (error := whole.error()) and error[0] == "billing_error":
        told = {name: whole.headers.get(name, "absent") for name in ("x-should-retry", "retry-after")}
        holds = told["x-should-retry"] == "false" and told["retry-after"] != "absent"
        found["P10.spend"] = judged(holds, f"{whole.line()}; {told}")
    else:
        found["P10.spend"] = unseen("no spend limit was met; repeat with a key that is over its own")
    odd = {**body, "messages": [{"role": "user", "content": filtered}]}
    answer = await client.ask("POST", MESSAGES, headers=headers, body=json.dumps(odd).encode())
    if whole.ok:
        found["P12.filters"] = judged(answer.ok, f"a message with markup, SQL and paths: {answer.line()}")
    else:
        found["P12.filters"] = unseen("a plain message was not answered either")
    wrong = await client.ask("POST", MESSAGES, headers=headers, body=b'{"model":')
    error = wrong.error()
    if not whole.ok and wrong.status == whole.status != _BAD:
        found["P8.envelope"] = unseen(f"a message that is right gets the same: {wrong.line()}")
    else:
        holds = wrong.status == _BAD and error is not None and error[0] == "invalid_request_error"
        found["P8.envelope"] = judged(holds, f"a body cut short: {wrong.line()}")
    return found, whole


def _whole(answer: Answer) -> Seen:
    if answer.ok:
        body = answer.json()
        is_message = isinstance(body, dict) and body.get("type") == "message"
        return judged(is_message, f"{answer.line()}, {'a message' if is_message else 'which is no message'}")
    if answer.status in _REFUSED or answer.status == _TOO_MANY or answer.status >= _SERVER:
        return unseen(f"{answer.line()}; this says nothing about the path")
    return failed(answer.line())


async def stream(client: Client, plain: Mapping[str, Any]) -> dict[str, Seen]:
    """A stream as the client reads it."""
    body = json.dumps({**plain["body"], "stream": True}).encode()
    answer = await client.ask("POST", MESSAGES, headers=plain["headers"], body=body)
    if not answer.ok:
        return {"P7.events": unseen(f"no stream: {answer.line()}")}
    kind = answer.headers.get("content-type", "")
    text = answer.body.decode("utf-8", "replace")
    names = [line.removeprefix("event:").strip() for line in text.splitlines() if line.startswith("event:")]
    names = [name for name in names if name != "ping"]
    complete = names[:1] == ["message_start"] and names[-1:] == ["message_stop"]
    evidence = f"{answer.line()} {kind}; {len(names)} events, {', '.join([*names[:1], *names[-1:]]) or 'none'}"
    return {"P7.events": judged(complete and kind.startswith("text/event-stream"), evidence)}


async def count_tokens(client: Client, plain: Mapping[str, Any], counted: int | None) -> dict[str, Seen]:
    """The optional endpoint: a number, or a plain word that there is none. `counted`: what the upstream counts."""
    body = {name: value for name, value in plain["body"].items() if name != "max_tokens"}
    answer = await client.ask("POST", _COUNT_TOKENS, headers=plain["headers"], body=json.dumps(body).encode())
    if answer.ok:
        found = answer.json()
        count = found.get("input_tokens") if isinstance(found, dict) else None
        wanted = f"; the upstream counts {counted}, so this is no count" if counted not in {None, count} else ""
        holds = isinstance(count, int) and not wanted
        return {
            "P1.count-tokens": judged(holds, f"{answer.line()}, input_tokens {count}{wanted}"),
            "P13.lacking": inapplicable("every optional endpoint is there"),
        }
    if answer.status in {_NOT_FOUND, 405, _LACKING}:
        error = answer.error()
        retry = answer.headers.get("x-should-retry", "absent")
        holds = answer.status == _LACKING and error is not None and error[0] == "not_supported" and retry == "false"
        return {
            "P1.count-tokens": inapplicable(f"{answer.line()}; the client falls back to inference"),
            "P13.lacking": judged(holds, f"{answer.line()}; x-should-retry {retry}"),
        }
    told = unseen(f"{answer.line()}; neither answered nor declared absent")
    return {"P1.count-tokens": told, "P13.lacking": told}


def clouds(*, witnessed: bool) -> dict[str, Seen]:
    """The rows about upstreams of other formats."""
    if witnessed:
        return dict.fromkeys(_OF_CLOUDS, inapplicable("the upstream of this check speaks the first-party format"))
    return dict.fromkeys(_OF_CLOUDS, unseen("seen only over an upstream of such a format"))
