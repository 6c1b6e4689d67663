"""What the gateway adds: the same load straight at an upstream, through nginx where it is installed, and through us.

Each target runs alone in its own process on one core; upstream and load generator have the other. The figures of one
run are only compared with each other: ratios, not absolute numbers, survive a change of machine.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SECRET = "sk-trv-" + "b" * 43
MODEL = "claude-bench"
CONNECTIONS = 16
ANSWER = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "x" * 1200}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 400, "output_tokens": 300, "cache_read_input_tokens": 0},
    }
).encode()


def _event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


STREAM = b"".join(
    [
        _event("message_start", message={"usage": {"input_tokens": 400, "output_tokens": 1}}),
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *[_event("content_block_delta", index=0, delta={"type": "text_delta", "text": " word"}) for _ in range(200)],
        _event("content_block_stop", index=0),
        _event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 300}),
        _event("message_stop"),
    ]
)


def _response(content_type: bytes, body: bytes, *, chunked: bool) -> bytes:
    if chunked:
        framing, body = b"transfer-encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        framing = b"content-length: %d" % len(body)
    return b"HTTP/1.1 200 OK\r\ncontent-type: " + content_type + b"\r\n" + framing + b"\r\n\r\n" + body


WHOLE_RESPONSE = _response(b"application/json", ANSWER, chunked=False)
STREAM_RESPONSE = _response(b"text/event-stream; charset=utf-8", STREAM, chunked=True)


class Upstream(asyncio.Protocol):
    """Answers as soon as a request is whole; does no more than it must."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(self._data) < end + 4 + length:
                return
            body = self._data[end + 4 : end + 4 + length]
            self._data = self._data[end + 4 + length :]
            self._transport.write(STREAM_RESPONSE if b'"stream": true' in body else WHOLE_RESPONSE)


class Client(asyncio.Protocol):
    """One connection in a closed loop: the next request leaves when an answer is whole."""

    def __init__(self, request: bytes, until: float, latencies: list[float]) -> None:
        self._request = request
        self._until = until
        self._latencies = latencies
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._got = b""
        self._began = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, blank, body = self._got.partition(b"\r\n\r\n")
        if not blank:
            return
        lower = head.lower()
        if b"content-length: " in lower:
            whole = len(body) >= int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
        else:
            whole = body.endswith(b"0\r\n\r\n")
        if not whole:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._got[:300].decode()))
            self._transport.close()
            return
        now = time.perf_counter()
        self._latencies.append(now - self._began)
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("closed early"))


def request(size: int, *, stream: bool) -> bytes:
    """A Messages request of about `size` bytes."""
    body = json.dumps(
        {
            "model": MODEL,
            "max_tokens": 1024,
            **({"stream": True} if stream else {}),
            "messages": [{"role": "user", "content": "word " * (size // 5)}],
        }
    ).encode()
    head = (
        "POST /v1/messages HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        f"anthropic-version: 2023-06-01\r\nx-api-key: {SECRET}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int, message: bytes, *, connections: int, seconds: float) -> list[float]:
    """Latencies in seconds of every request answered."""
    latencies: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: Client(message, until, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for client in clients))
    return latencies


def serve_upstream() -> None:
    """Child process: the upstream."""
    import uvloop

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0, backlog=512)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(main())


def serve_gateway(upstream: int, folder: str) -> None:
    """Child process: the gateway, its records discarded or, with a folder, in a ledger on disk."""
    import uvloop
    from bench._gateway_world import build

    from trivium.gateway import GatewayServer

    async def main() -> None:
        async with build(upstream, Path(folder) if folder else None, secret=SECRET, model=MODEL) as gateway:
            server = GatewayServer(gateway, host="127.0.0.1", port=0)
            serving = asyncio.ensure_future(server.serve())
            while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)
            gc.freeze()
            print(server.address.rpartition(":")[2], flush=True)
            await serving

    uvloop.run(main())


@contextlib.contextmanager
def child(*arguments: str, core: int | None) -> Iterator[tuple[int, int]]:
    """This file in a process of its own: its process id and port."""
    command = [sys.executable, "-m", "bench.gateway", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            if core is not None:
                os.sched_setaffinity(process.pid, {core})
            port = process.stdout.readline() if process.stdout else ""
            if not port:
                raise RuntimeError(f"{' '.join(arguments)}: did not start")
            yield process.pid, int(port)
        finally:
            process.terminate()


@contextlib.contextmanager
def nginx(upstream: int, core: int | None) -> Iterator[tuple[int, int]]:
    """A plain reverse proxy with one worker; yields the worker."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(
            f"worker_processes 1; daemon off; error_log stderr crit; pid {folder}/pid;\n"
            f"events {{ worker_connections 1024; }}\n"
            f"http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};\n"
            f" fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n"
            f" upstream up {{ server 127.0.0.1:{upstream}; keepalive 64; }}\n"
            f" server {{ listen 127.0.0.1:{port}; keepalive_requests 100000000; client_body_buffer_size 1m;\n"
            f'  location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";\n'
            f"   proxy_buffering off; }} }} }}\n"
        )
        with subprocess.Popen(["nginx", "-c", str(configuration), "-p", folder]) as process:
            try:
                time.sleep(0.5)
                children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
                if core is not None:
                    os.sched_setaffinity(int(children[0]), {core})
                yield int(children[0]), port
            finally:
                process.terminate()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass
class Figures:
    """One target in one scenario, the median of its rounds."""

    p50_us: float
    per_cpu_second: float | None  # requests a second of the target's own CPU time; none for no target at all


def measure(pid: int | None, port: int, message: bytes, seconds: float) -> Figures:
    import uvloop

    uvloop.run(load(port, message, connections=2, seconds=seconds / 4))  # warm
    alone = uvloop.run(load(port, message, connections=1, seconds=seconds / 2))
    before = cpu_seconds(pid) if pid is not None else 0.0
    many = uvloop.run(load(port, message, connections=CONNECTIONS, seconds=seconds))
    spent = cpu_seconds(pid) - before if pid is not None else 0.0
    return Figures(statistics.median(alone) * 1e6, len(many) / spent if spent else None)


SCENARIOS: dict[str, Callable[[], bytes]] = {
    "2 KB": lambda: request(1800, stream=False),
    "50 KB": lambda: request(50_000, stream=False),
    "205-event stream": lambda: request(1800, stream=True),
}


def run(seconds: float, rounds: int) -> dict[str, dict[str, Figures]]:
    """Scenario → target → figures; targets take turns within a round, so that noise hits all of them alike."""
    cores = sorted(os.sched_getaffinity(0))
    own, theirs = (cores[0], cores[-1]) if len(cores) > 1 else (None, None)
    if own is not None:
        os.sched_setaffinity(0, {own})
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        _, upstream = stack.enter_context(child("--upstream", core=own))
        targets: dict[str, tuple[int | None, int]] = {"direct": (None, upstream)}
        if shutil.which("nginx"):
            targets["nginx"] = stack.enter_context(nginx(upstream, theirs))
        targets["gateway"] = stack.enter_context(child("--gateway", str(upstream), core=theirs))
        targets["gateway + ledger"] = stack.enter_context(
            child("--gateway", str(upstream), "--folder", folder, core=theirs)
        )
        taken: dict[str, dict[str, list[Figures]]] = {}
        for _ in range(rounds):
            for scenario, message in SCENARIOS.items():
                for name, (pid, port) in targets.items():
                    figures = measure(pid, port, message(), seconds)
                    taken.setdefault(scenario, {}).setdefault(name, []).append(figures)
    return {scenario: {name: _median(figures) for name, figures in found.items()} for scenario, found in taken.items()}


def _median(figures: list[Figures]) -> Figures:
    rates = [item.per_cpu_second for item in figures if item.per_cpu_second is not None]
    return Figures(statistics.median(item.p50_us for item in figures), statistics.median(rates) if rates else None)


def report(results: dict[str, dict[str, Figures]]) -> None:
    """Print the table; the last columns are the ratios that count."""
    print(f"{'scenario':18} {'target':18} {'p50 us':>9} {'added us':>9} {'req/cpu-s':>10} {'of nginx':>9}")
    for scenario, found in results.items():
        direct = found["direct"].p50_us
        proxy = found.get("nginx")
        for name, figures in found.items():
            rate, share = figures.per_cpu_second, ""
            if proxy is not None and proxy.per_cpu_second and rate:
                share = f"{rate / proxy.per_cpu_second:.0%}"
            added = "" if name == "direct" else f"{figures.p50_us - direct:.0f}"
            shown = "" if rate is None else f"{rate:.0f}"
            print(f"{scenario:18} {name:18} {figures.p50_us:9.0f} {added:>9} {shown:>10} {share:>9}")
    if not any("nginx" in found for found in results.values()):
        print("nginx is not installed: no comparison with it")


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark; the other options are for its own child processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="per target, scenario and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--upstream", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--gateway", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.upstream:
        serve_upstream()
    elif chosen.gateway is not None:
        serve_gateway(chosen.gateway, chosen.folder)
    else:
        report(run(chosen.seconds, chosen.rounds))


if __name__ == "__main__":
    main()
