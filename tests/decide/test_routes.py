"""A route table from stages: weights, fallbacks and the cache life of each."""

from datetime import date

from plan.market import AT, HOME, book_of, turn
from trivium.core import Money, Offer, Route, RouteTable, Target, Usage
from trivium.plan import demand_from_events
from trivium.plan.decide._routes import Unrouted, dry_run, routes_from, unrouted
from trivium.plan.decision import Stage

MODEL = "claude-opus-5"
HERE, THERE, ELSE = (Offer(name, "global", MODEL) for name in ("bedrock", "vertex", "foundry"))
FIRST, LATER = date(2026, 11, 20), date(2027, 5, 20)


def stage(offer: Offer, life: str, share: float, first: date = FIRST) -> Stage:
    return Stage("agents", MODEL, offer, life, first, first, share, 1.0)


def test_a_fallback_has_the_cache_life_that_is_cheapest_there() -> None:
    table = routes_from([stage(HERE, "1h", 100)], {("agents", MODEL): [(THERE, "5m"), (HERE, "1h")]}, "v")
    targets = table.routes[0].targets
    assert [(t.offer, t.weight, t.cache_ttl) for t in targets] == [(HERE, 100, "1h"), (THERE, 0, "5m")]


def test_only_the_first_months_stages_are_routed_and_weights_are_of_what_does_not_wait() -> None:
    batch = Offer("bedrock", "global", MODEL, "batch")
    told = [stage(HERE, "5m", 45), stage(THERE, "5m", 15), stage(batch, "5m", 40), stage(ELSE, "5m", 100, LATER)]
    targets = routes_from(told, {}, "v").routes[0].targets
    # 45 and 15 of the 60 that do not wait
    assert [(t.offer, t.weight) for t in targets] == [(HERE, 75), (THERE, 25)]


def test_a_dry_run_counts_what_no_route_leads_anywhere_as_refused_and_in_neither_amount() -> None:
    """A million tokens of input at 5 USD here and there; what `lost` asked for, 2 million, stays out of both."""
    events = [turn(0, Usage(input=1_000_000))]
    events += [turn(60 + n, Usage(input=1_000_000), workload="lost") for n in range(2)]
    demands = demand_from_events(events)
    there = Offer("bedrock", "global", "opus")
    table = RouteTable((Route("chat", "opus", (Target(there, 100),)),))
    found = dry_run(demands, table, book_of(), AT)
    assert found.refused == (Unrouted("lost", "opus", 2),)
    five = Money.from_usd("5")
    assert (found.requests, found.moved, found.before, found.after) == (1, 1, five, five)


def test_a_default_route_leads_everything_somewhere() -> None:
    demands = demand_from_events([turn(0, Usage(input=1)), turn(1, Usage(input=1), workload="lost")])
    assert unrouted(demands, RouteTable((Route("*", "*", (Target(HOME, 1),)),))) == ()


def test_what_is_planned_as_batches_alone_has_no_route_and_is_named() -> None:
    demands = demand_from_events([turn(0, Usage(input=1), workload="agents", offer=Offer("bedrock", "global", MODEL))])
    batch = Offer("bedrock", "global", MODEL, "batch")
    assert unrouted(demands, routes_from([stage(batch, "5m", 100)], {}, "v")) == (Unrouted("agents", MODEL, 1),)
