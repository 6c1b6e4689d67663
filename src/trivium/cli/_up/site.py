"""The site of one run: a folder, the lab and the gateway as processes of their own, keys, the first route table."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from trivium.core import ANY, Offer, Route, RouteTable, Target, TriviumError

# What the demonstration opens: one surface of each seller. The other three can be opened as well, but they speak the
# first party's wire at prices that are among these: they would show nothing new, and leave each fewer sessions.
SURFACES = ("anthropic", "bedrock", "vertex", "foundry")
_REGION = "us-east-1"
# The scopes of the demonstration: Bedrock through a US inference profile, as Claude Code does by itself.
SCOPES: Mapping[str, str] = {
    "anthropic": "global",
    "claude-aws": "global",
    "bedrock": "us",
    "bedrock-mantle": _REGION,
    "vertex": "global",
    "claude-gcp": "global",
    "foundry": "global",
}
ROUTES = "routes.json"  # the route table, in the folder of a run
_READY_S = 60.0
_STOP_S = 15.0
_KEY_VARIABLES = {"anthropic": "TRIVIUM_LAB_ANTHROPIC_KEY", "foundry": "TRIVIUM_LAB_FOUNDRY_KEY"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the gateway of the site is, in seconds; by default as any other."""

    breaker_open_s: float = 30.0
    stream_first_byte_s: float = 120.0
    first_byte_s: float = 600.0


class SiteFailed(TriviumError):
    """A process of the site did not start or ended by itself; the message says where its log lies."""


@dataclass(frozen=True, slots=True)
class Site:
    """Addresses and files of a running site."""

    folder: Path
    gateway_url: str
    lab: Mapping[str, Any]  # what the lab said when it was ready
    gateway: subprocess.Popen[str]
    lab_process: subprocess.Popen[str]

    @property
    def ledger(self) -> Path:
        """The ledger of this run."""
        return self.folder / "ledger.db"

    @property
    def routes(self) -> Path:
        """The route table the gateway loads."""
        return self.folder / ROUTES

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the lab's control port."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.lab['control']}{path}", data=data, method=method)  # noqa: S310  loopback
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  loopback
                return json.load(response)
        except (urllib.error.URLError, OSError) as error:
            raise SiteFailed(f"the lab's control port does not answer ({error}); see {self.folder}/lab.log") from error

    def check(self) -> None:
        """Raise if a process has ended."""
        for name, process in (("gateway", self.gateway), ("lab", self.lab_process)):
            if process.poll() is not None:
                raise SiteFailed(f"the {name} ended with code {process.returncode}; see {self.folder}/{name}.log")


def new_folder(root: Path, now: datetime) -> Path:
    """A fresh folder for this run; earlier runs keep theirs."""
    name = now.strftime("%Y%m%d-%H%M%S")
    for number in range(1000):
        folder = root / (name if number == 0 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise SiteFailed(f"no free folder under {root}")


@contextmanager
def lab(folder: Path, surfaces: Sequence[str] = SURFACES) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """Emulated surfaces on trace time, until the block ends."""
    with _process(folder, "lab", ["lab", "--trace-time", "--json", "--surfaces", ",".join(surfaces)], {}) as started:
        yield started


@contextmanager
def lab_of(folder: Path, surfaces: Sequence[str], *, tls: bool) -> Iterator[dict[str, Any]]:
    """Some emulated surfaces on the machine's time, until the block ends: what they said when they were ready."""
    secured = ["--tls", "--tls-folder", str(folder)] if tls else []
    with _process(folder, "lab", ["lab", "--json", "--surfaces", ",".join(surfaces), *secured], {}) as (said, _):
        yield said


@contextmanager
def gateway(
    folder: Path, lab_said: Mapping[str, Any], port: int, pace: Pace = Pace()
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The gateway in front of the lab, by the settings written into `folder`, until the block ends."""
    variables = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    variables["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    exported = {name: value for pairs in lab_said["exports"].values() for name, value in pairs.items()}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        variables[name] = exported.get(name, "")
    for surface, name in _KEY_VARIABLES.items():
        if surface in lab_said["surfaces"]:
            variables[name] = lab_said["surfaces"][surface]["keys"][0]
    if key_file := exported.get("GOOGLE_APPLICATION_CREDENTIALS"):
        google = folder / "google-credentials.json"
        google.touch(mode=0o600)
        google.write_text(Path(key_file).read_text())
    settings = folder / "trivium.toml"
    settings.write_text(_settings(lab_said, port, pace))
    arguments = ["serve", "--settings", str(settings), "--replay", "--json", "--log-level", "WARNING"]
    with _process(folder, "gateway", arguments, variables) as (said, process):
        yield said["url"], process


def _settings(lab_said: Mapping[str, Any], port: int, pace: Pace) -> str:
    """The settings file of the run: real credential kinds, the lab's addresses."""
    aws, google = 'kind = "aws"', 'kind = "google", file = "google-credentials.json"'
    credentials = {
        "anthropic": f'kind = "api-key", env = "{_KEY_VARIABLES["anthropic"]}"',
        "claude-aws": aws,
        "bedrock": aws,
        "bedrock-mantle": aws,
        "vertex": google,
        "claude-gcp": google,
        "foundry": f'kind = "api-key", env = "{_KEY_VARIABLES["foundry"]}"',
    }
    region, workspace, project = f'region = "{_REGION}"', 'workspace = "wrkspc_lab"', 'project = "lab-project"'
    more = {
        "claude-aws": f"{region}\n{workspace}",
        "bedrock": region,
        "bedrock-mantle": region,
        "vertex": f'region = "global"\n{project}',
        "claude-gcp": f"{project}\n{workspace}",
    }
    lines = [
        "# Written by `trivium up` for one run: the surfaces are the lab's.",
        f"[gateway]\nport = {port}\nbreaker_open_s = {pace.breaker_open_s}",
        f'\n[paths]\nledger = "ledger.db"\nroutes = "{ROUTES}"',
    ]
    for surface in (name for name in SCOPES if name in lab_said["surfaces"]):
        said = lab_said["surfaces"][surface]
        address = said["url" if surface == "claude-gcp" else "base_url"]  # the gateway makes that path by itself
        lines.append(
            f'\n[surfaces.{surface}]\nbase_url = "{address}"\n'
            f"stream_first_byte_s = {pace.stream_first_byte_s}\nfirst_byte_s = {pace.first_byte_s}\n"
            f'scope = "{SCOPES[surface]}"\ncredential = {{ {credentials[surface]} }}'
        )
        if surface in more:
            lines.append(more[surface])
    return "\n".join(lines) + "\n"


@contextmanager
def _process(
    folder: Path, name: str, arguments: list[str], variables: Mapping[str, str]
) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A command of our own as a child that says one JSON line when it is ready; its log goes to a file."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANTHROPIC_", "AWS_", "GOOGLE_"))}
    environment = {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONUNBUFFERED": "1", **variables}
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [sys.executable, "-m", "trivium.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends its children in order
        )
        try:
            yield _ready(process, name, folder), process
        finally:
            _end(process)


def _ready(process: subprocess.Popen[str], name: str, folder: Path) -> dict[str, Any]:
    output: IO[str] | None = process.stdout
    if output is None:
        raise SiteFailed(f"the {name} has no output")
    readable, _, _ = select.select([output], [], [], _READY_S)
    line = output.readline() if readable else ""
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError as error:
        last = (folder / f"{name}.log").read_text().strip().splitlines()[-1:]
        raise SiteFailed(f"the {name} did not start: {' '.join(last) or 'no word'}; see {folder}/{name}.log") from error
    return said


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def spread(pairs: Mapping[tuple[str, str], tuple[Offer, ...]]) -> RouteTable:
    """The table before there is a plan: every surface that carries a pair, in equal parts by session."""
    routes = tuple(
        Route(workload, model, tuple(Target(offer, 1) for offer in offers), "before the plan: spread evenly")
        for (workload, model), offers in sorted(pairs.items())
    )
    return with_default(RouteTable(routes, "spread"))


def with_default(table: RouteTable) -> RouteTable:
    """The table, and a place for every other workload and model: the site's surfaces in their order."""
    targets = tuple(Target(Offer(surface, SCOPES[surface], ANY), int(surface == SURFACES[0])) for surface in SURFACES)
    return RouteTable((*table.routes, Route(ANY, ANY, targets, "whatever was not planned")), table.version)
