"""Which geography a route keeps, for requests that ask for one in words that the surface does not take."""

from __future__ import annotations

_GLOBAL = "global"
_CLASSES = ("geo", "in-region", "regional", "multi-region", "geo-or-regional", "regional-or-multi-region")
_SAME = {"europe": "eu"}


def place_of(scope: str, region: str) -> str:
    """`us`, `eu`, … for a scope that is a geography or a class whose region lies in one; `global` or empty else."""
    name = scope.lower().replace("_", "-")
    if name in _CLASSES:
        name = region.lower()
    head = name.partition("-")[0]
    return _SAME.get(head, head)
