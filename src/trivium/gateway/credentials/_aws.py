"""AWS: botocore finds the keys (environment, profile, SSO, web identity, container, instance), we sign with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from trivium.core import Clock, Retry, SystemClock, UpstreamError
from trivium.gateway.credentials._keeper import Held, Keeper
from trivium.gateway.credentials._sdk import require, sdk
from trivium.gateway.credentials._sigv4 import AwsKeys, sign
from trivium.gateway.seams import Headers, Outbound

_AHEAD = timedelta(minutes=15)  # botocore's own advisory refresh
_INLINE_BYTES = 1024 * 1024  # hashing more than this would hold up the event loop


class AwsCredential:
    """Signs with SigV4 over exactly the bytes and headers that are sent.

    `find` replaces botocore's chain. The clock is the machine's by default, whatever clock the gateway runs on,
    because AWS compares signatures with real time.
    """

    def __init__(
        self,
        *,
        region: str,
        profile: str | None = None,
        service: str = "bedrock",
        surface: str = "bedrock",
        clock: Clock | None = None,
        find: Callable[[], Held[AwsKeys]] | None = None,
    ) -> None:
        self._region = region
        self._service = service
        self._clock = clock or SystemClock()
        if find is None:
            require("botocore", "aws")
        fetch = find or (lambda: keys_of_chain(surface, profile))
        self._keeper = Keeper(surface, fetch, clock=self._clock, ahead=_AHEAD)

    async def headers(self, outbound: Outbound) -> Headers:
        """The signature's headers."""
        keys = await self._keeper.get()
        if len(outbound.body) <= _INLINE_BYTES:
            return self._sign(outbound, keys)
        return await asyncio.to_thread(self._sign, outbound, keys)

    def _sign(self, outbound: Outbound, keys: AwsKeys) -> Headers:
        return sign(
            outbound.method,
            outbound.url,
            outbound.headers,
            outbound.body,
            keys=keys,
            region=self._region,
            service=self._service,
            at=self._clock.now(),
        )

    async def refresh(self) -> None:
        """Walk the chain again before the next request."""
        await self._keeper.forget()


def keys_of_chain(surface: str, profile: str | None, *, session: Any = None) -> Held[AwsKeys]:
    """Walk botocore's chain once, from the start, so that rotated files are seen. Blocks."""
    session = session or sdk("botocore.session", "aws").Session(profile=profile)
    found = session.get_credentials()
    if found is None:
        raise UpstreamError(surface, "botocore found no AWS credentials in its chain", retry=Retry.ELSEWHERE)
    frozen = found.get_frozen_credentials()  # one consistent triple; may call a token endpoint
    # botocore shows no public expiry; without it a key would live until it is refused, which `refresh` still heals.
    expires_at: datetime | None = getattr(found, "_expiry_time", None)
    return Held(AwsKeys(frozen.access_key, frozen.secret_key, frozen.token), expires_at)
