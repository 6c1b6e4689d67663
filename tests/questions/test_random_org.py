"""The generator of random organisations: the same for a seed, consistent with itself, quick, and varied."""

from __future__ import annotations

from functools import lru_cache

from questions.random_org import Pool, pool, random_organisation
from questions.support import AT, snapshot


@lru_cache(maxsize=1)
def _pool() -> Pool:
    return pool(snapshot(), AT)


def test_the_same_seed_draws_the_same_organisation() -> None:
    assert random_organisation(_pool(), 7) == random_organisation(_pool(), 7)
    assert random_organisation(_pool(), 7) != random_organisation(_pool(), 8)


def test_minutes_and_rows_tell_of_the_same_tokens() -> None:
    for seed in range(200):
        for demand in random_organisation(_pool(), seed)[1]:
            assert sum(row.requests for row in demand.rows) == sum(minute.requests for minute in demand.minutes)
            assert sum(row.cached for row in demand.rows) == sum(minute.cached for minute in demand.minutes)
            assert sum(row.joined_1h for row in demand.rows) == sum(minute.joined_1h for minute in demand.minutes)
            assert all(minute.joined_5m <= minute.joined_1h <= minute.cached for minute in demand.minutes)


def test_a_thousand_seeds_draw_every_kind_of_requirement() -> None:
    drawn = [random_organisation(_pool(), seed)[0] for seed in range(1000)]
    needs = [workload.needs for one in drawn for workload in one.workloads.values()]
    assert {name for need in needs for name in need.attestations} >= {"hipaa_baa", "fedramp_high", "dod_il4"}
    assert {need.geography for need in needs} == {"", "us", "eu", "jp"}
    assert any(one.contracts for one in drawn)
    assert any(one.about.surfaces for one in drawn)


def test_what_the_organisation_rules_out_no_workload_names() -> None:
    for seed in range(300):
        drawn = random_organisation(_pool(), seed)[0]
        allowed = set(drawn.about.surfaces)
        assert all(not allowed or set(workload.surfaces) <= allowed for workload in drawn.workloads.values())
