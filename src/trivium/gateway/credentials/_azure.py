"""Azure: azure-identity finds the identity (environment, workload, managed identity, CLI) and gets Entra tokens."""

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

FOUNDRY_SCOPE = "https://ai.azure.com/.default"
_AHEAD = timedelta(minutes=5)  # of 60 to 90


class AzureCredential:
    """Sends an Entra access token as bearer.

    `find` returns an azure-identity credential in place of DefaultAzureCredential; a new one is made for every fetch
    and closed after it, so that no cache of its own hands a refused token out again. `ca_file` is what the default
    credential checks Entra's certificate against.
    """

    def __init__(
        self,
        *,
        surface: str = "foundry",
        scope: str = FOUNDRY_SCOPE,
        clock: Clock | None = None,
        find: Callable[[], Any] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._scope = scope
        if find is None:
            require("azure.identity", "azure")
        self._find = find or functools.partial(_default, ca_file)
        self._keeper = Keeper(surface, self._fetch, clock=clock or SystemClock(), ahead=_AHEAD)

    async def headers(self, outbound: Outbound) -> Headers:  # noqa: ARG002  the signature is the Protocol's
        """The bearer token."""
        return {"authorization": f"Bearer {await self._keeper.get()}"}

    async def refresh(self) -> None:
        """Get another token before the next request."""
        await self._keeper.forget()

    def _fetch(self) -> Held[str]:
        with self._find() as credential:
            token = credential.get_token(self._scope)
        return Held(str(token.token), datetime.fromtimestamp(token.expires_on, UTC))


def _default(ca_file: Path | None) -> Any:
    verify = {} if ca_file is None else {"connection_verify": str(ca_file)}
    return sdk("azure.identity", "azure").DefaultAzureCredential(**verify)
