"""Circular flow: the figures of the ledger's first edition as exact sums, and properties on random networks."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.capital._extra import needed
from trivium.capital.deals import DealLedger, read_deals
from trivium.capital.flow import (
    Edge,
    Flow,
    Network,
    NotProved,
    Worth,
    circular_flow,
    circulation,
    elementary_cycles,
    money_edges,
    null_model,
    pair_weights,
    pass_through,
    round_trips,
)
from trivium.catalog import load
from trivium.core import UserError

FIRST, NOW = date(2026, 6, 28), date(2026, 11, 25)
BN = 10**9


@cache
def first() -> DealLedger:
    """The ledger as it stood on 2026-06-28: 67 rows."""
    return read_deals(load().snapshot(FIRST), entered_by=FIRST)


@cache
def flow() -> Flow:
    return circular_flow(first(), Worth(FIRST))


@cache
def later() -> Flow:
    return circular_flow(read_deals(load().snapshot(NOW)), Worth(NOW))


def bn(text: str) -> int:
    return int(Decimal(text) * BN)


@pytest.mark.parametrize(
    ("buyer", "supplier", "committed", "invested"),
    [
        ("Anthropic", "Amazon", "100", ["8", "5", "20"]),
        ("Anthropic", "Google", "200", ["3", "10", "30"]),
        ("Anthropic", "Microsoft", "30", ["5"]),
        ("OpenAI", "Amazon", "138", ["15", "35"]),
        ("OpenAI", "Microsoft", "250", ["13.8"]),
    ],
)
def test_round_trips_of_the_first_edition_are_the_sums_of_their_rows(
    buyer: str, supplier: str, committed: str, invested: list[str]
) -> None:
    """.33, .215, .17, .36 and .055: invested by the supplier over committed by the buyer."""
    trip = next(one for one in flow().round_trips if (one.buyer, one.supplier) == (buyer, supplier))
    back = sum(map(bn, invested))
    assert (trip.committed_usd, trip.invested_usd) == (bn(committed), back)
    assert trip.ratio == Fraction(back, bn(committed))
    assert len(flow().round_trips) == 5


def test_a_round_trip_says_what_of_it_is_staged_and_how_firm_its_weakest_row_is() -> None:
    """Amazon's 33 are 13 paid and 20 on conditions; Google's purchase is a report."""
    found = {(one.buyer, one.supplier): one for one in flow().round_trips}
    assert found["Anthropic", "Amazon"].conditional_usd == bn("20")
    assert found["Anthropic", "Google"].conditional_usd == bn("30")
    assert found["Anthropic", "Google"].stages == ("announced", "reported", "contracted")
    assert found["OpenAI", "Microsoft"].stages == ("contracted",)


def test_microsofts_own_purchases_make_the_ratio_5_5_of_30() -> None:
    trip = next(one for one in flow().round_trips if (one.buyer, one.supplier) == ("Anthropic", "Microsoft"))
    assert trip.ratio_with_purchases == Fraction(bn("5.5"), bn("30"))
    assert round(float(trip.ratio_with_purchases), 3) == 0.183


def test_ten_elementary_cycles_and_eighteen_with_what_gpu_clouds_pass_on() -> None:
    assert len(flow().cycles) == 10
    modelled = circular_flow(first(), Worth(FIRST), modelled=pass_through(load().snapshot(FIRST)))
    assert len(modelled.cycles) == 18
    assert [text for text in modelled.assumed if "Microsoft" in text]


def test_each_cycle_has_its_bottleneck() -> None:
    found = {one.parties: one.bottleneck_usd for one in flow().cycles}
    assert found == {
        ("Amazon", "OpenAI"): bn("50"),
        ("Anthropic", "Google"): bn("43"),
        ("Amazon", "Anthropic"): bn("33"),
        ("NVIDIA", "OpenAI", "Oracle"): bn("30"),
        ("Microsoft", "OpenAI"): bn("13.8"),
        ("Amazon", "Anthropic", "Microsoft", "OpenAI"): bn("13.8"),
        ("Amazon", "OpenAI", "Oracle", "NVIDIA", "Anthropic"): bn("10"),
        ("Anthropic", "Microsoft", "OpenAI", "Oracle", "NVIDIA"): bn("10"),
        ("Anthropic", "Microsoft"): bn("5.5"),
        ("Amazon", "OpenAI", "Microsoft", "Anthropic"): bn("5.5"),
    }


def test_the_maximum_circulation_is_411_of_1766_billion() -> None:
    around = flow().circulation
    assert around.unit_usd == 1  # exact
    assert around.total_usd == bn("1766")
    assert around.circulating_usd == bn("410.6")
    assert flow().counted_twice_usd == bn("27") + bn("18")  # D081 and D083 lie inside D080


def test_of_215_billion_put_into_the_two_labs_185_can_come_back() -> None:
    """Into OpenAI 13.8 + 30 + 15 + 35 + 30, into Anthropic 5 + 10 + 8 + 5 + 20 + 3 + 10 + 30."""
    around = flow().circulation
    assert around.into_makers_usd == bn("123.8") + bn("91")
    assert around.makers_returned_usd == bn("184.8")
    assert around.returned_usd == bn("184.8")


@pytest.mark.parametrize(
    ("payer", "receiver", "committed", "low", "high"),
    [
        ("Anthropic", "Google", "200", "43", "43"),
        ("OpenAI", "Oracle", "300", "40", "40"),
        ("Anthropic", "Amazon", "100", "29.2", "48.5"),
        ("OpenAI", "Amazon", "138", "34.5", "53.8"),
        ("Anthropic", "Microsoft", "30", "0", "19.3"),
        ("OpenAI", "Microsoft", "250", "0", "19.3"),
    ],
)
def test_the_part_of_a_commitment_that_comes_round_is_a_range(
    payer: str, receiver: str, committed: str, low: str, high: str
) -> None:
    """.215 and .133 are identified; .292 to .485, .25 to .39 and 0 to .643 are not."""
    found = next(one for one in flow().circulation.commitments if (one.payer, one.receiver) == (payer, receiver))
    assert (found.committed_usd, found.low_usd, found.high_usd) == (bn(committed), bn(low), bn(high))


def test_later_rows_move_more_money_and_bring_no_more_of_it_back() -> None:
    """SpaceX's and Alphabet's raises and new purchases end outside; the rows of the two labs were restated only."""
    assert later().circulation.total_usd > flow().circulation.total_usd
    assert later().circulation.makers_returned_usd == bn("184.8")
    assert {"D103", "D108"} <= {edge.deal.removeprefix("deal.") for edge in later().edges}
    assert not {"D009", "D032"} & {edge.deal.removeprefix("deal.") for edge in later().edges}
    assert len(later().cycles) == 10


def test_a_share_of_revenue_is_money_that_flows_and_no_purchase_commitment() -> None:
    trip = next(one for one in later().round_trips if (one.buyer, one.supplier) == ("OpenAI", "Microsoft"))
    assert trip.committed_usd == bn("250")
    assert pair_weights(later().edges)["OpenAI", "Microsoft"] == bn("250") + bn("38")


def test_what_is_no_edge_is_left_out_with_its_reason() -> None:
    left = dict(flow().left_out)
    assert left["deal.D001"] == "a stake moves no cash"
    assert left["deal.D050"] == "a guarantee moves no cash"
    assert left["deal.D042"] == "its amount is not known"
    assert left["deal.D025"] == "programme target"
    assert dict(later().left_out)["deal.D094"] == "paid in shares of the buyer"
    assert len(left) + len(flow().edges) == 67 - 1  # all but D005, which D006 replaced


def test_years_add_up_to_the_whole_and_bring_back_no_more_than_it() -> None:
    years = flow().years
    assert abs(sum(year.total_usd for year in years) - bn("1766")) <= len(years) * len(flow().edges)  # cents rounded
    assert sum(year.returned_usd for year in years) <= flow().circulation.returned_usd
    only = circular_flow(first(), Worth(FIRST, year=2027))
    assert only.circulation.total_usd == pytest.approx(
        next(year.total_usd for year in years if year.year == 2027), abs=10**6 * len(only.edges)
    )
    assert only.years == ()


def test_present_values_are_discounted_from_the_middle_of_the_year_and_the_past_is_not() -> None:
    deal = first().deal("D043")  # 40 a year, 2027 to 2031
    worth = Worth(date(2027, 7, 1), Decimal("0.1"))
    exact = sum(40 * BN / 1.1 ** ((date(year, 7, 1) - date(2027, 7, 1)).days / 365.25) for year in range(2027, 2032))
    assert worth.of(deal) == pytest.approx(exact, abs=1)
    assert Worth(FIRST, Decimal("0.1")).of(first().deal("D034")) == bn("8")
    assert Worth(FIRST, Decimal(0)).of(deal) == bn("200")
    discounted = circular_flow(first(), Worth(FIRST, Decimal("0.08"))).circulation
    assert discounted.unit_usd == 10**6
    assert discounted.total_usd < bn("1766")
    assert discounted.returned_usd < bn("184.8")


@pytest.mark.parametrize("rate", ["1", "-1", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(UserError, match="rate"):
        Worth(FIRST, Decimal(rate))


PARTIES = "ABCDEF"
EDGES = st.lists(
    st.tuples(
        st.sampled_from(PARTIES),
        st.sampled_from(PARTIES),
        st.sampled_from(["invest", "commit", "lend"]),
        st.integers(1, 99),
    ).filter(lambda edge: edge[0] != edge[1]),
    max_size=14,
).map(lambda rows: [Edge(f"E{number}", *row) for number, row in enumerate(rows)])


@settings(max_examples=60, deadline=None)
@given(EDGES)
def test_a_circulation_takes_no_more_than_there_is_and_agrees_with_another_algorithm(edges: list[Edge]) -> None:
    """networkx's network simplex finds the same maximum on the same network."""
    found = circulation(edges, frozenset("AB"))
    assert 0 <= found.returned_usd <= found.invested_usd <= found.total_usd
    assert found.circulating_usd <= found.total_usd
    graph = nx.DiGraph()
    for number, edge in enumerate(edges):  # a party between, so that two edges of one pair stay two
        graph.add_edge(edge.payer, number, capacity=edge.usd, weight=-1)
        graph.add_edge(number, edge.receiver, capacity=edge.usd, weight=0)
    assert found.circulating_usd == (-nx.network_simplex(graph)[0] if edges else 0)
    for one in found.commitments:
        assert 0 <= one.low_usd <= one.high_usd <= one.committed_usd


@settings(max_examples=40, deadline=None)
@given(EDGES)
def test_cycles_are_closed_bounded_and_as_wide_as_their_narrowest_edge(edges: list[Edge]) -> None:
    weights = pair_weights(edges)
    found = elementary_cycles(edges)
    assert len({one.parties for one in found}) == len(found)
    for one in found:
        steps = list(pairwise((*one.parties, one.parties[0])))
        assert 2 <= len(one.parties) <= 5
        assert one.bottleneck_usd == min(weights[step] for step in steps) == weights[one.narrowest]


def test_a_ring_returns_its_bottleneck_and_a_line_nothing() -> None:
    ring = [Edge("1", "A", "B", "invest", 5), Edge("2", "B", "C", "commit", 9), Edge("3", "C", "A", "commit", 7)]
    found = circulation(ring)
    assert (found.circulating_usd, found.returned_usd) == (15, 5)
    assert [(one.low_usd, one.high_usd) for one in found.commitments] == [(5, 5), (5, 5)]
    assert circulation(ring[:2]).returned_usd == 0
    assert circulation([]).total_usd == 0


def test_two_ways_back_leave_each_commitment_a_range() -> None:
    """A puts 4 into B; B pays A 6 itself, or by way of C up to 3."""
    edges = [
        Edge("1", "A", "B", "invest", 4),
        Edge("2", "B", "A", "commit", 6),
        Edge("3", "B", "C", "commit", 3),
        Edge("4", "C", "A", "commit", 8),
    ]
    found = {(one.payer, one.receiver): (one.low_usd, one.high_usd) for one in circulation(edges).commitments}
    assert found == {("B", "A"): (1, 4), ("B", "C"): (0, 3), ("C", "A"): (0, 3)}


@settings(max_examples=40, deadline=None)
@given(EDGES)
def test_ranges_are_those_of_a_program_that_fixes_the_optimum(edges: list[Edge]) -> None:
    """The same two ends from linear programs in floats, with the most that is returned as a constraint."""
    found = circulation(edges)
    for one in found.commitments:
        low, high = _ends(edges, found.returned_usd, one.payer, one.receiver)
        assert (one.low_usd, one.high_usd) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def _ends(edges: list[Edge], returned: int, payer: str, receiver: str) -> list[float]:
    optimize, numpy = needed("scipy.optimize", "test"), needed("numpy", "test")
    balance = numpy.zeros((len(PARTIES), len(edges)))
    for number, edge in enumerate(edges):
        balance[PARTIES.index(edge.payer), number] -= 1
        balance[PARTIES.index(edge.receiver), number] += 1
    invested = [[-1.0 if edge.head == "invest" else 0.0 for edge in edges]]
    asked = [1.0 if (edge.payer, edge.receiver, edge.head) == (payer, receiver, "commit") else 0.0 for edge in edges]
    return [
        sign
        * optimize.linprog(
            [sign * value for value in asked],
            A_ub=invested,
            b_ub=[-returned + 1e-6],
            A_eq=balance,
            b_eq=[0.0] * len(PARTIES),
            bounds=[(0, edge.usd) for edge in edges],
            method="highs",
        ).fun
        for sign in (1, -1)
    ]


def test_amounts_of_odd_dollars_are_rounded_to_millions_and_say_so() -> None:
    odd = [Edge("1", "A", "B", "invest", 5 * BN + 1), Edge("2", "B", "A", "commit", 7 * BN)]
    found = circulation(odd)
    assert (found.unit_usd, found.returned_usd) == (10**6, 5 * BN)


def test_an_answer_that_cannot_be_proved_is_not_given() -> None:
    net = Network.of([Edge("1", "A", "B", "invest", 5), Edge("2", "B", "A", "commit", 7)])
    net._prove([0, 1], [5, 5], {"A": 0, "B": -1})  # (A, B) is worth 1: a bound of 5, and 5 are reached
    with pytest.raises(NotProved, match="could not be proved"):
        net._prove([0, 1], [4, 4], {"A": 0, "B": -1})
    with pytest.raises(NotProved, match="8 of 5"):
        net._prove([0, 1], [8, 8], {"A": 0, "B": -1})


def test_rewiring_keeps_degrees_and_a_seed_gives_the_same_answer() -> None:
    from trivium.capital.flow._null import _rewired

    numpy = needed("numpy", "test")
    pairs = sorted(pair_weights(flow().edges))
    rewired = _rewired(pairs, numpy.random.default_rng(3))
    assert rewired != pairs
    assert len(set(rewired)) == len(pairs)
    assert all(one != other for one, other in rewired)
    assert sorted(one for one, _ in rewired) == sorted(one for one, _ in pairs)
    assert sorted(other for _, other in rewired) == sorted(other for _, other in pairs)
    assert null_model(pairs, 20, 7) == null_model(pairs, 20, 7)
    assert null_model(pairs, 20, 7).cycles == 10


def test_a_ring_among_strangers_stands_out_and_chance_does_not() -> None:
    """A full ring of two-way pairs has the most cycles its degrees allow: none rewired has more."""
    pairs = [(one, other) for one in "ABC" for other in "ABC" if one != other]
    assert null_model(pairs, 30, 1).p == 1.0  # nothing else can be made of these degrees


def test_a_missing_package_is_named_with_its_extra() -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    with pytest.raises(UserError, match=r"networkx.*trivium\[capital\]"):
        needed("networkx", "cycles", absent)


def test_round_trips_need_no_extra_and_no_assumption() -> None:
    edges = money_edges(first().current, Worth(FIRST))
    assert {one.buyer for one in round_trips(edges)} == {"OpenAI", "Anthropic"}
