"""The measured shape of a workload: what can be counted about how it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trivium.plan._demand import Demand

_MINUTES_PER_DAY = 1440
_LONG_GAP_S = 60
_MINUTES_MIN = 30  # a shorter span says nothing of a day
_WIDTHS_MINUTES = (1, 10, 60)
_SPANS_MIN = 30
_REQUESTS_MIN = 20  # per span: with fewer, a Poisson process alone has a 99th percentile above 1.6 times its mean


@dataclass(frozen=True, slots=True)
class Shape:
    """Figures of one workload; None where nothing of the kind was recorded.

    Records that know neither caches nor streams say 0 of both, so a plain 0 is taken as not recorded.
    """

    requests: int
    days: float
    requests_per_day: float | None
    prompt_tokens_per_request: float | None
    output_tokens_per_request: float | None
    cache_share: float | None  # of prompt tokens: read from a cache
    shared_share: float | None  # of prompt tokens: read from prefixes that other sessions wrote
    batch_share: float  # of requests that run as a batch now
    burstiness: float | None  # 99th percentile of a minute's tokens over their mean: see `_burstiness`
    stream_share: float | None
    requests_per_conversation: float | None
    long_gap_share: float | None  # of follow-ups in a conversation: more than a minute after the request before


def shape_of(demands: Sequence[Demand]) -> Shape:
    """The shape of all that a workload asked of its models."""
    requests = sum(demand.requests for demand in demands)
    rows = [row for demand in demands for row in demand.rows]
    prompt = sum(row.input + row.cached for row in rows)
    firsts = [demand.first_at for demand in demands if demand.first_at is not None]
    lasts = [demand.last_at for demand in demands if demand.last_at is not None]
    days = (max(lasts) - min(firsts)).total_seconds() / 86_400 if firsts and lasts else 0.0
    return Shape(
        requests=requests,
        days=days,
        requests_per_day=requests / days if days * _MINUTES_PER_DAY >= _MINUTES_MIN else None,
        prompt_tokens_per_request=prompt / requests if requests else None,
        output_tokens_per_request=sum(row.output for row in rows) / requests if requests else None,
        cache_share=(sum(row.read for row in rows) / prompt or None) if prompt else None,
        shared_share=(sum(row.shared for row in rows) / prompt or None) if prompt else None,
        batch_share=sum(row.requests for row in rows if row.offer.tier == "batch") / requests if requests else 0.0,
        burstiness=_burstiness(demands, days),
        stream_share=(sum(demand.streamed for demand in demands) / requests or None) if requests else None,
        requests_per_conversation=_conversation(demands),
        long_gap_share=_long_gaps(demands),
    )


def _burstiness(demands: Sequence[Demand], days: float) -> float | None:
    """Over every clock minute of the span, idle ones too; None for fewer than thirty spans.

    Where a minute has too few requests, chance alone makes it burst: then ten minutes or an hour are taken together.
    Also None where the minutes do not hold all that was used: totals know only a busiest minute.
    """
    minutes = [minute for demand in demands for minute in demand.minutes]
    used = sum(row.input + row.cached + row.output for demand in demands for row in demand.rows)
    if not used or sum(minute.input + minute.cached + minute.output for minute in minutes) != used:
        return None
    requests = sum(minute.requests for minute in minutes)
    for width in _WIDTHS_MINUTES:
        loads: dict[int, int] = {}
        for minute in minutes:
            span = minute.minute // width
            loads[span] = loads.get(span, 0) + minute.input + minute.cached + minute.output
        spans = max(round(days * _MINUTES_PER_DAY / width), len(loads))
        if spans >= _SPANS_MIN and requests / spans >= _REQUESTS_MIN:
            return _p99_over_mean(loads, spans)
    return None


def _p99_over_mean(loads: Mapping[int, int], spans: int) -> float:
    above = spans - -(-spans * 99 // 100)  # spans above the 99th percentile
    ordered = sorted(loads.values(), reverse=True)
    p99 = ordered[above] if above < len(ordered) else 0
    return (p99 or ordered[0]) * spans / sum(ordered)


def _conversation(demands: Sequence[Demand]) -> float | None:
    """Requests per conversation, where sessions are known."""
    known = [demand for demand in demands if demand.sessions]
    conversations = sum(demand.conversations for demand in known)
    return sum(demand.requests for demand in known) / conversations if conversations else None


def _long_gaps(demands: Sequence[Demand]) -> float | None:
    gaps = [gap for demand in demands for gap in demand.gaps]
    total = sum(gap.requests for gap in gaps)
    if not total:
        return None
    return sum(gap.requests for gap in gaps if gap.upto_s is None or gap.upto_s > _LONG_GAP_S) / total
