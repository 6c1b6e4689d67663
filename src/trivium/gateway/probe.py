"""Asks a surface something that costs nothing: is it there, and does it take our credential?

It is asked to count the tokens of a word; where no model's tokens are counted, for an answer to no message at all,
which it must refuse, but only after it has looked at the credential.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from trivium.core import FactError, Offer, Target, UserError
from trivium.gateway.attempt import read_error
from trivium.gateway.seams import (
    Credential,
    Endpoint,
    Facts,
    MessagesRequest,
    NotSupported,
    Outbound,
    SurfaceSettings,
    Timeouts,
    Transport,
)
from trivium.gateway.upstream import UPSTREAMS
from trivium.gateway.wire.body import Body

_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=20.0, idle_s=10.0)
_OK = range(200, 300)
_INVALID = "invalid_request_error"


@dataclass(frozen=True, slots=True)
class Question:
    """A request for one surface, about one model it carries, not yet authorised."""

    surface: str
    model: str
    outbound: Outbound
    facts: Facts
    to_be_refused: bool = False  # a refusal of the request itself is the good answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `refused`: the surface does not know the credential. `message` is empty when all is well."""

    status: int
    refused: bool = False
    message: str = ""


def questions(surface: SurfaceSettings, facts: Facts, models: Iterable[str]) -> tuple[Question, ...]:
    """What to ask, best first: about the models it has deployments for, then about the newest of each family.

    `models` are those that are alive there, newest of each family first. Not every account may use every model, so
    the answer to one question may only mean that another must be asked. Families are taken from the last one on: the
    first ones are the largest, and the least often at hand.
    """
    families: dict[str, list[str]] = {}
    for model in models:
        families.setdefault("-".join(part for part in model.split("-") if part.isalpha()), []).append(model)
    deployed = [[name.partition("+")[0]] for name in surface.deployments]
    wanted = (*deployed, *reversed(families.values()))
    for put in (_counting, _without_messages):
        found: dict[str, Question] = {}
        for family in wanted:
            for question in filter(None, (put(surface, facts, model) for model in family)):
                found.setdefault(question.model, question)
                break
        if found:
            return tuple(found.values())
    return ()


def _counting(surface: SurfaceSettings, facts: Facts, model: str) -> Question | None:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    return _question(surface, facts, model, "count_tokens", body)


def _without_messages(surface: SurfaceSettings, facts: Facts, model: str) -> Question | None:
    return _question(surface, facts, model, "messages", {"model": model})


def _question(
    surface: SurfaceSettings, facts: Facts, model: str, endpoint: Endpoint, body: Mapping[str, object]
) -> Question | None:
    request = MessagesRequest("doctor", endpoint, Body(json.dumps(body).encode()), model)
    target = Target(Offer(surface.surface, surface.scope, model), 1)
    try:
        outbound = UPSTREAMS[surface.surface].prepare(request, target, facts, surface)
    except (FactError, NotSupported, UserError):  # the surface does not carry the model, or does not count it
        return None
    return Question(surface.surface, model, outbound, facts, to_be_refused=endpoint == "messages")


async def ask(asked: Question, credential: Credential, transport: Transport) -> Answer:
    """Send it once; raises UpstreamError when there is no credential to be had, TransportError without an answer."""
    authorised = await credential.headers(asked.outbound)
    outbound = replace(asked.outbound, headers={**asked.outbound.headers, **authorised})
    inbound = await transport.send(outbound, _TIMEOUTS)
    try:
        if inbound.status in _OK:
            return Answer(inbound.status)
        body = await read_error(inbound)
    finally:
        await inbound.close()
    failure = UPSTREAMS[asked.surface].classify(inbound.status, inbound.headers, body, asked.facts)
    if asked.to_be_refused and failure.error_type == _INVALID:
        return Answer(inbound.status)
    return Answer(inbound.status, failure.credential, str(failure.error))
