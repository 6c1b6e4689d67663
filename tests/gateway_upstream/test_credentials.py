"""Credentials: fetched once however many ask, ahead of their end, again when refused, and never shown."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import botocore.session
import pytest

from gateway_upstream.support import request, send
from trivium.core import ManualClock, Retry, SystemClock, UpstreamError, UserError
from trivium.gateway.credentials import (
    ApiKey,
    AwsCredential,
    AwsKeys,
    AzureCredential,
    Bearer,
    GoogleCredential,
    Held,
    Keeper,
)
from trivium.gateway.credentials._aws import keys_of_chain
from trivium.gateway.credentials._sdk import require, sdk

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
OUTBOUND = send("anthropic", request())
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Source:
    """Hands out numbered tokens that live an hour; can be slow, and can fail."""

    def __init__(self, clock: ManualClock, *, life: timedelta | None = HOUR) -> None:
        self.clock = clock
        self.life = life
        self.fetched = 0
        self.error: Exception | None = None
        self.hold: threading.Event | None = None
        self.threads: set[str] = set()

    def __call__(self) -> Held[str]:
        self.threads.add(threading.current_thread().name)
        if self.hold is not None:
            self.hold.wait(5)
        if self.error is not None:
            raise self.error
        self.fetched += 1
        return Held(f"token-{self.fetched}", None if self.life is None else self.clock.now() + self.life)


def kept(life: timedelta | None = HOUR) -> tuple[Keeper[str], Source, ManualClock]:
    clock = ManualClock(START)
    source = Source(clock, life=life)
    return Keeper("vertex", source, clock=clock, ahead=5 * MINUTE), source, clock


async def settled(keeper: Keeper[str]) -> None:
    """Wait for what is being fetched in the background."""
    assert keeper._fetching is not None
    await asyncio.wait([keeper._fetching])
    await asyncio.sleep(0)


async def test_many_callers_cause_one_fetch_in_another_thread() -> None:
    keeper, source, _ = kept()
    source.hold = threading.Event()
    asking = [asyncio.ensure_future(keeper.get()) for _ in range(50)]
    await asyncio.sleep(0.01)
    source.hold.set()
    assert set(await asyncio.gather(*asking)) == {"token-1"}
    assert source.fetched == 1
    assert threading.main_thread().name not in source.threads


async def test_a_token_is_replaced_ahead_of_its_end_without_anyone_waiting() -> None:
    keeper, source, clock = kept()
    assert await keeper.get() == "token-1"
    clock.advance(54 * MINUTE)
    assert await keeper.get() == "token-1"
    assert source.fetched == 1
    clock.advance(2 * MINUTE)
    source.hold = threading.Event()
    assert await keeper.get() == "token-1"  # at once, though the fetch hangs
    source.hold.set()
    await settled(keeper)
    assert await keeper.get() == "token-2"


async def test_a_failing_early_fetch_leaves_the_old_token_in_use_and_is_tried_again_later() -> None:
    keeper, source, clock = kept()
    await keeper.get()
    clock.advance(56 * MINUTE)
    source.error = OSError("down")
    for _ in range(3):
        assert await keeper.get() == "token-1"
        await settled(keeper)
    source.error = None
    assert await keeper.get() == "token-1"  # within the pause nothing is tried
    assert source.fetched == 1
    clock.advance(MINUTE)
    await keeper.get()
    await settled(keeper)
    assert await keeper.get() == "token-2"


async def test_once_a_token_has_ended_callers_wait_for_the_new_one() -> None:
    keeper, source, clock = kept()
    await keeper.get()
    clock.advance(HOUR)
    assert await keeper.get() == "token-2"
    assert source.fetched == 2


async def test_a_token_without_an_end_lives_until_it_is_refused() -> None:
    keeper, source, clock = kept(life=None)
    await keeper.get()
    clock.advance(timedelta(days=400))
    assert await keeper.get() == "token-1"
    await keeper.forget()
    assert await keeper.get() == "token-2"
    assert source.fetched == 2


async def test_a_failure_is_told_without_the_sdks_words_and_may_succeed_elsewhere() -> None:
    keeper, source, _ = kept()
    source.error = ValueError("client_secret=canary")
    with pytest.raises(UpstreamError, match="vertex: no credential: ValueError") as failed:
        await keeper.get()
    assert "canary" not in str(failed.value)
    assert failed.value.retry is Retry.ELSEWHERE
    source.error = UserError("credential", "botocore", "install trivium[aws]")
    with pytest.raises(UpstreamError, match=r"install trivium\[aws\]"):
        await keeper.get()
    source.error = None
    assert await keeper.get() == "token-1"


async def test_a_caller_that_leaves_does_not_take_the_token_away_from_the_others() -> None:
    keeper, source, _ = kept()
    source.hold = threading.Event()
    leaving, staying = asyncio.ensure_future(keeper.get()), asyncio.ensure_future(keeper.get())
    await asyncio.sleep(0.01)
    leaving.cancel()
    source.hold.set()
    assert await staying == "token-1"
    assert source.fetched == 1


def test_a_credential_outlives_an_event_loop() -> None:
    keeper, source, _ = kept(life=None)
    assert asyncio.run(keeper.get()) == "token-1"
    asyncio.run(keeper.forget())
    assert asyncio.run(keeper.get()) == "token-2"
    assert source.fetched == 2


# --- keys ----------------------------------------------------------------------------------------------------------


async def test_a_key_is_read_again_after_a_refusal(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first\n")
    credential = ApiKey(path.read_text)
    assert await credential.headers(OUTBOUND) == {"x-api-key": "first"}
    path.write_text("second\n")
    assert await credential.headers(OUTBOUND) == {"x-api-key": "first"}
    await credential.refresh()
    assert await credential.headers(OUTBOUND) == {"x-api-key": "second"}


async def test_keys_go_into_the_surfaces_own_header() -> None:
    assert await ApiKey("k", header="api-key").headers(OUTBOUND) == {"api-key": "k"}
    assert await Bearer("t").headers(OUTBOUND) == {"authorization": "Bearer t"}


@pytest.mark.parametrize("secret", ["", "  ", "two words", "line\nbreak", "caf\u00e9", "tab\tinside", "nul\x00"])
async def test_a_key_that_could_break_a_header_is_not_sent(secret: str) -> None:
    with pytest.raises(UpstreamError) as refused:
        await ApiKey(secret, surface="anthropic").headers(OUTBOUND)
    assert not secret.strip() or secret.strip() not in str(refused.value)


async def test_a_key_that_cannot_be_read_is_a_failure_of_the_surface(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="FileNotFoundError"):
        await ApiKey((tmp_path / "none").read_text).headers(OUTBOUND)

    def unset() -> str:
        raise UserError("surfaces.anthropic.credential.env", "MY_KEY", "set this environment variable")

    with pytest.raises(UpstreamError, match="set this environment variable"):
        await ApiKey(unset).headers(OUTBOUND)


def test_secrets_are_not_shown() -> None:
    for thing in (ApiKey("canary"), Bearer("canary"), Held("canary"), AwsKeys("AKIA", "canary", "canary")):
        assert "canary" not in f"{thing!r} {thing}"


# --- AWS -----------------------------------------------------------------------------------------------------------


def profile_of(folder: Path, script: str) -> Path:
    """A profile whose keys a process prints: the chain's own code, without a network."""
    program = folder / "keys.py"
    program.write_text(script)
    config = folder / "config"
    config.write_text(f"[profile trivium]\ncredential_process = {sys.executable} {program}\nregion = us-west-2\n")
    return config


PRINTS = """
import json, pathlib
count = pathlib.Path(__file__).with_name("count")
n = int(count.read_text()) + 1 if count.exists() else 1
count.write_text(str(n))
print(json.dumps({"Version": 1, "AccessKeyId": f"AKIA{n}", "SecretAccessKey": "secret", "SessionToken": f"session-{n}",
                  "Expiration": "2030-01-01T00:00:00Z"}))
"""


def chain(config: Path) -> Callable[[], Held[AwsKeys]]:
    """botocore's chain over a configuration file of our own."""

    def find() -> Held[AwsKeys]:
        session = botocore.session.Session(profile="trivium")
        session.set_config_variable("config_file", str(config))
        session.set_config_variable("credentials_file", str(config.with_name("none")))
        return keys_of_chain("bedrock", None, session=session)

    return find


async def test_the_chain_is_walked_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    find = chain(profile_of(tmp_path, PRINTS))
    credential = AwsCredential(region="us-west-2", clock=ManualClock(START), find=find)
    outbound = send("bedrock", request())
    first = await credential.headers(outbound)
    assert first["x-amz-security-token"] == "session-1"
    assert "Credential=AKIA1/20261122/us-west-2/bedrock/aws4_request" in first["authorization"]
    assert await credential.headers(outbound) == first
    await credential.refresh()
    assert (await credential.headers(outbound))["x-amz-security-token"] == "session-2"


def test_the_end_of_temporary_keys_is_known(tmp_path: Path) -> None:
    held = chain(profile_of(tmp_path, PRINTS))()
    assert held.expires_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert held.value == AwsKeys("AKIA1", "secret", "session-1")


async def test_a_large_body_is_signed_as_a_small_one_is() -> None:
    keys = AwsKeys("AKIAFAKE", "secret")
    credential = AwsCredential(region="us-west-2", clock=ManualClock(START), find=lambda: Held(keys))
    outbound = send("bedrock", request({"max_tokens": 1, "messages": [{"role": "user", "content": "x" * 2_000_000}]}))
    assert await credential.headers(outbound) == credential._sign(outbound, keys)


# --- Google and Azure ----------------------------------------------------------------------------------------------


class FakeGoogle:
    """Stands for google-auth credentials."""

    def __init__(self) -> None:
        self.token = ""
        self.expiry: datetime | None = None
        self.refreshed = 0

    def refresh(self, asking: Any) -> None:
        self.refreshed += 1
        self.token = f"ya29.{self.refreshed}"
        self.expiry = datetime(2026, 11, 22, 13)  # noqa: DTZ001  google-auth gives naive UTC


async def test_googles_naive_expiry_is_utc() -> None:
    clock, source = ManualClock(START), FakeGoogle()
    credential = GoogleCredential(clock=clock, find=lambda: source)
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer ya29.1"}
    clock.advance(54 * MINUTE)
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer ya29.1"}
    clock.advance(6 * MINUTE)
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer ya29.2"}
    await credential.refresh()
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer ya29.3"}


class FakeAzure:
    """Stands for an azure-identity credential."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.log.append("closed")

    def get_token(self, scope: str) -> Any:
        self.log.append(scope)
        token = type("Token", (), {})()
        token.token, token.expires_on = f"eyJ.{len(self.log)}", int((START + HOUR).timestamp())
        return token


async def test_azure_makes_a_credential_for_every_fetch_and_closes_it() -> None:
    log: list[str] = []
    credential = AzureCredential(
        clock=ManualClock(START), find=lambda: FakeAzure(log), scope="https://x.example/.default"
    )
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer eyJ.1"}
    await credential.headers(OUTBOUND)
    await credential.refresh()
    assert await credential.headers(OUTBOUND) == {"authorization": "Bearer eyJ.3"}
    assert log == ["https://x.example/.default", "closed"] * 2


# --- packages ------------------------------------------------------------------------------------------------------


def test_a_missing_package_is_named_with_the_extra_that_brings_it() -> None:
    for asked in (lambda: sdk("no_such_cloud.auth", "google"), lambda: require("no_such_cloud.auth", "google")):
        with pytest.raises(UserError, match=r"install trivium\[google\]") as missing:
            asked()
        assert missing.value.field == "credential"
        assert str(missing.value.value).startswith("no_such_cloud")


def test_no_cloud_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, trivium.gateway.credentials as c;"
        "c.AwsCredential(region='us-west-2'), c.GoogleCredential(), c.AzureCredential();"
        "print([n for n in ('botocore.session', 'google.auth.transport.requests', 'azure.identity', 'requests')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []


def test_the_machines_clock_is_the_default() -> None:
    keys = AwsKeys("AKIAFAKE", "secret")
    credential = AwsCredential(region="us-west-2", find=lambda: Held(keys))
    stamp = credential._sign(OUTBOUND, keys)["x-amz-date"]
    assert stamp[:8] in {(SystemClock().now() - MINUTE * late).strftime("%Y%m%d") for late in (0, 1)}
