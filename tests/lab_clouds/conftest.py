"""Labs for the official clients: in a thread of their own, since most of the clients block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from trivium.lab import LabServer

CLOUDS = ("bedrock", "vertex", "foundry")


@contextmanager
def running(**settings: Any) -> Iterator[LabServer]:
    """A lab that serves until the block ends."""
    started: list[LabServer] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            async with LabServer(CLOUDS, **settings) as lab:
                started.append(lab)
                ready.set()
                await stop.wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(20)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="session")
def tls_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Every port behind the lab's own certificates."""
    folder: Path = tmp_path_factory.mktemp("tls")
    with running(tls=folder, seed=3) as lab:
        yield lab


@pytest.fixture(scope="session")
def plain_lab() -> Iterator[LabServer]:
    """Plain HTTP, for clients whose trust in certificates cannot be given as an argument."""
    with running(seed=3) as lab:
        yield lab
