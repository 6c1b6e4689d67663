"""Identifiers: a prefix that says what it names, then 26 characters that sort by creation time."""

from __future__ import annotations

import os

from trivium.core.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_TIME_BITS, _RANDOM_BITS = 48, 80
_SHIFTS = tuple(range(120, -1, -10))  # 26 characters are written two at a time, ten bits each


def new_id(prefix: str, clock: Clock) -> str:
    """A new id such as `req_06f1…`: 48 bits of milliseconds, 80 random bits (the ULID layout)."""
    milliseconds = int(clock.now().timestamp() * 1000) & ((1 << _TIME_BITS) - 1)
    value = (milliseconds << _RANDOM_BITS) | int.from_bytes(os.urandom(_RANDOM_BITS // 8), "big")
    return f"{prefix}_{''.join([_PAIRS[value >> shift & 1023] for shift in _SHIFTS])}"
