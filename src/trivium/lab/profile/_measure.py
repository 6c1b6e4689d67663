"""Measure a profile on events: quantiles and rank correlations, then scales so that drawn totals meet measured ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from trivium.core import UsageEvent, UserError
from trivium.lab.profile._draw import draw_stratum
from trivium.lab.profile._model import (
    FEATURES,
    IDLE_S,
    MATCHED,
    PROBABILITIES,
    TURNS,
    Floats,
    Profile,
    Stratum,
    conversations,
    totals,
)

_APPEND_KEPT = 0.9  # a turn that re-uses at least this share of the previous prompt appends; else it rewrites
_CALIBRATION_SEEDS = range(1000, 1006)
_CALIBRATION_ROUNDS = 12
_MEAN_FLOOR = 1.0


def measure(events: Iterable[UsageEvent], source: str, progress: Callable[[str], None] = lambda _: None) -> Profile:
    """The profile of these events; raises UserError if there are none."""
    kept = list(events)
    if not kept:
        raise UserError("events", 0, "give a trace with at least one request")
    groups: dict[tuple[str, bool], list[list[UsageEvent]]] = {}
    for (_, agent), turns in conversations(kept).items():
        groups.setdefault((_model(turns), bool(agent)), []).append(turns)
    strata = []
    for (model, subagent), members in sorted(groups.items()):
        progress(f"{model}{' (subagents)' if subagent else ''}: {len(members)} conversations")
        strata.append(_calibrated(_stratum(model, members, subagent=subagent)))
    streaming = sum(event.opened.stream for event in kept) / len(kept)
    return Profile(source, totals(kept), tuple(strata), round(streaming, 4))


def _model(turns: Sequence[UsageEvent]) -> str:
    """The model that most of a conversation's requests use."""
    models = [event.opened.offer.model for event in turns]
    return max(sorted(set(models)), key=models.count)


def _stratum(model: str, members: Sequence[Sequence[UsageEvent]], *, subagent: bool) -> Stratum:
    shapes = [_Shape(turns) for turns in members]
    features = np.array([shape.features for shape in shapes])
    relative = np.concatenate([shape.relative for shape in shapes])
    measured = totals([event for turns in members for event in turns])
    return Stratum(
        model=model,
        subagent=subagent,
        conversations=len(members),
        features={name: _table(features[:, column]) for column, name in enumerate(FEATURES)},
        feature_correlation=_rank_correlation(features),
        turns={name: _table(relative[:, column], mean_one=name != "gap") for column, name in enumerate(TURNS)},
        turn_correlation=_rank_correlation(relative),
        idle_gap_s=_table(np.concatenate([shape.idle for shape in shapes])),
        rewrite_kept=_table(np.concatenate([shape.kept for shape in shapes])),
        rewrite_ratio=_table(np.concatenate([shape.ratio for shape in shapes])),
        tail=_table(np.concatenate([shape.tail for shape in shapes])),
        scale={"first_prompt": 1.0, "new": 1.0, "output": 1.0, "requests": 1.0, "rewrite": 1.0, "idle": 1.0},
        totals={name: measured[name] for name in MATCHED},
    )


class _Shape:
    """What one conversation contributes: its features, its turns relative to them, its rewrites and idle gaps."""

    def __init__(self, turns: Sequence[UsageEvent]) -> None:
        prompt = np.array([event.closed.usage.prompt_tokens for event in turns], float)
        read = np.array([event.closed.usage.cache_read or 0 for event in turns], float)
        output = np.array([event.closed.usage.output or 0 for event in turns], float)
        start = np.array([event.opened.at.timestamp() for event in turns])
        gap = np.diff(start)
        share = read[1:] / np.maximum(prompt[:-1], 1)
        append = share >= _APPEND_KEPT
        new = (prompt - read)[1:]
        short = gap <= IDLE_S
        new_mean = max(float(new[append].mean()), _MEAN_FLOOR) if append.any() else np.nan
        output_mean = max(float(output.mean()), _MEAN_FLOOR)
        gap_median = max(float(np.median(gap[short])), _MEAN_FLOOR) if short.any() else np.nan
        rewrite_share = float((~append).mean()) if len(append) else 0.0
        idle_share = float((~short).mean()) if len(short) else 0.0
        self.features = (len(turns), prompt[0], new_mean, output_mean, rewrite_share, gap_median, idle_share)
        both = append & short
        self.relative = np.column_stack([new[both] / new_mean, output[1:][both] / output_mean, gap[both] / gap_median])
        self.idle: Floats = gap[~short]
        self.kept: Floats = read[1:][~append]
        self.ratio: Floats = prompt[1:][~append] / np.maximum(prompt[:-1][~append], 1)
        self.tail: Floats = np.maximum(prompt[:-1] - read[1:], 0)[append]


def _table(values: Floats, *, mean_one: bool = False) -> list[float]:
    """Quantiles over PROBABILITIES; an empty sample gives an empty table."""
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    table = np.quantile(known, PROBABILITIES)
    if mean_one:  # the piecewise-linear table must keep the mean of what it stands for
        table /= float(np.trapezoid(table, PROBABILITIES)) or 1.0
    return [float(f"{value:.6g}") for value in table]


def _rank_correlation(sample: Floats) -> list[list[float]]:
    """Spearman's correlations of the columns, over the rows where both are known; 0 where a column is constant."""
    width = sample.shape[1]
    found = np.eye(width)
    for left in range(width):
        for right in range(left):
            pair = sample[np.isfinite(sample[:, left]) & np.isfinite(sample[:, right])][:, [left, right]]
            if len(pair) > 2 and (np.ptp(pair, axis=0) > 0).all():  # noqa: PLR2004  two points always correlate
                ranks = np.argsort(np.argsort(pair, axis=0), axis=0)
                found[left, right] = found[right, left] = float(np.asarray(np.corrcoef(ranks.T))[0, 1])
    return [[round(float(value), 4) for value in row] for row in found]


def _calibrated(stratum: Stratum) -> Stratum:
    """The stratum with scales under which drawn totals meet the measured ones (damped fixed-point steps)."""
    real = stratum.totals
    for _ in range(_CALIBRATION_ROUNDS):
        drawn = dict.fromkeys(real, 0.0)
        for seed in _CALIBRATION_SEEDS:
            sample = draw_stratum(stratum, np.random.default_rng(seed))
            for name, value in sample.totals().items():
                drawn[name] += value / len(_CALIBRATION_SEEDS)
        scale = dict(stratum.scale)
        scale["requests"] *= _step(real["requests"], drawn["requests"])
        scale["output"] *= _step(real["output"], drawn["output"])
        scale["rewrite"] *= _step(real["new"], drawn["new"])
        scale["idle"] *= _step(real["idle_prefix"], drawn["idle_prefix"])
        scale["new"] *= _step(real["input"], drawn["input"])
        stratum = replace(stratum, scale={name: round(value, 5) for name, value in scale.items()})
    return stratum


def _step(real: float, drawn: float) -> float:
    """A damped multiplicative step towards the measured figure."""
    if real <= 0 or drawn <= 0:
        return 1.0
    return float(np.clip((real / drawn) ** 0.6, 0.5, 2.0))
