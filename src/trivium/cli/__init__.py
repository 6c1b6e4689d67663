"""The command line: parse, call, print. Each command lives in a module of its own and imports its rooms late."""

from trivium.cli._main import main

__all__ = ["main"]
