"""Makes the network of deals: obligations, tranches, stakes and guarantees; what cannot be used is named, with why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from trivium.capital.cover import Degree, quarter_starts
from trivium.capital.deals import Deal, DealLedger, Kind, Stage
from trivium.capital.network._sheets import Sheets
from trivium.capital.stress import Guarantee, Holding, Network, Obligation, Party
from trivium.capital.stress import Tranche as Promise
from trivium.core import UserError

_BILLION = 10**9
_VEHICLE = "vehicle"
_QUARTERS_A_YEAR = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """A deal that is in the network: as what, and with which words on its terms."""

    deal_id: str
    role: str
    how: str


@dataclass(frozen=True, slots=True)
class DealNetwork:
    """The network in bn USD; which deals it is made of, which it is not and why, and who has no sheet.

    Without a sheet a party's outside assets are not known: what it would owe, pay or guarantee is left out, and what
    reaches it from the network is all that is counted of it. With `default_outside_assets` it has those.
    """

    network: Network
    taken: tuple[Taken, ...]
    left_out: tuple[tuple[str, str], ...]
    without_sheet: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass
class _Parts:
    obligations: list[Obligation]
    holdings: list[Holding]
    tranches: list[Promise]
    guarantees: list[Guarantee]
    taken: list[Taken]
    left_out: list[tuple[str, str]]


def deal_network(ledger: DealLedger, sheets: Sheets) -> DealNetwork:
    """The ledger's current deals as a network from its day on. UserError if the sheets do not fit to it."""
    _check_names(ledger, sheets)
    known = {party.name for party in sheets.parties}

    def pays(name: str) -> bool:
        return name in known or sheets.default_outside_assets is not None

    starts = quarter_starts(ledger.as_of, sheets.quarters)
    parts = _Parts([], [], [], [], [], [])
    guarantees = []
    for deal in ledger.current:
        if (why := _unusable(deal, sheets.degree, pays)) != "":
            parts.left_out.append((deal.id, why))
        elif deal.kind is Kind.GUARANTEE:
            guarantees.append(deal)  # they protect debts, which come first
        else:
            _take(deal, sheets, starts, parts)
    for deal in guarantees:
        _guarantee(deal, parts)
    parties, without = _parties(ledger, sheets, parts)
    network = Network(
        quarters=sheets.quarters,
        parties=parties,
        obligations=(*parts.obligations, *sheets.obligations),
        holdings=(*parts.holdings, *sheets.holdings),
        tranches=(*parts.tranches, *sheets.tranches),
        guarantees=(*parts.guarantees, *sheets.guarantees),
        services=sheets.services,
        **sheets.scalars,
    ).check()
    return DealNetwork(network, tuple(parts.taken), tuple(parts.left_out), without, _assumed(ledger, sheets, parts))


def _check_names(ledger: DealLedger, sheets: Sheets) -> None:
    """A sheet of a party that occurs nowhere is a spelling mistake: it would be left aside in silence."""
    tables = (sheets.obligations, sheets.holdings, sheets.tranches, sheets.guarantees, sheets.services)
    fields = ("debtor", "creditor", "holder", "issuer", "investor", "recipient", "guarantor", "beneficiary", "platform")
    own = {getattr(row, name, "") for table in tables for row in table for name in fields}
    names = {party.name for party in ledger.parties}
    deals = {deal.name for deal in ledger.current}
    if stray := sorted(set(sheets.supplier_notice_days) - deals):
        raise UserError("supplier_notice_days", stray[0], "name a deal by its id, such as D045 (trivium capital deals)")
    for table, given in (
        ("parties", [party.name for party in sheets.parties]),
        ("valuations", list(sheets.valuations)),
        ("equity_floors", list(sheets.equity_floors)),
    ):
        for name in given:
            if name not in names | own:
                raise UserError(table, name, f"name a party of the ledger: {', '.join(sorted(names))}")


def _unusable(deal: Deal, degree: Degree, pays: Callable[[str], bool]) -> str:
    """Why a deal is not in the network, empty if it may be."""
    if not deal.counted:
        return deal.not_counted or "a total, which holds other rows"
    if deal.stage is Stage.LETTER_OF_INTENT:
        return "a letter of intent"
    if deal.kind in {Kind.WARRANT, Kind.SUPPLY, Kind.REVENUE_SHARE}:
        return f"a {deal.kind.value} names no sum that falls due"
    if degree is not Degree.HEADLINE and deal.stage is not Stage.CONTRACTED:
        return f"{deal.stage.value}, and only what is contracted counts"
    if deal.amount.point is None:
        return "its amount is not known"
    debtor = deal.getter if deal.kind is Kind.LEND else deal.giver
    if deal.kind is not Kind.STAKE and not pays(debtor):
        return f"no sheet says what {debtor} can pay"
    return ""


def _take(deal: Deal, sheets: Sheets, starts: Sequence[date], parts: _Parts) -> None:
    if deal.kind in {Kind.COMMIT, Kind.LEASE}:
        for made in _commitments(deal, sheets, starts) or ("nothing of it falls due in the quarters looked at",):
            _add(parts, deal, made)
    elif deal.kind is Kind.LEND:
        _add(parts, deal, _loan(deal, sheets.loan_years, starts))
    elif deal.kind is Kind.STAKE:
        _add(parts, deal, _stake(deal, sheets))
    elif deal.what.startswith("staged"):
        floor = sheets.equity_floors.get(deal.giver, 0.0)
        _add(parts, deal, Promise(deal.giver, deal.getter, _point(deal), floor, as_asset=True))
    else:
        parts.left_out.append((deal.id, "paid: it owes nothing more; give the stake that it bought in [[holdings]]"))


def _add(parts: _Parts, deal: Deal, made: Obligation | Holding | Promise | str) -> None:
    if isinstance(made, str):
        parts.left_out.append((deal.id, made))
    elif isinstance(made, Obligation):
        parts.obligations.append(made)
        words = f"{sum(made.due):.3g} bn falls due in the quarters looked at"
        ends = "; firm" if made.firm_share else f"; a notice of {made.notice_days} days ends it"
        parts.taken.append(Taken(deal.id, made.kind, words + ends if made.kind == "commitment" else words))
    elif isinstance(made, Holding):
        parts.holdings.append(made)
        parts.taken.append(Taken(deal.id, "stake", f"{made.share:.3g} of the equity: its value over your valuation"))
    else:
        parts.tranches.append(made)
        parts.taken.append(Taken(deal.id, "conditional tranche", f"{made.amount:g} bn if {made.investor} can pay it"))


def _commitments(deal: Deal, sheets: Sheets, starts: Sequence[date]) -> tuple[Obligation, ...]:
    """A commitment or a lease: what is firm falls due first, and the rest after it, until a notice ends it.

    Where the ledger's firm share is itself what falls due within the notice, nothing else is firm.
    """
    by_notice = deal.notice_days is not None and deal.firm.assumed
    share = Fraction(0) if by_notice or deal.stage is not Stage.CONTRACTED else deal.firm.point
    until = [deal.schedule.share_between(date.min, day) for day in starts]
    firm = [min(gone, share) for gone in until]
    rest = [gone - sure for gone, sure in zip(until, firm, strict=True)]
    avoidable, resale = float(deal.avoidable.point), float(deal.resale.point)
    over = max(avoidable + resale, 1.0)  # two assumptions made apart may add up to more than there is
    whole = Obligation(
        _title(deal),
        deal.giver,
        deal.getter,
        _dues(deal, rest),
        "commitment",
        firm_share=0.0,
        notice_days=deal.notice_days or 0,
        avoidable=avoidable / over,
        resale=resale / over,
        supplier_notice_days=sheets.supplier_notice_days.get(deal.name),
    )
    sure = replace(whole, name=f"{whole.name}, firm", due=_dues(deal, firm), firm_share=1.0)
    if share == 1:
        sure = replace(sure, name=whole.name)
    kept = (sure,) if sheets.degree is Degree.FIRM and not by_notice else (sure, whole)
    return tuple(one for one in kept if any(one.due))


def _dues(deal: Deal, until: Sequence[Fraction]) -> tuple[float, ...]:
    return tuple(float(_usd(deal) * (later - sooner) / _BILLION) for sooner, later in pairwise(until))


def _loan(deal: Deal, years: float | None, starts: Sequence[date]) -> Obligation | str:
    """What the borrower owes: at the end if a source gives one, else in equal parts over the assumed years."""
    whole, quarters = _point(deal), len(starts) - 1
    if deal.end is not None:
        at = next((n for n in range(quarters) if starts[n] <= deal.end < starts[n + 1]), None)
        if at is None:
            return f"it ends on {deal.end}, outside the quarters looked at"
        return Obligation(_title(deal), deal.getter, deal.giver, tuple(whole * (n == at) for n in range(quarters)))
    if years is None:
        return "when it is repaid is not known; give loan_years"
    parts = max(1, round(years * _QUARTERS_A_YEAR))
    return Obligation(
        _title(deal), deal.getter, deal.giver, tuple(whole / parts if n < parts else 0.0 for n in range(quarters))
    )


def _stake(deal: Deal, sheets: Sheets) -> Holding | str:
    given = any((one.holder, one.issuer) == (deal.giver, deal.getter) for one in sheets.holdings)
    worth = sheets.valuations.get(deal.getter)
    if given:
        return "your [[holdings]] say its share"
    if not worth:
        return f"its share is not known; give it in [[holdings]], or {deal.getter} in [valuations]"
    return Holding(deal.giver, deal.getter, min(_point(deal) / worth, 1.0))


def _guarantee(deal: Deal, parts: _Parts) -> None:
    """It protects the lenders of its debtor that are in the network, each in proportion to what it is owed."""
    owed: dict[str, float] = {}
    for item in parts.obligations:
        if item.debtor == deal.getter and item.kind == "debt" and item.creditor not in {"", deal.giver}:
            owed[item.creditor] = owed.get(item.creditor, 0.0) + sum(item.due)
    whole = sum(owed.values())
    if not whole:
        parts.left_out.append((deal.id, f"no debt of {deal.getter} that it could protect is in the network"))
        return
    for creditor, amount in owed.items():
        parts.guarantees.append(Guarantee(deal.giver, deal.getter, creditor, _point(deal) * amount / whole))
    parts.taken.append(Taken(deal.id, "guarantee", f"up to {_point(deal):g} bn to {', '.join(owed)}"))


def _parties(ledger: DealLedger, sheets: Sheets, parts: _Parts) -> tuple[tuple[Party, ...], tuple[str, ...]]:
    roles = {party.name: party.role for party in ledger.parties}
    found = {
        party.name: replace(party, vehicle=party.vehicle or roles.get(party.name) == _VEHICLE)
        for party in sheets.parties
    }
    named = [name for row in (*parts.obligations, *sheets.obligations) for name in (row.debtor, row.creditor)]
    named += [name for row in (*parts.holdings, *sheets.holdings) for name in (row.holder, row.issuer)]
    named += [name for row in (*parts.tranches, *sheets.tranches) for name in (row.investor, row.recipient)]
    for guarantee in (*parts.guarantees, *sheets.guarantees):
        named += [guarantee.guarantor, guarantee.debtor, guarantee.beneficiary]
    named += [name for row in sheets.services for name in (row.party, row.platform)]
    without = tuple(sorted({name for name in named if name} - set(found)))
    zeros = (0.0,) * sheets.quarters
    for name in without:
        cash = sheets.default_outside_assets or 0.0  # at hand, so that the cash layer knows it too
        found[name] = Party(name, cash=cash, income=zeros, vehicle=roles.get(name) == _VEHICLE)
    return tuple(found.values()), without


def _assumed(ledger: DealLedger, sheets: Sheets, parts: _Parts) -> tuple[str, ...]:
    used = {one.deal_id for one in parts.taken}
    found = [f"{deal.name}: {text}" for deal in ledger.current if deal.id in used for text in deal.assumptions]
    if sheets.default_outside_assets is not None:
        found.append(
            f"a party without a sheet has outside assets of {sheets.default_outside_assets:g} bn, in cash (your figure)"
        )
    if sheets.loan_years is not None:
        found.append(f"a loan without an end is repaid in equal parts over {sheets.loan_years:g} years (your figure)")
    return tuple(found)


def _title(deal: Deal) -> str:
    return f"{deal.name} {deal.giver} to {deal.getter}"


def _point(deal: Deal) -> float:
    return float(_usd(deal) / _BILLION)


def _usd(deal: Deal) -> Fraction:
    if deal.amount.point is None:
        raise UserError(f"deal {deal.id}: amount", "unknown", "only deals with an amount can be in a network")
    return Fraction(deal.amount.point.usd)
