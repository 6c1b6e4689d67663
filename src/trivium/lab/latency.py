"""How long an emulated model takes: time to first token and tokens per second, seeded; off by default."""

from __future__ import annotations

from dataclasses import dataclass

from trivium.lab.world import Dice

_SPREAD = 0.4  # a request's times lie within this share above or below the profile's


@dataclass(frozen=True, slots=True)
class Latency:
    """A model's pace. The figures are the lab's own choice, not measurements of any surface."""

    ttft_ms: float
    prefill_tokens_per_s: float
    tokens_per_s: float


_BY_FAMILY = {
    "haiku": Latency(400, 40_000, 160),
    "sonnet": Latency(800, 25_000, 80),
    "opus": Latency(1200, 15_000, 60),
    "fable": Latency(1500, 12_000, 45),
    "mythos": Latency(1500, 12_000, 45),
}


@dataclass(frozen=True, slots=True)
class Pace:
    """One request's pace in seconds, scaled."""

    first_s: float
    per_token_s: float


def pace(model: str, fresh_tokens: int, seed: str, scale: float) -> Pace:
    """The pace of a request: `scale` 0 answers at once, 1 at the profile's speed."""
    if scale <= 0:
        return Pace(0.0, 0.0)
    profile = next((found for family, found in _BY_FAMILY.items() if family in model), _BY_FAMILY["sonnet"])
    dice = Dice(f"pace:{seed}".encode())
    drawn = scale * (1 - _SPREAD + 2 * _SPREAD * dice.below(1000) / 1000)
    return Pace(
        first_s=drawn * (profile.ttft_ms / 1000 + fresh_tokens / profile.prefill_tokens_per_s),
        per_token_s=drawn / profile.tokens_per_s,
    )
