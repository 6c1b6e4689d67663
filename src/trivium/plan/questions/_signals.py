"""The declared scoring of workload types: which figure speaks for what, between which values, with what weight.

Each signal splits its weight between two types by where its value lies between two ends. The ends are assumptions of
this product, or were measured on a public trace, as `why` says; none is a fact about a platform.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from trivium.plan.decision import Ground
from trivium.plan.org import Needs
from trivium.plan.questions._shape import Shape

CUSTOMISATION, INFERENCE, WORKFLOW = "customisation", "high-volume inference", "integrated workflow"
TYPES = (CUSTOMISATION, INFERENCE, WORKFLOW)
NOBODY = ""  # this end speaks for no type


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of the scoring."""

    name: str
    weight: float
    low: float
    high: float
    at_low: str  # the type for which a value at or below `low` speaks
    at_high: str
    measure: Callable[[Shape, Needs], float | None]
    show: Callable[[float], str]
    ground: Ground
    why: str
    log: bool = False

    def position(self, value: float) -> float:
        """Where a value lies between the ends, 0 to 1."""
        x, low, high = (math.log(max(v, 1e-9)) if self.log else v for v in (value, self.low, self.high))
        return min(max((x - low) / (high - low), 0.0), 1.0)

    def at(self, position: float) -> float:
        """The value at a position."""
        if self.log:
            return math.exp(math.log(self.low) + position * (math.log(self.high) - math.log(self.low)))
        return self.low + position * (self.high - self.low)

    def votes(self, position: float) -> dict[str, float]:
        """The weight given to each type at a position."""
        found: dict[str, float] = {}
        for kind, share in ((self.at_low, 1 - position), (self.at_high, position)):
            if kind and share:
                found[kind] = found.get(kind, 0.0) + self.weight * share
        return found


def _percent(value: float) -> str:
    return f"{value * 100:.0f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # noqa: PLR2004  two digits are enough


def _said(value: float) -> str:
    return "yes" if value >= 0.5 else "no"  # noqa: PLR2004  0 or 1


def _wish(_shape: Shape, needs: Needs) -> float | None:
    wanted = needs.tuning is not None or any("tuning" in name for name in needs.capabilities)
    return 1.0 if wanted else None


def _people(_shape: Shape, needs: Needs) -> float | None:
    return 1.0 if needs.users or needs.seat_surfaces else None


def _place(_shape: Shape, needs: Needs) -> float | None:
    return None if not needs.place else float(needs.place != "api")


def _waits(shape: Shape, needs: Needs) -> float | None:
    share = max(float(needs.batchable_percent) / 100, shape.batch_share)
    return share or None


_OURS = "the ends are assumptions"
SIGNALS = (
    Signal("a model is to be tuned", 8, 0, 1, NOBODY, CUSTOMISATION, _wish, _said, Ground.STATED, "said in the file"),
    Signal(
        "prompt read from prefixes that other sessions wrote",
        1,
        0.5,
        0.9,
        NOBODY,
        CUSTOMISATION,
        lambda shape, _: shape.shared_share,
        _percent,
        Ground.MEASURED,
        f"long fixed instructions do by prompting what tuning would do; {_OURS}",
    ),
    Signal(
        "where it is used",
        4,
        0,
        1,
        INFERENCE,
        WORKFLOW,
        _place,
        _said,
        Ground.STATED,
        "`place` in the file: api or not",
    ),
    Signal(
        "people who use it or seats that could",
        2,
        0,
        1,
        NOBODY,
        WORKFLOW,
        _people,
        _said,
        Ground.STATED,
        "said in the file",
    ),
    Signal(
        "requests a day",
        2,
        1_000,
        100_000,
        NOBODY,
        INFERENCE,
        lambda shape, _: shape.requests_per_day,
        _count,
        Ground.MEASURED,
        _OURS,
        log=True,
    ),
    Signal("share that may wait", 2, 0, 1, NOBODY, INFERENCE, _waits, _percent, Ground.STATED, "said in the file"),
    Signal(
        "requests per conversation",
        2,
        1.5,
        5,
        INFERENCE,
        WORKFLOW,
        lambda shape, _: shape.requests_per_conversation,
        _count,
        Ground.MEASURED,
        _OURS,
    ),
    Signal(
        "busiest minutes (99th percentile) over the mean",
        2,
        1.6,
        5.3,
        INFERENCE,
        WORKFLOW,
        lambda shape, _: shape.burstiness,
        _count,
        Ground.MEASURED,
        "the ends were measured on ServeGen by ten minutes: 1.6 for many clients together, 5.3 for one client; "
        "where a minute has fewer than 20 requests, ten or sixty are taken together",
        log=True,
    ),
    Signal(
        "answers that are streamed",
        1,
        0.2,
        0.8,
        INFERENCE,
        WORKFLOW,
        lambda shape, _: shape.stream_share,
        _percent,
        Ground.MEASURED,
        f"somebody reads along; {_OURS}",
    ),
    Signal(
        "follow-ups after more than a minute",
        1,
        0.05,
        0.3,
        NOBODY,
        WORKFLOW,
        lambda shape, _: shape.long_gap_share,
        _percent,
        Ground.MEASURED,
        f"somebody thinks in between; {_OURS}",
    ),
    Signal(
        "prompt tokens read from a cache",
        1,
        0.2,
        0.8,
        INFERENCE,
        WORKFLOW,
        lambda shape, _: shape.cache_share,
        _percent,
        Ground.MEASURED,
        _OURS,
    ),
    Signal(
        "prompt tokens per request",
        1,
        2_000,
        20_000,
        INFERENCE,
        WORKFLOW,
        lambda shape, _: shape.prompt_tokens_per_request,
        _count,
        Ground.MEASURED,
        _OURS,
        log=True,
    ),
)
