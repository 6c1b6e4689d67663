"""One Chat Completions request, and what each surface is sent for it, side by side in `golden/chat_completions`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.support import record
from gateway_dialect.support import SURFACES
from gateway_upstream.support import SETTINGS
from trivium.catalog import load
from trivium.core import ANY, ManualClock, Offer, Target, UserError
from trivium.gateway import Outbound, SnapshotFacts
from trivium.gateway.admit import read_request
from trivium.gateway.dialect import asked
from trivium.gateway.upstream import UPSTREAMS

GOLDEN = Path(__file__).parents[1] / "golden" / "chat_completions"
AT = datetime(2026, 11, 25, tzinfo=UTC)
SNAPSHOT = load().snapshot(AT.date())
FACTS = SnapshotFacts(lambda: SNAPSHOT, ManualClock(AT))


def sent(surface: str, data: bytes) -> Outbound:
    """What goes to a surface, through the whole of the ingress and its adapter."""
    found = asked("/v1/chat/completions")
    assert found is not None
    canonical = found.dialect.canonical(found, data, {})
    request = read_request(found, canonical, {}, request_id="req_1", key=record(), facts=FACTS)
    settings = SETTINGS[surface]
    target = Target(Offer(surface, "global" if surface == "vertex" else settings.scope, ANY), 1)
    return UPSTREAMS[surface].prepare(request, target, FACTS, settings)


@pytest.mark.parametrize("surface", SURFACES)
def test_each_surface_is_sent_what_its_file_shows(surface: str) -> None:
    outbound = sent(surface, (GOLDEN / "request.json").read_bytes())
    shown = {
        "url": outbound.url,
        "headers": {name: value for name, value in outbound.headers.items() if name != "user-agent"},
        "notes": list(outbound.notes),
        "body": json.loads(outbound.body),
    }
    assert shown == json.loads((GOLDEN / f"{surface}.json").read_text())
    assert '"input":{"city": "Zürich", "days": 1.0}'.encode() in outbound.body  # as the call was written


@pytest.mark.parametrize("surface", SURFACES)
def test_no_mark_and_no_word_is_added(surface: str) -> None:
    """LL#17479: a gateway put a cache mark where none was, and the request was refused."""
    least = {"model": "claude-opus-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    body: dict[str, Any] = json.loads(sent(surface, json.dumps(least).encode()).body)
    assert b"cache_control" not in sent(surface, json.dumps(least).encode()).body
    assert body.keys() <= {"model", "max_tokens", "messages", "anthropic_version"}
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]


@pytest.mark.parametrize("surface", SURFACES)
def test_instructions_in_the_middle_keep_their_place_or_are_refused(surface: str) -> None:
    """They apply from there on; a surface that takes none there says so, and nothing is moved."""
    turns = [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "c"}]
    data = json.dumps({"model": "claude-opus-5", "max_tokens": 5, "messages": turns}).encode()
    if FACTS.supports(surface, "claude-opus-5", "mid_conversation_system") is False:
        with pytest.raises(UserError):
            sent(surface, data)
    else:
        assert [turn["role"] for turn in json.loads(sent(surface, data).body)["messages"]] == ["user", "system", "user"]
