"""What another cache life or a division really does, by the lab's prompt cache, which shares no code with the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from plan.market import START, turn
from trivium.core import Usage
from trivium.lab.cache import TTL_S, Breakpoint, PromptCache
from trivium.plan import Demand, demand_from_events


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: when, in which session, and how many tokens it adds to the conversation."""

    at_s: int
    session: str
    tokens: int


def billed(turns: Sequence[Turn], life: str, *, shared_tokens: int, surface_of: dict[str, str]) -> list[Usage]:
    """What the lab bills: every conversation grows by a block a turn on a first block that all sessions share."""
    cache = PromptCache()
    blocks: dict[str, list[tuple[bytes, int]]] = {}
    found = []
    for number, item in enumerate(turns):
        mine = blocks.setdefault(item.session, [(b"system", shared_tokens)] if shared_tokens else [])
        mine.append((f"{item.session}{number}".encode(), item.tokens))
        hashes, tokens, total, name = [], [], 0, b""
        for block, count in mine:
            name, total = name + b"/" + block, total + count
            hashes.append(name)
            tokens.append(total)
        at = START + timedelta(seconds=item.at_s)
        points = [Breakpoint(position, TTL_S[life]) for position in {0, len(mine) - 1}]
        owner = (surface_of.get(item.session, "one"),)
        seen = cache.look_up(owner, hashes, tokens, sorted(points, key=lambda p: p.position), 0, at)
        cache.commit(owner, seen, at)
        found.append(Usage(seen.input, 1, seen.read, seen.write_5m, seen.write_1h))
    return found


def demand_of(turns: Sequence[Turn], usages: Sequence[Usage]) -> Demand:
    events = [turn(item.at_s, usage, session=item.session) for item, usage in zip(turns, usages, strict=True)]
    (demand,) = demand_from_events(events)
    return demand


def read_under(demand: Demand, life: str, *, divided: bool = False) -> int:
    return sum(row.with_life(life, divided=divided).cache_read or 0 for row in demand.rows)


def reads(usages: Sequence[Usage]) -> int:
    return sum(usage.cache_read or 0 for usage in usages)


turns = st.lists(
    st.builds(Turn, st.integers(0, 12_000), st.sampled_from("abc"), st.integers(1, 4000)), min_size=1, max_size=16
).map(lambda found: sorted(found, key=lambda item: item.at_s))


@given(turns)
def test_an_hour_of_life_reads_exactly_what_five_minutes_of_bills_predict(drawn: list[Turn]) -> None:
    demand = demand_of(drawn, billed(drawn, "5m", shared_tokens=0, surface_of={}))
    assert read_under(demand, "5m") == reads(billed(drawn, "5m", shared_tokens=0, surface_of={}))
    assert read_under(demand, "1h") == reads(billed(drawn, "1h", shared_tokens=0, surface_of={}))


@given(turns)
def test_five_minutes_of_life_read_exactly_what_an_hour_of_bills_predicts(drawn: list[Turn]) -> None:
    demand = demand_of(drawn, billed(drawn, "1h", shared_tokens=0, surface_of={}))
    assert read_under(demand, "1h") == reads(billed(drawn, "1h", shared_tokens=0, surface_of={}))
    assert read_under(demand, "5m") == reads(billed(drawn, "5m", shared_tokens=0, surface_of={}))


@given(turns, st.dictionaries(st.sampled_from("abc"), st.sampled_from(["one", "two"])))
def test_dividing_sessions_loses_no_more_than_the_plan_prices(drawn: list[Turn], places: dict[str, str]) -> None:
    """Prefixes that sessions share are counted as lost; the lab, with sessions divided anyhow, loses at most that."""
    demand = demand_of(drawn, billed(drawn, "5m", shared_tokens=3000, surface_of={}))
    assert read_under(demand, "5m", divided=True) <= reads(billed(drawn, "5m", shared_tokens=3000, surface_of=places))


@given(turns)
def test_with_shared_prefixes_an_hour_reads_at_least_what_is_predicted(drawn: list[Turn]) -> None:
    demand = demand_of(drawn, billed(drawn, "5m", shared_tokens=3000, surface_of={}))
    assert read_under(demand, "1h") <= reads(billed(drawn, "1h", shared_tokens=3000, surface_of={}))
