"""Reserved capacity: units by hand, and against the horizon's solver on the same problem."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given as each
from hypothesis import strategies as st

from decide.orgs import AT, OPUS, SILENT, SONNET, demands, given, organisation
from trivium.core import Offer
from trivium.plan import Total, demand_from_totals
from trivium.plan.decide._capacity import capacity
from trivium.plan.decide._choose import choose
from trivium.plan.decide._compose import decide
from trivium.plan.decide._load import filled, load_of
from trivium.plan.horizon import Instance, Pool, Provisioned, Term, solve_provisioned
from trivium.plan.org import Contract, Growth, Workload

HOURS = 24 * 365.25 / 12
STEADY = Growth(Decimal(0), Decimal(0), Decimal(0))


def units(price: str, **more: object) -> Contract:
    fields = {
        "surfaces": ("anthropic",),
        "model": SONNET,
        "unit_tokens_per_minute": 10_000,
        "price_usd_per_unit_hour": price,
        "source": "a quote",
        **more,
    }
    return Contract("provisioned", **fields)  # type: ignore[arg-type]


def flat(tokens_per_minute: int, days: int = 28) -> tuple[object, ...]:
    """One workload that asks for so many input tokens a minute, evenly, on the first party."""
    start = datetime(AT.year, AT.month, AT.day, tzinfo=UTC) - timedelta(days=days)
    minutes = days * 24 * 60
    return demand_from_totals(
        [
            Total(
                "flat",
                Offer("anthropic", "global", SONNET),
                start,
                timedelta(days=days),
                minutes,
                minutes * tokens_per_minute,
                0,
            )
        ]
    )


def tied(contract: Contract, tokens_per_minute: int = 25_000, **about: object):  # noqa: ANN201  a Chosen
    asked = organisation(
        contracts={"units": contract}, workloads={"flat": Workload(surfaces=("anthropic",))}, growth=STEADY, **about
    )
    return choose(given(asked, demands=flat(tokens_per_minute)))


def test_a_full_unit_is_worth_what_its_tokens_cost_on_demand() -> None:
    # 10,000 tokens a minute at 2 USD per Mtok are 1.20 USD an hour: below it a unit pays, above it none does
    (cheap,), _ = capacity(tied(units("0.60")))
    assert cheap.verdict == "sign"
    assert cheap.break_even.startswith("pays from 50% mean use")
    (dear,), _ = capacity(tied(units("1.30")))
    assert dear.verdict == "do not sign"
    assert dear.loss_probability == 1
    assert dear.break_even.startswith("never pays: a full unit costs 1.08 times")


def test_units_save_what_they_carry_less_what_they_cost_in_every_scenario() -> None:
    chosen = tied(units("0.60"))
    (advice,), _ = capacity(chosen)
    tokens = 25_000 * chosen.scenes.demand[0]  # a minute, by scenario and month
    minutes_usd = HOURS * 60 * 2 / 1e6
    for level, mean, _, _ in advice.curve:
        count = round(level / (0.60 * HOURS * 12))
        saved = np.minimum(tokens, 10_000 * count).sum(axis=1) * minutes_usd - count * 0.60 * HOURS * 12
        assert mean == pytest.approx(saved.mean(), rel=1e-6)
    best = max(mean for _, mean, _, _ in advice.curve)
    assert advice.saving.mean_usd <= best + 1e-6
    assert advice.level_usd_per_year == pytest.approx(advice.units * 0.60 * HOURS * 12)


def test_the_units_are_those_that_the_horizon_solver_takes() -> None:
    chosen = tied(units("0.60"), scenarios=20, horizon_months=1)
    (advice,), _ = capacity(chosen)
    scenes, risk = chosen.scenes, chosen.framed.risk
    usd = np.full((1, 2, 1), 25_000 * 60 * HOURS * 2 / 1e6)
    instance = Instance(
        ("flat",), ("as planned", "units"), ("anthropic",), np.zeros(2, dtype=np.int64), scenes.demand, usd,
        np.ones((1, 2, 1), dtype=bool), np.full(20, 1 / 20), risk.weight, risk.level,
    )  # fmt: skip
    pool = Pool("units", (1,), 10_000.0, (Term(12, 0.60 * HOURS),))
    found = solve_provisioned(instance, Provisioned((pool,), [25_000.0], [1.0]), gap=1e-6)
    assert advice.units == sum(round(lot.units) for lot in found.lots)


def test_the_least_number_of_units_is_kept_even_if_fewer_would_pay() -> None:
    (advice,), _ = capacity(tied(units("0.60", units_min=40)))
    assert advice.verdict == "do not sign"  # 40 units cost 24 USD an hour, what runs is worth 3
    assert advice.curve[0][0] == pytest.approx(40 * 0.60 * HOURS * 12)


def test_units_carry_only_their_model_scope_and_months() -> None:
    for other in (units("0.10", model=OPUS), units("0.10", scope="us")):
        (advice,), _ = capacity(tied(other))
        assert advice.verdict == "do not sign"
        assert advice.break_even.startswith("nothing may run")
    (late,), notes = capacity(tied(units("0.60", starts=date(2027, 5, 20), term_months=12)))
    (whole,), _ = capacity(tied(units("0.60")))
    assert late.verdict == "sign"
    assert late.saving.mean_usd < whole.saving.mean_usd
    assert "units: 6 months of its term lie beyond the horizon and are not judged" in notes


def test_units_that_renew_carry_to_the_end_of_the_horizon_and_others_to_the_day_they_end() -> None:
    """Held from 5 January on for a year: from 20 December 16 of 31 days are left of it; of the renewed one all."""

    def saved(**more: object) -> float:
        held = units("0.60", status="signed", units_min=1, starts=date(2026, 1, 5), **{"term_months": 12, **more})
        (advice,), _ = capacity(tied(held))
        return advice.saving.mean_usd

    full_month = 10_000 * 60 * HOURS * 2 / 1e6  # one unit is nearly always full here, and paid already
    assert saved() == pytest.approx(full_month * (1 + 16 / 31), rel=0.01)
    assert saved(renews=True) == pytest.approx(saved(term_months=36))
    assert saved(renews=True) > full_month * 11


def test_units_in_force_are_told_and_leave_less_to_an_offer() -> None:
    asked = organisation(
        contracts={"held": units("0.60", status="signed", units_min=50), "more": units("0.60")},
        workloads={"flat": Workload(surfaces=("anthropic",))},
        growth=STEADY,
    )
    held, more = capacity(choose(given(asked, demands=flat(25_000))))[0]
    assert (held.verdict, held.units) == ("in force", 50)
    assert more.verdict == "do not sign"


def test_a_commitment_that_would_fall_short_is_counted_against_units() -> None:
    edp = Contract(
        "spend-commitment",
        ("anthropic",),
        status="signed",
        commitment_usd_per_year="1000000",
        discount_percent=Decimal(1),
    )
    asked = organisation(
        contracts={"edp": edp, "units": units("0.60")},
        workloads={"flat": Workload(surfaces=("anthropic",))},
        growth=STEADY,
    )
    (advice,), _ = capacity(choose(given(asked, demands=flat(25_000))))
    assert advice.verdict == "do not sign"  # the million is due, whatever the units carry


def test_a_decision_with_units_says_that_they_are_beside_its_amounts() -> None:
    asked = organisation(contracts={"units": units("0.000001", unit_tokens_per_minute=100_000)})
    with_units, without = decide(given(asked), SILENT), decide(given(), SILENT)
    (advice,) = with_units.commitments
    assert (advice.verdict, advice.units) == ("sign", 1)
    assert with_units.forecast == without.forecast
    assert "beside the plan" in with_units.notes[0]
    assert any("Sign units at 1 unit, " in sentence for sentence in with_units.summary)


def test_busy_moments_are_those_of_everything_together() -> None:
    """`search` asks 3,000 in and 400 out every ten minutes for four hours a day: 24 of 144 windows."""
    chosen = choose(given())
    rows = np.array([n for n, part in enumerate(chosen.framed.parts) if part.workload == "search"])
    days = [21.0] * len(chosen.framed.parts)
    found = load_of(chosen.framed.parts, rows, units("1"), chosen.framed.given.ratio, days)
    assert found.per_minute[rows[0]] == pytest.approx(24 * (3_000 + 5 * 400) / (24 * 60))
    assert found.peak == pytest.approx(144 / 24, rel=0.05)
    assert found.measured
    assert demands()  # the same measured use


@each(
    use=st.lists(st.lists(st.floats(0, 100), min_size=3, max_size=3), min_size=2, max_size=4),
    room=st.floats(0, 300),
)
def test_a_pool_carries_what_it_has_room_for_and_no_more(use: list[list[float]], room: float) -> None:
    asked = np.array(use)[:, None, :]
    share = filled(asked, np.arange(len(use), dtype=float)[:, None].repeat(3, 1), np.full(3, room))
    assert (share >= 0).all()
    assert (share <= 1 + 1e-12).all()
    carried = (share * asked).sum(axis=0)
    np.testing.assert_allclose(carried, np.minimum(asked.sum(axis=0), room), rtol=1e-9, atol=1e-9)


def test_a_scaled_demand_takes_more_units() -> None:
    one, _ = capacity(tied(units("0.60"), 25_000))
    three, _ = capacity(tied(units("0.60"), 75_000))
    assert three[0].units > one[0].units
    assert replace(three[0], units=0).level_usd_per_year == three[0].level_usd_per_year
