"""A replay of thousands of long prompts stays cheap: the tokens of a block that was seen are not counted again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from trivium.core import ManualClock
from trivium.lab import LabServer
from trivium.lab.surfaces._base import Exchange, Operation

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CPU_S_MAX = 0.006  # about one millisecond was measured; the rest is room for slower machines


def test_a_seen_prompt_of_250_kilobytes_costs_milliseconds() -> None:
    lab = LabServer(["anthropic"], clock=ManualClock(NOON))
    words = " a b c d e" * 250
    blocks: list[Any] = [{"type": "text", "text": f"{number}{words}"} for number in range(100)]
    blocks[-1]["cache_control"] = {"type": "ephemeral"}
    bodies = []
    for number in range(50):
        last = {"type": "text", "text": f"[[lab out=200]] {number}", "cache_control": {"type": "ephemeral"}}
        messages = [{"role": "user", "content": [*blocks, last]}]
        bodies.append(msgspec.json.encode({"model": "claude-opus-5-5", "max_tokens": 200, "messages": messages}))
    assert len(bodies[0]) > 250_000
    _answer(lab, bodies[0])
    begun = time.process_time()
    for body in bodies:
        _answer(lab, body)
    assert (time.process_time() - begun) / len(bodies) < CPU_S_MAX
    assert lab.bill.lines[-1].tokens["cache_read"] > 100_000


def _answer(lab: LabServer, body: bytes) -> None:
    exchange = Exchange("POST", "/v1/messages", "", {"anthropic-version": "2026-10-21"}, body, NOON, "req_1")
    call = lab._surfaces["anthropic"].read(exchange, Operation.MESSAGES, msgspec.json.decode(body), "lab")
    answer = lab.engine.begin(call, "req_1")
    lab.engine.started(answer)
    msgspec.json.encode(answer.message())
    lab.engine.finished(answer, "ok", answer.output_tokens)
