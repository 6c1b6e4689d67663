"""A route table from stages: weights, fallbacks and the cache life of each."""

from datetime import date

from trivium.core import Offer
from trivium.plan.decide._routes import routes_from
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
