"""The values of circular flow: edges of money, round trips, cycles, and what can be routed back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Edge:
    """Money from a payer to a receiver in whole USD, from a deal. `head`: invest, commit, lend or revenue share.

    `stage` is how far the deal had come; `conditional`: it is paid in stages, on conditions.
    """

    deal: str
    payer: str
    receiver: str
    head: str
    usd: int
    stage: str = ""
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A buyer's commitments to a supplier and the supplier's investments in the buyer, in USD, with their deals.

    `conditional_usd` is the part of what is invested that is paid in stages, on conditions. `stages` are those of the
    rows, the weakest first.
    `also_usd` is what the supplier commits to pay the buyer for purchases of its own: with it counted as a return, the
    ratio is `ratio_with_purchases`.
    """

    buyer: str
    supplier: str
    committed_usd: int
    invested_usd: int
    also_usd: int
    deals: tuple[str, ...]
    conditional_usd: int = 0
    stages: tuple[str, ...] = ()

    @property
    def ratio(self) -> Fraction:
        """Invested by the supplier in the buyer over committed by the buyer to the supplier."""
        return Fraction(self.invested_usd, self.committed_usd)

    @property
    def ratio_with_purchases(self) -> Fraction:
        """The same with the supplier's own purchases counted as money that comes back."""
        return Fraction(self.invested_usd + self.also_usd, self.committed_usd)


@dataclass(frozen=True, slots=True)
class Cycle:
    """An elementary cycle: each party pays the next, the last pays the first; the bottleneck is its smallest edge."""

    parties: tuple[str, ...]
    bottleneck_usd: int
    narrowest: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Returned:
    """How much of a commitment can be investment that came round, over all routings that return the most in all."""

    payer: str
    receiver: str
    committed_usd: int
    low_usd: int
    high_usd: int

    @property
    def low(self) -> Fraction:
        """The least share of the commitment."""
        return Fraction(self.low_usd, self.committed_usd)

    @property
    def high(self) -> Fraction:
        """The greatest share of the commitment."""
        return Fraction(self.high_usd, self.committed_usd)


@dataclass(frozen=True, slots=True)
class Circulation:
    """The most that can go round, in USD; `unit_usd` is what amounts were rounded to (1: they are exact).

    `total_usd` is all money that moves. `circulating_usd` counts a dollar on every edge that it passes. `invested_usd`
    is what investors put in and `returned_usd` the most of it that can come back to some investor through the network;
    `into_makers_usd` and `makers_returned_usd` are the same for investments in model makers. Every optimum was proved
    by an integer dual solution.
    """

    total_usd: int
    circulating_usd: int
    invested_usd: int
    returned_usd: int
    into_makers_usd: int
    makers_returned_usd: int
    commitments: tuple[Returned, ...]
    unit_usd: int


@dataclass(frozen=True, slots=True)
class Year:
    """What falls due in a calendar year, in USD: in all, invested, and the most of that which can come back."""

    year: int
    total_usd: int
    circulating_usd: int
    invested_usd: int
    returned_usd: int


@dataclass(frozen=True, slots=True)
class NullModel:
    """The cycles of the ledger among networks of the same degrees, rewired at random.

    `at_least` of `samples` rewired networks had as many cycles; `p` counts the ledger's own as one of them.
    """

    cycles: int
    samples: int
    mean: float
    at_least: int
    seed: int

    @property
    def p(self) -> float:
        """The share of networks with as many cycles, the ledger's own included."""
        return (self.at_least + 1) / (self.samples + 1)


@dataclass(frozen=True, slots=True)
class Flow:
    """Who pays whom, and what comes round. `counted_twice_usd` lies inside other rows that are counted as well.

    `left_out` names deals that are no edge, and why. `assumed` is what all figures rest on beyond the rows;
    `schedules_assumed` what years and present values rest on besides.
    """

    edges: tuple[Edge, ...]
    round_trips: tuple[RoundTrip, ...]
    cycles: tuple[Cycle, ...]
    circulation: Circulation
    years: tuple[Year, ...]
    counted_twice_usd: int
    left_out: tuple[tuple[str, str], ...]
    assumed: tuple[str, ...]
    schedules_assumed: tuple[str, ...]
