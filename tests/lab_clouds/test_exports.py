"""What `trivium lab` says to export is all that the official client of each platform needs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from trivium.lab import LabServer
from trivium.lab.exports import exports
from trivium.lab.server import SURFACES

CLIENTS = {  # the client, and the model by the platform's own name
    "anthropic": ("Anthropic", "claude-opus-5"),
    "claude-aws": ("AnthropicAWS", "claude-opus-5"),
    "bedrock": ("AnthropicBedrock", "us.anthropic.claude-opus-5"),
    "bedrock-mantle": ("AnthropicBedrockMantle", "anthropic.claude-opus-5"),
    "vertex": ("AnthropicVertex", "claude-opus-5"),
    "claude-gcp": ("AnthropicGoogleCloud", "claude-opus-5"),
    "foundry": ("AnthropicFoundry", "claude-opus-5"),
}
SCRIPT = """
import sys, anthropic
messages = [{"role": "user", "content": "[[lab out=7]] hi"}]
for name, model in zip(sys.argv[1::2], sys.argv[2::2]):
    with getattr(anthropic, name)(max_retries=0) as client:
        answer = client.messages.create(model=model, max_tokens=20, messages=messages)
    print(name, answer.usage.output_tokens)
"""


def test_every_surface_of_the_lab_has_a_client() -> None:
    assert tuple(CLIENTS) == SURFACES


async def test_clients_made_from_the_exports_alone_are_answered(tmp_path: Path) -> None:
    async with LabServer(SURFACES) as lab:
        found = exports(lab, tmp_path)
        assert tuple(found) == SURFACES
        variables = {name: value for pairs in found.values() for name, value in pairs.items()}
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", SCRIPT, *(word for pair in CLIENTS.values() for word in pair)],
            env={**kept, "NO_PROXY": "127.0.0.1", "AWS_CONFIG_FILE": os.devnull, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.splitlines() == [f"{name} 7" for name, _ in CLIENTS.values()], done.stderr
        assert [line.surface for line in lab.bill.lines] == list(SURFACES)


def test_without_names_the_command_opens_every_surface() -> None:
    command = [sys.executable, "-m", "trivium.cli", "lab", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.terminate()
    assert set(said["surfaces"]) == {*SURFACES, "signin"}
    assert set(said["exports"]) == set(SURFACES)
