"""A plan keeps its promises: money adds up, requirements hold, quotas bind, ties stay home, idle levers say 0."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan.market import AT, CELLS, HOME, OPUS, HandCell, book_of, frame_of, sold, turn
from trivium.core import Money, NoPrice, Offer, RouteTable, Usage, UsageEvent, UserError
from trivium.plan import (
    LEVERS,
    Answer,
    BookMarket,
    Facts,
    Plan,
    Prices,
    Quota,
    Requirement,
    Retirement,
    Verdict,
    demand_from_events,
    make_plan,
    write_routes,
)
from trivium.plan._make import round_half_even

INPUT = {"input": 1, "cache_write": 1}


def traffic(workload: str = "chat", offer: Offer = HOME, sessions: int = 4) -> list[UsageEvent]:
    """Sessions of three turns: 10,000 written; a minute later read, 500 new; 20 minutes later all written again."""
    events = []
    for number in range(sessions):
        name, start = f"{workload}{number}", number * 3600
        events += [
            turn(start, Usage(0, 100, 0, 10_000), offer=offer, workload=workload, session=name),
            turn(start + 60, Usage(0, 100, 10_000, 500), offer=offer, workload=workload, session=name),
            turn(start + 1260, Usage(0, 100, 0, 11_000), offer=offer, workload=workload, session=name),
        ]
    return events


def quota(limit: int, surface: str = "anthropic", claim: str = "claim:quota") -> Quota:
    return Quota("opus", surface, "itpm", limit, INPUT, claim_ids=(claim,), tier="start")


def test_one_hour_of_life_is_chosen_where_idle_gaps_make_it_pay() -> None:
    """Per session, in tokens at 5 USD/Mtok in: 5m writes 21,500 x 1.25 and reads 10,000 x 0.1 = 27,875;
    1h writes 11,000 x 2 and reads 20,500 x 0.1 = 24,050. Saved: 3,825 x 5 = 19,125 millionths of a dollar each."""
    plan = make_plan(demand_from_events(traffic()), [], frame_of())
    (item,) = plan.workloads
    assert [(share.offer, share.cache_life, share.percent) for share in item.shares] == [(HOME, "1h", 100)]
    assert plan.saving == Money.from_usd("0.019125") * 4
    assert item.cache_costs["5m"] == plan.baseline == Money.from_usd("0.139375") * 4 + Money.from_usd("0.0075") * 4
    assert {lever.name: str(lever.step) for lever in plan.levers} == {
        "cache_life": "0.0765",
        "batch": "0",
        "region_scope": "0",
        "model": "0",
        "contract": "0",
        "surface": "0",
    }


def test_equal_list_prices_leave_a_workload_where_it_is_and_say_so() -> None:
    plan = make_plan(demand_from_events(traffic(offer=Offer("vertex", "global", "opus"))), [], frame_of())
    (item,) = plan.workloads
    assert item.shares[0].offer.surface == "vertex"
    assert item.runner_up is not None
    assert item.runner_up.gap == Money(0)
    assert "any discount" in item.runner_up.sentence
    surface = plan.levers[LEVERS.index("surface")]
    assert (surface.alone, surface.step) == (Money(0), Money(0))
    assert "same list price" in surface.reason


def test_the_break_even_of_the_runner_up_is_where_both_cost_the_same() -> None:
    """Vertex at twice the price: at 0.5 times its price, a discount of 50 %, the answer flips."""
    cells = (*sold("anthropic/global/opus/standard", OPUS), *sold("vertex/global/opus/standard", "10 50 1 12.5 20"))
    plan = make_plan(demand_from_events(traffic()), [], frame_of(cells))
    runner_up = plan.workloads[0].runner_up
    assert runner_up is not None
    assert runner_up.gap == plan.cost
    assert str(runner_up.break_even) == "0.500000"
    assert runner_up.sentence == "a discount of 50.00 % on vertex flips the answer"


def test_a_batch_is_taken_only_where_a_workload_may_wait() -> None:
    """1,000,000 uncached input: 5 USD, by batch 2.50."""
    demand = demand_from_events([turn(0, Usage(input=1_000_000))])
    interactive = make_plan(demand, [], frame_of())
    batch = interactive.levers[LEVERS.index("batch")]
    assert (interactive.cost, batch.alone) == (Money.from_usd("5"), Money(0))
    assert "interactive" in batch.reason
    assert batch.closed == Money.from_usd("2.5")
    waiting = make_plan(demand, [Requirement("chat", batchable=True)], frame_of())
    assert waiting.workloads[0].shares[0].offer.tier == "batch"
    assert waiting.cost == Money.from_usd("2.5")


def test_a_batch_that_loses_its_cache_hits_is_not_cheaper() -> None:
    """Mostly read prompts: half the price of everything as plain input is dearer than reading a tenth."""
    events = [turn(n, Usage(cache_read=100_000, output=1), session="") for n in range(10)]
    plan = make_plan(demand_from_events(events), [Requirement("chat", batchable=True)], frame_of())
    assert plan.workloads[0].shares[0].offer.tier == "standard"


def test_residency_is_kept_and_its_price_is_named() -> None:
    """US residency costs 1.1 times: a tenth of the global price is what lifting it would save."""
    demand = demand_from_events(traffic(offer=Offer("anthropic", "us", "opus")))
    plan = make_plan(demand, [], frame_of())
    (item,) = plan.workloads
    assert item.shares[0].offer.scope == "us"
    assert any(out.offer.surface == "vertex" for out in item.excluded)  # sold there only globally
    residency = next(reason for reason in item.reasons if "served in" in reason.constraint)
    assert residency.shadow_price * 11 == item.cost
    region = plan.levers[LEVERS.index("region_scope")]
    assert region.step == Money(0)
    assert region.closed is not None
    assert region.closed * 11 == plan.baseline
    free = make_plan(demand, [Requirement("chat", scopes=("us", "global"))], frame_of())
    assert free.workloads[0].shares[0].offer.scope == "global"
    assert free.cost * 11 == item.cost * 10


def test_another_model_is_taken_only_if_it_is_allowed() -> None:
    demand = demand_from_events(traffic())
    assert {s.offer.model for w in make_plan(demand, [], frame_of()).workloads for s in w.shares} == {"opus"}
    opened = make_plan(demand, [Requirement("chat", models=("haiku",))], frame_of())
    assert opened.workloads[0].shares[0].offer.model == "haiku"
    assert opened.cost * 5 == make_plan(demand, [], frame_of()).cost
    assert opened.route_table().find("chat", "opus") is not None
    assert "tokenizers" in opened.levers[LEVERS.index("model")].reason


def test_contracts_are_a_lever_of_their_own() -> None:
    """A contract at half the list price on the surface in use: the contract step takes half of what is left."""
    listed = BookMarket(book_of(), AT)
    cells = (
        *[c for c in CELLS if c.surface != "anthropic"],
        *sold("anthropic/global/opus/standard", "2.5 12.5 0.25 3.125 5"),
    )
    frame = frame_of(cells)
    plan = make_plan(demand_from_events(traffic()), [], frame, Prices(frame.market, listed))
    steps = {lever.name: lever.step for lever in plan.levers}
    assert steps["contract"] == plan.cost
    assert plan.baseline == steps["cache_life"] + steps["contract"] + plan.cost


def test_a_forbidden_surface_never_appears() -> None:
    plan = make_plan(demand_from_events(traffic()), [Requirement("chat", surfaces=("bedrock",))], frame_of())
    offers = [target.offer for route in plan.route_table().routes for target in route.targets]
    assert {offer.surface for offer in offers} == {"bedrock"}


def test_a_price_that_is_not_confirmed_is_shown_and_never_counted() -> None:
    cells = (
        *sold("anthropic/global/opus/standard", OPUS),
        *sold("vertex/global/opus/standard", "1 5 0.1 1.25 2", status="unconfirmed"),
    )
    plan = make_plan(demand_from_events(traffic()), [], frame_of(cells))
    (item,) = plan.workloads
    assert item.shares[0].offer == HOME
    assert [out.claim_ids for out in item.excluded if out.offer.surface == "vertex"] == [
        ("claim:vertex/global/opus/standard",)
    ]


def test_capabilities_retirements_and_windows_exclude_with_their_claims() -> None:
    needs = {("bedrock", "*", "web_search"): Verdict(Answer.NO, ("claim:tool",))}
    leaves = (Retirement("vertex", "opus", date(2026, 5, 1), claim_ids=("claim:end",)),)
    demand = demand_from_events([turn(0, Usage(input=10, web_search=1))])
    cells = (*CELLS, *[search_fee(cell) for cell in CELLS if cell.unit == "input" and cell.model == "opus"])
    plan = make_plan(demand, [], frame_of(cells, Facts(capabilities=needs, retirements=leaves)))
    reasons = {out.offer.surface: (out.reason, out.claim_ids) for out in plan.workloads[0].excluded}
    assert reasons["bedrock"] == ("web_search is not offered there", ("claim:tool",))
    assert reasons["vertex"] == ("the surface retires the model on 2026-05-01", ("claim:end",))


def search_fee(cell: HandCell) -> HandCell:
    """The same cell as a fee of one cent per search."""
    return replace(cell, id=cell.id + "/search", unit="web_search", rate_picos=10**10, amount_usd=Decimal("0.01"))


def test_a_retirement_after_the_horizon_becomes_a_checkpoint() -> None:
    leaves = (Retirement("anthropic", "opus", date(2026, 9, 1), claim_ids=("claim:end",)),)
    plan = make_plan(demand_from_events(traffic()), [], frame_of(facts=Facts(retirements=leaves)))
    assert [(c.due, c.claim_ids) for c in plan.checkpoints] == [(date(2026, 9, 1), ("claim:end",))]
    assert "claim:end" in plan.claim_ids


def test_a_quota_at_the_measured_peak_moves_or_divides_and_has_a_shadow_price() -> None:
    """Vertex costs twice; anthropic admits 6,000 of the 11,000 input tokens of the busiest minute."""
    cells = (*sold("anthropic/global/opus/standard", OPUS), *sold("vertex/global/opus/standard", "10 50 1 12.5 20"))
    events = [turn(0, Usage(input=11_000), session="")]
    plan = make_plan(demand_from_events(events), [], frame_of(cells, Facts(quotas=(quota(6_000),))))
    shares = {share.offer.surface: share.percent for share in plan.workloads[0].shares}
    assert shares == {"anthropic": 54, "vertex": 46}  # 54 % of 11,000 is 5,940, 55 % would be 6,050
    assert plan.cost == Money.from_usd("0.055") + Money.from_usd("0.00055") * 46
    assert [(r.shadow_price, r.claim_ids) for r in plan.reasons] == [(Money.from_usd("0.00055") * 46, ("claim:quota",))]
    assert plan.remainder == -plan.reasons[0].shadow_price
    broken = plan.broken
    assert [(f.subject, f.peak, f.limit, f.claim_ids) for f in broken] == [
        ("chat/opus", 11_000, 6_000, ("claim:quota",))
    ]


def test_quotas_are_kept_in_the_minute_they_share_not_in_the_sum_of_peaks() -> None:
    """Two workloads peak at 6,000 in different minutes: a quota of 6,000 holds both."""
    events = [
        turn(0, Usage(input=6_000), workload="a", session=""),
        turn(120, Usage(input=6_000), workload="b", session=""),
    ]
    plan = make_plan(demand_from_events(events), [], frame_of(facts=Facts(quotas=(quota(6_000),))))
    assert [share.offer for item in plan.workloads for share in item.shares] == [HOME, HOME]
    assert plan.broken == ()


def test_quotas_that_no_placement_keeps_are_findings() -> None:
    quotas = tuple(quota(1_000, surface) for surface in ("anthropic", "bedrock", "vertex"))
    plan = make_plan(demand_from_events(traffic()), [], frame_of(facts=Facts(quotas=quotas)))
    assert [finding.subject for finding in plan.broken].count("the plan") >= 1


def test_an_unknown_quota_is_said_to_be_unknown() -> None:
    plan = make_plan(demand_from_events(traffic()), [], frame_of())
    assert [(f.limit, f.breaks) for f in plan.quotas] == [(None, False)]


def test_a_demand_without_an_offer_raises_and_says_why() -> None:
    with pytest.raises(NoPrice, match="no offer meets what chat/opus needs"):
        make_plan(demand_from_events(traffic()), [Requirement("chat", surfaces=("foundry",))], frame_of())


def test_wrong_input_names_the_remedy() -> None:
    with pytest.raises(UserError, match="demand"):
        make_plan((), [], frame_of())
    with pytest.raises(UserError, match="use one of chat"):
        make_plan(demand_from_events(traffic()), [Requirement("chta")], frame_of())


def test_the_route_table_carries_weights_and_fallbacks_and_replaces_the_file_whole(tmp_path: Path) -> None:
    table = make_plan(demand_from_events(traffic()), [], frame_of()).route_table()
    route = table.find("chat", "opus")
    assert route is not None
    assert [(t.offer.surface, t.weight, t.cache_ttl) for t in route.targets] == [
        ("anthropic", 100, "1h"),
        ("bedrock", 0, "1h"),
        ("vertex", 0, "1h"),
    ]
    path = tmp_path / "routes.json"
    path.write_text("old")
    write_routes(table, path)
    assert RouteTable.from_json(path.read_text()) == table
    assert [found.name for found in tmp_path.iterdir()] == ["routes.json"]
    assert json.loads(path.read_text())["version"] == table.version


surfaces = st.sampled_from(["anthropic", "bedrock", "vertex"])


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[UsageEvent], Facts]:
    """Two workloads on any surfaces, with gaps of any length, and any quotas."""
    events = []
    for workload in ("a", "b"):
        for _ in range(draw(st.integers(1, 8))):
            offer = Offer(draw(surfaces), "global", "opus")
            usage = Usage(*(draw(st.integers(0, 5000)) for _ in range(5)))
            events.append((draw(st.integers(0, 9000)), usage, offer, workload, draw(st.sampled_from("xy"))))
    events.sort(key=lambda item: item[0])
    quotas = tuple(quota(draw(st.integers(0, 20_000)), draw(surfaces)) for _ in range(draw(st.integers(0, 3))))
    return [turn(at, use, offer=o, workload=w, session=w + s) for at, use, o, w, s in events], Facts(quotas=quotas)


def adds_up(plan: Plan) -> bool:
    return sum((lever.step for lever in plan.levers), Money(0)) + plan.remainder == plan.saving


@settings(max_examples=120, deadline=None)
@given(plans())
def test_levers_add_up_and_no_lever_costs(drawn: tuple[list[UsageEvent], Facts]) -> None:
    events, facts = drawn
    plan = make_plan(demand_from_events(events), [], frame_of(facts=facts), parts=10)
    assert adds_up(plan)
    assert all(lever.alone.picos >= 0 and lever.step.picos >= 0 for lever in plan.levers)
    assert sum((item.baseline for item in plan.workloads), Money(0)) == plan.baseline
    assert sum((item.cost for item in plan.workloads), Money(0)) == plan.cost


@settings(max_examples=60, deadline=None)
@given(plans())
def test_twice_the_demand_without_quotas_costs_twice(drawn: tuple[list[UsageEvent], Facts]) -> None:
    demands = demand_from_events(drawn[0])
    once = make_plan(demands, [], frame_of())
    twice = make_plan([demand.scaled(2) for demand in demands], [], frame_of())
    assert (twice.cost, twice.baseline) == (once.cost * 2, once.baseline * 2)
    assert [lever.step for lever in twice.levers] == [lever.step * 2 for lever in once.levers]


@settings(max_examples=60, deadline=None)
@given(plans())
def test_another_surface_never_raises_the_cost(drawn: tuple[list[UsageEvent], Facts]) -> None:
    demands = demand_from_events(drawn[0])
    wider = (*CELLS, *sold("foundry/global/opus/standard", "4 20 0.4 5 8"))
    assert make_plan(demands, [], frame_of(wider)).cost <= make_plan(demands, [], frame_of()).cost


def test_a_divided_amount_is_rounded_once_half_to_even() -> None:
    assert [round_half_even(n, 4) for n in (4, 5, 6, 7, 10)] == [1, 1, 2, 2, 2]
