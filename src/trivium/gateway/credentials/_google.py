"""Google: google-auth finds the account (key file, workload identity, gcloud, metadata server) and gets tokens."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from trivium.core import Clock, SystemClock
from trivium.gateway.credentials._keeper import Held, Keeper
from trivium.gateway.credentials._sdk import require, sdk
from trivium.gateway.seams import Headers, Outbound

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AHEAD = timedelta(minutes=5)  # of an hour


class GoogleCredential:
    """Sends an OAuth access token as bearer.

    `find` returns google-auth credentials in place of the application default ones; `ca_file` is what the token
    endpoint's certificate is checked against. The clock is the machine's by default: tokens live on real time.
    """

    def __init__(
        self,
        *,
        surface: str = "vertex",
        clock: Clock | None = None,
        find: Callable[[], Any] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        for module in ("google.auth", "requests"):
            require(module, "google")
        self._find = find or _default
        self._ca_file = ca_file
        self._keeper = Keeper(surface, self._fetch, clock=clock or SystemClock(), ahead=_AHEAD)

    async def headers(self, outbound: Outbound) -> Headers:  # noqa: ARG002  the signature is the Protocol's
        """The bearer token."""
        return {"authorization": f"Bearer {await self._keeper.get()}"}

    async def refresh(self) -> None:
        """Get another token before the next request."""
        await self._keeper.forget()

    def _fetch(self) -> Held[str]:
        transport, requests = sdk("google.auth.transport.requests", "google"), sdk("requests", "google")
        credentials = self._find()
        with requests.Session() as session:
            call = transport.Request(session)
            if self._ca_file is not None:  # with the call: an environment variable outranks what a session says
                call = functools.partial(call, verify=str(self._ca_file))
            credentials.refresh(call)
        expiry: datetime | None = credentials.expiry  # naive, in UTC
        return Held(str(credentials.token), expiry.replace(tzinfo=UTC) if expiry is not None else None)


def _default() -> Any:
    auth = sdk("google.auth", "google")
    credentials, _project = auth.default(scopes=[SCOPE])
    return credentials
