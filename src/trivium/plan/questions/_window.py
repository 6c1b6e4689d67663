"""Question 2: when a workload could be tuned, its dates against dated claims, and what platforms do offer instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.catalog import Claim, Snapshot, model_id
from trivium.core import ROUTABLE_SURFACES
from trivium.plan._market import UNCOUNTED
from trivium.plan.decision import Answer, Basis, Ground, Point
from trivium.plan.org import Tuning
from trivium.plan.questions._advantages import article_points, basis_of
from trivium.plan.questions._signals import CUSTOMISATION

OPEN, CLOSED, NEVER, UNKNOWN, NOT_WANTED = "open", "closed", "never existed", "unknown", "not wanted"
_PREDICATE = "fine_tuning"
_DENIALS = ("no", "not", "none", "never")
# What a platform can do in place of tuning, and what it stands in for.
INSTEAD = (
    ("prompt_caching_1h", "long instructions and examples kept in a cache for an hour"),
    ("prompt_caching_5m", "long instructions and examples kept in a cache"),
    ("structured_outputs", "answers held to a schema"),
    ("agent_skills", "skills: instructions and files loaded when needed"),
    ("citations", "answers that quote documents given with the request"),
    ("web_search", "search as a tool of the platform"),
    ("code_execution", "code execution as a tool of the platform"),
    ("files_api", "files kept at the platform"),
)


@dataclass(frozen=True, slots=True)
class _Window:
    claim: Claim
    start: date
    end: date  # the first day after it

    def meets(self, start: date, until: date) -> bool:
        return self.start <= until and start < self.end


def tuning_window(tuning: Tuning | None, snapshot: Snapshot, at: date) -> Answer:
    """Whether a tuned model could be made and served in the wished span, from what claims say of every platform."""
    if tuning is None:
        sentence = "No wish to tune a model is stated, so no date depends on it."
        return Answer("window", NOT_WANTED, sentence, "", (), Basis((Ground.STATED,)))
    start = max(tuning.wanted_from or at, at)
    until = tuning.wanted_until or date.max
    model = model_id(tuning.model) if tuning.model else ""
    about = model or "any Claude"
    claims = [claim for claim in snapshot.find(predicate=_PREDICATE) if claim.surface in ROUTABLE_SURFACES]
    claims = [claim for claim in claims if not model or claim.speaks_of(model)]
    counted = [claim for claim in claims if claim.status not in UNCOUNTED]
    windows = [
        _Window(claim, claim.valid_from or date.min, claim.valid_until or date.max)
        for claim in counted
        if not _denies(claim)
    ]
    silent = [name for name in ROUTABLE_SURFACES if name not in {claim.surface for claim in counted}]
    verdict, sentence, margin = _judge(windows, counted, start, until, about, silent)
    used = [window.claim for window in windows] + [claim for claim in counted if _denies(claim)]
    points = (
        *_points(counted),
        *_silence(silent),
        *_announced(snapshot, claims, at),
        *_alternative_points(snapshot, tuning.model, at),
    )
    return Answer(
        question="window",
        verdict=verdict,
        sentence=sentence,
        margin=margin,
        points=points,
        basis=basis_of(used, note="absence of a listing is no promise of absence")
        if used
        else Basis((Ground.ASSUMPTION,)),
        ask_again=_ask_again(used, at, start),
    )


def _denies(claim: Claim) -> bool:
    words = claim.value.lower().split()
    return not words or words[0].strip(",;") in _DENIALS


def _judge(
    windows: Sequence[_Window],
    counted: Sequence[Claim],
    start: date,
    until: date,
    about: str,
    silent: Sequence[str],
) -> tuple[str, str, str]:
    """Verdict, sentence, margin."""
    open_now = [window for window in windows if window.meets(start, until)]
    unsaid = f" Nothing is stated for {', '.join(silent)}: ask." if silent else ""
    if open_now:
        best = max(open_now, key=lambda window: (window.end, window.claim.id))
        models = ", ".join(best.claim.models) or "its models"
        till = "without a stated end" if best.end == date.max else f"until {best.end}"
        where = f"{best.claim.surface}: {best.claim.value}"
        sentence = f"{about} can be tuned in the wished span: {models} on {where}, {till}."
        if best.end == date.max:
            return OPEN, sentence, ""
        early = f", {(until - best.end).days} days before the wish ends" if best.end <= until < date.max else ""
        return OPEN, sentence, f"{(best.end - start).days} days until it closes{early}"
    if windows:
        last = max(windows, key=lambda window: (window.end, window.claim.id))
        models = ", ".join(last.claim.models) or "its models"
        if last.start > until:
            sentence = f"The window of {models} on {last.claim.surface} opens on {last.start}, after the wished span."
            return CLOSED, sentence + unsaid, f"{(last.start - until).days} days too early"
        span = f"from {last.start} until {last.end}"
        sentence = f"{models} on {last.claim.surface} could be tuned {span}; the wish begins on {start}."
        newer = (
            " No other model has been listed there."
            if any(claim.models and _denies(claim) for claim in counted)
            else ""
        )
        return CLOSED, sentence + newer + unsaid, f"{(start - last.end).days} days after it closed"
    denied = [claim for claim in counted if _denies(claim)]
    if denied:
        places = ", ".join(dict.fromkeys(claim.surface for claim in denied))
        return (
            NEVER,
            f"No platform is documented to have ever tuned {about}: denied or not listed on {places}.{unsaid}",
            "",
        )
    return UNKNOWN, f"No claim says whether {about} can be tuned.{unsaid}", ""


def _points(counted: Sequence[Claim]) -> Iterator[Point]:
    for claim in sorted(counted, key=lambda claim: (claim.valid_from or date.min, claim.id)):
        ends = f" ({claim.valid_from or 'ever'} to {claim.valid_until or 'further notice'})"
        named = (
            f" of {len(claim.models)} models"
            if len(claim.models) > 1
            else f" of {claim.models[0]}"
            if claim.models
            else ""
        )
        speaks = "never existed" if _denies(claim) else "open in its window"
        yield Point(f"tuning{named} on {claim.surface}", claim.value + ends, speaks, basis_of([claim], claim.note))


def _silence(silent: Sequence[str]) -> Iterator[Point]:
    if silent:
        yield Point(
            f"tuning on {', '.join(silent)}", "not stated", "unknown", Basis((Ground.ASSUMPTION,), note="ask them")
        )


def _announced(snapshot: Snapshot, claims: Sequence[Claim], at: date) -> Iterator[Point]:
    """What is said and not counted: announcements, and the article's sentences with what became of them."""
    for claim in claims:
        if claim.status in UNCOUNTED:
            yield Point(f"tuning on {claim.surface}", f"“{claim.value}”", "not counted", basis_of([claim], claim.note))
    yield from article_points(CUSTOMISATION, snapshot, at, "not counted")


def _ask_again(used: Sequence[Claim], at: date, start: date) -> date | None:
    """The first day on which a claim is due for review, not later than the wish begins."""
    days = [claim.review_by for claim in used if claim.review_by is not None and claim.review_by > at]
    days += [start] if start > at else []
    return min(days, default=None)


@dataclass(frozen=True, slots=True)
class Alternative:
    """Something that platforms do offer in place of tuning, and where."""

    name: str
    text: str
    surfaces: tuple[str, ...]
    claims: tuple[Claim, ...]

    def __str__(self) -> str:
        return f"{self.text} ({', '.join(self.surfaces)})"


def alternatives(snapshot: Snapshot, model: str, at: date) -> tuple[Alternative, ...]:
    """What platforms are documented to offer on a day for a model instead of tuning it.

    Other vendors' tunable models are not considered: this catalogue is about Claude.
    """
    found = []
    for name, text in INSTEAD:
        claims = {
            surface: claim
            for surface in ROUTABLE_SURFACES
            if snapshot.supports(surface, model, name, at)
            and (claim := snapshot.capability(surface, model, name, at)) is not None
            and claim.status not in UNCOUNTED
        }
        if claims:
            found.append(Alternative(name, text, tuple(claims), tuple(claims.values())))
    long = {
        surface: tokens for surface in ROUTABLE_SURFACES if (tokens := _window_tokens(snapshot, surface, model, at))
    }
    if long:
        most = max(long.values(), key=lambda item: item[0])[0]
        claims = {surface: claim for surface, (tokens, claim) in long.items() if tokens == most}
        text = f"examples and documents in a context of {most:,} tokens"
        found.append(Alternative("context_window_tokens", text, tuple(claims), tuple(claims.values())))
    return tuple(found)


def _window_tokens(snapshot: Snapshot, surface: str, model: str, at: date) -> tuple[int, Claim] | None:
    tokens = snapshot.limit(surface, model, "context_window_tokens", at)
    claim = snapshot.capability(surface, model, "context_window_tokens", at)
    return (tokens, claim) if tokens and claim is not None and claim.status not in UNCOUNTED else None


def _alternative_points(snapshot: Snapshot, model: str, at: date) -> Iterator[Point]:
    chosen = model if model in snapshot.models(at) else next(iter(snapshot.models(at)), "")
    for one in alternatives(snapshot, chosen, at):
        yield Point(f"instead of tuning: {one.text}", ", ".join(one.surfaces), "an alternative", basis_of(one.claims))
