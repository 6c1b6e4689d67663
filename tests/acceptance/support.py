"""The real adapters and the shipped facts in front of scripted answers, for the cases of `test_protocol_*`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.support import (
    AUTH,
    Answer,
    Caller,
    MemorySink,
    MemoryTransport,
    PlainCredential,
    Response,
    Ring,
    record,
    sse_answer,
)
from gateway_upstream.support import SETTINGS, chunk
from gateway_upstream.test_through_the_lab import AT, AWS_SERVICES, MODEL, SCOPES, SNAPSHOT
from trivium.core import ANY, ManualClock, Offer, Route, RouteTable, Target
from trivium.gateway import Gateway, GatewaySettings, OpenAdmission, SnapshotFacts, SurfaceSettings

TOOL: dict[str, Any] = {
    "name": "look_up",
    "description": "Looks up the weather of a city for a day",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
EVENT_STREAM = {"content-type": "application/vnd.amazon.eventstream"}


def carried(surface: str, events: Sequence[bytes], **options: Any) -> Answer:
    """Events in the framing of the surface."""
    if surface != "bedrock":
        return sse_answer(events, **options)
    return Answer(200, [chunk(event.partition(b"data: ")[2].strip()) for event in events], EVENT_STREAM, **options)


class Scripted:
    """A gateway whose surfaces answer what the test says, in the order of the route."""

    def __init__(self, answers: Mapping[str, Sequence[Answer]], **settings: Any) -> None:
        self.transport, self.sink, clock = MemoryTransport(answers), MemorySink(), ManualClock(AT)
        scopes = SCOPES | settings.pop("scopes", {})
        regions = dict.fromkeys(AWS_SERVICES, "us-west-2") | settings.pop("regions", {})
        weights = settings.pop("weights", (1,) + (0,) * (len(answers) - 1))
        prices = settings.pop("cache_prices", None)
        targets = (Target(Offer(name, scopes[name], ANY), w) for name, w in zip(answers, weights, strict=True))
        table = RouteTable((Route(ANY, ANY, tuple(targets)),))
        self.gateway = Gateway(
            GatewaySettings(
                surfaces={
                    name: SurfaceSettings(
                        name,
                        SETTINGS[name].base_url,
                        scope=scopes[name],
                        region=regions.get(name, ""),
                        project=SETTINGS[name].project and "lab-project",
                        workspace=SETTINGS[name].workspace,
                    )
                    for name in answers
                },
                **settings,
            ),
            sink=self.sink,
            keys=Ring(record(created_at=AT)),
            routes=lambda: table,
            facts=SnapshotFacts(lambda: SNAPSHOT, clock),
            admission=OpenAdmission(),
            clock=clock,
            transport=self.transport,
            credentials=dict.fromkeys(answers, PlainCredential()),
            cache_prices=prices,
        )

    async def post(self, body: Mapping[str, Any] | bytes, path: str = "/v1/messages", **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps({"model": MODEL, "max_tokens": 200, **body}).encode()
        return await Caller(self.gateway).send("POST", path, headers={**AUTH, **named}, body=data)

    def sent_body(self) -> bytes:
        """What was sent last; on the counting route of Bedrock, what is counted."""
        body = self.transport.sent[-1].body
        body = body if isinstance(body, bytes) else b"".join(body)
        wrapped = json.loads(body).get("input", {}).get("invokeModel", {}).get("body")
        return base64.b64decode(wrapped) if wrapped else body


async def count(at: Any, body: Mapping[str, Any], *, query: str = "", **headers: str) -> Response:
    """Ask a gateway how many tokens a request has."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = json.dumps({"model": MODEL, **body}).encode()
    path = "/v1/messages/count_tokens" + query
    return await Caller(at.gateway).send("POST", path, headers={**AUTH, **named}, body=data)
