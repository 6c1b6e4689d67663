"""Thinking signatures: what the lab hands out with a thinking block and demands back unchanged.

A signature carries the block's token count and a hash of its visible text, under an HMAC; a block whose text was
edited, or that was signed elsewhere, is refused. The key comes from the lab's seed, so runs repeat.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_TEXT_BYTES, _MAC_BYTES, _COUNT_BYTES = 16, 16, 4


class Signer:
    """Signs and verifies thinking blocks of one key."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def from_seed(cls, seed: int, label: str = "") -> Signer:
        """The key of a seed; labels separate surfaces whose signatures shall not be portable."""
        return cls(hashlib.sha256(f"trivium-lab:{seed}:{label}".encode()).digest())

    def sign(self, thinking: str, tokens: int) -> str:
        """The signature of a block with that visible text."""
        body = tokens.to_bytes(_COUNT_BYTES, "big") + _digest(thinking)
        return base64.b64encode(body + self._mac(body)).decode()

    def tokens(self, thinking: str, signature: object) -> int | None:
        """The token count that the signature vouches for; None if the signature is not ours for that text."""
        try:
            raw = base64.b64decode(signature, validate=True) if isinstance(signature, str) else b""
        except (binascii.Error, ValueError):
            return None
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(raw) != _COUNT_BYTES + _TEXT_BYTES + _MAC_BYTES or not hmac.compare_digest(mac, self._mac(body)):
            return None
        if body[_COUNT_BYTES:] != _digest(thinking):
            return None
        return int.from_bytes(body[:_COUNT_BYTES], "big")

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_MAC_BYTES]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_TEXT_BYTES]
