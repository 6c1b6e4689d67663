"""Run a gateway: listen, reload on change, watch the limits, and end without losing a request or a record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import uvicorn

from trivium.app.compose import Runtime, compose
from trivium.app.settings import Settings, read_settings
from trivium.core import Clock, TriviumError, UserError
from trivium.gateway import GatewayServer
from trivium.watch import AlertLog, AppriseNotifier, Limit, check, deliver

_log = logging.getLogger("trivium.app")
_POLL_S = 0.5
_REAP_MARGIN = timedelta(minutes=5)


def serve(
    settings_path: Path,
    clock: Clock,
    *,
    replay: bool = False,
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGINT or SIGTERM. `ready` gets the address once the port listens."""
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
    listener = _listen(settings)
    runtime: Runtime | None = None
    try:
        runtime = compose(settings, settings_path.parent, clock, replay=replay)
        server = _Server(runtime.gateway, host=settings.gateway.host, port=settings.gateway.port)
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        loop.add_signal_handler(signal.SIGHUP, changed.set)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]))
            background = [
                group.create_task(_reload(settings_path, runtime, changed)),
                group.create_task(_watch(runtime, clock)),
            ]
            await _started(server, serving)
            host, port = listener.getsockname()[:2]
            ready(f"http://{host}:{port}")
            await serving
            for task in background:
                task.cancel()
    finally:
        if runtime is not None:
            await runtime.close()
        listener.close()


class _Server(GatewayServer):
    """uvicorn without signal handlers of its own, so that the process ends in one way: after the last record."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield

    def stop(self) -> None:
        """Begin the shutdown."""
        self.should_exit = True


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.gateway.host, settings.gateway.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UserError(
            "gateway.port", f"{host}:{port}", f"choose another address or port ({error.strerror})"
        ) from error
    return listener


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:
        if serving.done():
            await serving
            raise UserError("gateway", "", "the server ended before it listened; see its log")
        await asyncio.sleep(0.01)


async def _reload(path: Path, runtime: Runtime, changed: asyncio.Event) -> None:
    """Read the settings again when the file changes or SIGHUP comes; keep the old ones if the new are no good."""
    seen = _fingerprint(path)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), _POLL_S)
        now = _fingerprint(path)
        if now == seen and not changed.is_set():
            continue
        seen = now
        changed.clear()
        try:
            runtime.reload(read_settings(path))
        except TriviumError as error:
            _log.error("settings: %s; the ones before stay in force", error)
        except Exception:  # noqa: BLE001  recorded; a reload must never take the data plane down
            _log.exception("settings: reading them failed; the ones before stay in force")
        else:
            _log.info("settings: reloaded")


def _fingerprint(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


async def _watch(runtime: Runtime, clock: Clock) -> None:
    """Look at the limits, and at attempts that a crash left open, every so often, beside the request path."""
    while True:
        for look in (reap_once, watch_once):
            try:
                await asyncio.to_thread(look, runtime, clock)
            except TriviumError as error:
                _log.error("%s: %s", look.__name__, error)
            except Exception:  # noqa: BLE001  recorded; watching must never take the data plane down
                _log.exception("%s failed; it is tried again", look.__name__)
        await asyncio.sleep(runtime.settings.gateway.watch_interval_s)


def reap_once(runtime: Runtime, clock: Clock) -> int:
    """End what a crash left open: no attempt lives longer than a request may."""
    del clock  # the ledger has its own
    reaped = runtime.ledger.reap(timedelta(seconds=runtime.settings.gateway.deadline_s) + _REAP_MARGIN)
    if reaped:
        _log.warning("ledger: %d attempts that a crash had left open were ended as abandoned", len(reaped))
    return len(reaped)


def watch_once(runtime: Runtime, clock: Clock) -> list[str]:
    """Check every limit and deliver what is due; returns what could not be delivered."""
    limits = limits_of(runtime.settings)
    if not limits:
        return []
    alerts = check(limits, runtime.spend_between, clock.now(), runtime.first_event_at())
    failures = deliver(alerts, AlertLog(runtime.alert_log), AppriseNotifier())
    for failure in failures:
        _log.error("alert not delivered: %s", failure)
    return failures


def limits_of(settings: Settings) -> tuple[Limit, ...]:
    """The limits of the settings as the watch takes them."""
    return tuple(
        Limit(name, entry.amount, entry.window, entry.where, entry.thresholds, entry.forecast, entry.notify)
        for name, entry in settings.limits.items()
    )


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
    """Send the product's log to stderr as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
