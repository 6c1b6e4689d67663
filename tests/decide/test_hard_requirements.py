"""No decision breaks a hard requirement: random organisations, judged by a checker that shares no code with the search.

`make test-slow` runs ten thousand; a few dozen run with every test.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache

import pytest

from questions.random_org import Pool, pool, random_organisation
from questions.support import AT, snapshot
from trivium.core import ROUTABLE_SURFACES, NoPrice, UserError
from trivium.plan.decide._choose import choose
from trivium.plan.decide._evidence import by_claims
from trivium.plan.decide._frame import Given, same_tokens
from trivium.plan.decide._stages import lost_from, stages, waiting_in
from trivium.plan.org import Onboarding
from trivium.plan.questions import check_plan
from trivium.pricing import PriceBook

PLACED, NOWHERE, TOO_NARROW = "placed", "no platform offers it", "cannot be spread out as wanted"


@lru_cache(maxsize=1)
def _world() -> tuple[Pool, PriceBook]:
    return pool(snapshot(), AT), PriceBook.from_snapshot(snapshot())


def judge(seed: int, *, blind: bool = False) -> tuple[str, tuple[str, ...]]:
    """How the organisation of a seed fares, and every violation. What a plan says is lost is not held against it.

    A `blind` plan is made as if every surface were open.
    """
    source, book = _world()
    organisation, demands = random_organisation(source, seed)
    done = dict.fromkeys(ROUTABLE_SURFACES, Onboarding(done=True))
    seen = replace(organisation, onboarding=done) if blind else organisation
    try:
        chosen = choose(Given(seen, demands, snapshot(), book, AT, by_claims(snapshot()), same_tokens))
    except NoPrice:
        return NOWHERE, ()
    except UserError as error:
        if "surfaces_min" not in error.field:
            raise
        return TOO_NARROW, ()
    framed, laid = chosen.framed, chosen.laid
    heirs = {framed.parts[number].model: heir for number, _, heir in framed.ways.followed if heir}
    quotas = framed.facts.quotas
    if any(h.placement and h.placement.solution.overrun(h.placement.problem) for h in chosen.held):
        quotas = ()  # no placement holds them all: the decision says by how much and asks for more
    found = check_plan(
        organisation,
        stages(framed.parts, laid, framed.starts),
        demands,
        snapshot(),
        quotas,
        heirs,
        lost_from(framed.parts, laid, framed.starts),
        waiting_in(framed.parts, laid, framed.starts),
    )
    return PLACED, tuple(f"seed {seed}: {item.kind} {item.workload} {item.offer}: {item.text}" for item in found)


def test_random_organisations_keep_every_hard_requirement() -> None:
    found = [judge(seed) for seed in range(60)]
    assert [text for _, texts in found for text in texts] == []
    assert sum(kind == PLACED for kind, _ in found) >= 40


def test_plans_that_do_not_wait_for_openings_are_caught() -> None:
    """The same organisations planned as if everything were open: else the test above would show nothing of openings."""
    found = [judge(seed, blind=True) for seed in range(30)]
    assert sum(any(": opening " in text for text in texts) for _, texts in found) >= 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_organisations_keep_every_hard_requirement() -> None:
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        found = list(workers.map(judge, range(10_000), chunksize=50))
    assert [text for _, texts in found for text in texts] == []
    assert sum(kind == PLACED for kind, _ in found) >= 8_000
