"""What the lab remembers of requests: counts, and the last ones with headers and shape, never texts or secrets."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from trivium.lab.surfaces._base import Call, Exchange

_SECRETS = frozenset({"x-api-key", "api-key", "authorization", "x-amz-security-token", "proxy-authorization", "cookie"})
_SHOWN = 4
_KEPT = 1000


class Seen:
    """Requests seen by all surfaces of a lab."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str, int]] = Counter()  # (surface, path, status)
        self._last: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def add(self, surface: str, exchange: Exchange, status: int, call: Call | None, error: str) -> None:
        """Remember a request when its status is known."""
        self.counts[surface, exchange.path, status] += 1
        shape: dict[str, Any] = {}
        if call is not None:
            shape = {
                "model": call.model,
                "scope": call.scope,
                "version": call.version,
                "betas": list(call.betas),
                "stream": call.stream,
                "fields": sorted(call.fields),
            }
        self._last.append(
            {
                "request_id": exchange.request_id,
                "at": exchange.at.isoformat(),
                "surface": surface,
                "method": exchange.method,
                "path": exchange.path,
                "query": exchange.query,
                "headers": {name.lower(): _masked(name, value) for name, value in exchange.headers.items()},
                "body_bytes": len(exchange.body),
                "status": status,
                "error": error,
                **shape,
            }
        )

    def clear(self) -> None:
        """Forget everything."""
        self.counts.clear()
        self._last.clear()

    def as_json(self, last: int) -> dict[str, Any]:
        """Counts and the last requests, newest last."""
        return {
            "total": sum(self.counts.values()),
            "counts": [
                {"surface": surface, "path": path, "status": status, "count": count}
                for (surface, path, status), count in sorted(self.counts.items())
            ],
            "last": list(self._last)[-last:] if last else [],
        }


def _masked(name: str, value: str) -> str:
    if name.lower() not in _SECRETS:
        return value
    scheme, space, secret = value.partition(" ")
    if not space:
        scheme, secret = "", value
    return f"{scheme}{space}…{secret[-_SHOWN:]}"
