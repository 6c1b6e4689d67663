"""Keys and tokens that someone else renews: read where the operator keeps them, and read again when refused."""

from __future__ import annotations

from collections.abc import Callable

from trivium.core import Retry, TriviumError, UpstreamError
from trivium.gateway.seams import Headers, Outbound

_VISIBLE = range(0x21, 0x7F)


class ApiKey:
    """Sends a secret in a header of the surface's own, `x-api-key` by default.

    `secret` is read on first use and after each `refresh`, so that a rotated file or variable is picked up.
    """

    header, prefix = "x-api-key", ""

    def __init__(self, secret: str | Callable[[], str], *, header: str = "", surface: str = "credential") -> None:
        self._read = secret if callable(secret) else lambda: secret
        self._headers: Headers | None = None
        self.header = header or self.header
        self._surface = surface

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    async def headers(self, outbound: Outbound) -> Headers:  # noqa: ARG002  the signature is the Protocol's
        """The header."""
        if self._headers is None:
            self._headers = {self.header: self.prefix + self._secret()}
        return self._headers

    def _secret(self) -> str:
        try:
            secret = self._read().strip()
        except (TriviumError, OSError, UnicodeDecodeError) as error:
            reason = str(error) if isinstance(error, TriviumError) else type(error).__name__  # ours quote no secret
            raise UpstreamError(self._surface, f"no credential: {reason}", retry=Retry.ELSEWHERE) from error
        if not secret or any(ord(character) not in _VISIBLE for character in secret):
            message = "the key is empty or has blanks, line breaks or non-ASCII characters in it"
            raise UpstreamError(self._surface, message, retry=Retry.ELSEWHERE)
        return secret

    async def refresh(self) -> None:
        """Read the secret again."""
        self._headers = None


class Bearer(ApiKey):
    """Sends a token as `authorization: Bearer`: a Bedrock API key, or an access token made elsewhere."""

    header, prefix = "authorization", "Bearer "
