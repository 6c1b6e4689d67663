"""Virtual keys: what a client of the gateway presents. Only the SHA-256 of a key is ever stored."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

_KEY_FORM = re.compile(r"sk-trv-[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the holder of a key is and may do; an empty tuple of models, surfaces or scopes means any."""

    key_id: str
    secret_sha256: str  # hex
    workload: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()  # region scopes its requests may be served in, from the settings of its workload
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class KeyRing(Protocol):
    """Looks a key up by the hash of its secret; the answer may change at any time (creation, revocation)."""

    def find(self, secret_sha256: str) -> KeyRecord | None:
        """The record, revoked or not, or None."""
        ...


def new_secret() -> str:
    """A fresh secret with 256 random bits: `sk-trv-` and 43 characters."""
    return "sk-trv-" + secrets.token_urlsafe(32)


def well_formed(secret: str) -> bool:
    """Whether a presented credential has the form of a virtual key."""
    return _KEY_FORM.fullmatch(secret) is not None


def hash_secret(secret: str) -> str:
    """The stored form of a secret: SHA-256 in hex. A random 256-bit key needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
