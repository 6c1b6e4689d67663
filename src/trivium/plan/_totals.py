"""Demand from totals per span: what a source without single requests still says of volume, sizes and peaks.

A span's requests are taken to be equal, so that each falls into the prompt-length band of the span's mean; its busiest
minute is taken to be a stated multiple of its mean one. Both are assumptions and are said to be.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from trivium.core import Offer, UserError
from trivium.plan._demand import BandUsage, Demand, Minute, Span

_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Total:
    """What a workload asked of a model in one span, in tokens.

    `cached` is the part of the prompts under cache control, `read` what of it was read from a cache.
    """

    workload: str
    offer: Offer
    at: datetime
    span: timedelta
    requests: int
    input: int
    output: int
    cached: int = 0
    read: int = 0
    peak_over_mean: Fraction = Fraction(1)


def demand_from_totals(totals: Iterable[Total], band_starts: Sequence[int] = (0,)) -> tuple[Demand, ...]:
    """Demand per (workload, model), sorted. UserError for a span without length or with negative counts."""
    starts = tuple(sorted({0, *band_starts}))
    groups: dict[tuple[str, str], list[Total]] = {}
    for total in totals:
        if total.span <= timedelta(0):
            raise UserError("span", total.span, "give a positive length of time")
        if min(total.requests, total.input, total.output, total.cached, total.read) < 0 or total.read > total.cached:
            raise UserError(
                "totals", total, "give counts from zero up, and no more reads than tokens under cache control"
            )
        if total.requests:
            groups.setdefault((total.workload, total.offer.model), []).append(total)
    return tuple(_demand(*key, found, starts) for key, found in sorted(groups.items()))


def _demand(workload: str, model: str, totals: list[Total], starts: tuple[int, ...]) -> Demand:
    rows: dict[tuple[Offer, int], BandUsage] = {}
    longest = 0
    for total in totals:
        prompt = -(-(total.input + total.cached) // total.requests)
        longest = max(longest, prompt)
        key = (total.offer, bisect_right(starts, prompt) - 1)
        before = rows.get(key, BandUsage(*key))
        rows[key] = BandUsage(
            *key,
            requests=before.requests + total.requests,
            input=before.input + total.input,
            output=before.output + total.output,
            cached=before.cached + total.cached,
            read=before.read + total.read,
            write_5m=before.write_5m + total.cached - total.read,
            here_5m=before.here_5m + total.read,
            here_1h=before.here_1h + total.read,
            joined_5m=before.joined_5m + total.read,
            joined_1h=before.joined_1h + total.read,
        )
    return Demand(
        workload=workload,
        model=model,
        rows=tuple(rows[key] for key in sorted(rows)),
        band_starts=starts,
        minutes=_minutes(totals),
        sessions=0,
        conversations=sum(total.requests for total in totals),
        prompt_tokens_max=longest,
        first_at=min(total.at for total in totals),
        last_at=max(total.at + total.span for total in totals),
        spans=tuple(_span(total) for total in sorted(totals, key=lambda total: total.at)),
    )


def _span(total: Total) -> Span:
    first, end = (int(at.timestamp() // _MINUTE_S) for at in (total.at, total.at + total.span))
    return Span(first, max(end - first, 1), total.requests, total.input, total.output, total.cached, total.read)


def _minutes(totals: Iterable[Total]) -> tuple[Minute, ...]:
    """One minute a span, its busiest: the mean minute times the stated factor, rounded up."""
    found: dict[int, list[int]] = {}
    for total in totals:
        factor = total.peak_over_mean * _MINUTE_S / Fraction(int(total.span.total_seconds()))
        counts = (total.requests, total.input, total.output, total.cached, total.read, total.read)
        load = [-(-count * factor.numerator // factor.denominator) for count in counts]
        minute = int(total.at.timestamp() // _MINUTE_S)
        before = found.setdefault(minute, [0] * len(load))
        found[minute] = [a + b for a, b in zip(before, load, strict=True)]
    return tuple(Minute(minute, *load) for minute, load in sorted(found.items()))
