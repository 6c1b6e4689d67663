"""What runs beside the requests: a failure in one look costs the other none of its turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trivium.app.compose import Runtime, compose
from trivium.app.serve import Background
from trivium.app.settings import parse_settings
from trivium.core import Clock, LedgerError, SystemClock


@pytest.mark.parametrize("error", [LedgerError("database is locked"), ZeroDivisionError("a defect")])
async def test_a_look_that_fails_is_named_and_the_other_keeps_its_turns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    turns = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def failing(_runtime: Runtime, _clock: Clock) -> None:
        raise error

    def working(_runtime: Runtime, _clock: Clock) -> None:
        loop.call_soon_threadsafe(turns.release)

    (tmp_path / "key").write_text("a-key")
    surfaces = {"anthropic": {"credential": {"kind": "api-key", "file": "key"}}}
    settings = parse_settings({"gateway": {"watch_interval_s": 0.05}, "surfaces": surfaces})
    runtime = compose(settings, tmp_path, SystemClock())
    background = Background(tmp_path / "trivium.toml", runtime, SystemClock(), asyncio.Event(), (failing, working))
    running = asyncio.ensure_future(background.run())
    async with asyncio.timeout(10):
        for _ in range(3):
            await turns.acquire()
    background.stop()
    await running
    await runtime.close()
    assert "failing" in caplog.text
    assert str(error) in caplog.text
