"""`trivium certify` from the outside: what it prints, writes and returns, and the lab it starts beside itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from certify.bedrock_stand_in import KEY as BEDROCK_KEY
from certify.bedrock_stand_in import Bedrock
from certify.stand_in import KEY, FirstParty, Memory, listening
from certify.support import book, snapshot
from trivium.app.settings import CredentialReference, SurfaceEntry
from trivium.certify import Site, chosen, shipped_calls
from trivium.certify._read import read
from trivium.certify._send import prepare, send
from trivium.cli import main
from trivium.cli._certify import Live, is_public, lab_side
from trivium.core import SystemClock
from trivium.gateway import AiohttpTransport, SnapshotFacts, SurfaceSettings
from trivium.gateway.credentials import ApiKey

MODEL = ["--model", "claude-haiku-4-5"]


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def certify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command against a stand-in, in a folder with settings."""

    def call(url: str, *arguments: str, surface: str = "anthropic") -> Done:
        region = 'region = "us-east-1"\n' if surface == "bedrock" else ""
        settings = tmp_path / "trivium.toml"
        settings.write_text(
            f'[surfaces.{surface}]\nbase_url = "{url}"\n{region}credential = {{ kind = "api-key", file = "key" }}\n'
        )
        (tmp_path / "key").write_text(BEDROCK_KEY if surface == "bedrock" else KEY)
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["certify", "--live", surface, "--settings", str(settings), *arguments])
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    return call


def test_a_dry_run_prints_bounds_and_sends_nothing(certify: Callable[..., Done]) -> None:
    memory = Memory()
    with listening(FirstParty, memory) as url:
        done = certify(url, "--dry-run", "--json", "--only", "message,count", *MODEL)
        dear = certify(url, "--dry-run", "--only", "message", "--budget-usd", "0.0003", *MODEL)
    said = json.loads(done.stdout)
    assert [(item["call"], item["worst_usd"]) for item in said["calls"]] == [("message", "0.000336"), ("count", "0")]
    assert (done.returncode, said["worst_usd"]) == (0, "0.000336")
    assert dear.returncode == 3
    assert memory.asked == []


def test_nothing_is_sent_without_a_yes_or_over_the_budget(certify: Callable[..., Done]) -> None:
    memory = Memory()
    with listening(FirstParty, memory) as url:
        unasked = certify(url, "--only", "message", *MODEL)
        dear = certify(url, "--only", "message", "--yes", "--budget-usd", "0.0003", *MODEL)
        nowhere = certify(url, "--only", "message", "--yes", "--report", "no/such/folder/report.md", *MODEL)
        misspelt = certify(url, "--only", "massage", "--yes", *MODEL)
    assert unasked.returncode == 2
    assert "give --yes, or look first with --dry-run" in unasked.stderr
    assert dear.returncode == 3
    assert "nothing was sent: anthropic with claude-haiku-4-5 could cost 0.000336 USD" in dear.stderr
    assert (nowhere.returncode, misspelt.returncode) == (2, 2)
    assert memory.asked == []


def test_a_run_prints_the_table_and_writes_what_can_be_shared(certify: Callable[..., Done], tmp_path: Path) -> None:
    files = {"--record": "run.jsonl", "--report": "run.md", "--claims": "run.csv"}
    wanted = [text for option, name in files.items() for text in (option, str(tmp_path / name))]
    with listening(Bedrock, Memory("pings")) as url:
        done = certify(url, "--yes", "--only", "message,stream", *wanted, *MODEL, surface="bedrock")
    assert done.returncode == 1, done.stderr
    assert "bedrock, claude-haiku-4-5: 8 of 9 aspects the same in 2 calls" in done.stdout
    assert "stream, events: differs: only live: with pings" in done.stdout
    assert "2/2 stream: differs in events" in done.stderr
    assert len((tmp_path / "run.jsonl").read_text().splitlines()) == 5  # the run, two calls, two sides
    assert "| stream | same | same | same | differs | - | same |" in (tmp_path / "run.md").read_text()
    assert "fidelity:events" in (tmp_path / "run.csv").read_text()
    for name in ("run.jsonl", "run.md", "run.csv"):
        assert BEDROCK_KEY not in (tmp_path / name).read_text()


def test_no_difference_is_0_and_no_surface_is_4(certify: Callable[..., Done]) -> None:
    with listening(FirstParty, Memory()) as url:
        same = certify(url, "--yes", "--json", "--only", "message,unknown-field", *MODEL)
    gone = certify(url, "--yes", "--only", "message", *MODEL)
    assert same.returncode == 0, same.stderr
    assert json.loads(same.stdout)["verdict"] == "7 of 7 aspects the same in 2 calls"
    assert gone.returncode == 4
    assert "the surface does not answer" in gone.stderr


def test_a_recording_is_held_against_the_lab_again_without_account_or_cost(
    certify: Callable[..., Done], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the surface deviated in then is found again; a file that is no recording is refused by its line."""
    kept = tmp_path / "run.jsonl"
    with listening(FirstParty, Memory("another status")) as url:
        certify(url, "--yes", "--only", "message,unknown-field", "--record", str(kept), *MODEL)
    with pytest.raises(SystemExit) as ended:
        main(["certify", "--recorded", str(kept)])
    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "unknown-field, path and status: differs: live 422, lab 400" in said
    assert "stream: not run: not in the recording" in said
    kept.write_text("{}\n")
    with pytest.raises(SystemExit) as refused:
        main(["certify", "--recorded", str(kept)])
    assert refused.value.code == 2
    assert "recording, line 1" in capsys.readouterr().err


def test_a_surface_or_a_recording_must_be_named_and_not_both(
    certify: Callable[..., Done], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as neither:
        main(["certify"])
    assert neither.value.code == 2
    assert "name a surface of the settings" in capsys.readouterr().err
    assert certify("http://127.0.0.1:9", "--recorded", "run.jsonl").returncode == 2


@pytest.mark.parametrize(
    ("surface", "kind", "more"),
    [
        ("bedrock", "aws", {"region": "eu-central-1"}),
        ("claude-aws", "aws", {"region": "us-east-1", "workspace": "wrkspc_0123"}),
        ("vertex", "google", {"project": "acme-prod"}),
        ("foundry", "azure", {"resource": "acme"}),
    ],
)
async def test_the_lab_is_asked_with_a_credential_of_the_same_kind(
    surface: str, kind: str, more: dict[str, str]
) -> None:
    """And refuses it when the call makes it invalid."""
    kept = {name: value for name, value in more.items() if name != "resource"}
    settings = SurfaceSettings(surface, "https://elsewhere.example.com", scope="global", **kept)
    transport = AiohttpTransport()
    facts = SnapshotFacts(snapshot, SystemClock())
    live = Site(settings, ApiKey("unused"), facts, transport, "claude-haiku-4-5")
    entry = SurfaceEntry(CredentialReference(kind), **more)
    calls = chosen(shipped_calls(), ["message", "wrong-credential"])
    with lab_side(Live(surface, entry, live, book(), ())) as lab:
        answers = []
        for call in calls:
            outbound = prepare(call, lab, "n")
            assert not isinstance(outbound, str), outbound
            answers.append(await send(call, outbound, lab))
        await lab.transport.close()
    assert [answer.status for answer in answers] in ([200, 401], [200, 403])
    assert read(answers[0]).body["type"] == "message"


@pytest.mark.parametrize(
    ("surface", "base_url", "public"),
    [
        ("anthropic", "", True),
        ("anthropic", "https://api.anthropic.com", True),
        ("anthropic", "http://api.anthropic.com", False),
        ("anthropic", "https://api.anthropic.com.example.com", False),
        ("anthropic", "https://gateway.example.com", False),
        ("bedrock", "https://bedrock-runtime.eu-central-1.amazonaws.com", True),
        ("bedrock", "http://127.0.0.1:9000", False),
        ("vertex", "https://us-east5-aiplatform.googleapis.com/v1", True),
        ("foundry", "https://acme.services.ai.azure.com/anthropic", True),
        ("foundry", "https://acme.example.com/anthropic", False),
    ],
)
def test_only_the_surface_s_own_address_is_certified(surface: str, base_url: str, *, public: bool) -> None:
    assert is_public(surface, base_url) is public
