"""Prometheus metrics of one gateway, in a registry of its own."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from trivium.core import TOKEN_UNITS, Closed, Opened, Usage

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_WHERE = ("surface", "model")
_Metric = TypeVar("_Metric", Counter, Histogram)


class Metrics:
    """What `/metrics` shows. Labels come from configuration and the catalogue, never from a client's free text."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._children: dict[tuple[int, tuple[str, ...]], Any] = {}
        self.attempts = Counter(
            "trivium_attempts",
            "Attempts at surfaces by how they ended",
            (*_WHERE, "workload", "outcome"),
            registry=registry,
        )
        self.ends = Counter(
            "trivium_attempt_ends", "Attempts at surfaces by who ended them", (*_WHERE, "state"), registry=registry
        )
        self.responses = Counter("trivium_responses", "Answers to clients", ("endpoint", "status"), registry=registry)
        self.tokens = Counter("trivium_tokens", "Tokens by class", (*_WHERE, "workload", "unit"), registry=registry)
        self.ttft = Histogram(
            "trivium_ttft_seconds", "Request sent to first content", _WHERE, registry=registry, buckets=_SECONDS
        )
        self.latency = Histogram(
            "trivium_latency_seconds", "Request sent to last byte", _WHERE, registry=registry, buckets=_SECONDS
        )
        self.failovers = Counter(
            "trivium_failovers",
            "Attempts repeated elsewhere or here",
            ("from_surface", "to_surface"),
            registry=registry,
        )
        self.hedges = Counter(
            "trivium_hedges",
            "Second attempts made while the first was silent",
            ("from_surface", "to_surface"),
            registry=registry,
        )
        self.affinity = Counter(
            "trivium_affinity",
            "Attempts by what became of the request's prompt cache: new, kept, moved, none",
            ("affinity",),
            registry=registry,
        )
        self.in_flight = Gauge("trivium_requests_in_flight", "Requests being served", registry=registry)
        self.ledger_errors = Counter(
            "trivium_ledger_errors", "Records the ledger did not take", ("record",), registry=registry
        )
        self.ledger_pending = Gauge("trivium_ledger_pending", "Records waiting to become durable", registry=registry)

    def closed(self, opened: Opened, closed: Closed) -> None:
        """An attempt ended."""
        where = (opened.offer.surface, opened.offer.model)
        self._child(self.attempts, (*where, opened.workload, closed.outcome.value)).inc()
        self._child(self.ends, (*where, closed.terminal_state.value)).inc()
        self.consumed(*where, opened.workload, closed.usage)
        if opened.endpoint == "count_tokens":  # another kind of work: it would blur the histograms
            return
        if closed.ttft_ms is not None:
            self._child(self.ttft, where).observe(closed.ttft_ms / 1000)
        if closed.latency_ms is not None:
            self._child(self.latency, where).observe(closed.latency_ms / 1000)

    def consumed(self, surface: str, model: str, workload: str, usage: Usage) -> None:
        """Tokens became known."""
        for unit in TOKEN_UNITS:
            count = getattr(usage, unit)
            if count:
                self._child(self.tokens, (surface, model, workload, unit)).inc(count)

    def routed(self, affinity: str) -> None:
        """An attempt was given its place."""
        self._child(self.affinity, (affinity,)).inc()

    def responded(self, endpoint: str, status: int) -> None:
        """A client was answered."""
        self._child(self.responses, (endpoint, str(status))).inc()

    def _child(self, metric: _Metric, labels: tuple[str, ...]) -> _Metric:
        """The child for some labels; the library's own look-up costs several microseconds."""
        key = (id(metric), labels)
        found = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return cast("_Metric", found)

    def render(self) -> bytes:
        """The text exposition."""
        return generate_latest(self.registry)
