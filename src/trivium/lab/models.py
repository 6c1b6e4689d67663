"""The lab's own model table: ids per surface, limits, availability windows and thinking rules, by date."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Window:
    """Days from ≤ day < until; None is open."""

    since: date | None
    until: date | None

    def holds(self, day: date) -> bool:
        """Whether the day lies in the window."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Model:
    """One model: how each surface names it and what it accepts."""

    id: str  # undated: claude-opus-4-5
    names: Mapping[str, str]  # anthropic, bedrock (without a profile prefix), mantle, vertex, foundry; "" where absent
    context_tokens: int
    context_1m: Mapping[str, Window]  # per surface: when the context-1m beta raises the window to a million
    output_tokens_max: int
    cache_tokens_min: tuple[tuple[date | None, int], ...]  # (since, minimum), oldest first
    thinking: frozenset[str]  # accepted values of thinking.type
    sampling: bool  # accepts temperature, top_p, top_k (on API version 2023-06-01)
    forced_tools: bool  # accepts tool_choice any and tool
    inference_geo: bool
    bedrock_profiles: tuple[str, ...]  # inference profile prefixes
    available: Mapping[str, tuple[Window, ...]]  # per surface

    def on(self, surface: str, at: datetime) -> bool:
        """Whether the surface serves the model at that time."""
        day = at.astimezone(UTC).date()
        return any(window.holds(day) for window in self.available.get(surface, ()))

    def cache_minimum(self, at: datetime) -> int:
        """Tokens below which a prefix is not cached."""
        day = at.astimezone(UTC).date()
        return [tokens for since, tokens in self.cache_tokens_min if since is None or since <= day][-1]

    def context_limit(self, surface: str, betas: Iterable[str], at: datetime) -> int:
        """The context window in tokens, with the 1M beta where it holds."""
        window = self.context_1m.get(surface)
        if window and window.holds(at.astimezone(UTC).date()) and any(beta.startswith("context-1m-") for beta in betas):
            return 1_000_000
        return self.context_tokens

    @property
    def prefill(self) -> bool:
        """Whether the last message may be the assistant's, to be continued."""
        return "adaptive" not in self.thinking

    @property
    def clips_output(self) -> bool:
        """Whether an answer stops at the end of the context window instead of being refused beforehand (4.5 on)."""
        return "claude-3" not in self.id and self.id not in {"claude-opus-4", "claude-sonnet-4", "claude-opus-4-1"}

    @property
    def effort(self) -> bool:
        """Whether output_config.effort is accepted."""
        return "adaptive" in self.thinking or self.id == "claude-opus-4-5"

    @property
    def since_4_7(self) -> bool:
        """The newer line: one thinking style, no sampling, API version 2026-10-21 on every surface."""
        return not self.sampling


class ModelTable:
    """All models, found by id or by the name that a surface gives them."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._by_id = {model.id: model for model in models}
        self._by_name: dict[tuple[str, str], Model] = {}
        for model in self._by_id.values():
            for surface, name in model.names.items():
                if name:
                    self._by_name[surface, name] = model
            if model.names["anthropic"]:
                self._by_name["anthropic", model.id] = model

    @classmethod
    def shipped(cls) -> ModelTable:
        """The table that comes with the lab."""
        with (files("trivium.lab") / "data" / "models.csv").open(encoding="utf-8") as lines:
            return cls(_model(row) for row in csv.DictReader(lines))

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_id.values())

    def get(self, model_id: str) -> Model:
        """The model with that lab id; KeyError if there is none."""
        return self._by_id[model_id]

    def find(self, surface: str, name: str) -> Model | None:
        """The model that a surface calls by that name; first-party names also without their date."""
        return self._by_name.get((surface, name))


def _model(row: Mapping[str, str]) -> Model:
    return Model(
        id=row["model"],
        names={name: row[name] for name in ("anthropic", "bedrock", "mantle", "vertex", "foundry")},
        context_tokens=int(row["context_tokens"]),
        context_1m={
            surface: _window(window) for surface, window in (item.split(":", 1) for item in row["context_1m"].split())
        },
        output_tokens_max=int(row["output_tokens_max"]),
        cache_tokens_min=tuple(_dated(item) for item in row["cache_tokens_min"].split()),
        thinking=frozenset(row["thinking"].split()),
        sampling=row["sampling"] == "yes",
        forced_tools=row["forced_tools"] == "yes",
        inference_geo=row["inference_geo"] == "yes",
        bedrock_profiles=tuple(row["bedrock_profiles"].split()),
        available={
            surface: tuple(_window(item) for item in row[f"available_{surface.replace('-', '_')}"].split())
            for surface in ("anthropic", "claude-aws", "bedrock", "bedrock-mantle", "vertex", "claude-gcp", "foundry")
        },
    )


def _window(text: str) -> Window:
    since, _, until = text.partition("..")
    return Window(date.fromisoformat(since) if since else None, date.fromisoformat(until) if until else None)


def _dated(text: str) -> tuple[date | None, int]:
    since, _, tokens = text.rpartition(":")
    return (date.fromisoformat(since) if since else None, int(tokens))
