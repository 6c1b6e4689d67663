"""The recorded requests of the official clients, as the lab receives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trivium.lab.auth import AwsCredential, Received

FOLDER = Path(__file__).parent.parent / "golden" / "wire_captures"


def captures(pattern: str = "*.json") -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob(pattern))]


def capture(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / f"{name}.json").read_text()))


def received(golden: dict[str, Any]) -> Received:
    request = golden["request"]
    path, _, query = request["path"].partition("?")
    body = (request["body_raw"] or "").encode()
    return Received(request["method"], path, query, tuple((name, value) for name, value in request["headers"]), body)


def credential(golden: dict[str, Any]) -> AwsCredential:
    signed = golden["sigv4"]
    tokens = [value for name, value in golden["request"]["headers"] if name.lower() == "x-amz-security-token"]
    token = tokens[0] if tokens else None
    return AwsCredential(signed["access_key_id"], signed["secret_access_key"], "recorded", token)
