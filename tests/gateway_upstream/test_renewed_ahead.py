"""On every surface of AWS and Google a credential is replaced before it ends, and no request waits or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from google.oauth2 import service_account

from gateway_upstream.support import request, send
from gateway_upstream.test_through_the_lab import AT, AWS_SERVICES
from trivium.core import ManualClock, SystemClock
from trivium.gateway import AiohttpTransport, Credential, Outbound, Timeouts
from trivium.gateway.credentials import AwsCredential, AwsKeys, GoogleCredential, Held
from trivium.gateway.credentials._google import SCOPE
from trivium.lab import LabServer
from trivium.lab.auth import AwsCredential as Known

TIMEOUTS = Timeouts(connect_s=5, first_byte_s=20, idle_s=20)


def asked(lab: LabServer, surface: str) -> Outbound:
    base = lab.url(surface) if surface == "claude-gcp" else lab.base_url(surface)
    settings = {"project": "lab-project"} if surface in {"vertex", "claude-gcp"} else {}
    if surface == "vertex":
        settings |= {"region": "global"}
    scope = "global" if surface == "vertex" else ""
    return send(surface, request(), base_url=base, scope=scope, **settings)


async def status(outbound: Outbound, credential: Credential, transport: AiohttpTransport) -> tuple[int, str]:
    """What the surface answers, and the credential it was asked with."""
    headers = await credential.headers(outbound)
    sent = Outbound(outbound.surface, "POST", outbound.url, {**outbound.headers, **headers}, outbound.body)
    inbound = await transport.send(sent, TIMEOUTS)
    await inbound.close()
    name = headers.get("x-amz-security-token") or headers["authorization"]
    return inbound.status, name


async def renewed(ask: Callable[[], Awaitable[tuple[int, str]]], first: str) -> str:
    """The credential after the first, which is used until the next has come."""
    for _ in range(500):
        code, name = await ask()
        assert code == 200
        if name != first:
            return name
        await asyncio.sleep(0.01)
    raise AssertionError("it was never replaced")


@pytest.mark.parametrize("surface", AWS_SERVICES)
async def test_aws_keys_are_replaced_before_they_end(surface: str) -> None:
    clock = ManualClock(AT)
    ends = [clock.now() + timedelta(minutes=20), clock.now() + timedelta(hours=1)]
    known = [Known(f"ASIALAB{n}", "secret", "account", f"token-{n}", expires_at=end) for n, end in enumerate(ends)]
    fetched = iter(Held(AwsKeys(key.access_key_id, "secret", key.session_token), key.expires_at) for key in known)
    credential = AwsCredential(
        region="us-west-2", service=AWS_SERVICES[surface], surface=surface, clock=clock, find=lambda: next(fetched)
    )
    transport = AiohttpTransport(trust_env=False)
    async with LabServer((surface,), wall=clock, options={surface: {"aws": known}}) as lab:
        outbound = asked(lab, surface)
        assert await status(outbound, credential, transport) == (200, "token-0")
        clock.advance(timedelta(minutes=6))  # 14 before the end, of 15 ahead
        assert await renewed(lambda: status(outbound, credential, transport), "token-0") == "token-1"
        clock.advance(timedelta(minutes=15))  # the first has ended
        assert await status(outbound, credential, transport) == (200, "token-1")
    await transport.close()


@pytest.mark.parametrize("surface", ["vertex", "claude-gcp"])
async def test_googles_tokens_are_replaced_before_they_end(surface: str) -> None:
    clock = ManualClock(SystemClock().now())  # google-auth dates its tokens by the machine
    transport = AiohttpTransport(trust_env=False)
    async with LabServer((surface,), wall=clock) as lab:
        account = lab.identities.google.service_account(lab.url("signin") + "/token")
        credential = GoogleCredential(
            surface=surface,
            clock=clock,
            find=lambda: service_account.Credentials.from_service_account_info(account, scopes=[SCOPE]),
        )
        outbound = asked(lab, surface)
        code, first = await status(outbound, credential, transport)
        assert code == 200
        clock.advance(timedelta(minutes=56))  # 4 before the end, of 5 ahead
        second = await renewed(lambda: status(outbound, credential, transport), first)
        assert second.startswith("Bearer ya29.")
    await transport.close()
