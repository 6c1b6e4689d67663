"""What runs now is priced where it runs, and quotas are held at what a month costs, whatever the spans measured."""

from dataclasses import replace
from fractions import Fraction

import pytest

from decide.orgs import demands, given, organisation
from trivium.core import Offer
from trivium.plan._facts import Quota
from trivium.plan.decide._choose import choose
from trivium.plan.decide._parts import parts_of
from trivium.plan.decide._quota import hold
from trivium.plan.decide._ways import Way
from trivium.plan.org import Workload


def test_what_runs_now_is_priced_where_it_runs_although_its_needs_no_longer_admit_it() -> None:
    free = choose(given())
    tied = choose(given(organisation(workloads={"agents": Workload(surfaces=("vertex",))})))
    row = next(n for n, part in enumerate(tied.framed.parts) if part.workload == "agents")
    same = next(n for n, part in enumerate(free.framed.parts) if part.workload == "agents")
    assert tied.now.unit_usd[row] == pytest.approx(free.now.unit_usd[same])


def test_the_part_whose_month_moves_for_less_gives_way_to_a_quota() -> None:
    """A span of a day and one of a month: 10 picos more of the first are 300 a month, 100 of the other are 100."""
    parts = parts_of(organisation(), tuple(replace(d, minutes=demands()[0].minutes[:1]) for d in demands()))
    models = [part.model for part in parts]

    def way(surface: str, model: str, span: int, month: int) -> Way:
        return Way(Offer(surface, "global", model), "5m", Fraction(span), month / 1e12, ())

    short = (way("bedrock", models[0], 1_000, 30_000), way("vertex", models[0], 1_010, 30_300))
    long = (way("bedrock", models[1], 1_000, 1_000), way("vertex", models[1], 1_100, 1_100))
    used = parts[0].demand.minutes[0].requests
    quota = Quota("one of them", "bedrock", "rpm", used, {"requests": 1})
    held = hold(parts, (short[0], long[0]), (short, long), (quota,))
    assert held.repaired
    assert [[(w.offer.surface, share) for w, share in mine] for mine in held.shares] == [
        [("bedrock", 100)],
        [("vertex", 100)],
    ]
    assert held.placement is not None
    saved = held.placement.solution.cost - held.placement.cost_without(0)
    assert saved / held.placement.problem.parts == pytest.approx(100)
