"""Anthropic's Claude apps gateway, the real one, with ours as its upstream: who asked becomes a tag."""

from __future__ import annotations

import http.cookiejar
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_code.identity_provider import EMAIL, SUBJECT, identity_provider
from claude_code.install import VERSIONS, claude_of
from trivium.cli._up.site import Site, gateway, lab
from trivium.core import SystemClock
from trivium.ledger import Ledger

pytestmark = pytest.mark.slow
POSTGRES = Path("/usr/lib/postgresql")
CONFIGURATION = """
listen: {{host: 127.0.0.1, port: {port}, public_url: "{address}"}}
oidc: {{issuer: "{issuer}", client_id: claude-gateway, client_secret: not-a-secret}}
session: {{jwt_secret: "a-secret-of-a-test-that-is-long-enough-0001", ttl_hours: 1}}
store: {{postgres_url: "{store}"}}
upstreams:
  - provider: anthropic
    base_url: {upstream}
    auth: {{api_key: {key}}}
    forward_user_identity: true
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL, as the user `postgres` where we are root, which it refuses to be."""
    programs = next(iter(sorted(POSTGRES.glob("*/bin"), reverse=True)), None)
    if programs is None or (os.getuid() == 0 and shutil.which("runuser") is None):
        pytest.skip("PostgreSQL is not installed")
    folder, port = Path(f"/tmp/trivium-postgres-{os.getpid()}"), free_port()  # noqa: S108  a user of its own must enter it
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    data = folder / "data"
    quiet = {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        subprocess.run(
            [*as_user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"], check=True, **quiet
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        control = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*control, "-o", options, "start"], check=True, **quiet)
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("apps")
    with lab(folder) as (said, lab_process), gateway(folder, said, 0) as (url, process):
        found = Site(folder, url, said, process, lab_process)
        found.control("POST", "/clock", {"mode": "system"})
        settings = folder / "trivium.toml"
        settings.write_text(settings.read_text() + "\n[workloads.developers]\nforwards_identity = true\n")
        process.send_signal(signal.SIGHUP)
        time.sleep(1)
        yield found


@pytest.fixture(scope="module")
def apps(site: Site, store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the Claude apps gateway, its upstream ours, its users a provider's of our own."""
    folder, port = tmp_path_factory.mktemp("claude-gateway"), free_port()
    with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
        _, secret = ledger.keys.create("developers")
    address = f"http://127.0.0.1:{port}"
    with identity_provider("claude-gateway") as issuer, (folder / "log").open("w") as log:
        text = CONFIGURATION.format(
            port=port, address=address, issuer=issuer, store=store, upstream=site.gateway_url, key=secret
        )
        (folder / "gateway.yaml").write_text(text)
        process = subprocess.Popen(
            [claude_of(VERSIONS[0]), "gateway", "--config", folder / "gateway.yaml"],
            env={"HOME": str(folder), "PATH": os.environ["PATH"], "CLAUDE_GATEWAY_ALLOW_LOOPBACK": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            wait_until_up(address, process, folder / "log")
            yield address
        finally:
            process.terminate()
            process.wait(20)


def wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise TimeoutError(log.read_text())


def signed_in(address: str) -> str:
    """A developer's token: the device flow of RFC 8628, its browser half done here."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    device = post(browser, f"{address}/oauth/device_authorization", {"client_id": "claude-code"})
    page = f"{address}/device?user_code={device['user_code']}"
    with browser.open(page):
        pass
    own = {"Origin": address, "Referer": page, "Sec-Fetch-Site": "same-origin"}
    form = urllib.parse.urlencode({"user_code": device["user_code"]}).encode()
    with browser.open(urllib.request.Request(f"{address}/device", form, own)):
        pass
    asked = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "device_code": device["device_code"],
        "client_id": "claude-code",
    }
    token: str = post(browser, f"{address}/oauth/token", asked)["access_token"]
    return token


def post(browser: urllib.request.OpenerDirector, address: str, form: dict[str, str]) -> Any:
    with browser.open(urllib.request.Request(address, urllib.parse.urlencode(form).encode())) as answer:
        return json.load(answer)


def message(address: str, headers: dict[str, str]) -> Any:
    body = {
        "model": "claude-haiku-4-5",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "[[lab out=5]] hello"}],
    }
    sent = {"content-type": "application/json", "anthropic-version": "2023-06-01", **headers}
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/v1/messages", json.dumps(body).encode(), sent)
    ) as answer:
        return json.load(answer)


def test_who_asked_the_apps_gateway_is_a_tag_of_the_request(apps: str, site: Site) -> None:
    """Through the real gateway of Anthropic's, signed in as one person: spend is known by that person."""
    answer = message(apps, {"authorization": f"Bearer {signed_in(apps)}"})
    assert answer["type"] == "message"
    with Ledger.open(site.ledger, clock=SystemClock()) as ledger:
        (event,) = ledger.events(workload="developers")
        (row,) = ledger.spend(("tag:email",), where={"workload": "developers"})
    assert event.opened.tags == {"user": SUBJECT, "email": EMAIL.lower()}
    assert row.keys == (EMAIL.lower(),)
    assert row.usage.output == answer["usage"]["output_tokens"]
