"""What is taken for granted of signed contracts: that they renew, what they add up to, whose dollar is whose."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from trivium.plan._in_force import next_renewal, terms
from trivium.plan.decide._frame import Framed
from trivium.plan.org import Assumption, Contract

_JUDGED_BY_THE_UNIT = ("provisioned", "reserved")
_NAMED = 3


def contract_assumptions(framed: Framed) -> Iterator[Assumption]:
    """Each says what would have to be written to count otherwise."""
    yield from _renewals(framed)
    yield from _prices_twice(framed)
    yield from _dollars_once(framed)


def _renewals(framed: Framed) -> Iterator[Assumption]:
    at, until = framed.given.at, framed.ends[-1]
    for name, contract in framed.given.organisation.contracts.items():
        if contract.kind in _JUDGED_BY_THE_UNIT or not contract.renews or contract.status != "signed":
            continue
        end = next(end for _, end in terms(contract, at, date.max) if end > at)
        first_end = next(terms(contract, at, at))[1]
        if end <= until or first_end <= at:
            why = _why(contract, at, until, end)
            yield Assumption(
                f"contracts.{name}.renews", "true", why, "give notice by then, and write renews = false, to end it"
            )


def _why(contract: Contract, at: date, until: date, end: date) -> str:
    told = f"the term that runs ends on {end}"
    if end <= until:
        told += f"; it is counted as renewed for {contract.term_months} months at a time, on the same terms"
    found = next_renewal(contract, at)
    if found is None:
        return told
    stop, notice = found
    if stop != end:
        told += f"; the day to give notice for it has passed: it renews on {end}"
    return f"{told}; notice by {notice} would end it on {stop}"


def _prices_twice(framed: Framed) -> Iterator[Assumption]:
    """A price that was agreed already, and a discount on the same platform besides."""
    agreed = {
        claim.id
        for claim in framed.given.snapshot.claims
        if claim.layer and claim.topic == "prices" and claim.predicate.startswith("contract:")
    }
    if not agreed:
        return
    used: dict[str, set[str]] = {}
    for months in framed.sold.every:
        for ways in months:
            for way in ways:
                used.setdefault(way.offer.surface, set()).update(agreed.intersection(way.claim_ids))
    for name, contract in framed.given.organisation.contracts.items():
        if contract.status != "signed" or not (contract.discount_percent or contract.tiers):
            continue
        for surface in contract.surfaces:
            ids = sorted(used.get(surface, ()))
            if ids:
                more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
                yield Assumption(
                    f"contracts.{name}.discount_percent" if contract.discount_percent else f"contracts.{name}.tiers",
                    "taken off agreed prices",
                    f"{surface} has prices agreed by claims {', '.join(ids[:_NAMED])}{more}, and contracts.{name} is "
                    "taken off these too",
                    "if the agreed prices hold the discount already, take it out of one of the two",
                )


def _dollars_once(framed: Framed) -> Iterator[Assumption]:
    floors = [deal for deal in framed.in_force if deal.kind == "spend-commitment" and deal.form != "covered"]
    for one, other in combinations(sorted(floors, key=lambda deal: deal.name), 2):
        common = [framed.ways.surfaces[index] for index in one.surfaces if index in other.surfaces]
        if common and not (one.stacks or other.stacks) and one.amount_usd and other.amount_usd:
            yield Assumption(
                f"contracts.{one.name}, contracts.{other.name}",
                "each dollar counts once",
                f"both are on {', '.join(common)}: a dollar burns one of them down, the one whose year ends first",
                "write stacks = true on the contract whose terms count what the other counts too",
            )
