"""Decisions to render: one of every field, an empty one, and ones of any size. Amounts are made up and add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from math import exp, sqrt

from trivium.core import Checkpoint, Money, Offer, Route, RouteTable, Target
from trivium.plan.decision import (
    Advice,
    Answer,
    Basis,
    Binding,
    Bridge,
    Cone,
    Decided,
    Decision,
    Excluded,
    Flip,
    Ground,
    Loss,
    Point,
    Rival,
    RunnerUp,
    Spread,
    Stage,
    Step,
    Swing,
    WhatIfTrue,
)
from trivium.plan.org import Assumption

AT = date(2026, 11, 20)
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)  # 95, 80 and 50 %
_Z = (-1.96, -1.28, -0.67, 0.0, 0.67, 1.28, 1.96)
MEASURED = Basis((Ground.MEASURED,))
PRICED = Basis((Ground.MEASURED, Ground.CLAIM), ("price.base.claude-opus-5", "price.offer.bedrock"), "documented")
QUOTED = Basis((Ground.QUOTE,), note="account manager, 2026-11-12")
ASSUMED = Basis((Ground.ASSUMPTION,), note="demand cone")
CLAIMED = Basis((Ground.CLAIM,), ("price.base.claude-sonnet-5",), "documented")
HOSTILE = "<script>alert('x')</script> & \"co\""


def months(count: int, first: date = AT) -> tuple[date, ...]:
    found = []
    for number in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        found.append(date(year, month + 1, first.day))
    return tuple(found)


def cone(name: str, unit: str, count: int, level: float, *, history: bool = True) -> Cone:
    quantiles = tuple(
        tuple(level * 1.02**month * exp(0.08 * z * sqrt(month + 1)) for month in range(count)) for z in _Z
    )
    past = tuple((AT - timedelta(days=30 * back), level * (1 - 0.03 * back)) for back in (5, 4, 3, 2, 1))
    return Cone(name, unit, months(count), LEVELS, quantiles, past if history else ())


def spread(mean: float) -> Spread:
    return Spread(mean, mean * 1.5, (mean * 0.6, mean * 0.85, mean * 0.97, mean * 1.1, mean * 1.55))


def answers(workload: str) -> tuple[Answer, ...]:
    points = (
        Point("output per request", "412 tokens", "high-volume inference", MEASURED),
        Point("cached share of the prompt", "82 %", "integrated workflow", MEASURED),
        Point("tuning on Claude models", "none listed", "window closed", CLAIMED),
    )
    return (
        Answer("type", "high volume", f"{workload} is high-volume inference.", "3 of 5 signs", points, MEASURED),
        Answer("window", "closed", "No model it may use can be tuned.", "none listed", points[2:], CLAIMED,
               date(2027, 2, 1)),
        Answer("price", "8 % to gain", "The levers are worth 8 %.", "list prices are equal", points[:1], PRICED),
        Answer("microsoft", "does not pay", "Seats cost more than tokens.", "12 to 40 USD a user", (), QUOTED),
        Answer("checkpoints", "2 due", "Two days to remember.", "the next in 41 days", (), CLAIMED),
    )  # fmt: skip


def stages(workload: str, count: int, *, split: bool = False) -> tuple[Stage, ...]:
    days = months(count)
    home, away = Offer("bedrock", "us", "claude-opus-5"), Offer("vertex", "global", "claude-opus-5", "batch")
    if not split or count < 7:
        return (Stage(workload, "claude-opus-5", home, "1h", days[0], days[-1], 100),)
    return (
        Stage(workload, "claude-opus-5", home, "5m", days[0], days[5], 100),
        Stage(workload, "claude-opus-5", home, "1h", days[6], days[-1], 60),
        Stage(workload, "claude-opus-5", away, "1h", days[6], days[-1], 40),
    )


def decided(name: str, count: int, *, mean: float = 180_000.0, split: bool = False) -> Decided:
    return Decided(
        workload=name,
        owner="platform team",
        models=("claude-opus-5",),
        measured=Money.from_usd("4321.987654321"),
        span_days=21.5,
        requests=120_345,
        monthly_now_usd=mean / count * 1.08,
        monthly_plan_usd=mean / count,
        forecast=spread(mean),
        demand=cone(name, "times the measured month", count, 1.0),
        answers=answers(name),
        stages=stages(name, count, split=split),
        why="the cheapest of 5 offers that meet its needs; a cache life of an hour fits its pauses",
        runner_up=RunnerUp(
            Offer("vertex", "global", "claude-opus-5"), "1h", 410.5, "at prices 4.1% below its own it costs the same"
        ),
        excluded=(
            Excluded(Offer("foundry", "global", "claude-opus-5"), "no eu scope", ("price.base.claude-opus-5",)),
            Excluded(Offer("anthropic", "us", "claude-opus-5"), "not among its surfaces"),
        ),
    )


def unplaced(name: str, count: int) -> Decided:
    return replace(
        decided(name, count),
        owner="",
        stages=(),
        runner_up=None,
        forecast=Spread(0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)),
        monthly_plan_usd=0.0,
        why="",
        unplaced="no platform offers what it needs: tuning on Claude",
        alternatives=("tuning of Claude 3 Haiku on bedrock until its end", "prompt caching with long examples"),
    )


def advice(name: str = "edp", verdict: str = "sign") -> Advice:
    curve = tuple(
        (level * 1000.0, 40_000 - (level - 300) ** 2 / 2, 20_000 - (level - 300) ** 2, 60_000 - (level - 300) ** 2 / 3)
        for level in range(100, 601, 50)
    )
    return Advice(
        contract=name,
        surfaces=("bedrock", "claude-aws"),
        verdict=verdict,
        level_usd_per_year=300_000.0,
        saving=Spread(40_000.0, -6_000.0, (-2_000.0, 21_000.0, 39_000.0, 52_000.0, 71_000.0)),
        regret_usd=3_100.0,
        loss_probability=0.07,
        break_even="pays from 268,000 USD a year of spend (forecast 310,000)",
        curve=curve,
        basis=QUOTED,
    )


def bridges(total: float) -> tuple[Bridge, Bridge]:
    now = total * 1.1
    levers = Bridge(
        "From what runs now to the plan",
        Step("as it runs now", now, "measured use where it runs", MEASURED),
        (
            Step("cache life", -0.06 * total, "for search", PRICED),
            Step("batch", -0.05 * total, "for search", PRICED),
            Step("moves", 0.01 * total, "days of work", ASSUMED),
        ),
        Step("as planned", total, "the placement and its contracts", PRICED),
    )
    first = Bridge(
        "What an estimate from early use misses",
        Step("first month times horizon", now * 0.7, "the measured month", MEASURED),
        (Step("growth compounding", now * 0.3, "mean growth of the cone", ASSUMED),),
        Step("forecast", now, "as it runs now", ASSUMED),
    )
    return levers, first


def sample(count: int = 36, names: tuple[str, ...] = ("search", "agents", HOSTILE)) -> Decision:
    """Every field filled; one workload more than named has no place."""
    placed = tuple(decided(name, count, split=number == 1) for number, name in enumerate(names))
    total = sum(item.forecast.mean_usd for item in placed)
    levers, first = bridges(total)
    opus = Offer("bedrock", "us", "claude-opus-5")
    return Decision(
        organisation="Example & Söhne",
        at=AT,
        as_of=date(2026, 11, 19),
        horizon_months=count,
        risk_weight=0.5,
        risk_level=0.9,
        scenarios=200,
        seed=7,
        summary=(
            "The plan is expected to cost 540,000 USD.",
            "Sign edp at 300,000 USD a year.",
            "Look again in January.",
        ),
        workloads=(*placed, unplaced("tuned classifier", count)),
        total=cone("all workloads", "USD a month", count, total / count),
        forecast=spread(total),
        baseline=spread(total * 1.1),
        levers=levers,
        first_month=first,
        rivals=(
            Rival("as it runs now", spread(total * 1.1)),
            Rival("all on vertex", None, "it cannot carry every workload"),
        ),
        commitments=(advice(), advice("macc", "do not sign"), advice("reserved", "in force")),
        bindings=(
            Binding("residency in eu", 4_100.0, names[:1], PRICED),
            Binding("vertex input tokens per minute at the measured peak", 130.4, names[:1], PRICED),
        ),
        flips=(
            Flip("discount on vertex", "0 % beyond the contracts counted", "4.10%", "move search there", ASSUMED),
            Flip("search: prompt tokens read again", "3.20%", "20.27%", "a cache life of an hour", PRICED),
        ),
        swings=(
            Swing("demand over the horizon", "0.70 times its mean", "1.30 times", total * 0.7, total * 1.3),
            Swing("list prices", "10 % lower", "10 % higher", total * 0.9, total * 1.1),
            Swing("prices of bedrock alone", "10 % lower", "10 % higher", total * 0.93, total * 1.07),
        ),
        losses=(Loss("bedrock", 64.0, names[:1], 2_300.0, "caches are written anew there"),),
        waiting=Step("waiting a quarter", -8_200.0, "a quarter at list prices outweighs what it teaches", ASSUMED),
        information=Step("knowing the demand exactly", 3_100.0, "nothing can be worth more to know", ASSUMED),
        what_if_true=(WhatIfTrue("price.unit.read", "cache reads will be free", 21_000.0, "search moves to vertex"),),
        checkpoints=(
            Checkpoint(date(2026, 12, 31), "edp", "the offer expires", ()),
            Checkpoint(
                date(2027, 2, 1), "claude-opus-5 on bedrock", "may retire from then on", ("price.offer.bedrock",)
            ),
            Checkpoint(date(2026, 10, 1), "price list", "should have been reviewed", ("price.unit.read",)),
        ),
        assumptions=(
            Assumption("workloads.search.needs.batchable_percent", "0", "nobody said", "set it in trivium.toml"),
            Assumption("demand", "forecast", "three weeks of history", "give a longer history"),
        ),
        claim_ids=("price.base.claude-opus-5", "price.base.claude-sonnet-5", "price.offer.bedrock", "price.unit.read"),
        optimality="the best of 6 placements, by the exact bill in every scenario",
        snapshot_digest="c180117e9c143b4a9a3d431b2685a07c92ecfa00eed59992720df3911fc9bb8e",
        book_digest="be9c677dcf4be5c8e49e4d49a8a8e9c1f7325dc861d5102beec41753798ecdbe",
        routes=RouteTable((Route("search", "claude-opus-5", (Target(opus, 100, "1h"),), "cheapest"),), "v1"),
        notes=("ask for 2 M input tokens a minute on vertex from May 2027",),
    )


def empty() -> Decision:
    """Nothing measured, nothing offered, nothing to say: every list is empty."""
    nothing = Spread(0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0))
    zero = Step("as it runs now", 0.0, "", Basis(()))
    return Decision(
        organisation="",
        at=AT,
        as_of=AT,
        horizon_months=1,
        risk_weight=0.0,
        risk_level=0.9,
        scenarios=1,
        seed=1,
        summary=(),
        workloads=(),
        total=Cone("all workloads", "USD a month", (), LEVELS, ((),) * len(LEVELS)),
        forecast=nothing,
        baseline=nothing,
        levers=Bridge("", zero, (), zero),
        first_month=Bridge("", zero, (), zero),
        rivals=(),
        commitments=(),
        bindings=(),
        flips=(),
        swings=(),
        losses=(),
        waiting=None,
        information=None,
        what_if_true=(),
        checkpoints=(),
        assumptions=(),
        claim_ids=(),
        optimality="",
        snapshot_digest="",
        book_digest="",
        routes=RouteTable(),
    )
