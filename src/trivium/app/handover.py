"""A restart that refuses nobody: the listening socket outlives the process, passed on to the next one.

A socket that is closed takes the connections with it that nobody has accepted yet. So it is never closed: a
supervisor holds it (systemd's socket activation), or, on SIGUSR2, a running process starts its successor, gives it
the socket, waits until it serves, and only then ends as on SIGTERM.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import MutableMapping, Sequence

from trivium.core import UserError

_LISTEN_FD, _READY_FD = "TRIVIUM_LISTEN_FD", "TRIVIUM_READY_FD"  # from a predecessor
_SYSTEMD = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
_SYSTEMD_FIRST_FD = 3
_READY_S = 60.0
_END_S = 5.0
_log = logging.getLogger("trivium.app")


def inherited(host: str, port: int, environment: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """The listening socket that was handed to this process, if any; its variables are taken out.

    One of a supervisor is taken as it is. One of a predecessor is taken if it listens where the settings say, else
    closed: a changed address is listened at anew. Raises UserError when what was handed over is no such socket.
    """
    given = {name: environment.pop(name, "") for name in (*_SYSTEMD, _LISTEN_FD)}
    if given["LISTEN_FDS"] and given["LISTEN_PID"] == str(os.getpid()):
        if given["LISTEN_FDS"] != "1":
            raise UserError("LISTEN_FDS", given["LISTEN_FDS"], "hand over exactly one socket")
        return _adopted("LISTEN_FDS", _SYSTEMD_FIRST_FD)
    if not given[_LISTEN_FD]:
        return None
    found = _adopted(_LISTEN_FD, int(given[_LISTEN_FD]))
    at_host, at_port = found.getsockname()[:2]
    if at_host in _addresses(host, found.family) and port in {0, at_port}:
        return found
    found.close()
    return None


def _addresses(host: str, family: int) -> set[object]:
    """What a host of the settings stands for: a socket knows its address, not the name it was made by."""
    try:
        return {found[4][0] for found in socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)}
    except OSError:
        return {host}


def _adopted(variable: str, descriptor: int) -> socket.socket:
    try:
        found = socket.socket(fileno=descriptor)
        listening = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise UserError(variable, descriptor, f"hand over a listening TCP socket ({error.strerror})") from error
    if not listening or found.family not in {socket.AF_INET, socket.AF_INET6}:
        found.detach()
        raise UserError(variable, descriptor, "hand over a listening TCP socket")
    found.set_inheritable(False)
    return found


def report_ready(environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell the predecessor, if there is one, that it may end."""
    descriptor = environment.pop(_READY_FD, "")
    if descriptor:
        with contextlib.suppress(OSError):  # it has ended by itself meanwhile
            os.write(int(descriptor), b"1")
            os.close(int(descriptor))


def own_command() -> tuple[str, ...]:
    """The command that started this process, which starts its successor."""
    return (sys.executable, *sys.orig_argv[1:])


async def start_successor(
    listener: socket.socket, command: Sequence[str], ready_s: float = _READY_S
) -> subprocess.Popen[bytes] | None:
    """Start the next process on the same socket: the process once it serves. One that does not in time is ended."""
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603  takes milliseconds; the command is our own
            command,
            pass_fds=(listener.fileno(), writing),
            env={**os.environ, _LISTEN_FD: str(listener.fileno()), _READY_FD: str(writing)},
        )
    except OSError as error:
        os.close(reading)
        _log.error("handover: the successor cannot be started (%s)", error.strerror)
        return None
    finally:
        os.close(writing)
    ready = False
    try:
        with contextlib.suppress(TimeoutError):
            ready = await _told(reading, ready_s)
    finally:
        if not ready:  # also when this process is told to end meanwhile: then nobody goes on
            process.terminate()
    if ready:
        _log.info("handover: process %d serves; this one ends", process.pid)
        return process
    try:
        await asyncio.to_thread(process.wait, _END_S)
    except subprocess.TimeoutExpired:
        process.kill()
    _log.error("handover: the successor did not serve; see its log. This process goes on")
    return None


async def _told(reading: int, within_s: float) -> bool:
    """Whether a byte comes through the pipe before its end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", buffering=0)
    )
    try:
        return bool(await asyncio.wait_for(reader.read(1), within_s))
    finally:
        transport.close()
