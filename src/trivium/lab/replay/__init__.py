"""Replay of recorded usage: real request bodies of synthetic words, driven through a gateway on trace time."""

from trivium.lab.replay._bodies import PlannedRequest, plan_conversation
from trivium.lab.replay._drive import Client, Replayed, replay
from trivium.lab.replay._select import select

__all__ = ["Client", "PlannedRequest", "Replayed", "plan_conversation", "replay", "select"]
