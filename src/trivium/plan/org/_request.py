"""The request for per-token prices: what a platform's sales team must know of the measured demand to answer it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from trivium.core import UserError
from trivium.figures import markdown_text
from trivium.plan._demand import Demand
from trivium.plan._watch import watches
from trivium.plan.org._values import Organisation

_MONTH = timedelta(days=1461) / 48  # a twelfth of a mean year
_SHORTEST = timedelta(hours=1)  # less cannot be stretched to a month
_ANSWER_DAYS = 14
TOKENS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")


@dataclass(frozen=True, slots=True)
class Volume:
    """One workload and model: a month of its measured use, and its busiest minute. Counts per month are rounded."""

    workload: str
    model: str
    measured_days: float
    requests_per_month: int
    tokens_per_month: dict[str, int]  # by kind, see TOKENS
    cache_read_percent: float  # of all prompt tokens
    batchable_percent: float
    scopes: tuple[str, ...]
    capabilities: tuple[str, ...]
    attestations: tuple[str, ...]
    data_terms: tuple[str, ...]
    peak_requests_per_minute: int
    peak_prompt_tokens_per_minute: int
    peak_output_tokens_per_minute: int
    prompt_tokens_max: int


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What is asked of one platform, or of each if `surface` is empty."""

    surface: str
    organisation: str
    asked_on: date
    answer_by: date
    term_months: tuple[int, ...]
    volumes: tuple[Volume, ...]


def quote_request(
    organisation: Organisation,
    demands: Sequence[Demand],
    asked_on: date,
    surface: str = "",
    answer_by: date | None = None,
) -> QuoteRequest:
    """The request from measured demand; UserError if nothing was measured."""
    if not demands:
        raise UserError("usage", "none", "measure usage first, or name a trace: a quote answers volumes")
    by = answer_by or asked_on + timedelta(days=_ANSWER_DAYS)
    if by <= asked_on:
        raise UserError("--answer-by", str(by), f"give a day after {asked_on}")
    spans = watched(demands)
    volumes = tuple(_volume(organisation, demand, spans[demand.workload]) for demand in demands if demand.requests)
    terms = tuple(sorted({12, organisation.about.horizon_months, 36}))
    return QuoteRequest(surface, organisation.about.name, asked_on, by, terms, volumes)


def watched(demands: Sequence[Demand]) -> dict[str, timedelta]:
    """How long each workload was watched: as long as those measured at the same time, as in the plan.

    One that was used for an hour of two weeks is not used as much in every hour of a month.
    """
    found = dict.fromkeys((demand.workload for demand in demands), _MONTH)
    for watch in watches([demand for demand in demands if demand.first_at is not None and demand.last_at is not None]):
        found |= dict.fromkeys(watch.workloads, max(watch.until - watch.since, _SHORTEST))
    return found


def month_factor(span: timedelta) -> Fraction:
    """By what a measured span is multiplied to be a month."""
    second = timedelta(seconds=1)
    return Fraction(_MONTH // second) / Fraction(max(span, _SHORTEST) // second)


def _volume(organisation: Organisation, demand: Demand, span: timedelta) -> Volume:
    factor, usage, needs = month_factor(span), demand.usage, organisation.needs(demand.workload)
    peak = demand.peak()
    counts = {name: getattr(usage, name) or 0 for name in TOKENS}
    scopes = needs.scopes or ((needs.geography,) if needs.geography else tuple(_scopes(demand)))
    return Volume(
        workload=demand.workload,
        model=demand.model,
        measured_days=round(span / timedelta(days=1), 2),
        requests_per_month=round(demand.requests * factor),
        tokens_per_month={name: round(count * factor) for name, count in counts.items()},
        cache_read_percent=round(100 * demand.hit_rate, 1),
        batchable_percent=float(needs.batchable_percent),
        scopes=scopes,
        capabilities=needs.capabilities,
        attestations=needs.attestations,
        data_terms=needs.data_terms,
        peak_requests_per_minute=peak.get("requests", 0),
        peak_prompt_tokens_per_minute=max((minute.input + minute.cached for minute in demand.minutes), default=0),
        peak_output_tokens_per_minute=peak.get("output", 0),
        prompt_tokens_max=demand.prompt_tokens_max,
    )


def _scopes(demand: Demand) -> Iterator[str]:
    yield from dict.fromkeys(offer.scope for offer, _ in demand.offers)


def request_markdown(request: QuoteRequest) -> str:
    """The request as a letter with its tables, in Markdown."""
    return "\n".join(_lines(request)).rstrip() + "\n"


def _lines(request: QuoteRequest) -> Iterator[str]:
    yield f"# Request for per-token prices{f': {markdown_text(request.surface)}' if request.surface else ''}"
    yield ""
    who = f"From {markdown_text(request.organisation)}. " if request.organisation else ""
    yield f"{who}Asked on {request.asked_on}; please answer by {request.answer_by}."
    yield ""
    yield "Volumes are measured, scaled to a month of 30.4 days; no growth is added."
    yield "Peaks are of the busiest clock minute that was measured."
    yield ""
    yield from _tables(request.volumes)
    yield "## Please quote, for each model and region scope above"
    yield ""
    yield "1. USD per million tokens of input, output, cache read, cache write of 5 minutes and of 1 hour."
    yield "2. The same for batch, and for long prompts where another price begins at some length."
    terms = ", ".join(str(months) for months in request.term_months)
    yield f"3. For terms of {terms} months: the discount, and the spend a year it asks for, at each level you offer."
    yield "4. What counts towards a commitment, what happens to a shortfall, and whether unused amounts carry over."
    yield "5. Provisioned throughput: tokens a minute of one unit, price of a unit-hour, least term and units."
    yield "6. Limits that will be granted: requests, prompt and output tokens a minute, at least the peaks above."
    yield "7. Notice, renewal, price protection for successors of these models, and exit before the end."
    yield "8. The day on which this quote expires, and the document that states it."
    yield ""


def _tables(volumes: Sequence[Volume]) -> Iterator[str]:
    yield "## A month"
    yield ""
    yield from _head(("workload", "model"), ("measured days", "requests", *TOKENS, "cache read share"))
    for item in volumes:
        tokens = " | ".join(f"{item.tokens_per_month[name]:,}" for name in TOKENS)
        named = f"{markdown_text(item.workload)} | {markdown_text(item.model)}"
        whole = f"{item.measured_days:g} | {item.requests_per_month:,}"
        yield f"| {named} | {whole} | {tokens} | {item.cache_read_percent:g} % |"
    yield ""
    yield "## Peaks and needs"
    yield ""
    numbers = ("requests/min", "prompt tokens/min", "output tokens/min", "longest prompt", "may wait")
    yield from _head(("workload", "model"), numbers, ("scopes", "must have"))
    for item in volumes:
        peaks = (
            item.peak_requests_per_minute,
            item.peak_prompt_tokens_per_minute,
            item.peak_output_tokens_per_minute,
            item.prompt_tokens_max,
        )
        counts = " | ".join(f"{count:,}" for count in peaks)
        must = ", ".join((*item.capabilities, *item.attestations, *item.data_terms)) or "none stated"
        rest = f"{item.batchable_percent:g} % | {markdown_text(', '.join(item.scopes))} | {markdown_text(must)}"
        yield f"| {markdown_text(item.workload)} | {markdown_text(item.model)} | {counts} | {rest} |"
    yield ""


def _head(texts: Sequence[str], numbers: Sequence[str], more: Sequence[str] = ()) -> Iterator[str]:
    yield f"| {' | '.join((*texts, *numbers, *more)).replace('_', ' ')} |"
    yield "|" + "---|" * len(texts) + "--:|" * len(numbers) + "---|" * len(more)
