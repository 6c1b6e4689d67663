"""What to ask of each platform and what each point is worth, from what a decision computed and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from trivium.catalog import Claim, Snapshot
from trivium.core import ROUTABLE_SURFACES
from trivium.plan.decision import Advice, Basis, Binding, Decided, Decision, Ground
from trivium.plan.org import Contract
from trivium.plan.report._spend import spend_by_surface
from trivium.plan.report._words import percent, surface_text, usd

_COUNTED = ("reported", "documented", "measured", "contracted")
_QUOTA = re.compile(r"\b(quota|per minute|per day|tpm|rpm|peak)\b", re.IGNORECASE)
_RESIDENCY = re.compile(r"^(residency|served only|stays in)")
_YEAR = 12
_CENT = 0.005
_ASSUMED = Basis((Ground.ASSUMPTION,), note="demand cone")
_NOTHING = Basis(())


@dataclass(frozen=True, slots=True)
class Ask:
    """One point: what to ask for and what it is worth to us; None where nothing computed says so."""

    topic: str
    ask: str
    worth_usd: float | None
    per: str  # "over the horizon" · "a month" · "at least, over the horizon" · "at most, in the first year"
    why: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet of one platform: what it is to be paid, what to ask, what we do otherwise, by when."""

    surface: str
    spend_usd: float  # over the horizon, as planned
    asks: tuple[Ask, ...]
    alternatives: tuple[str, ...]
    leaving_usd_per_month: float | None  # what its workloads cost more elsewhere; None: some have no other place
    deadlines: tuple[tuple[date, str], ...]
    claims: tuple[Claim, ...] = ()  # that its points name and the snapshot knows


def negotiation_sheets(
    decision: Decision, snapshot: Snapshot, contracts: Mapping[str, Contract] | None = None
) -> tuple[Sheet, ...]:
    """A sheet for every platform that is used, offers a contract, or would win at some discount; the dearest first.

    `contracts` are those of the organisation file: with them the sheet knows notice, terms and the last day of offers.
    """
    spend = spend_by_surface(decision)
    offering = {surface for advice in decision.commitments for surface in advice.surfaces}
    winnable = {item.runner_up.offer.surface for item in decision.workloads if item.runner_up is not None}
    found = [name for name in ROUTABLE_SURFACES if name in spend or name in offering or name in winnable]
    found.sort(key=lambda name: -sum(spend.get(name, ())))
    return tuple(_sheet(name, decision, snapshot, contracts or {}, spend) for name in found)


def _sheet(
    surface: str,
    decision: Decision,
    snapshot: Snapshot,
    contracts: Mapping[str, Contract],
    spend: Mapping[str, Sequence[float]],
) -> Sheet:
    mine = [item for item in decision.workloads if any(stage.offer.surface == surface for stage in item.stages)]
    paid = sum(spend.get(surface, ()))
    asks = (
        *_discounts(surface, decision, paid),
        *_limits(surface, decision, mine),
        *_shapes(surface, decision, spend),
        *_protection(surface, decision, paid),
        *_availability(surface, decision, snapshot, mine),
        *_exits(surface, decision, contracts),
    )
    gaps = [item.runner_up.gap_usd_per_month if item.runner_up else None for item in mine]
    known = [gap for gap in gaps if gap is not None]
    leaving = sum(max(0.0, gap) for gap in known) if mine and len(known) == len(gaps) else None
    ids = {name for ask in asks for name in ask.basis.claim_ids}
    return Sheet(
        surface,
        paid,
        asks,
        tuple(_alternatives(surface, mine)),
        leaving,
        _deadlines(surface, decision, contracts),
        tuple(claim for claim in snapshot.claims if claim.id in ids),
    )


def _discounts(surface: str, decision: Decision, paid: float) -> Iterator[Ask]:
    if paid > _CENT:
        yield Ask(
            "discount",
            "a discount on everything used on this platform",
            paid / 100,
            "over the horizon, for each percent",
            f"{usd(paid)} are forecast to be spent here as planned",
            _ASSUMED,
        )
    for advice in _advices(surface, decision):
        if advice.verdict == "sign":
            text = f"{advice.contract} as offered, at {usd(advice.level_usd_per_year)} a year"
            yield Ask("discount", text, advice.saving.mean_usd, "over the horizon", advice.break_even, advice.basis)
        elif advice.verdict == "do not sign":
            text = f"{advice.contract} at a level or discount at which it pays"
            yield Ask("discount", text, None, "", advice.break_even or "it does not pay as offered", advice.basis)
    for flip in decision.flips:
        if flip.input == f"discount on {surface}":
            text = f"a discount of more than {flip.at}; from there on: {flip.becomes}"
            why = "the least that changes the plan, moves included"
            if re.match(r"[\d.]", flip.at):
                yield Ask("discount", text, None, "", why, flip.basis)


def _limits(surface: str, decision: Decision, mine: Sequence[Decided]) -> Iterator[Ask]:
    names = {item.workload for item in mine}
    for binding in decision.bindings:
        if _QUOTA.search(binding.constraint) and _speaks_of(binding.constraint, surface):
            yield Ask("quota", f"a higher limit: {binding.constraint}", *_worth(binding))
        elif _RESIDENCY.match(binding.constraint) and names & set(binding.workloads):
            text = f"the regional scope without its premium ({binding.constraint})"
            yield Ask("region", text, *_worth(binding))
    for note in decision.notes:
        if "ask for" in note and _speaks_of(note, surface):
            yield Ask("quota", note, None, "", "the measured peak passes the published limit", _ASSUMED)


def _worth(binding: Binding) -> tuple[float, str, str, Basis]:
    why = f"what it costs {', '.join(binding.workloads)} now"
    return binding.usd_per_month, "a month", why, binding.basis


def _shapes(surface: str, decision: Decision, spend: Mapping[str, Sequence[float]]) -> Iterator[Ask]:
    """Ramp and carry-over of a commitment that is advised or in force."""
    for advice in _advices(surface, decision):
        level = advice.level_usd_per_year
        if advice.verdict == "do not sign" or level <= 0:
            continue
        first = sum(sum(spend.get(name, ())[:_YEAR]) for name in advice.surfaces)
        if first < level:
            yield Ask(
                "ramp",
                f"{advice.contract}: a first year of {usd(first)} instead of {usd(level)}",
                level - first,
                "at most, in the first year",
                "the forecast of the first year lies below the level",
                _ASSUMED,
            )
        tail = -advice.saving.cvar_usd
        if tail > _CENT:
            share = 1 - decision.risk_level
            yield Ask(
                "shortfall",
                f"{advice.contract}: carry a shortfall over to the next year",
                share * tail,
                "at least, over the horizon",
                f"in the worst {percent(share)} of scenarios it loses {usd(tail)} on average",
                advice.basis,
            )


def _protection(surface: str, decision: Decision, paid: float) -> Iterator[Ask]:
    if paid <= _CENT:
        return
    swing = next((s for s in decision.swings if s.input == f"prices of {surface} alone"), None)
    if swing is not None:
        rise = max(swing.low_usd, swing.high_usd) - decision.forecast.mean_usd
        worth, why = rise, f"what {swing.high} costs if nothing is moved"
        yield Ask("price protection", "list prices held for the term", worth, "over the horizon", why, _ASSUMED)
    else:
        why = "each percent of a price rise, if nothing is moved"
        text = "list prices held for the term"
        yield Ask("price protection", text, paid / 100, "over the horizon, for each percent", why, _ASSUMED)


def _availability(surface: str, decision: Decision, snapshot: Snapshot, mine: Sequence[Decided]) -> Iterator[Ask]:
    """Models that are promised for less than the months in which the plan runs them there."""
    last: dict[str, date] = {}
    for item in mine:
        for stage in item.stages:
            if stage.offer.surface == surface:
                model = stage.offer.model
                last[model] = max(last.get(model, stage.last_month), stage.last_month)
    for model, until in sorted(last.items()):
        floors = [
            claim
            for claim in snapshot.find(predicate="retirement_not_before", at=decision.at)
            if claim.surface == surface and claim.speaks_of(model) and claim.status in _COUNTED
        ]
        basis = Basis((Ground.CLAIM,), tuple(claim.id for claim in floors), "") if floors else _NOTHING
        told = max((claim.value for claim in floors), default="")
        if told < until.isoformat():
            why = f"promised until {told} only" if told else "no published day before which it is not retired"
            text = f"{model} served until the end of {until:%B %Y}, or its successor at no higher price"
            yield Ask("model availability", text, None, "", why, basis)


def _exits(surface: str, decision: Decision, contracts: Mapping[str, Contract]) -> Iterator[Ask]:
    for name, contract in contracts.items():
        if surface in contract.surfaces:
            if contract.notice_days or contract.renews:
                told = f"notice of {contract.notice_days} days" + (", renewed by itself" if contract.renews else "")
                text = f"{name}: no renewal by itself, and a shorter notice"
                yield Ask("notice", text, None, "", f"{told}, for {contract.term_months} months", _contract(contract))
            else:
                text = f"{name}: a notice period and no renewal by itself, in writing"
                yield Ask("notice", text, None, "", f"nothing is said of it for {contract.term_months} months",
                          _contract(contract))  # fmt: skip
    for advice in _advices(surface, decision):
        if advice.verdict != "do not sign" and advice.level_usd_per_year > 0:
            text = f"{advice.contract}: end it without penalty when a model in use is retired or its price rises"
            low = advice.saving.quantiles_usd[0]
            worth = max(0.0, -low) or None
            why = f"in one scenario in twenty it saves {usd(low)} or less"
            yield Ask("exit", text, worth, "in the worst scenario in twenty", why, advice.basis)


def _contract(contract: Contract) -> Basis:
    ground = {"signed": Ground.CONTRACT, "offered": Ground.QUOTE}.get(contract.status, Ground.ASSUMPTION)
    return Basis((ground,), note=contract.source or contract.note)


def _alternatives(surface: str, mine: Sequence[Decided]) -> Iterator[str]:
    for item in mine:
        best = item.runner_up
        if best is None:
            yield f"{item.workload}: none; nothing else meets its needs"
        elif best.offer.surface != surface:
            gap = best.gap_usd_per_month
            told = (
                "at the same cost"
                if abs(gap) <= _CENT
                else f"{usd(abs(gap))} a month {'dearer' if gap > 0 else 'cheaper'}"
            )
            yield f"{item.workload}: {surface_text(best.offer.surface)} {best.offer.scope}, {told}"


def _deadlines(surface: str, decision: Decision, contracts: Mapping[str, Contract]) -> tuple[tuple[date, str], ...]:
    names = [surface, *(name for name, contract in contracts.items() if surface in contract.surfaces)]
    names += [advice.contract for advice in _advices(surface, decision)]
    found = {
        (point.due, f"{point.subject}: {point.reason}")
        for point in decision.checkpoints
        if any(_speaks_of(f"{point.subject} {point.reason}", name) for name in names)
    }
    found |= {
        (contract.expires, f"{name}: last day of the offer")
        for name, contract in contracts.items()
        if surface in contract.surfaces and contract.expires is not None
    }
    return tuple(sorted((day, text) for day, text in found if day >= decision.at))


def _advices(surface: str, decision: Decision) -> Iterator[Advice]:
    return (advice for advice in decision.commitments if surface in advice.surfaces)


def _speaks_of(text: str, name: str) -> bool:
    """Whether a text names something as a word: `bedrock` is not in `bedrock-mantle`."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.IGNORECASE) is not None
