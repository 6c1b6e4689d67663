"""The most that can go round a network of money, and the range of each commitment over all optimal routings.

A circulation f with 0 ≤ f ≤ w and conservation at every party; maximal netting as in Fleischman and Dini (JRFM 14:452,
2021). Its matrix is totally unimodular, so with whole amounts an optimum in whole amounts exists and so do whole
multipliers: HiGHS finds both in floats, they are rounded, and what is printed is checked in integers. Equality of the
two objectives is the proof. The second objective of a range is weighed below one unit of the first, so that it chooses
among optimal routings only and the matrix stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any

from trivium.capital._extra import needed
from trivium.capital.flow._pairs import COMMIT, INVEST
from trivium.capital.flow._values import Circulation, Edge, Returned
from trivium.core import TriviumError

_UNITS_MAX = 10**7  # far below where a float or a solver's tolerance loses a unit
_ROUND_USD = 10**6


class NotProved(TriviumError):
    """A solver's answer that could not be proved in integers; nothing is reported from it."""


@dataclass(frozen=True, slots=True)
class _Arc:
    payer: str
    receiver: str
    head: str
    units: int


@dataclass(frozen=True)
class Network:
    """Edges gathered by payer, receiver and head, in whole units of `unit_usd`. Solutions are remembered."""

    arcs: tuple[_Arc, ...]
    unit_usd: int
    parties: tuple[str, ...]
    _matrix: list[Any] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> Network:
        """The network of some edges; exact where amounts have a common unit, else in whole millions of USD."""
        gathered: dict[tuple[str, str, str], int] = {}
        for edge in edges:
            key = (edge.payer, edge.receiver, edge.head)
            gathered[key] = gathered.get(key, 0) + edge.usd
        unit = gcd(*gathered.values()) or 1
        if max(gathered.values(), default=0) // unit > _UNITS_MAX:
            unit = _ROUND_USD
        arcs = tuple(_Arc(*key, _nearest(usd, unit)) for key, usd in sorted(gathered.items()))
        parties = sorted({name for arc in arcs for name in (arc.payer, arc.receiver)})
        return cls(arcs, unit, tuple(parties))

    def best(self, worth: Sequence[int]) -> tuple[int, ...]:
        """The units on each arc that make the sum of worth times units greatest. NotProved if no proof was found."""
        if not self.arcs:
            return ()
        optimize: Any = needed("scipy.optimize", "circulation")
        answer = optimize.linprog(
            [-value for value in worth],
            A_eq=self._conservation(),
            b_eq=[0] * len(self.parties),
            bounds=[(0, arc.units) for arc in self.arcs],
            method="highs-ds",
        )
        if answer.status != 0:
            raise NotProved(f"no circulation was found: {answer.message}")
        units = tuple(round(value) for value in answer.x)
        price = dict(zip(self.parties, (round(-value) for value in answer.eqlin.marginals), strict=True))
        self._prove(worth, units, price)
        return units

    def _conservation(self) -> Any:
        if not self._matrix:
            numpy: Any = needed("numpy", "circulation")
            place = {name: number for number, name in enumerate(self.parties)}
            matrix = numpy.zeros((len(self.parties), len(self.arcs)))
            for number, arc in enumerate(self.arcs):
                matrix[place[arc.payer], number] -= 1
                matrix[place[arc.receiver], number] += 1
            self._matrix.append(matrix)
        return self._matrix[0]

    def _prove(self, worth: Sequence[int], units: Sequence[int], price: dict[str, int]) -> None:
        """Whole units that are feasible, and whole multipliers whose bound they reach, are an optimum."""
        balance = dict.fromkeys(self.parties, 0)
        reached = bound = 0
        for arc, value, count in zip(self.arcs, worth, units, strict=True):
            balance[arc.payer] -= count
            balance[arc.receiver] += count
            reached += value * count
            bound += arc.units * max(0, value + price[arc.payer] - price[arc.receiver])
            if not 0 <= count <= arc.units:
                raise NotProved(f"{arc.payer} -> {arc.receiver}: {count} of {arc.units} units")
        if any(balance.values()) or reached != bound:
            raise NotProved(f"the solver's optimum could not be proved: {reached} against a bound of {bound}")


def circulation(edges: Sequence[Edge], makers: frozenset[str] = frozenset()) -> Circulation:
    """The maximum circulation of some edges, and each commitment's range; `makers` are the model makers.

    UserError without the extra `capital`; NotProved.
    """
    net = Network.of(edges)
    arcs = net.arcs
    unit = net.unit_usd
    everything = [1] * len(arcs)
    invested = [int(arc.head == INVEST) for arc in arcs]
    in_makers = [int(arc.head == INVEST and arc.receiver in makers) for arc in arcs]

    def most(worth: Sequence[int]) -> int:
        return sum(value * count for value, count in zip(worth, net.best(worth), strict=True)) if any(worth) else 0

    return Circulation(
        total_usd=sum(arc.units for arc in arcs) * unit,
        circulating_usd=most(everything) * unit,
        invested_usd=sum(arc.units for arc in arcs if arc.head == INVEST) * unit,
        returned_usd=most(invested) * unit,
        into_makers_usd=sum(arc.units for arc in arcs if arc.head == INVEST and arc.receiver in makers) * unit,
        makers_returned_usd=most(in_makers) * unit,
        commitments=_ranges(net, invested),
        unit_usd=unit if unit == _ROUND_USD and any(edge.usd % unit for edge in edges) else 1,
    )


def _ranges(net: Network, invested: Sequence[int]) -> tuple[Returned, ...]:
    """Each commitment's least and greatest part in the routings that return most of what was invested."""
    found = []
    for number, arc in enumerate(net.arcs):
        if arc.head != COMMIT or not arc.units:
            continue
        first = arc.units + 1  # one unit more returned outweighs the whole commitment
        ends = [
            net.best([first * value + sign * (place == number) for place, value in enumerate(invested)])[number]
            for sign in (-1, 1)
        ]
        if ends[1]:
            usd = net.unit_usd
            found.append(Returned(arc.payer, arc.receiver, arc.units * usd, ends[0] * usd, ends[1] * usd))
    return tuple(sorted(found, key=lambda one: (-one.committed_usd, one.payer, one.receiver)))


def most_returned(edges: Sequence[Edge]) -> tuple[int, int]:
    """The maximum circulation over all edges and the most of what was invested that comes back, in USD."""
    net = Network.of(edges)

    def most(counts: Callable[[_Arc], bool]) -> int:
        worth = [int(counts(arc)) for arc in net.arcs]
        if not any(worth):
            return 0
        return sum(value * count for value, count in zip(worth, net.best(worth), strict=True)) * net.unit_usd

    return most(lambda _: True), most(lambda arc: arc.head == INVEST)


def _nearest(usd: int, unit: int) -> int:
    """The nearest whole number of units, half to even."""
    whole, rest = divmod(usd, unit)
    return whole + (2 * rest > unit or (2 * rest == unit and whole % 2 == 1))
