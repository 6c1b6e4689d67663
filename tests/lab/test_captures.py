"""Requests of the official clients, byte for byte, are answered or refused as the surface would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from trivium.core import ManualClock
from trivium.lab import LabServer

from .conftest import NOON

FOLDER = Path(__file__).parent.parent / "golden" / "wire_captures"
REFUSED = {
    "first_party__claude_code_tool_result": 400,  # its thinking block was signed elsewhere
}
KEYS = {
    "anthropic": dict.fromkeys(("sk-ant-fake", "sk-fake", "fake", "tok"), "lab"),
    "foundry": dict.fromkeys(("foundry-key", "fk", "eyJ", "eyJ.entra"), "lab"),
}
DEPLOYMENTS = dict.fromkeys(("my-opus-deployment", "my-dep"), "claude-opus-5-5")


def _captures() -> list[str]:
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    return [name for name in names if name.startswith(("first_party__", "foundry__"))]


@pytest.mark.parametrize("name", _captures())
async def test_a_captured_request_is_served(name: str, session: aiohttp.ClientSession) -> None:
    capture = json.loads((FOLDER / f"{name}.json").read_text())["request"]
    surface = "foundry" if name.startswith("foundry") else "anthropic"
    deployments = {**DEPLOYMENTS, **_named(capture["body"])}
    options = {"foundry": {"entra": None, "deployments": deployments}}  # the captured bearer tokens are not Entra's
    async with LabServer([surface], clock=ManualClock(NOON), keys=KEYS, options=options) as lab:
        status, headers, body = await _send(session, lab.url(surface), capture)
        assert status == REFUSED.get(name, 200)
        assert headers["request-id"].startswith("req_")
        assert ("anthropic-ratelimit-requests-limit" in headers) == (
            surface == "anthropic" and status == 200 and capture["path"].split("?")[0] == "/v1/messages"
        )
        if status == 200 and (capture["body"] or {}).get("stream"):
            assert body.startswith(b"event: message_start\n")
            assert body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
        elif status != 200:
            assert json.loads(body)["error"]["message"]


def _named(body: Any) -> dict[str, str]:
    """A deployment for whatever name the capture uses."""
    name = (body or {}).get("model", "")
    return {name: name if name.startswith("claude-") else "claude-opus-5-5"} if name else {}


async def _send(session: aiohttp.ClientSession, url: str, capture: dict[str, Any]) -> tuple[int, Any, bytes]:
    left_out = {"host", "content-length", "connection"}
    headers = [(name, value) for name, value in capture["headers"] if name.lower() not in left_out]
    raw = capture["body_raw"]
    body = raw.encode() if raw else json.dumps(capture["body"]).encode() if capture["body"] else None
    async with session.request(capture["method"], url + capture["path"], headers=headers, data=body) as response:
        return response.status, response.headers, await response.read()
