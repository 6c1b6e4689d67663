"""Checks any gateway from outside against what Claude Code asks of one, and keeps the evidence of each row."""

from trivium.conform._check import Site, check
from trivium.conform._client import Unreachable
from trivium.conform._rows import Row, Verdict

__all__ = ["Row", "Site", "Unreachable", "Verdict", "check"]
