"""A ladder: offers of one platform that begin at different times, signed together as brute force would."""

from datetime import date
from decimal import Decimal
from itertools import product

import numpy as np
import pytest

from decide.orgs import given, organisation
from trivium.plan.decide._choose import Chosen, choose
from trivium.plan.decide._deals import bill
from trivium.plan.decide._scenes import objective
from trivium.plan.org import Contract, Growth, Tier, Workload

STARTS = (date(2026, 11, 20), date(2027, 3, 20), date(2027, 7, 20))
GROWTH = Growth(Decimal("0.05"), Decimal("0.12"), Decimal("0.2"))


def rung(starts: date, amounts: tuple[str, ...], form: str, months: int) -> Contract:
    levels = tuple(Tier(amount, Decimal(6 + 3 * number)) for number, amount in enumerate(amounts))
    return Contract(
        "spend-commitment",
        ("anthropic",),
        form=form,
        starts=starts,
        term_months=months,
        levels=levels,  # type: ignore[arg-type]
    )


def ladder(rng: np.random.Generator, form: str, **about: object) -> Chosen:
    """Three offers of three levels, at a tenth to one and a half of what runs there in a year."""
    yearly = 21 * 24 * (3_000 * 2 + 400 * 10) / 1e6 / 21 * 365
    contracts = {
        f"from {starts}": rung(
            starts, tuple(f"{yearly * share:.2f}" for share in np.sort(rng.uniform(0.1, 1.5, 3))), form, months
        )
        for starts, months in zip(STARTS, (12, 24, 12), strict=True)
    }
    tied = {"search": Workload(surfaces=("anthropic",)), "agents": Workload(surfaces=("bedrock",))}
    return choose(given(organisation(contracts=contracts, workloads=tied, growth=GROWTH, horizon_months=24, **about)))


def brute(chosen: Chosen) -> float:
    """The least objective of every choice of a level, or none, of every offer."""
    framed = chosen.framed
    spend = chosen.scenes.spend(chosen.laid.shares)
    found = []
    for combination in product(*((None, *offer.levels) for offer in framed.offers)):
        totals = (
            bill(spend, [deal for deal in combination if deal is not None], chosen.scenes.month_weight).total
            + chosen.moves_usd
        )
        found.append(objective(totals, framed.risk.weight, framed.risk.level))
    return min(found)


@pytest.mark.parametrize("form", ["covered", "take-or-pay"])
@pytest.mark.parametrize("seed", [*range(4), 37, 39])  # the last two need two rungs changed at once
def test_the_ladder_that_is_signed_is_the_one_that_brute_force_finds(form: str, seed: int) -> None:
    chosen = ladder(np.random.default_rng(seed), form)
    mine = objective(chosen.totals, chosen.framed.risk.weight, chosen.framed.risk.level)
    assert mine == pytest.approx(brute(chosen), rel=1e-9)


def test_growth_makes_a_ladder_of_more_than_one_rung() -> None:
    signed = [len(ladder(np.random.default_rng(seed), "covered").deals) for seed in range(6)]
    assert max(signed) > 1
