"""Which surface signed a thinking block, and which surfaces were seen to refuse whose signatures.

Nothing here is known beforehand: who signed is read from the answers that pass, who refuses from refusals. A surface
that refused is taken to refuse for an hour, so that a change on its side is noticed.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from hashlib import blake2b

from trivium.core import Clock
from trivium.gateway.wire.body import Body

_NS = 1_000_000_000
_REFUSES_NS = 3600 * _NS
ENTRIES_MAX = 65_536
_SIGNED = re.compile(rb'"(?:signature|data)"\s*:\s*"([A-Za-z0-9+/=_-]{16,})"')


class Signers:
    """Hashes of signatures → the surface that issued them, least recently seen first to go."""

    def __init__(self, clock: Clock, *, entries_max: int = ENTRIES_MAX) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._issuers: OrderedDict[bytes, str] = OrderedDict()
        self._refusals: dict[tuple[str, str], int] = {}  # (issuer, surface) -> until; as many as pairs of surfaces

    def __len__(self) -> int:
        return len(self._issuers)

    def learn(self, surface: str, data: bytes) -> None:
        """Read signatures from an answer in the Messages wire, whole events or a whole body."""
        if not _signed(data):
            return
        for signature in _SIGNED.findall(data):
            name = _hash(signature)
            self._issuers[name] = surface
            self._issuers.move_to_end(name)
        while len(self._issuers) > self._entries_max:
            self._issuers.popitem(last=False)

    def refused(self, surface: str, body: Body) -> None:
        """A surface refused the signatures of a request."""
        for issuer in self._issued(body) - {surface}:
            self._refusals[issuer, surface] = self._clock.monotonic_ns() + _REFUSES_NS

    def takes(self, surface: str, body: Body) -> bool:
        """Whether a surface is not known to refuse a signature in the request."""
        now_ns = self._clock.monotonic_ns()
        refused = {issuer for (issuer, by), until_ns in self._refusals.items() if by == surface and now_ns < until_ns}
        return not refused or refused.isdisjoint(self._issued(body))

    def _issued(self, body: Body) -> set[str]:
        if not _signed(body.data):
            return set()
        names = (_hash(signature) for signature in _SIGNED.findall(body.data))
        return {self._issuers[name] for name in names if name in self._issuers}


def _signed(data: bytes) -> bool:
    return b'"signature"' in data or b'"redacted_thinking"' in data  # asked of every event: no loop


def _hash(signature: bytes) -> bytes:
    return blake2b(signature, digest_size=16).digest()
