"""`trivium serve` as a process: keys, reload without a dropped request, shutdown, crash, limits, secrets, proxy."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import pytest

from trivium.cli._up.site import SCOPES, Site, gateway, lab
from trivium.core import ROUTABLE_SURFACES, Offer, Outcome, Route, RouteTable, SystemClock, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

MODEL = "claude-opus-5"
ASK: dict[str, Any] = {
    "model": MODEL,
    "max_tokens": 400,
    "messages": [{"role": "user", "content": "[[lab out=40]] a b"}],
}


def trivium(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)


def route_to(site: Path, surface: str, scope: str = "global") -> None:
    write_routes(
        RouteTable((Route("*", "*", (Target(Offer(surface, scope, "*"), 1),)),), surface), site / "routes.json"
    )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Site]:
    with lab(folder, ROUTABLE_SURFACES) as (said, lab_process), gateway(folder, said, 0) as (url, process):
        site = Site(folder, url, said, process, lab_process)
        site.control("POST", "/clock", {"mode": "system"})
        yield site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("serve")
    route_to(folder, "anthropic")
    with running(folder) as found:
        yield found


@pytest.fixture
def secret(site: Site) -> str:
    made: str = trivium("key", "create", "--db", str(site.ledger), "--workload", "search")["secret"]
    return made


def client(site: Site, secret: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=site.gateway_url, api_key=secret, max_retries=0)


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)


def surface_of(site: Site, secret: str) -> str:
    with client(site, secret) as caller:
        return caller.messages.with_raw_response.create(**ASK).headers["x-trivium-surface"]


def refused(site: Site, secret: str) -> bool:
    with client(site, secret) as caller, contextlib.suppress(anthropic.AuthenticationError):
        caller.messages.create(**ASK)
        return False
    return True


def test_every_surface_answers_with_its_real_kind_of_credential(site: Site, secret: str) -> None:
    for surface, scope in SCOPES.items():
        route_to(site.folder, surface, scope)
        until(lambda surface=surface: surface_of(site, secret) == surface)
    route_to(site.folder, "anthropic")


def test_a_key_works_at_once_and_a_revoked_one_is_refused_within_a_second(site: Site) -> None:
    made = trivium("key", "create", "--db", str(site.ledger), "--workload", "search")
    assert not refused(site, made["secret"])
    trivium("key", "revoke", made["key_id"], "--db", str(site.ledger))
    until(lambda: refused(site, made["secret"]), 1.0)


def test_the_scope_of_a_workload_is_enforced_after_a_reload(site: Site, secret: str) -> None:
    settings = site.folder / "trivium.toml"
    before = settings.read_text()
    settings.write_text(before + '\n[workloads.search]\nmodels = ["claude-haiku-4-5"]\n')

    def narrowed() -> bool:
        with client(site, secret) as caller:
            try:
                caller.messages.create(**ASK)
            except anthropic.APIStatusError as error:
                return error.status_code == 400
        return False

    until(narrowed)
    settings.write_text(before)
    until(lambda: not narrowed())


def test_a_stream_in_flight_survives_a_reload_and_the_next_request_uses_the_new_settings(
    site: Site, secret: str
) -> None:
    settings = site.folder / "trivium.toml"
    before = settings.read_text()
    fault = {"kind": "silence", "surface": "anthropic", "seconds": 2.0, "after_bytes": 900, "count": 1}
    site.control("POST", "/faults", fault)
    with ThreadPoolExecutor(1) as pool, client(site, secret) as caller:
        streaming = pool.submit(lambda: stream_whole(caller))
        until(lambda: in_flight(site) == 1)
        settings.write_text(before.replace("[surfaces.anthropic]", "[surfaces.anthropic]\ndraining = true"))
        route_both(site.folder)
        until(lambda: surface_of(site, secret) == "vertex")
        assert not streaming.done(), "the first stream is still under way"
        message = streaming.result()
    assert message.usage.output_tokens == 40
    assert message.stop_reason == "end_turn"
    settings.write_text(before)
    route_to(site.folder, "anthropic")
    until(lambda: surface_of(site, secret) == "anthropic")


def route_both(folder: Path) -> None:
    targets = tuple(
        Target(Offer(surface, "global", "*"), 1 if surface == "anthropic" else 0) for surface in ("anthropic", "vertex")
    )
    write_routes(RouteTable((Route("*", "*", targets),), "both"), folder / "routes.json")


def stream_whole(caller: anthropic.Anthropic) -> anthropic.types.Message:
    with caller.messages.stream(**ASK) as stream:
        return stream.get_final_message()


def open_attempts(site: Site) -> int:
    with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
        return len(ledger.open_attempts())


def in_flight(site: Site) -> int:
    import urllib.request

    with urllib.request.urlopen(f"{site.gateway_url}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("trivium_requests_in_flight "):
                return int(float(line.split()[1]))
    return 0


def test_settings_that_cannot_be_used_are_reported_and_the_old_ones_stay(site: Site, secret: str) -> None:
    settings = site.folder / "trivium.toml"
    before = settings.read_text()
    settings.write_text(before + "\n[surfaces.openai]\n")
    log = site.folder / "gateway.log"
    until(lambda: "openai" in log.read_text())
    assert not refused(site, secret)
    settings.write_text(before)


def test_no_secret_is_in_the_log_the_ledger_or_the_metrics(site: Site, secret: str) -> None:
    import urllib.request

    assert not refused(site, secret)
    with urllib.request.urlopen(f"{site.gateway_url}/metrics") as answer:
        metrics = answer.read()
    seen = metrics + (site.folder / "gateway.log").read_bytes()
    seen += b"".join(path.read_bytes() for path in site.folder.glob("ledger.db*"))
    for hidden in (secret, site.lab["surfaces"]["anthropic"]["keys"][0], "lab-secret-access-key"):
        assert hidden.encode() not in seen


def test_sigterm_finishes_the_stream_in_flight_and_every_record(tmp_path: Path) -> None:
    route_to(tmp_path, "anthropic")
    with running(tmp_path) as site:
        secret = trivium("key", "create", "--db", str(site.ledger), "--workload", "w")["secret"]
        site.control("POST", "/faults", {"kind": "silence", "seconds": 1.0, "after_bytes": 900, "count": 1})
        with ThreadPoolExecutor(1) as pool, client(site, secret) as caller:
            streaming = pool.submit(lambda: stream_whole(caller))
            until(lambda: in_flight(site) == 1)
            site.gateway.send_signal(signal.SIGTERM)
            assert streaming.result().usage.output_tokens == 40
        assert site.gateway.wait(10) == 0
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            assert [event.closed.outcome for event in ledger.events()] == [Outcome.OK]
            assert ledger.open_attempts() == ()


def test_a_second_signal_cuts_what_is_in_flight_and_closes_its_record(tmp_path: Path) -> None:
    route_to(tmp_path, "anthropic")
    with running(tmp_path) as site:
        secret = trivium("key", "create", "--db", str(site.ledger), "--workload", "w")["secret"]
        site.control("POST", "/faults", {"kind": "silence", "seconds": 25.0, "after_bytes": 900, "count": 1})
        with ThreadPoolExecutor(1) as pool, client(site, secret) as caller:
            streaming = pool.submit(lambda: stream_whole(caller))
            until(lambda: in_flight(site) == 1)
            site.gateway.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                site.gateway.wait(1.0)
            site.gateway.send_signal(signal.SIGINT)
            assert site.gateway.wait(10) == 0
            assert isinstance(streaming.exception(), anthropic.APIError)
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            (event,) = ledger.events()
            assert event.closed.error_type == "shutdown"
            assert ledger.open_attempts() == ()


def test_settings_that_cannot_be_used_end_the_start_with_their_remedy(tmp_path: Path) -> None:
    settings = tmp_path / "trivium.toml"
    settings.write_text('[surfaces.anthropic]\ncredential = { kind = "api-key", env = "K" }\n[gateway]\nport = 0\n')
    (tmp_path / ".trivium").mkdir()
    (tmp_path / ".trivium/routes.json").write_text("{ broken")
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", "serve", "--settings", str(settings)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 2
    assert "routes.json" in done.stderr
    assert "--write-routes" in done.stderr


def test_the_log_has_our_lines_and_only_warnings_of_libraries() -> None:
    """Libraries write down addresses and requests when they are asked for more."""
    code = (
        "import logging; from trivium.app.serve import log_to_stderr; log_to_stderr('DEBUG');"
        "logging.getLogger('trivium.gateway').debug('ours\\nand more'); logging.getLogger('botocore').info('theirs');"
        "logging.getLogger('botocore').warning('told'); logging.getLogger('apprise').error('json://secret')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["ours\nand more", "told"]


def test_a_killed_gateway_loses_no_answer_and_what_it_left_open_is_reaped(tmp_path: Path) -> None:
    route_to(tmp_path, "anthropic")
    with running(tmp_path) as site:
        secret = trivium("key", "create", "--db", str(site.ledger), "--workload", "w")["secret"]
        for _ in range(5):
            assert not refused(site, secret)
        site.control("POST", "/faults", {"kind": "silence", "seconds": 30.0, "after_bytes": 900, "count": 1})
        with ThreadPoolExecutor(1) as pool, client(site, secret) as caller:
            cut = pool.submit(lambda: stream_whole(caller))
            until(lambda: open_attempts(site) == 1)
            site.gateway.kill()
            site.gateway.wait()
            assert cut.exception() is not None
        with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
            assert len([event for event in ledger.events() if event.closed.outcome is Outcome.OK]) == 5
            assert len(ledger.open_attempts()) == 1
        reaped = trivium("ledger", "reap", "--db", str(site.ledger), "--older-than", "0s")
        assert len(reaped["reaped"]) == 1
        with gateway(tmp_path, site.lab, 0) as (url, process):
            again = Site(tmp_path, url, site.lab, process, site.lab_process)
            assert not refused(again, secret)


class Receiver(http.server.BaseHTTPRequestHandler):
    got: list[dict[str, Any]]

    def do_POST(self) -> None:
        type(self).got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@contextlib.contextmanager
def listening(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_passed_limit_reaches_its_webhook_once(tmp_path: Path) -> None:
    handler = type("Handler", (Receiver,), {"got": []})
    route_to(tmp_path, "anthropic")
    with listening(handler) as port, running(tmp_path) as site:
        settings = tmp_path / "trivium.toml"
        settings.write_text(
            settings.read_text().replace("[gateway]", "[gateway]\nwatch_interval_s = 0.2")
            + '\n[limits.tiny]\namount_usd = "0.0001"\nwindow = "day"\nwhere = { workload = "w" }\nthresholds = [1.0]\n'
            f'notify = ["json://127.0.0.1:{port}/hook"]\nforecast = false\n'
        )
        secret = trivium("key", "create", "--db", str(site.ledger), "--workload", "w")["secret"]
        assert not refused(site, secret)
        os.kill(site.gateway.pid, signal.SIGHUP)
        # 40 tokens of output at 25 USD per million are 0.001 USD, ten times the limit
        (state,) = trivium("limit", "list", "--settings", str(settings))
        assert state["spent_usd"].startswith("0.001")
        checked = trivium("limit", "check", "--settings", str(settings))
        assert [alert["limit"] for alert in checked["alerts"]] == ["tiny"]
        until(lambda: len(handler.got) >= 1)
        time.sleep(0.6)
        assert [message["title"] for message in handler.got] == ["tiny: 100% of its day limit is spent"]
