"""Claude Code as users get it: installed once, by version, into a cache of the user's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

VERSIONS = ("2.1.332", "2.1.197")  # today's, and the last that was a script: it reads no capability_rejected
CACHE = Path.home() / ".cache/trivium-tests/claude-code"


def claude_of(version: str) -> str:
    """The command of one version; skips by name where it cannot be had."""
    folder = CACHE / version
    command = folder / "node_modules/.bin/claude"
    if not command.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed, so Claude Code cannot be")
        folder.mkdir(parents=True, exist_ok=True)
        package = f"@anthropic-ai/claude-code@{version}"
        install = [npm, "install", "--no-audit", "--prefix", str(folder), package]
        if subprocess.run(install, capture_output=True, check=False).returncode or not command.exists():
            pytest.skip(f"npm could not install {package}")
    return str(command)
