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

from trivium.cli._up.site import Site, gateway, lab
from trivium.core import ROUTABLE_SURFACES, Offer, Route, RouteTable, SystemClock, Target
from trivium.ledger import Ledger
from trivium.plan import write_routes

SECRET = "sk-ant-canary-0123456789-abcdefghij"


COUNT = "/v1/messages/count_tokens"
OK = (200, {"input_tokens": 8})


def refusal(status: int, kind: str) -> tuple[int, object]:
    return status, {"type": "error", "error": {"type": kind, "message": "not this one"}}


class Counter(http.server.BaseHTTPRequestHandler):
    """Counts tokens, also as a proxy on the way to a surface; answers as told and keeps what was asked."""

    asked: list[tuple[str, str]]
    answers: list[tuple[int, object]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert "max_tokens" not in body, "counting is asked for, not an answer"
        assert self.headers["x-api-key"] == SECRET
        self.asked.append((self.path, body["model"]))
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@contextlib.contextmanager
def listening(*answers: tuple[int, object]) -> Iterator[tuple[int, list[tuple[str, str]]]]:
    handler = type("Handler", (Counter,), {"asked": [], "answers": list(answers or [OK])})
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


def doctor(
    path: Path, *options: str, environment: Mapping[str, str] | None = None
) -> tuple[int, dict[str, list[str]], str]:
    """Exit code, findings by grade (subject, text and remedy in one), and all that was printed."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name != "DOCTOR_KEY"}
    done = subprocess.run(
        [sys.executable, "-m", "trivium.cli", "doctor", "--settings", str(path), "--json", *options],
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
    assert has(found["ok"], "answers, and takes the credential")
    assert [path for path, _ in asked] == [COUNT]
    assert SECRET not in text


@pytest.mark.parametrize("kind", ["authentication_error", "permission_error"])
def test_a_surface_that_refuses_the_credential_is_named(tmp_path: Path, kind: str) -> None:
    with listening(refusal(401 if kind == "authentication_error" else 403, kind)) as (port, asked):
        code, found, text = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert code == 4
    assert has(found["error"], "surfaces.anthropic", kind, "credential")
    # a credential that is refused is so for every model; a permission may lack for one model alone
    assert len({model for _, model in asked}) == (1 if kind == "authentication_error" else 3)
    assert SECRET not in text


def test_a_model_that_is_not_at_hand_is_no_fault_of_the_surface(tmp_path: Path) -> None:
    with listening(refusal(404, "not_found_error"), OK) as (port, asked):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert (code, found["error"]) == (0, [])
    assert has(found["ok"], f"takes the credential ({asked[1][1]} asked)")
    assert asked[0][1] != asked[1][1]


def test_a_surface_without_any_of_the_models_and_a_busy_one_are_warned_of(tmp_path: Path) -> None:
    with listening(refusal(404, "not_found_error")) as (port, asked):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert (code, len(asked)) == (0, 3)
    assert has(found["warning"], "status 404", asked[0][1], "check base_url")
    with listening(refusal(529, "overloaded_error")) as (port, asked):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"))
    assert (code, len(asked)) == (0, 1)
    assert has(found["warning"], "status 529", "later")


def test_a_model_with_a_deployment_is_the_one_that_is_asked(tmp_path: Path) -> None:
    with listening() as (port, asked):
        doctor(settings(tmp_path, f"http://127.0.0.1:{port}", surface='deployments = { "claude-opus-5" = "ours" }'))
    assert asked == [(COUNT, "claude-opus-5")]


def test_offline_no_surface_is_asked(tmp_path: Path) -> None:
    with listening() as (port, asked):
        code, found, _ = doctor(settings(tmp_path, f"http://127.0.0.1:{port}"), "--offline")
    assert (code, asked) == (0, [])
    assert has(found["ok"], "surfaces.anthropic", "credential at hand")


def test_every_surface_is_asked_with_its_real_kind_of_credential_and_nothing_is_spent(tmp_path: Path) -> None:
    with lab(tmp_path, ROUTABLE_SURFACES) as (said, process):
        with gateway(tmp_path, said, 0):  # writes the settings and the credentials they name
            pass
        good = {
            "TRIVIUM_LAB_ANTHROPIC_KEY": said["surfaces"]["anthropic"]["keys"][0],
            "TRIVIUM_LAB_FOUNDRY_KEY": said["surfaces"]["foundry"]["keys"][0],
            "AWS_ACCESS_KEY_ID": said["exports"]["bedrock"]["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": said["exports"]["bedrock"]["AWS_SECRET_ACCESS_KEY"],
        }
        bad = {"TRIVIUM_LAB_FOUNDRY_KEY": "foundry-canary", "AWS_SECRET_ACCESS_KEY": "aws-canary"}
        code, found, text = doctor(tmp_path / "trivium.toml", environment=good)
        assert (code, found["error"]) == (0, []), text
        for surface in ROUTABLE_SURFACES:
            assert has(found["ok"], f"surfaces.{surface}:", "takes the credential"), text
        code, found, text = doctor(tmp_path / "trivium.toml", environment={**good, **bad})
        assert code == 4
        refused = ("bedrock", "bedrock-mantle", "claude-aws", "foundry")
        told = {f"surfaces.{surface}: refuses the credential" for surface in refused}
        assert {":".join(line.split(":")[:2]) for line in found["error"]} == told
        assert not [secret for secret in (*good.values(), *bad.values()) if secret in text]
        bill = Site(tmp_path, "", said, process, process).control("GET", "/bill")
    assert (bill["total_usd"], bill["requests"]) == ("0", 0)


@pytest.mark.parametrize("content", ["not json, canary", '{"type": "service_account", "private_key": "canary"}'])
def test_a_google_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / "google.json").write_text(content)
    (tmp_path / "trivium.toml").write_text(
        '[surfaces.vertex]\nproject = "p"\nregion = "global"\ncredential = { kind = "google", file = "google.json" }\n'
    )
    code, found, text = doctor(tmp_path / "trivium.toml", "--offline")
    assert code == 1
    assert has(found["error"], "surfaces.vertex.credential.file", "google.json")
    assert "canary" not in text


def test_a_model_that_no_claim_knows_is_named_where_it_stands(tmp_path: Path) -> None:
    path = settings(tmp_path, "http://127.0.0.1:9", '[workloads.search]\nmodels = ["claude-opus-55"]\n')
    code, found, _ = doctor(path, "--offline")
    assert code == 1
    assert has(found["error"], "workloads.search.models", "claude-opus-55")


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
    assert code == 4
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


def test_routes_that_are_required_and_missing_are_an_error(tmp_path: Path) -> None:
    with listening() as (port, _):
        path = settings(tmp_path, f"http://127.0.0.1:{port}", "[paths]\nroutes_required = true")
        code, found, _ = doctor(path)
    assert code == 1
    assert has(found["error"], "routes", "routes_required", "--write-routes")


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
    assert [path for path, _ in asked] == [f"http://claude.example.test{COUNT}"]
    assert has(found["ok"], "proxy", f"127.0.0.1:{port}")
    assert has(found["warning"], "NO_PROXY")
    assert "hunter2" not in text
