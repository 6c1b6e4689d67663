"""Plan on the first week of real demand, pay for the second: the plan beside simpler rules and hindsight.

ServeGen's 421 clients over fourteen days (read where it lies) make many organisations of eight clients each. What is
real is the demand. What is assumed, the same for every rule: each source model is bought as a Claude model at its list
price, and three platforms offer take-or-pay commitments for the week with the discounts below. Week one is all that a
rule may see; the bill of week two is then computed. Regret is the bill over the hindsight-optimal one.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from trivium.catalog import load
from trivium.core import Offer
from trivium.plan.cone import History, fit
from trivium.plan.decide._advice import Risk
from trivium.plan.decide._deals import Deal, bill
from trivium.plan.decide._scenes import objective
from trivium.pricing import PriceBook

TRACE = Path(__file__).resolve().parents[2] / "shared/traces/servegen/client_usage_6h.csv.gz"
AT = date(2026, 11, 22)
MODELS = {
    "m-large": "claude-opus-5",
    "deepseek-r1": "claude-opus-5",
    "mm-image": "claude-sonnet-5",
    "m-mid": "claude-sonnet-5",
    "m-small": "claude-haiku-4-5",
}
SURFACES = ("anthropic", "bedrock", "vertex", "foundry")
# Assumed offers: (commitment in shares of the first week's spend, discount), times a factor of the platform.
LADDER = ((0.25, 0.03), (0.5, 0.05), (0.75, 0.07), (1.0, 0.09), (1.25, 0.105), (1.5, 0.12), (2.0, 0.13))
FACTOR = {"bedrock": 1.0, "vertex": 0.9, "foundry": 0.8}
STEPS, CLIENTS, SCENARIOS = 28, 8, 400
RISK = Risk(0.5, 0.9)


@dataclass(frozen=True)
class Signed:
    """A commitment for a week, in USD, and its discount."""

    surface: str
    commitment: float
    discount: float


@dataclass(frozen=True)
class Rule:
    """What a rule signs and where it sends the work, seeing one week."""

    name: str
    choose: Callable[
        [np.ndarray, np.ndarray], tuple[str, float]
    ]  # (week one, cone of week two) → (surface, commitment)


def weeks() -> tuple[list[str], np.ndarray]:
    """Spend at list per client and six hours, USD, over fourteen days: (clients, 56)."""
    book = PriceBook.from_snapshot(load().snapshot(AT))
    cards = {name: book.card(Offer("anthropic", "global", model), AT) for name, model in MODELS.items()}
    rates = {
        name: [card.units[unit][0].cell.rate_picos for unit in ("input", "output")] for name, card in cards.items()
    }
    names: dict[str, int] = {}
    spend = np.zeros((500, 2 * STEPS))
    with gzip.open(TRACE, "rt") as file:
        for row in csv.DictReader(file):
            number = names.setdefault(f"{row['model']}/{row['client']}", len(names))
            per_input, per_output = rates[row["model"]]
            tokens = float(row["input_tokens"]) * per_input + float(row["output_tokens"]) * per_output
            spend[number, int(row["t_s"]) // 21_600] += tokens / 1e12
    return list(names), spend[: len(names)]


def offers(first: float) -> list[Signed]:
    """What the platforms offer an organisation of that size."""
    return [Signed(name, share * first, factor * off) for name, factor in FACTOR.items() for share, off in LADDER]


def cost(week: np.ndarray, signed: Signed | None) -> np.ndarray:
    """The bill of weekly list spends (any number of scenarios), all on the surface of the commitment."""
    spend = week.reshape(1, -1, 1)
    if signed is None:
        return bill(spend, ()).total
    deal = Deal("week", "spend-commitment", (0,), 0, 12, "take-or-pay", signed.commitment * 12, signed.discount)
    return bill(spend, [deal]).total


def best(first: float, week: np.ndarray, value: Callable[[np.ndarray], float]) -> Signed | None:
    """The offer of least value over scenarios; None: sign nothing."""
    return min((None, *offers(first)), key=lambda signed: value(cost(week, signed)))


def rules() -> list[Rule]:
    """The plan, and what people do without one."""

    def last_week(first: float, _: np.ndarray) -> Signed | None:
        return best(first, np.array([first]), lambda totals: float(totals[0]))

    def fixed(surface: str, share: float) -> Callable[[float, np.ndarray], Signed | None]:
        return lambda first, _: next(o for o in offers(first) if (o.surface, o.commitment) == (surface, share * first))

    def plan(first: float, cone: np.ndarray) -> Signed | None:
        return best(first, cone, lambda totals: objective(totals, RISK.weight, RISK.level))

    return [
        Rule("plan (half mean, half CVaR)", plan),
        Rule("plan (mean only)", lambda first, cone: best(first, cone, lambda totals: float(totals.mean()))),
        Rule("best for a week like the last", last_week),
        *(Rule(f"all on {name}, last week committed", fixed(name, 1.0)) for name in FACTOR),
        Rule("cheapest list price, no commitment", lambda _f, _c: None),
    ]


def trial(spend: np.ndarray, names: list[str], rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """One organisation: rule → (bill, regret)."""
    first, second = spend[:, :STEPS], spend[:, STEPS:]
    history = History(tuple(names), datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=6), first)
    cone = fit(history).sample(STEPS, SCENARIOS, rng, step=timedelta(hours=6))
    ahead = np.einsum("w,wst->s", cone.base, cone.paths)
    actual, before = np.array([second.sum()]), float(first.sum())
    hindsight = float(cost(actual, best(before, actual, lambda totals: float(totals[0])))[0])
    found = {"hindsight": (hindsight, 0.0)}
    for rule in rules():
        paid = float(cost(actual, rule.choose(before, ahead))[0])
        found[rule.name] = (paid, paid / hindsight - 1 if hindsight > 0 else 0.0)
    return found


def main() -> int:
    """Print the table; exit 2 where the trace is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not TRACE.is_file():
        print("backtest: the ServeGen trace is not beside this checkout (shared/traces/servegen)", file=sys.stderr)
        return 2
    names, spend = weeks()
    rng = np.random.default_rng(asked.seed)
    active = np.flatnonzero(spend[:, :STEPS].sum(axis=1) > 0)
    trials = []
    for number in range(asked.trials):
        picked = rng.choice(active, CLIENTS, replace=False)
        trials.append(trial(spend[picked], [names[index] for index in picked], rng))
        print(f"\r{number + 1}/{asked.trials}", end="", file=sys.stderr)
    print(file=sys.stderr)
    table = {
        name: {
            "bill_usd": sum(found[name][0] for found in trials),
            "regret_of_the_sum": sum(found[name][0] for found in trials) / sum(f["hindsight"][0] for f in trials) - 1,
            "regret_mean": float(np.mean([found[name][1] for found in trials])),
            "regret_median": float(np.median([found[name][1] for found in trials])),
            "regret_worst": float(np.max([found[name][1] for found in trials])),
        }
        for name in trials[0]
    }
    if asked.json:
        print(json.dumps({"trials": asked.trials, "seed": asked.seed, "rules": table}, indent=2))
        return 0
    print(f"{asked.trials} organisations of {CLIENTS} clients, seed {asked.seed}; week 2 at prices of {AT}")
    print(f"{'rule':36} {'bill USD':>14} {'regret':>8} {'mean':>8} {'median':>8} {'worst':>8}")
    for name, row in table.items():
        print(
            f"{name:36} {row['bill_usd']:14,.0f} {row['regret_of_the_sum']:8.2%} {row['regret_mean']:8.2%} "
            f"{row['regret_median']:8.2%} {row['regret_worst']:8.2%}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
