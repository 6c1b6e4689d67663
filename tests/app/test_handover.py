"""`trivium serve` restarts under load: a real process hands its socket to a real successor, and no request fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from trivium.app.handover import inherited, report_ready, start_successor
from trivium.core import SystemClock, UserError
from trivium.lab import LabServer
from trivium.ledger import Ledger

ASK = {"model": "claude-opus-5", "max_tokens": 60, "messages": [{"role": "user", "content": "[[lab out=20]] a b"}]}


@contextlib.contextmanager
def gateway(folder: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A gateway process, and the virtual key of its only workload. Its successors are ended with it."""
    environment = {**os.environ, "NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1", **variables}
    trivium = [sys.executable, "-m", "trivium.cli"]
    made = subprocess.run(
        [*trivium, "key", "create", "--db", str(folder / "ledger.db"), "--workload", "w", "--json"],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*trivium, "serve", "--settings", str(folder / "trivium.toml"), "--json"],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )  # fmt: skip
        try:
            yield process, json.loads(made.stdout)["secret"]
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    """What a process, or its successor on the same output, says when it serves."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())  # type: ignore[no-any-return]


def settings(folder: Path, lab: LabServer) -> None:
    (folder / "trivium.toml").write_text(
        f'[gateway]\nport = 0\n[paths]\nledger = "ledger.db"\n[surfaces.anthropic]\n'
        f'base_url = "{lab.base_url("anthropic")}"\ncredential = {{ kind = "api-key", env = "HANDOVER_TEST_KEY" }}\n'
    )


def spoil(folder: Path) -> None:
    (folder / "trivium.toml").write_text("this is no TOML")


def log_of(folder: Path) -> str:
    return (folder / "log").read_text()


class Load:
    """Official-looking clients with kept connections, which repeat nothing."""

    def __init__(self, url: object, secret: str) -> None:
        self._url = f"{url}/v1/messages"
        self._headers = {"x-api-key": secret, "anthropic-version": "2023-06-01"}
        self.served = 0
        self.failed: list[str] = []
        self._enough = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self, clients: int) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(headers=self._headers, trust_env=False) as session:
            tasks = [asyncio.ensure_future(self._client(session, number % 2 == 0)) for number in range(clients)]
            try:
                yield
            finally:
                self._enough.set()
                await asyncio.gather(*tasks)

    async def _client(self, session: aiohttp.ClientSession, streamed: bool) -> None:
        while not self._enough.is_set():
            try:
                async with session.post(self._url, json={**ASK, "stream": streamed}) as response:
                    body = await response.read()
                    whole = b"message_stop" in body if streamed else json.loads(body)["usage"]["output_tokens"] == 20
                    if response.status == 200 and whole:
                        self.served += 1
                    else:
                        self.failed.append(f"{response.status}: {body[:200]!r}")
            except (aiohttp.ClientError, OSError) as error:
                self.failed.append(repr(error))


def rest(process: subprocess.Popen[str]) -> str:
    """What is still said until the process and its successors have ended."""
    assert process.stdout is not None
    return process.stdout.read()


async def test_a_handover_under_load_fails_no_request(tmp_path: Path) -> None:
    async with LabServer(["anthropic"]) as lab:
        settings(tmp_path, lab)
        with gateway(tmp_path, HANDOVER_TEST_KEY=lab.key("anthropic")) as (process, secret):
            first = await asyncio.to_thread(said, process)
            load = Load(first["url"], secret)
            async with load.running(clients=6):
                await asyncio.sleep(0.5)
                process.send_signal(signal.SIGUSR2)
                second = await asyncio.to_thread(said, process)
                successor = int(str(second["pid"]))
                try:
                    assert (second["url"], process.pid) == (first["url"], first["pid"])
                    assert await asyncio.to_thread(process.wait, 20) == 0
                    served_before = load.served
                    await asyncio.sleep(0.5)
                except BaseException:
                    os.kill(successor, signal.SIGKILL)
                    raise
            os.kill(successor, signal.SIGTERM)
            assert await asyncio.to_thread(rest, process) == ""
    assert load.failed == []
    assert load.served > served_before > 0
    with Ledger.open(tmp_path / "ledger.db", clock=SystemClock(), book=None) as ledger:
        assert ledger.open_attempts() == ()
        assert len(list(ledger.events())) == load.served


async def test_a_successor_that_does_not_serve_leaves_the_old_one_at_work(tmp_path: Path) -> None:
    async with LabServer(["anthropic"]) as lab:
        settings(tmp_path, lab)
        with gateway(tmp_path, HANDOVER_TEST_KEY=lab.key("anthropic")) as (process, secret):
            first = await asyncio.to_thread(said, process)
            spoil(tmp_path)
            process.send_signal(signal.SIGUSR2)
            async with asyncio.timeout(30):
                while "successor did not serve" not in log_of(tmp_path):  # noqa: ASYNC110  a log file has no event
                    await asyncio.sleep(0.05)
            load = Load(first["url"], secret)
            async with load.running(clients=1):
                await asyncio.sleep(0.3)
            assert process.poll() is None
    assert load.failed == []
    assert load.served > 0


def test_a_supervisors_socket_is_taken_and_its_variables_are_not_passed_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        duplicate = os.dup(listener.fileno())
        variables = {"TRIVIUM_LISTEN_FD": str(duplicate), "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid() + 1)}
        taken = inherited("127.0.0.1", 0, variables)
        assert taken is not None
        assert (taken.getsockname(), taken.get_inheritable()) == (listener.getsockname(), False)
        assert variables == {}
        taken.close()
        duplicate = os.dup(listener.fileno())
        assert inherited("127.0.0.1", 1, {"TRIVIUM_LISTEN_FD": str(duplicate)}) is None  # the settings moved it
    assert inherited("127.0.0.1", 0, {}) is None


@pytest.mark.parametrize(
    ("host", "taken"), [("localhost", True), ("127.0.0.1", True), ("127.0.0.2", False), ("no such host", False)]
)
def test_a_socket_is_known_by_its_address_whatever_the_settings_call_it(host: str, taken: bool) -> None:
    """With `host = "localhost"` no successor took the socket, and none could listen beside its predecessor."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = inherited(host, listener.getsockname()[1], {"TRIVIUM_LISTEN_FD": str(os.dup(listener.fileno()))})
        assert (found is not None) is taken
        if found is not None:
            found.close()


@pytest.mark.parametrize("listening", [True, False], ids=["not a socket", "not listening"])
def test_what_is_no_listening_socket_is_refused(listening: bool, tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as plain, (tmp_path / "file").open("w") as file:
        descriptor = file.fileno() if listening else plain.fileno()
        with pytest.raises(UserError, match="TRIVIUM_LISTEN_FD"):
            inherited("127.0.0.1", 0, {"TRIVIUM_LISTEN_FD": str(descriptor)})


@pytest.mark.parametrize(
    ("script", "serves"),
    [
        ("import os; os.write(int(os.environ['TRIVIUM_READY_FD']), b'1')", True),
        ("raise SystemExit(3)", False),
        ("import time; time.sleep(60)", False),
    ],
    ids=["says so", "ends", "hangs"],
)
async def test_a_successor_serves_once_it_says_so(script: str, serves: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        successor = await start_successor(listener, (sys.executable, "-c", script), ready_s=2.0)
        assert (successor is not None) is serves
        if successor is not None:
            assert await asyncio.to_thread(successor.wait, 5) == 0
        assert time.monotonic() - begun < 10


async def test_a_successor_that_cannot_be_started_is_no_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert await start_successor(listener, (str(tmp_path / "nothing"),), ready_s=1.0) is None


def test_to_say_so_without_a_predecessor_is_nothing() -> None:
    report_ready({})
