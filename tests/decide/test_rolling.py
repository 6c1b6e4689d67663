"""Planning anew each quarter: what was signed stays in force, what was seen counts, and it costs no more than once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache

import numpy as np

from decide.orgs import AT, SONNET, given, organisation
from trivium.core import Offer
from trivium.plan import Demand, Total, demand_from_totals
from trivium.plan.decide._choose import Chosen, choose
from trivium.plan.decide._deals import bill, deal_of
from trivium.plan.decide._months import add_months
from trivium.plan.org import Contract, Growth, Tier, Workload

MONTHS, QUARTER, WORLDS = 12, 3, 12
TOKENS_PER_MINUTE = 25_000
YEARLY_USD = TOKENS_PER_MINUTE * 60 * 24 * 365.25 * 2 / 1e6  # at 2 USD per Mtok
BELIEF = Growth(Decimal("-0.08"), Decimal("0.02"), Decimal("0.12"))


def offers() -> dict[str, Contract]:
    """Each quarter a year's commitment on a quarter, a half or all of what runs now, at 4, 8 or 12 percent."""
    levels = tuple(
        Tier(f"{YEARLY_USD * share:.2f}", Decimal(percent)) for share, percent in ((0.25, 4), (0.5, 8), (1.0, 12))
    )
    return {
        f"rung {month}": Contract(
            "spend-commitment", ("anthropic",), form="covered", starts=add_months(AT, month), levels=levels
        )
        for month in range(0, MONTHS, QUARTER)
    }


def seen(pace: float, month: int) -> tuple[Demand, ...]:
    """Four weeks of use at a pace, up to the month in which the plan is made."""
    at, days = add_months(AT, month), 28
    start = datetime(at.year, at.month, at.day, tzinfo=UTC) - timedelta(days=days)
    minutes = days * 24 * 60
    tokens = round(minutes * TOKENS_PER_MINUTE * pace)
    offer = Offer("anthropic", "global", SONNET)
    return demand_from_totals([Total("flat", offer, start, timedelta(days=days), minutes, tokens, 0)])


def planned(contracts: dict[str, Contract], pace: float, month: int) -> Chosen:
    asked = organisation(
        contracts=contracts,
        workloads={"flat": Workload(surfaces=("anthropic",))},
        growth=BELIEF,
        horizon_months=MONTHS - month,
        risk_weight=Decimal(0),
    )
    return choose(given(asked, demands=seen(pace, month), at=add_months(AT, month)))


def signed(chosen: Chosen, contracts: dict[str, Contract], names: set[str]) -> dict[str, Contract]:
    """Offers as signed at the level that a plan chose."""
    return {
        deal.name: replace_contract(contracts[deal.name], deal.amount_usd, deal.discount)
        for deal in chosen.outcome.signed
        if deal.name in names
    }


def replace_contract(contract: Contract, amount_usd: float, discount: float) -> Contract:
    return Contract(
        contract.kind,
        contract.surfaces,
        status="signed",
        form=contract.form,
        starts=contract.starts,
        term_months=contract.term_months,
        commitment_usd_per_year=f"{amount_usd:.2f}",
        discount_percent=Decimal(str(round(discount * 100, 6))),
    )


@cache
def once() -> Chosen:
    return planned(offers(), 1.0, 0)


def anew_each_quarter(path: np.ndarray) -> dict[str, Contract]:
    """A plan a quarter on the pace of the month before; of each only what begins that day is signed."""
    held: dict[str, Contract] = {}
    for month in range(0, MONTHS, QUARTER):
        open_offers = {name: offer for name, offer in offers().items() if offer.starts >= add_months(AT, month)}  # type: ignore[operator]
        chosen = once() if month == 0 else planned({**held, **open_offers}, float(path[month - 1]), month)
        held |= signed(chosen, offers(), {f"rung {month}"})
    return held


def paid(path: np.ndarray, contracts: dict[str, Contract]) -> float:
    """What the world then costs, at list prices under what was signed."""
    scenes = replace(once().scenes, demand=path[None, None, :])
    deals = [deal_of(name, contract, scenes.surfaces, AT) for name, contract in contracts.items()]
    spend = scenes.spend(once().laid.shares)
    return float(bill(spend, [deal for deal in deals if deal is not None]).total[0])


def worlds() -> list[np.ndarray]:
    """Paces by month; a world's growth is drawn from the belief that the plans are made with."""
    rng = np.random.default_rng(2026)
    growth = rng.normal(0.02, 0.10 / 1.2816, WORLDS)  # one in ten below -8 %, one in ten above 12 %
    noise = rng.normal(0, 0.05, (WORLDS, MONTHS))
    return [np.exp(np.log1p(g) * np.arange(1, MONTHS + 1) + n) for g, n in zip(growth, noise, strict=True)]


def test_planning_anew_each_quarter_is_not_dearer_than_planning_once() -> None:
    fixed = signed(once(), offers(), set(offers()))
    made = [anew_each_quarter(path) for path in worlds()]
    gained = np.array([paid(path, fixed) - paid(path, held) for path, held in zip(worlds(), made, strict=True)])
    noise = gained.std(ddof=1) / np.sqrt(len(gained))
    assert gained.mean() >= -2 * noise
    assert any(held != fixed for held in made)  # what was seen did change a plan


def test_what_was_signed_stays_in_force_in_the_next_plan() -> None:
    held = {"rung 0": replace_contract(offers()["rung 0"], YEARLY_USD, 0.12)}
    later = planned(held, 0.2, QUARTER)
    assert [(deal.name, deal.first) for deal in later.framed.in_force] == [("rung 0", -QUARTER)]
    months = MONTHS - QUARTER
    # use fell to a fifth: the commitment of a full year is due all the same, and nothing else is
    assert later.totals.min() >= YEARLY_USD * months / 12 - 0.01
