"""Draw seeded sessions from a profile.

Conversation figures are drawn together by stratified sampling with the measured rank correlations imposed
(Iman and Conover 1982), so that totals of a few hundred sessions vary little from seed to seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from trivium.core import Closed, Offer, Opened, Outcome, Quality, Usage, UsageEvent
from trivium.lab.profile._model import (
    FEATURES,
    IDLE_S,
    LONG_TOKENS,
    MATCHED,
    PROBABILITIES,
    TURNS,
    Floats,
    Profile,
    Stratum,
)

_NORMAL = NormalDist()
_FIRST_PROMPT_MIN = 200
_NEW_MIN = 32
_CANDIDATES = 16
_ORDINARY_WINDOW = 196_000.0  # a context window of 200,000 tokens with room for an answer


@dataclass(frozen=True, slots=True)
class Conversation:
    """Drawn turns of one conversation, as columns."""

    model: str
    subagent: bool
    gap_s: Floats
    prompt: Floats
    read: Floats
    output: Floats


@dataclass(frozen=True, slots=True)
class Sample:
    """Drawn conversations of one stratum."""

    conversations: tuple[Conversation, ...]

    def totals(self) -> dict[str, float]:
        """The same totals that are measured on events."""
        found = dict.fromkeys(MATCHED, 0.0)
        for one in self.conversations:
            idle = one.gap_s > IDLE_S
            found["idle_prefix"] += float(one.read[idle].sum())
            found["long"] += float(one.prompt[one.prompt > LONG_TOKENS].sum())
            found["requests"] += len(one.prompt)
            found["input"] += float(one.prompt.sum())
            found["new"] += float((one.prompt - one.read).sum())
            found["output"] += float(one.output.sum())
        return found


def draw(profile: Profile, seed: int, start: datetime, *, sessions: int | None = None) -> list[UsageEvent]:
    """Sessions as usage events, by time from `start`; as many conversations as were measured, or `sessions`."""
    rng = np.random.default_rng(seed)
    measured = sum(stratum.conversations for stratum in profile.strata)
    factor = 1.0 if sessions is None else sessions / measured
    events: list[UsageEvent] = []
    number = 0
    for stratum in profile.strata:
        size = max(1, round(stratum.conversations * factor)) if factor else 0
        for one in _nearest(stratum, rng, size).conversations:
            number += 1
            begin = start + timedelta(seconds=float(rng.uniform(0, 86_400)))
            events.extend(_events(one, f"drawn_{number:04d}", begin, rng, profile.streaming_share))
    events.sort(key=lambda event: (event.opened.at, event.opened.event_id))
    return events


def _nearest(stratum: Stratum, rng: np.random.Generator, size: int) -> Sample:
    """Of several candidate samples the one whose totals per conversation come nearest to the measured ones."""

    def distance(sample: Sample) -> float:
        drawn = sample.totals()
        share = size / stratum.conversations
        return sum(
            (drawn[name] / (stratum.totals[name] * share) - 1) ** 2 for name in MATCHED if stratum.totals[name] > 0
        )

    return min((draw_stratum(stratum, rng, size) for _ in range(_CANDIDATES)), key=distance)


def draw_stratum(stratum: Stratum, rng: np.random.Generator, size: int | None = None) -> Sample:
    """Conversations of one stratum."""
    count = stratum.conversations if size is None else size
    uniforms = _dependent_uniforms(stratum.feature_correlation, count, rng)
    columns = {
        name: _quantile(stratum.features[name], uniforms[:, column], fallback=1.0)
        for column, name in enumerate(FEATURES)
    }
    return Sample(
        tuple(_conversation(stratum, {name: columns[name][row] for name in FEATURES}, rng) for row in range(count))
    )


def _conversation(stratum: Stratum, figures: Mapping[str, float], rng: np.random.Generator) -> Conversation:
    """One conversation turn by turn: append to the prompt, or rewrite it and keep only its head."""
    scale = stratum.scale
    requests = max(1, int(figures["requests"] * scale["requests"] + rng.uniform()))
    shape = _dependent_uniforms(stratum.turn_correlation, requests, rng)
    relative = {name: _quantile(stratum.turns[name], shape[:, column], 1.0) for column, name in enumerate(TURNS)}
    new = np.maximum(relative["new"] * figures["new_mean"] * scale["new"], _NEW_MIN)
    output = np.maximum(np.round(relative["output"] * figures["output_mean"] * scale["output"]), 1)
    tail = _quantile(stratum.tail, rng.uniform(size=requests), 0.0)
    rewrite = rng.uniform(size=requests) < figures["rewrite_share"] * scale["rewrite"]
    kept = _quantile(stratum.rewrite_kept, rng.uniform(size=requests), 0.0)
    ratio = _quantile(stratum.rewrite_ratio, rng.uniform(size=requests), 1.0)
    gap = np.minimum(relative["gap"] * figures["gap_median_s"], IDLE_S)
    idle = rng.uniform(size=requests) < figures["idle_share"] * scale["idle"]
    gap[idle] = _quantile(stratum.idle_gap_s, rng.uniform(size=requests), IDLE_S + 1)[idle]
    prompt = np.empty(requests)
    read = np.zeros(requests)
    prompt[0] = max(figures["first_prompt"] * scale["first_prompt"], _FIRST_PROMPT_MIN)
    gap[0] = 0.0
    ceiling = max(stratum_prompt_max(stratum), prompt[0])
    for turn in range(1, requests):
        before = prompt[turn - 1]
        if rewrite[turn] or before + new[turn] > ceiling:
            after = max(before * min(ratio[turn], ceiling / before), _FIRST_PROMPT_MIN)
            read[turn] = min(kept[turn], after - _NEW_MIN, before)
        else:
            read[turn] = max(before - tail[turn], 0)
            after = read[turn] + max(new[turn], _NEW_MIN)
        prompt[turn] = after
    return Conversation(stratum.model, stratum.subagent, gap, np.round(prompt), np.floor(np.maximum(read, 0)), output)


def stratum_prompt_max(stratum: Stratum) -> float:
    """The longest prompt a drawn conversation may reach: the largest first prompt or the window of its model."""
    largest_first = stratum.features["first_prompt"][-1] if stratum.features["first_prompt"] else 0.0
    return max(largest_first, _ORDINARY_WINDOW)


def _quantile(table: list[float], uniforms: Floats, fallback: float) -> Floats:
    """Values at probabilities, linear between table points; `fallback` where nothing was measured."""
    if not table:
        return np.full(len(uniforms), fallback)
    values: Floats = np.interp(uniforms, PROBABILITIES, np.array(table))
    return values


def _dependent_uniforms(correlation: list[list[float]], size: int, rng: np.random.Generator) -> Floats:
    """Stratified uniforms per column, re-ordered so that their rank correlations follow `correlation`."""
    width = len(correlation)
    strata: Floats = np.column_stack([(rng.permutation(size) + rng.uniform(size=size)) / size for _ in range(width)])
    if size <= width:
        return strata
    scores: Floats = np.array([[_NORMAL.inv_cdf(min(max(value, 1e-9), 1 - 1e-9)) for value in row] for row in strata])
    target = 2 * np.sin(np.pi / 6 * np.array(correlation))  # Spearman's to Pearson's, for normal scores
    np.fill_diagonal(target, 1.0)
    values, vectors = np.linalg.eigh(target)
    root = vectors @ np.diag(np.sqrt(np.maximum(values, 1e-9))) @ vectors.T
    mixed = scores @ root.T
    ordered = np.empty_like(strata)
    for column in range(width):
        ranks = np.argsort(np.argsort(mixed[:, column]))
        ordered[:, column] = np.sort(strata[:, column])[ranks]
    return ordered


def _events(
    one: Conversation, session: str, begin: datetime, rng: np.random.Generator, streaming_share: float
) -> list[UsageEvent]:
    """The conversation as usage events: new input as 5-minute writes, re-used prefix as reads."""
    found = []
    at = begin
    for turn, (gap, prompt, read, output) in enumerate(zip(one.gap_s, one.prompt, one.read, one.output, strict=True)):
        at += timedelta(seconds=float(gap))
        event_id = f"{session}{'_sub' if one.subagent else ''}_{turn:05d}"
        opened = Opened(
            event_id=event_id,
            request_id=event_id,
            attempt=1,
            at=at,
            offer=Offer("anthropic", "global", one.model),
            workload="",
            session=session,
            stream=bool(rng.uniform() < streaming_share),
            tags={"subagent": "drawn" if one.subagent else "main"},
        )
        usage = Usage(output=int(output), cache_read=int(read), cache_write_5m=int(prompt) - int(read))
        found.append(UsageEvent(opened, Closed(event_id, at, Outcome.OK, usage, Quality.EXACT, 200)))
    return found
