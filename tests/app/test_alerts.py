"""Limits as a gateway and a command look at them: by the catalogue's names, each alert once, whoever looks."""

from __future__ import annotations

import asyncio
import fcntl
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trivium.app.alerts import AlertsBusy, deliver_due, read_limits
from trivium.app.compose import Runtime, alert_log, compose
from trivium.app.serve import Background, watch_once
from trivium.app.settings import parse_settings
from trivium.catalog import load
from trivium.core import (
    Clock,
    Closed,
    LedgerError,
    ManualClock,
    Money,
    Offer,
    Opened,
    Outcome,
    Quality,
    SystemClock,
    Usage,
    UsageEvent,
    UserError,
    parse_utc,
)
from trivium.ledger import Ledger
from trivium.pricing import PriceBook
from trivium.watch import Limit

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SURFACES = '[surfaces.anthropic]\ncredential = { kind = "api-key", env = "KEY" }\n'


class Slow:
    """A notifier that takes long enough for two lookers to meet."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._wait = threading.Event()

    def send(self, address: str, title: str, body: str) -> None:
        self._wait.wait(0.2)
        self.sent.append(address)


def spend_a_cent(ledger: Ledger, at: datetime = NOON) -> None:
    # 400 tokens of output at 25 USD a million are 0.01 USD
    usage = Usage(input=0, output=400, cache_read=0, cache_write_5m=0, cache_write_1h=0)
    opened = Opened("e1", "r1", 1, at, Offer("anthropic", "global", "claude-opus-5"), "w")
    ledger.append([UsageEvent(opened, Closed("e1", at, Outcome.OK, usage, Quality.EXACT))])


def test_a_gateway_and_a_command_that_look_at_once_deliver_each_alert_once(tmp_path: Path) -> None:
    book = PriceBook.from_snapshot(load().snapshot(NOON.date()))
    limit = Limit("tiny", Money.from_usd("0.01"), "day", thresholds=(1.0,), forecast=False, notify=("json://one",))
    notifier = Slow()

    def look() -> int:
        with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(NOON)) as ledger:
            alerts, failures = deliver_due([limit], ledger, NOON, notifier)
        assert failures == []
        return len(alerts)

    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(NOON), book=lambda: book) as ledger:
        spend_a_cent(ledger)
    with ThreadPoolExecutor(2) as pool:
        assert [found.result() for found in (pool.submit(look), pool.submit(look))] == [1, 1]
    assert notifier.sent == ["json://one"]


def test_a_limit_that_is_not_reached_delivers_nothing_and_writes_nothing(tmp_path: Path) -> None:
    limit = Limit("wide", Money.from_usd("1"), "day", thresholds=(1.0,), forecast=False, notify=("json://one",))
    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(NOON)) as ledger:
        assert deliver_due([limit], ledger, NOON, Slow()) == ([], [])
    assert not list(tmp_path.glob("alerts*"))


class Server(http.server.BaseHTTPRequestHandler):
    """A webhook that counts."""

    got: list[str]

    def do_POST(self) -> None:
        type(self).got.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["title"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[str]]]:
    got: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Server,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


async def runtime_of(folder: Path, address: str) -> Runtime:
    """A gateway whose day limit of a cent is spent."""
    (folder / "key").write_text("a-key")
    limit = {"amount_usd": "0.01", "window": "day", "forecast": False, "notify": [address]}
    surfaces = {"anthropic": {"credential": {"kind": "api-key", "file": "key"}}}
    settings = parse_settings({"surfaces": surfaces, "limits": {"tiny": limit}})
    runtime = compose(settings, folder, ManualClock(NOON))
    spend_a_cent(runtime.ledger)
    return runtime


async def test_a_gateway_whose_disk_takes_no_note_sends_every_alert_once(
    tmp_path: Path, webhook: tuple[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    address, got = webhook
    runtime = await runtime_of(tmp_path, address)
    try:
        alert_log(runtime.ledger).symlink_to(tmp_path / "missing/alerts.jsonl")
        for _ in range(3):
            await asyncio.to_thread(watch_once, runtime, runtime.clock)
    finally:
        await runtime.close()
    assert got == [f"tiny: {share} of its day limit is spent" for share in ("50%", "80%", "100%")]
    assert "alerts.jsonl does not take the note" in caplog.text


@contextmanager
def held(ledger: Ledger) -> Iterator[None]:
    """The turn of whoever delivers, taken by another and not given back."""
    with alert_log(ledger).with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


async def test_a_turn_that_another_holds_stops_neither_the_watch_nor_the_end_of_a_gateway(
    tmp_path: Path, webhook: tuple[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    address, got = webhook
    runtime = await runtime_of(tmp_path, address)
    looked = asyncio.Semaphore(0)
    loop = asyncio.get_running_loop()

    def watching(runtime: Runtime, clock: Clock) -> None:
        watch_once(runtime, clock)
        loop.call_soon_threadsafe(looked.release)

    background = Background(tmp_path / "trivium.toml", runtime, runtime.clock, asyncio.Event(), (watching,))
    try:
        with held(runtime.ledger):
            running = asyncio.ensure_future(background.run())
            async with asyncio.timeout(5):
                await looked.acquire()
                background.stop()
                await running
        assert got == []
        assert "alerts.lock is busy" in caplog.text
        assert "this look at the limits is skipped" in caplog.text
        await asyncio.to_thread(watch_once, runtime, runtime.clock)
        assert len(got) == 3
    finally:
        await runtime.close()


def test_a_command_waits_for_its_turn_and_then_says_what_is_busy(tmp_path: Path) -> None:
    limit = Limit("tiny", Money.from_usd("0.01"), "day", thresholds=(1.0,), forecast=False, notify=("json://one",))
    book = PriceBook.from_snapshot(load().snapshot(NOON.date()))
    notifier = Slow()
    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(NOON), book=lambda: book) as ledger:
        spend_a_cent(ledger)
        pauses: list[float] = []
        with held(ledger), pytest.raises(AlertsBusy, match=r"alerts\.lock is busy"):
            deliver_due([limit], ledger, NOON, notifier, pause=pauses.append)
        assert sum(pauses) == pytest.approx(10)
        assert notifier.sent == []
        with ExitStack() as other:
            other.enter_context(held(ledger))
            _, failures = deliver_due([limit], ledger, NOON, notifier, pause=lambda _: other.close())
        assert failures == []
        assert notifier.sent == ["json://one"]


def test_a_lock_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    limit = Limit("tiny", Money.from_usd("0.01"), "day", thresholds=(1.0,), forecast=False, notify=("json://one",))
    book = PriceBook.from_snapshot(load().snapshot(NOON.date()))
    with Ledger.open(tmp_path / "ledger.db", clock=ManualClock(NOON), book=lambda: book) as ledger:
        spend_a_cent(ledger)
        alert_log(ledger).with_suffix(".lock").mkdir()
        with pytest.raises(LedgerError, match=r"alerts\.lock cannot be opened"):
            deliver_due([limit], ledger, NOON, Slow())


@pytest.mark.slow
def test_limit_check_exits_4_when_its_turn_does_not_come(tmp_path: Path) -> None:
    book = PriceBook.from_snapshot(load().snapshot(NOON.date()))
    path = tmp_path / "trivium.toml"
    month = '[limits.tiny]\namount_usd = "0.01"\nwindow = "month"\nforecast = false\n'
    path.write_text(f'{SURFACES}[paths]\nledger = "ledger.db"\n{month}')
    now = SystemClock()
    with Ledger.open(tmp_path / "ledger.db", clock=now, book=lambda: book) as ledger:
        spend_a_cent(ledger, now.now())
        with held(ledger):
            done = subprocess.run(
                [sys.executable, "-m", "trivium.cli", "limit", "check", "--settings", str(path)],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
    assert done.returncode == 4
    assert "alerts.lock is busy" in done.stderr


def write(folder: Path, model: str) -> Path:
    path = folder / "trivium.toml"
    limit = f'[limits.opus]\namount_usd = "1"\nwindow = "day"\nwhere = {{ model = "{model}" }}\n'
    path.write_text(SURFACES + limit)
    return path


def test_a_limit_on_a_model_counts_it_by_the_catalogues_name(tmp_path: Path) -> None:
    """The ledger knows no other name; by an alias the limit would watch nothing, for ever."""
    path = write(tmp_path, "us.anthropic.claude-opus-5")
    _, (limit,) = read_limits(path, ManualClock(parse_utc("2026-11-22")))
    assert limit.where == {"model": "claude-opus-5"}


def test_a_limit_on_a_model_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"limits\.opus\.where\.model: 'claude-opuss'"):
        read_limits(write(tmp_path, "claude-opuss"), ManualClock(parse_utc("2026-11-22")))
