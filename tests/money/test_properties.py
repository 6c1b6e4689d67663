"""Whatever was used: levers add up exactly, none costs anything, freedom is never dearer, bridges lead to their end."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from money.world import ask, demand, event
from trivium.core import Money, Offer, Usage
from trivium.plan.decision import Basis, Bridge, Ground
from trivium.plan.money import Path, RealPrice, real_price
from trivium.plan.org import Contract, Needs

OFFERS = (
    Offer("anthropic", "global", "claude-opus-5"),
    Offer("bedrock", "us", "claude-opus-5"),
    Offer("vertex", "global", "claude-sonnet-4-6"),
)
counts = st.integers(0, 150_000)
usages = st.builds(
    Usage, counts, st.integers(1, 20_000), cache_read=counts, cache_write_5m=counts, cache_write_1h=st.just(0)
)
turns = st.lists(
    st.tuples(st.integers(1, 4_000), usages, st.sampled_from(OFFERS), st.sampled_from("ab")), min_size=1, max_size=12
)
percents = st.integers(0, 100).map(Decimal)
paths = st.lists(st.floats(0, 5), min_size=1, max_size=24).map(
    lambda values: Path(tuple(values), Basis((Ground.ASSUMPTION,)))
)
Turn = tuple[int, Usage, Offer, str]


def price(drawn: list[Turn], needs: Needs, off: Decimal, path: Path) -> RealPrice:
    at, events = 0, []
    for gap, usage, offer, session in drawn:
        at += gap
        events.append(event(float(at), usage, offer, session))
    contracts = {"A": Contract("discount", ("anthropic", "bedrock"), status="signed", discount_percent=off)}
    return real_price(ask(demand(events), needs, contracts=contracts, path=path, span_days=3.0))


def leads_to_its_end(bridge: Bridge) -> bool:
    total = bridge.start.amount_usd + sum(step.amount_usd for step in bridge.steps)
    return total == pytest.approx(bridge.end.amount_usd, rel=1e-9, abs=0.02)


@settings(max_examples=40)
@given(turns, percents, percents, paths)
def test_steps_add_up_to_the_pico_dollar_and_none_costs_anything(
    drawn: list[Turn], waiting: Decimal, off: Decimal, path: Path
) -> None:
    needs = Needs(batchable_percent=waiting, scopes=("us", "global"), models=("claude-haiku-4-5", "claude-sonnet-5"))
    found = price(drawn, needs, off, path)
    assert found.measured - found.levered == sum((item.step for item in found.worth), Money(0))
    assert all(item.step.picos >= 0 and item.alone.picos >= 0 for item in found.worth)
    assert all(item.closed is None or item.closed.picos >= 0 for item in found.worth)
    assert leads_to_its_end(found.bridge)
    assert leads_to_its_end(found.levers)


@settings(max_examples=25)
@given(turns, percents, percents)
def test_what_may_wait_more_or_go_further_costs_no_more(drawn: list[Turn], waiting: Decimal, off: Decimal) -> None:
    path = Path.flat(3)
    bound = price(drawn, Needs(batchable_percent=waiting), off, path)
    freer = price(
        drawn, Needs(batchable_percent=Decimal(100), scopes=("us", "global"), models=("claude-haiku-4-5",)), off, path
    )
    assert freer.measured == bound.measured
    assert freer.levered.picos <= bound.levered.picos
