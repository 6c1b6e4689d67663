"""The profile as a value: quantile tables and rank correlations per stratum, and its file form.

A stratum is a model and a kind of conversation (main or subagent). Per conversation it holds seven figures
(FEATURES), per turn three (TURNS), each as a quantile table, with the rank correlations among them; and how
often, and to what, a conversation rewrites its prefix (compaction, edited history). No prompt is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trivium.core import UsageEvent, UserError

Floats = npt.NDArray[np.float64]

# Per conversation: requests, tokens of the first prompt, mean new tokens of an appending turn, mean output
# tokens, share of turns that rewrite the prefix, median seconds between requests, share of gaps over 5 minutes.
FEATURES = ("requests", "first_prompt", "new_mean", "output_mean", "rewrite_share", "gap_median_s", "idle_share")
# Per turn, relative to the conversation's own mean or median.
TURNS = ("new", "output", "gap")
PROBABILITIES: Floats = np.array(
    [0, 0.005, 0.01, 0.02, 0.05, *np.arange(0.1, 0.91, 0.05).round(2), 0.93, 0.95, 0.965, 0.98, 0.99, 0.995, 0.998, 1]
)
# Totals by which a drawn sample is matched to the measured one: whole prompts, new input, output, the re-used prefixes
# that follow more than 5 minutes of idleness (a 5-minute cache loses them), and prompts over 200,000 tokens.
MATCHED = ("requests", "input", "new", "output", "idle_prefix", "long")
IDLE_S = 300.0
LONG_TOKENS = 200_000
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Stratum:
    """Conversations of one model and kind; every table is a list over PROBABILITIES."""

    model: str
    subagent: bool
    conversations: int
    features: Mapping[str, list[float]]
    feature_correlation: list[list[float]]
    turns: Mapping[str, list[float]]
    turn_correlation: list[list[float]]
    idle_gap_s: list[float]  # gaps longer than 5 minutes
    rewrite_kept: list[float]  # tokens of the prefix that survive a rewrite
    rewrite_ratio: list[float]  # prompt after a rewrite over prompt before it
    tail: list[float]  # tokens of the previous prompt that an appending turn does not re-use
    scale: Mapping[str, float]  # factors under which drawn totals meet the measured ones
    totals: Mapping[str, int]  # measured, by MATCHED

    def median(self, feature: str) -> float:
        """The median of a conversation figure, 0 where nothing was measured."""
        table = self.features[feature]
        return float(np.interp(0.5, PROBABILITIES, table)) if table else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A measured profile: where from, its totals, and its strata."""

    source: str
    totals: Mapping[str, int]
    strata: tuple[Stratum, ...]
    streaming_share: float
    format: int = FORMAT

    def to_json(self) -> str:
        """The file form: readable, stable, a few kilobytes."""
        return json.dumps(asdict(self), separators=(",", ":"), indent=None).replace('{"model"', '\n{"model"') + "\n"

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """Parse the file form; raises UserError naming what is wrong."""
        try:
            raw: dict[str, Any] = json.loads(text)
            if raw["format"] != FORMAT:
                raise UserError("profile.format", raw["format"], f"measure again: this version reads format {FORMAT}")
            strata = tuple(Stratum(**stratum) for stratum in raw["strata"])
            return cls(raw["source"], raw["totals"], strata, raw["streaming_share"])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                "profile", text[:40], f"give a file written by `trivium profile measure` ({error})"
            ) from error


def load_profile(path: Path) -> Profile:
    """Read a profile file."""
    return Profile.from_json(path.read_text())


def shipped_profile() -> Profile:
    """The profile the product carries, measured on the Claude Code trace (see its `source`)."""
    return Profile.from_json((files("trivium.lab") / "data" / "claude_code_profile.json").read_text())


def agent(event: UsageEvent) -> str:
    """Which sub-agent of its session made a request; empty for the session's main conversation."""
    name = event.opened.tags.get("subagent", "")
    return "" if name == "main" else name


def conversations(events: Iterable[UsageEvent]) -> dict[tuple[str, str], list[UsageEvent]]:
    """Events by (session, subagent), each in the order of time."""
    found: dict[tuple[str, str], list[UsageEvent]] = {}
    for event in events:
        key = (event.opened.session, agent(event))
        found.setdefault(key, []).append(event)
    for turns in found.values():
        turns.sort(key=lambda event: event.opened.at)
    return found


def totals(events: Iterable[UsageEvent]) -> dict[str, int]:
    """Requests, conversations, and tokens: input (whole prompts), read (re-used prefix as if never expired), output."""
    found = dict.fromkeys(("conversations", "idle", "read", *MATCHED), 0)
    last: dict[tuple[str, str], datetime] = {}
    for event in events:
        usage = event.closed.usage
        key = (event.opened.session, agent(event))
        found["requests"] += 1
        found["input"] += usage.prompt_tokens
        found["read"] += usage.cache_read or 0
        found["new"] += usage.prompt_tokens - (usage.cache_read or 0)
        found["output"] += usage.output or 0
        found["long"] += usage.prompt_tokens if usage.prompt_tokens > LONG_TOKENS else 0
        if key not in last:
            found["conversations"] += 1
        elif (event.opened.at - last[key]).total_seconds() > IDLE_S:
            found["idle"] += 1
            found["idle_prefix"] += usage.cache_read or 0
        last[key] = event.opened.at
    return found
