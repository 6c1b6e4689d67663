"""The network a stress is applied to: balance sheets, what is owed by quarter, stakes, tranches, guarantees."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

from trivium.capital.clearing import NOTICES, Notice, Tranche
from trivium.core import UserError

DAYS_A_QUARTER = 91
QUARTERS_A_YEAR = 4
Kind = Literal["debt", "commitment"]


@dataclass(frozen=True, slots=True)
class Party:
    """A balance sheet without what the other values say. `income` by quarter is from outside, after running costs.

    `alpha` and `beta`: what of its outside assets and of its other income reaches creditors in a default. Below
    `threshold` of equity it loses `failure_cost` (stranded investment). `vehicle`: guarantees for it are called when
    credit stops. `undrawn_credit` helps to pay in time; it adds no value. `income_spread` serves `run_paths`.
    """

    name: str
    cash: float = 0.0
    assets: float = 0.0
    income: tuple[float, ...] = ()
    alpha: float = 1.0
    beta: float = 1.0
    threshold: float = 0.0
    failure_cost: float = 0.0
    undrawn_credit: float = 0.0
    listed: bool = True
    vehicle: bool = False
    income_spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Obligation:
    """What is owed by quarter; `creditor` empty is the outside.

    Of a commitment to buy, `firm_share` is take-or-pay, the rest drops out `notice_days` after notice. If the debtor
    fails, the supplier saves `avoidable` of it and sells `resale` of it to others; its claim is the rest, in the lowest
    rank. `supplier_notice_days`: the supplier may end it too; None: it may not.
    """

    name: str
    debtor: str
    creditor: str
    due: tuple[float, ...]
    kind: Kind = "debt"
    rank: int = 1
    firm_share: float = 1.0
    notice_days: int = 0
    avoidable: float = 0.0
    resale: float = 0.0
    supplier_notice_days: int | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """A stake: `holder` has `share` of the equity of `issuer`, and books it at `mark` of what it is worth."""

    holder: str
    issuer: str
    share: float
    mark: float = 1.0


@dataclass(frozen=True, slots=True)
class Guarantee:
    """`guarantor` makes good to `beneficiary` what `debtor` does not pay it, up to `amount`."""

    guarantor: str
    debtor: str
    beneficiary: str
    amount: float


@dataclass(frozen=True, slots=True)
class Service:
    """`capacity_share` of what `party` needs for its income runs on `platform`; others can take up a part of that."""

    party: str
    platform: str
    capacity_share: float
    substitutable: float = 0.0


@dataclass(frozen=True, slots=True)
class Network:
    """All of it by quarter; released capacity sells at `resale_price` * exp(-sensitivity * released / market)."""

    quarters: int
    parties: tuple[Party, ...]
    obligations: tuple[Obligation, ...] = ()
    holdings: tuple[Holding, ...] = ()
    tranches: tuple[Tranche, ...] = ()
    guarantees: tuple[Guarantee, ...] = ()
    services: tuple[Service, ...] = ()
    discount_per_year: float = 0.0
    resale_price: float = 1.0
    resale_sensitivity: float = 0.0
    resale_market: float = 1.0
    income_common: float = 0.0
    cure_quarters: int = 1
    notice: Notice = "when behind"

    @property
    def names(self) -> tuple[str, ...]:
        """The parties, in order."""
        return tuple(party.name for party in self.parties)

    def present(self, amounts: Iterable[float]) -> float:
        """Value today of amounts at the end of each quarter."""
        rate = 1 + self.discount_per_year
        return math.fsum(amount / rate ** ((t + 1) / QUARTERS_A_YEAR) for t, amount in enumerate(amounts))

    def check(self) -> Network:
        """Itself, if it is consistent. UserError names the field, the value and the remedy."""
        if self.quarters < 1:
            raise UserError("quarters", self.quarters, "give 1 or more")
        if not self.parties:
            raise UserError("parties", [], "name at least one party")
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise UserError("parties", twice, "name each party once")
        if self.notice not in NOTICES:
            raise UserError("notice", self.notice, f"one of {', '.join(NOTICES)}")
        _check_numbers("network", self)
        for table in ("parties", "obligations", "holdings", "tranches", "guarantees", "services"):
            for number, value in enumerate(getattr(self, table)):
                self._check_row(f"{table}[{number}]", value)
        titles = [obligation.name for obligation in self.obligations]
        if len(set(titles)) != len(titles):
            raise UserError("obligations", titles, "give each obligation a name of its own")
        return self

    def _check_row(self, place: str, value: object) -> None:
        _check_numbers(place, value)
        named = []
        for field in ("debtor", "creditor", "holder", "issuer", "investor", "recipient", "guarantor", "beneficiary"):
            name = getattr(value, field, None)
            if name is None or (field == "creditor" and name == ""):
                continue
            if name not in self.names:
                raise UserError(f"{place}.{field}", name, f"name one of {', '.join(self.names)}")
            named.append(name)
        if len(set(named)) != len(named):
            raise UserError(place, named, "name two different parties")
        for field in ("income", "due"):
            amounts = getattr(value, field, None)
            if amounts is not None and len(amounts) != self.quarters:
                remedy = f"give one for each of {self.quarters} quarters"
                raise UserError(f"{place}.{field}", f"{len(amounts)} amounts", remedy)
        if isinstance(value, Service) and not {value.party, value.platform} <= set(self.names):
            raise UserError(place, f"{value.party}, {value.platform}", f"name two of {', '.join(self.names)}")
        if isinstance(value, Obligation) and value.avoidable + value.resale > 1:
            raise UserError(f"{place}.resale", value.resale, "avoidable and resale together are at most 1")


_SHARES = {
    *("alpha", "beta", "share", "mark", "firm_share", "avoidable", "resale", "capacity_share", "substitutable"),
    "income_common",
    "resale_price",  # of what the contract says: a default must not create value
}
_SIGNED = {"income"}  # running costs may exceed it


def _check_numbers(place: str, value: object) -> None:
    for field in fields(value):  # type: ignore[arg-type]  # every value here is a dataclass
        held = getattr(value, field.name)
        for number in held if isinstance(held, tuple) else (held,):
            if isinstance(number, bool) or not isinstance(number, int | float):
                continue
            if not math.isfinite(number) or (number < 0 and field.name not in _SIGNED):
                raise UserError(f"{place}.{field.name}", number, "give a finite number, 0 or more")
            if field.name in _SHARES and number > 1:
                raise UserError(f"{place}.{field.name}", number, "give a share from 0 to 1")
    if isinstance(value, Network) and value.resale_market <= 0:
        raise UserError("resale_market", value.resale_market, "give more than 0")
    if isinstance(value, Obligation) and value.rank < 1:
        raise UserError(f"{place}.rank", value.rank, "give 1 for the most senior, or more")
