"""Reads the `usage` object of the Messages API, from whole answers and from stream events, into core.Usage."""

from __future__ import annotations

from collections.abc import Mapping

from trivium.core import COUNT_MAX, UNKNOWN_USAGE, Usage

_PLAIN = {"input": "input_tokens", "output": "output_tokens", "cache_read": "cache_read_input_tokens"}
_WRITES = {"cache_write_5m": "ephemeral_5m_input_tokens", "cache_write_1h": "ephemeral_1h_input_tokens"}
_TOOLS = {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"}


def _count(value: object) -> int | None:
    """A plausible count; anything else an upstream may send is not one."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_MAX:
        return None
    return value


class UsageReader:
    """Merges usage objects in the order they came; later counts replace earlier ones, as they are cumulative.

    `long_writes` says whether the request asked for a one-hour cache anywhere: when it did not, a total of
    cache writes without its split is all five-minute writes; when it did, the split is unknown.
    """

    __slots__ = ("_counts", "_long_writes", "_writes_total", "mixed")

    def __init__(self, *, long_writes: bool) -> None:
        self._counts: dict[str, int] = {}
        self._writes_total: int | None = None
        self._long_writes = long_writes
        self.mixed = False  # iterations of another kind than plain messages: the sums may lack a part

    def read(self, raw: object) -> None:
        """Take one usage object; a missing, null or impossible count leaves what was known."""
        if not isinstance(raw, Mapping):
            return
        self._take(_PLAIN, raw)
        self._take(_WRITES, raw.get("cache_creation"))
        self._take(_TOOLS, raw.get("server_tool_use"))
        total = _count(raw.get("cache_creation_input_tokens"))
        if total is not None:
            self._writes_total = total
        iterations = raw.get("iterations")
        if isinstance(iterations, list):
            self.mixed = any(not isinstance(item, Mapping) or item.get("type") != "message" for item in iterations)

    def _take(self, names: Mapping[str, str], raw: object) -> None:
        if not isinstance(raw, Mapping):
            return
        for unit, name in names.items():
            count = _count(raw.get(name))
            if count is not None:
                self._counts[unit] = count

    @property
    def output(self) -> int | None:
        """The output count as known so far."""
        return self._counts.get("output")

    def usage(self, *, output: int | None = None) -> Usage:
        """What is known, with another output count if one is given.

        Once any usage came, a unit the surface left out is zero, except input and output, which it never leaves out.
        """
        if not self._counts:
            return UNKNOWN_USAGE
        counts: dict[str, int | None] = {"input": None, "output": None, **self._counts, **self._writes()}
        if output is not None:
            counts["output"] = output
        return Usage(**counts)

    def _writes(self) -> dict[str, int | None]:
        short, long = (self._counts.get(unit, 0) for unit in _WRITES)
        total = self._writes_total
        if total is None or short + long == total:
            return {"cache_write_5m": short, "cache_write_1h": long}
        if not self._long_writes:
            return {"cache_write_5m": total, "cache_write_1h": 0}
        return {"cache_write_5m": None, "cache_write_1h": None}
