"""`trivium doctor` names what is wrong and its remedy, spends nothing, and shows no secret."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from trivium.core import Offer, Route, RouteTable, SystemClock, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

SECRET = "sk-ant-canary-0123456789-abcdefghij"


class Anything(http.server.BaseHTTPRequestHandler):
    """Answers every request, also those meant for a proxy, and keeps what was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(404)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@contextlib.contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    handler = type("Handler", (Anything,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, handler.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(folder: Path, base_url: str, more: str = "", surface: str = "") -> Path:
    path = folder / "trivium.toml"
    path.write_text(
        f'{more}\n[surfaces.anthropic]\nbase_url = "{base_url}"\n{surface}\n'
        'credential = { kind = "api-key", env = "DOCTOR_KEY" }\n'
    )
    return path


def doctor(path: Path, *, environment: Mapping[str, str] | None = None) -> tuple[int, dict[str, list[str]], str]:
    """Exit code, findings by grade (subject, text and remedy in one), and all that was printed."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name != "DOCTOR_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", "doctor", "--settings", str(path), "--json"],
        capture_output=True,
        text=True,
        env={**kept, "DOCTOR_KEY": SECRET, **(environment or {})},
        check=False,
    )
    found: dict[str, list[str]] = {"ok": [], "warning": [], "error": []}
    for finding in json.loads(done.stdout):
        found[finding["grade"]].append(f"{finding['subject']}: {finding['text']} / {finding['remedy']}")
    return done.returncode, found, done.stdout + done.stderr


def has(lines: list[str], *words: str) -> bool:
    return any(all(word in line for word in words) for line in lines)


def test_a_sound_installation_passes_and_no_secret_is_shown(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / ".trivium/ledger.db", clock=SystemClock()) as ledger:
        ledger.keys.create("search")
    with listening() as (port, asked):
        code, found, text = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert code == 0
    assert found["error"] == found["warning"] == []
    assert has(found["ok"], "answers")
    assert asked == ["/"]
    assert SECRET not in text


def test_a_missing_key_and_no_virtual_key_are_named(tmp_path: Path) -> None:
    with listening() as (port, _):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"), environment={"DOCTOR_KEY": ""})
    assert code == 1
    assert has(found["error"], "DOCTOR_KEY", "set this environment variable")
    assert has(found["warning"], "keys", "trivium key create")


def test_an_address_nobody_answers_at_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert code == 1
    assert has(found["error"], "cannot be reached", "ca_file")


def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    with listening() as (port, _):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}", surface='ca_file = "ca.pem"'))
    assert code == 1
    assert has(found["error"], "surfaces.anthropic.ca_file", "PEM")


def test_routes_for_what_is_not_configured_and_bad_routes_are_named(tmp_path: Path) -> None:
    (tmp_path / ".trivium").mkdir()
    target = Target(Offer("bedrock", "us", "claude-opus-5"), 1)
    write_routes(RouteTable((Route("*", "*", (target,)),), "v1"), tmp_path / ".trivium/routes.json")
    with listening() as (port, _):
        path = settings(tmp_path, f"http://127.0.0.1:{port}")
        assert has(doctor(path)[1]["warning"], "bedrock/us/claude-opus-5", "plan again")
        (tmp_path / ".trivium/routes.json").write_text("{")
        assert has(doctor(path)[1]["error"], "routes", "--write-routes")


def test_an_overlay_that_is_missing_or_wrong_is_named(tmp_path: Path) -> None:
    with listening() as (port, _):
        path = settings(tmp_path, f"http://127.0.0.1:{port}", '[paths]\noverlays = ["ours"]')
        assert has(doctor(path)[1]["error"], "no such folder")
        (tmp_path / "ours").mkdir()
        (tmp_path / "ours/prices.toml").write_text("[[contract]]\nid = 1\n")
        assert has(doctor(path)[1]["error"], "catalogue", "facts check")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".trivium").mkdir(mode=0o500)
    with listening() as (port, _):
        assert has(doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))[1]["error"], "ledger", "writable")


def test_a_ledger_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / ".trivium").mkdir()
    (tmp_path / ".trivium/ledger.db").write_bytes(b"this is no database at all, but long enough to look like one" * 40)
    with listening() as (port, _):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert code == 1
    assert has(found["error"], "ledger", "restore a backup")


def test_a_proxy_is_used_and_shown_without_its_password(tmp_path: Path) -> None:
    with listening() as (port, asked):
        path = settings(tmp_path, "http://claude.example.test")
        proxy = {"HTTP_PROXY": f"http://me:hunter2@127.0.0.1:{port}", "NO_PROXY": "localhost"}
        code, found, text = doctor(path, environment=proxy)
    assert code == 0
    assert [address.rstrip("/") for address in asked] == ["http://claude.example.test"]
    assert has(found["ok"], "proxy", f"127.0.0.1:{port}")
    assert has(found["warning"], "NO_PROXY")
    assert "hunter2" not in text
