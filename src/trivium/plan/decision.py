"""A decision as a value: five answers per workload, placement over months, commitments, reasons, what changes it.

Measured and quoted amounts are exact (`Money`); amounts that passed through a forecast are floats in US dollars, whose
names end in `_usd`. Every statement carries its `Basis`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from trivium.core import Checkpoint, Money, Offer, RouteTable
from trivium.plan.org import Assumption


class Ground(Enum):
    """What a statement rests on."""

    CLAIM = "claim"
    MEASURED = "measured"
    CONTRACT = "contract"
    QUOTE = "quote"
    ASSUMPTION = "assumption"
    STATED = "stated"  # by the organisation, in its file


@dataclass(frozen=True, slots=True)
class Basis:
    """The grounds of a statement; `grade` is the weakest status among its claims, empty where it rests on none."""

    grounds: tuple[Ground, ...]
    claim_ids: tuple[str, ...] = ()
    grade: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """A forecast amount: its mean, the mean of its worst tail, and quantiles at 5, 25, 50, 75 and 95 %."""

    mean_usd: float
    cvar_usd: float
    quantiles_usd: tuple[float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cone:
    """Monthly forecast of one series: quantiles per level, each with one value a month."""

    name: str
    unit: str
    months: tuple[date, ...]  # first days
    levels: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]  # [level][month]
    history: tuple[tuple[date, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the five questions for one workload: a verdict, its margin, the evidence for and against it."""

    question: str  # type · window · price · microsoft · checkpoints
    verdict: str  # a word or two
    sentence: str
    margin: str  # how far the verdict is from another, in words with numbers
    points: tuple[Point, ...]
    basis: Basis
    ask_again: date | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A piece of evidence: what was looked at, its value, and what it speaks for."""

    what: str
    value: str
    speaks_for: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Stage:
    """Where one model of a workload runs in a span of months; `share_percent` of that model's requests."""

    workload: str
    model: str  # the model it asks for now
    offer: Offer
    cache_life: str
    first_month: date
    last_month: date
    share_percent: float  # whole wherever it can be
    usd_per_month: float = 0.0  # at the measured pace, in the first of these months; 0 where it is not told


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a bridge: its name, its amount, and what it rests on."""

    name: str
    amount_usd: float
    why: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Bridge:
    """From one amount to another in steps that add up: first-month extrapolation to forecast, list to plan."""

    title: str
    start: Step
    steps: tuple[Step, ...]
    end: Step


@dataclass(frozen=True, slots=True)
class Excluded:
    """An offer that a workload cannot use, and why."""

    offer: Offer
    reason: str
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best placement on another surface and its distance."""

    offer: Offer
    cache_life: str
    gap_usd_per_month: float
    flips_when: str


@dataclass(frozen=True, slots=True)
class Decided:
    """Everything about one workload."""

    workload: str
    owner: str
    models: tuple[str, ...]
    measured: Money  # the measured span, where it ran
    span_days: float
    requests: int
    monthly_now_usd: float
    monthly_plan_usd: float
    forecast: Spread  # over the horizon, as planned
    demand: Cone  # relative to the base month
    answers: tuple[Answer, ...]  # in the order of the five questions
    stages: tuple[Stage, ...]
    why: str
    runner_up: RunnerUp | None
    excluded: tuple[Excluded, ...]
    alternatives: tuple[str, ...] = ()  # where no platform offers what it needs: what they do offer
    unplaced: str = ""  # why it has no place; then it is in none of the amounts


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do with one commitment: sign at a level, hold, or leave; its cone of saving, its regret, its flips."""

    contract: str
    surfaces: tuple[str, ...]
    verdict: str  # sign · do not sign · in force · begins after the horizon
    level_usd_per_year: float
    saving: Spread  # against the same plan without it; negative where it loses
    regret_usd: float  # mean distance to the best level in hindsight
    loss_probability: float
    break_even: str  # "pays from 410,000 USD a year of spend (forecast 520,000)"
    curve: tuple[tuple[float, float, float, float], ...]  # level, mean, 5 %, 95 % of saving
    basis: Basis
    worst_usd: float = 0.0  # by how much it lowers the mean of the dearest scenarios; negative where it raises it
    units: int = 0  # of reserved capacity, where it is that; judged beside the plan's amounts and not in them


@dataclass(frozen=True, slots=True)
class Binding:
    """A constraint that binds and what it costs."""

    constraint: str
    usd_per_month: float
    workloads: tuple[str, ...]
    basis: Basis


@dataclass(frozen=True, slots=True)
class Flip:
    """A value of an input at which the answer changes, and to what."""

    input: str
    now: str
    at: str
    becomes: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Swing:
    """One bar of a tornado: the cost of the horizon with an input at its low and at its high end."""

    input: str
    low: str
    high: str
    low_usd: float
    high_usd: float


@dataclass(frozen=True, slots=True)
class Loss:
    """What happens if one surface fails: the share that continues, at what extra cost, after what time."""

    surface: str
    share_continues_percent: float
    workloads_stopped: tuple[str, ...]
    extra_usd_per_month: float
    note: str


@dataclass(frozen=True, slots=True)
class Rival:
    """Another plan for the same workloads, priced the same way: all on one platform, cheapest list price, as it is."""

    name: str
    forecast: Spread | None  # None: it cannot carry every workload
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class WhatIfTrue:
    """A claim that is not counted, and what the plan would be worth if it were true."""

    claim_id: str
    statement: str
    saving_usd: float
    changes: str


@dataclass(frozen=True)
class Decision:
    """See the module."""

    organisation: str
    at: date
    as_of: date
    horizon_months: int
    risk_weight: float
    risk_level: float
    scenarios: int
    seed: int
    summary: tuple[str, ...]  # for a manager: at most seven sentences
    workloads: tuple[Decided, ...]
    total: Cone  # USD a month, as planned
    forecast: Spread
    baseline: Spread  # as it runs now, same demand
    levers: Bridge
    first_month: Bridge  # what an estimate from early usage misses
    rivals: tuple[Rival, ...]
    commitments: tuple[Advice, ...]
    bindings: tuple[Binding, ...]
    flips: tuple[Flip, ...]
    swings: tuple[Swing, ...]
    losses: tuple[Loss, ...]
    waiting: Step | None  # value of deciding a quarter later, knowing more
    information: Step | None  # expected value of perfect information
    what_if_true: tuple[WhatIfTrue, ...]
    checkpoints: tuple[Checkpoint, ...]
    assumptions: tuple[Assumption, ...]
    claim_ids: tuple[str, ...]
    optimality: str  # how good the plan is proven to be: gap, bound
    snapshot_digest: str
    book_digest: str
    routes: RouteTable
    notes: tuple[str, ...] = field(default=())
    spend: tuple[
        tuple[str, tuple[float, ...]], ...
    ] = ()  # expected USD a month as planned, by surface; empty: not told
