"""Run a gateway: listen, reload on change, watch the limits, and end without losing a request or a record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import uvicorn

from trivium.app.alerts import AlertsBusy, deliver_due, limits_of
from trivium.app.compose import Runtime, compose
from trivium.app.handover import inherited, own_command, report_ready, start_successor
from trivium.app.settings import Settings, read_settings
from trivium.core import Clock, TriviumError, UserError
from trivium.gateway import GatewayServer

_log = logging.getLogger("trivium.app")
_POLL_S = 0.5
_REST_S = 0.05  # a file that is being written changes within this
_MENDING_S = 5.0  # after a defect beside the requests: it is tried again, and its log stays readable
Look = Callable[[Runtime, Clock], object]
_REAP_MARGIN = timedelta(minutes=5)


def serve(
    settings_path: Path,
    clock: Clock,
    *,
    replay: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until a successor does (SIGUSR2). `ready` gets the address once it listens."""
    settings = read_settings(settings_path)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            runner.run(_serve(settings_path, settings, clock, replay, ready))
        except* TriviumError as failed:  # the task group wraps what its tasks raise
            raise failed.exceptions[0] from failed


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415  not built for every platform
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(
    settings_path: Path,
    settings: Settings,
    clock: Clock,
    replay: bool,
    ready: Callable[[str], None],
) -> None:
    signals = _Signals()  # before anything that takes time: a signal must not kill a process that starts
    listener = inherited(settings.gateway.host, settings.gateway.port) or _listen(settings)
    runtime: Runtime | None = None
    try:
        runtime = compose(settings, settings_path.parent, clock, replay=replay)
        server = _Server(runtime.gateway, host=settings.gateway.host, port=settings.gateway.port)
        background = Background(settings_path, runtime, clock, signals.changed, (reap_once, watch_once))
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            group.create_task(background.run())
            ending = group.create_task(_end(signals, server, background))
            await _started(server, serving)
            handing = group.create_task(_hand_over(signals, listener))
            ready(_address(listener))
            report_ready()
            await serving
            background.stop()
            ending.cancel()
            handing.cancel()
    finally:
        if runtime is not None:
            await runtime.close()
        listener.close()


class _Signals:
    """SIGTERM and SIGINT end, a second one in a hurry; SIGHUP reloads, SIGUSR2 hands over to a successor."""

    def __init__(self) -> None:
        self.ending, self.hurrying, self.changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.succeeding = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self.changed.set)
        loop.add_signal_handler(signal.SIGUSR2, self.succeeding.set)

    def _end(self) -> None:
        if self.ending.is_set():
            self.hurrying.set()
        self.ending.set()


async def _hand_over(signals: _Signals, listener: socket.socket) -> None:
    """End once a successor serves on the same socket; go on when it does not."""
    while not signals.ending.is_set():
        await signals.succeeding.wait()
        if not signals.ending.is_set() and await start_successor(listener, own_command()) is not None:
            signals.ending.set()
        signals.succeeding.clear()


async def _end(signals: _Signals, server: _Server, background: Background) -> None:
    await signals.ending.wait()
    _log.info("ending: requests in flight are finished, a second signal cuts them")
    server.should_exit = True
    background.stop()
    await signals.hurrying.wait()
    _log.warning("ending at once: requests in flight are cut, their records closed")
    server.hurry()


class _Server(GatewayServer):
    """uvicorn without signal handlers of its own, so that the process ends in one way: after the last record."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.gateway.host, settings.gateway.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        remedy = f"choose another address or port ({error.strerror})"
        raise UserError("gateway.host, gateway.port", f"{host}:{port}", remedy) from error
    return listener


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            await serving
            raise UserError("gateway", "", "the server ended before it listened; see its log")
        await asyncio.sleep(0.01)


class Background:
    """What runs beside the requests: reading the settings again, looking at limits and at what a crash left open.

    Nothing that fails here may end the gateway or pass in silence: it is logged and tried again.
    """

    def __init__(
        self, path: Path, runtime: Runtime, clock: Clock, changed: asyncio.Event, looks: Iterable[Look]
    ) -> None:
        self._path = path
        self._runtime = runtime
        self._clock = clock
        self._changed = changed
        self._looks = [(look, asyncio.Event()) for look in looks]  # the event ends its pause
        self._stopping = asyncio.Event()
        self._seen = _fingerprint(path)

    async def run(self) -> None:
        """Until `stop`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._always("reload", self._reload))
            for look, wake in self._looks:
                group.create_task(self._always(look.__name__, partial(self._watch, look, wake)))

    def stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        self._changed.set()
        self._look_now()

    async def _always(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            try:
                await step()
            except Exception:  # noqa: BLE001  recorded; nothing beside the requests may take them down
                _log.exception("%s failed", name)
                await _first(self._stopping, _MENDING_S)

    async def _reload(self) -> None:
        """Read the settings again when the file has changed and come to rest, or at once on SIGHUP."""
        asked = await _first(self._changed, _POLL_S)
        self._changed.clear()
        now = _fingerprint(self._path)
        if self._stopping.is_set() or not (asked or now != self._seen):
            return
        if not asked:
            await asyncio.sleep(_REST_S)
            if _fingerprint(self._path) != now:  # still being written
                return
        self._seen = now
        try:
            await self._runtime.reload(read_settings(self._path))
        except TriviumError as error:
            _log.error("settings: %s; the ones before stay in force", error)
        else:
            _log.info("settings: reloaded")
            self._look_now()

    def _look_now(self) -> None:
        for _, wake in self._looks:
            wake.set()

    async def _watch(self, look: Look, wake: asyncio.Event) -> None:
        """Look once, then wait for the next time or for other settings."""
        try:
            await asyncio.to_thread(look, self._runtime, self._clock)
        except TriviumError as error:
            _log.error("%s: %s; it is tried again", look.__name__, error)
        await _first(wake, self._runtime.settings.gateway.watch_interval_s)
        if not self._stopping.is_set():
            wake.clear()


async def _first(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; whether it came."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


def _fingerprint(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def reap_once(runtime: Runtime, clock: Clock) -> int:
    """End what a crash left open: no attempt lives longer than a request may."""
    del clock  # the ledger has its own
    reaped = runtime.ledger.reap(timedelta(seconds=runtime.settings.gateway.deadline_s) + _REAP_MARGIN)
    if reaped:
        _log.warning("ledger: %d attempts that a crash had left open were ended as abandoned", len(reaped))
    return len(reaped)


def watch_once(runtime: Runtime, clock: Clock) -> list[str]:
    """Check every limit and deliver what is due; returns what could not be delivered or noted."""
    limits = limits_of(runtime.settings)
    if not limits:
        return []
    try:
        _, failures = deliver_due(limits, runtime.ledger, clock.now(), unwritten=runtime.unwritten, patience_s=0)
    except AlertsBusy as error:
        _log.warning("%s; this look at the limits is skipped", error)
        return []
    for failure in failures:
        _log.error("alerts: %s; it is tried again", failure)
    return failures


class JsonLines(logging.Formatter):
    """One JSON object a line; control characters cannot break out of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "room": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["error"] = f"{record.exc_info[0].__name__}: {record.exc_info[1]}"
        return json.dumps(entry)


def log_to_stderr(level: str = "INFO") -> None:
    """Send the log to stderr as JSON lines: ours from `level` on, that of libraries from WARNING on.

    Libraries write down requests, headers and addresses when they are asked for more.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("trivium").setLevel(level)
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it quotes whole addresses; we report each failure
