"""What a gigawatt, a dollar commitment or a number of chips buys: chips, tokens a year, USD per million tokens.

    chips         = watts / (watts per chip x facility overhead)
    tokens a year = chips x tokens/s x seconds of a year x utilisation
    USD a year    = cost of the capacity x r / (1 - (1 + r)^-life) + energy      (an annuity: capital recovery factor)
    USD per Mtok  = USD a year / tokens a year x 10^6

Every figure is a range: claims conflict by a factor of ten, and no platform publishes Claude's throughput. It is shown
and swept, and never enters a placement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace

from trivium.capital.capacity._evidence import Silicon
from trivium.capital.capacity._range import Range
from trivium.core import UserError

_SECONDS_A_YEAR = 365.25 * 86_400
_HOURS_A_YEAR = 365.25 * 24
_WATTS, _KW, _MTOK = 1e9, 1e6, 1e6  # of a gigawatt, of a gigawatt, tokens
CHOICES = ("gw", "usd", "chips")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What no claim says. Each is the reader's to change, and each is swept."""

    facility_overhead: Range = field(default=Range(1.1, 1.2, 1.4))  # power of the building over that of its racks (PUE)
    utilisation: Range = field(default=Range(0.2, 0.4, 0.7))  # tokens served over what the chips could serve all year
    life_years: Range = field(default=Range(4, 5, 6))  # over which the capacity is paid for
    capital_rate: Range = field(default=Range(0.06, 0.10, 0.15))  # a year, of what is tied up
    energy_usd_per_kwh: Range = field(default=Range(0.04, 0.06, 0.10))

    def __post_init__(self) -> None:
        if self.facility_overhead.low < 1:
            raise UserError("facility_overhead", self.facility_overhead.low, "give 1 or more: a building adds power")
        if self.utilisation.high > 1:
            raise UserError("utilisation", self.utilisation.high, "give a share up to 1")


@dataclass(frozen=True, slots=True)
class Buys:
    """What is bought on one kind of silicon at one cost of a gigawatt; all per year where a year is named."""

    silicon: str
    gw: Range
    chips: Range
    tokens_per_year: Range
    usd_per_year: Range
    usd_per_mtok: Range


def buys(kind: str, amount: float, cost_usd_per_gw: Range, chip: Silicon, assumed: Assumptions) -> Buys:
    """What `amount` of `kind` (gw, usd of commitment, chips) buys. UserError names a wrong kind or amount."""
    if kind not in CHOICES:
        raise UserError("kind", kind, f"use one of {', '.join(CHOICES)}")
    if not 0 < amount < float("inf"):
        raise UserError(f"--{kind}", amount, "give an amount above 0")
    watts = chip.watts_per_chip.value * (1.0 if chip.facility else assumed.facility_overhead)
    if kind == "chips":
        chips = Range.at(amount)
        gw = chips * watts / _WATTS
    else:
        gw = Range.at(amount) if kind == "gw" else Range.at(amount) / cost_usd_per_gw
        chips = gw * _WATTS / watts
    tokens = chips * chip.tokens_per_s_per_chip.value * _SECONDS_A_YEAR * assumed.utilisation
    capital = Range.at(amount) if kind == "usd" else gw * cost_usd_per_gw
    energy = gw * _KW * _HOURS_A_YEAR * assumed.energy_usd_per_kwh
    yearly = capital * _annuity(assumed) + energy
    return Buys(chip.name, gw, chips, tokens, yearly, _usd_per_mtok(cost_usd_per_gw, watts, chip, assumed))


def _usd_per_mtok(cost: Range, watts: Range, chip: Silicon, assumed: Assumptions) -> Range:
    """By one gigawatt, so that a figure that stands on both sides of the fraction is not counted twice."""
    yearly = cost * _annuity(assumed) + assumed.energy_usd_per_kwh * (_KW * _HOURS_A_YEAR)
    served = chip.tokens_per_s_per_chip.value / watts * _WATTS * _SECONDS_A_YEAR * assumed.utilisation
    return yearly / served * _MTOK


def _annuity(assumed: Assumptions) -> Range:
    """The capital recovery factor r / (1 - (1 + r)^-n): it rises with the rate and falls with the life."""

    def factor(rate: float, years: float) -> float:
        return rate / -math.expm1(-years * math.log1p(rate))

    rate, life = assumed.capital_rate, assumed.life_years
    return Range(factor(rate.low, life.high), factor(rate.point, life.point), factor(rate.high, life.low))


@dataclass(frozen=True, slots=True)
class Swing:
    """USD per million tokens when one input alone goes from its low to its high end, the others at their points."""

    name: str
    value: Range
    at_low_usd_per_mtok: float
    at_high_usd_per_mtok: float

    @property
    def spread(self) -> float:
        """The larger figure over the smaller one."""
        ends = sorted((self.at_low_usd_per_mtok, self.at_high_usd_per_mtok))
        return ends[1] / ends[0]


def swings(cost_usd_per_gw: Range, chip: Silicon, assumed: Assumptions) -> tuple[Swing, ...]:
    """The tornado: which input moves the answer most, widest first."""
    inputs: dict[str, Range] = {
        "cost_usd_per_gw": cost_usd_per_gw,
        "watts_per_chip": chip.watts_per_chip.value,
        "tokens_per_s_per_chip": chip.tokens_per_s_per_chip.value,
        **{item.name: getattr(assumed, item.name) for item in fields(assumed)},
    }
    if chip.facility:
        del inputs["facility_overhead"]  # its watts count the building already

    def answer(name: str, value: float) -> float:
        points = {key: Range.at(value if key == name else found.point) for key, found in inputs.items()}
        own = {item.name: points.get(item.name, Range.at(1)) for item in fields(assumed)}
        at = replace(
            chip,
            watts_per_chip=replace(chip.watts_per_chip, value=points["watts_per_chip"]),
            tokens_per_s_per_chip=replace(chip.tokens_per_s_per_chip, value=points["tokens_per_s_per_chip"]),
        )
        return buys("gw", 1.0, points["cost_usd_per_gw"], at, Assumptions(**own)).usd_per_mtok.point

    found = [Swing(name, value, answer(name, value.low), answer(name, value.high)) for name, value in inputs.items()]
    return tuple(sorted(found, key=lambda swing: swing.spread, reverse=True))
