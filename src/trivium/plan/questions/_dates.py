"""Question 5: the days on which a decision must be looked at again, and what it must not rest on until then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from trivium.catalog import STATUSES, Claim, PriceCell, Snapshot
from trivium.core import Checkpoint, Offer
from trivium.plan._in_force import terms
from trivium.plan._market import UNCOUNTED
from trivium.plan._months import add_months
from trivium.plan.decision import Answer, Basis, Ground, Point, Stage
from trivium.plan.org import Contract, Onboarding, Organisation
from trivium.plan.questions._feasibility import Ask, Verdict
from trivium.plan.questions._needs import parse
from trivium.plan.questions._window import tuning_window

_ASK_DAYS = 30  # within which an open question is put to a platform: assumed
_LOOK_DAYS = 182  # after which to look at a statement that names no day: assumed
# What every decision bears on, needed or not: how long models stay, what a commitment counts, what may be tuned.
_ALWAYS = frozenset({"commitment", "retirement", "retirement_not_before"})
_NAMED = 3  # claims named in a line about several
_FORWARD = "forward-looking"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Words of subjects, and the surfaces whose decision a statement about them could sway.
_SWAYS = (
    (
        frozenset({"aws", "amazon", "bedrock", "trainium2", "trainium3", "trainium4"}),
        ("bedrock", "bedrock-mantle", "claude-aws"),
    ),
    (frozenset({"gcp", "google", "tpu"}), ("vertex", "claude-gcp")),
    (frozenset({"azure", "microsoft", "nvidia", "co-design", "foundry"}), ("foundry",)),
)
_MEASURE = {
    "compliance": "have it confirmed in writing",
    "quotas": "ask for it, or measure refusals at the busiest minute",
    "capabilities": "try it against the surface",
}
_MEASURE_SPEED = "measure time to first token, tokens a second and the bill per task there before resting on it"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that no counted claim answers for a workload (`Verdict.unknown`)."""

    workload: str
    text: str
    claim_ids: tuple[str, ...] = ()


def asked_of(verdicts: Mapping[tuple[str, Offer], Verdict], stages: Sequence[Stage]) -> tuple[Asked, ...]:
    """What to ask of platforms, by workload and need: about offers in use, and offers that only an answer keeps out.

    The models of one question are asked about together; the platforms in use come first.
    """
    used = {(stage.workload, stage.offer) for stage in stages}
    grouped: dict[tuple[str, bool, str, str], list[Ask]] = {}
    for (workload, offer), verdict in sorted(verdicts.items(), key=lambda item: item[0]):
        for ask in verdict.asks:
            if (workload, offer) in used or not verdict.ok:
                grouped.setdefault((workload, (workload, offer) not in used, ask.surface, ask.need), []).append(ask)
    found = []
    for (workload, _, surface, need), asks in sorted(grouped.items()):
        models = ", ".join(sorted({ask.model for ask in asks}))
        text = f"ask {surface} about {need} for {models}: {asks[0].why}"
        found.append(Asked(workload, text, tuple(sorted({name for ask in asks for name in ask.claim_ids}))))
    return tuple(found)


@dataclass(frozen=True)
class Occasion:
    """What the dates are sought for: a decision, its day and horizon, the claims it rests on, its open questions."""

    organisation: Organisation
    stages: Sequence[Stage]
    snapshot: Snapshot
    at: date
    horizon_months: int
    claim_ids: Sequence[str] = ()
    asked: Sequence[Asked] = ()
    in_use: frozenset[str] | None = None  # surfaces that need not be opened; None: those the file does not speak of

    @property
    def stop(self) -> date:
        """The day on which the horizon ends."""
        return add_months(self.at, self.horizon_months)


@dataclass(frozen=True)
class _Found:
    """A checkpoint, and the workloads it matters to: none named is all."""

    checkpoint: Checkpoint
    workloads: frozenset[str] = field(default_factory=frozenset)
    ground: Ground = Ground.CLAIM


def checkpoints(occasion: Occasion) -> tuple[Checkpoint, ...]:
    """Every checkpoint of a decision, by date; those of one day, subject and reason are one."""
    return _merged(found.checkpoint for found in _all(occasion))


def checkpoint_answer(workload: str, occasion: Occasion) -> Answer:
    """Question 5 for one workload: its own dates and those that concern everything."""
    mine = [found for found in _all(occasion) if not found.workloads or workload in found.workloads]
    dates = _merged(found.checkpoint for found in mine)
    grounds = {found.checkpoint: found.ground for found in mine}
    snapshot = occasion.snapshot
    points = tuple(
        Point(
            f"{one.subject}: {one.reason}", one.due.isoformat(), "look again", _basis(one, grounds.get(one), snapshot)
        )
        for one in dates
    )
    forward = sum("not counted" in one.reason for one in dates)
    if not dates:
        sentence = "Nothing inside the horizon is known to change."
        return Answer("checkpoints", "none", sentence, "", (), Basis((Ground.CLAIM,)))
    first = dates[0]
    sentence = f"{len(dates)} dates until {occasion.stop}; the next is {first.due}: {first.subject}, {first.reason}."
    if forward:
        sentence += f" The decision rests on none of the {forward} statements that are not counted."
    counted = [one for one in dates if "not counted" not in one.reason]
    ids = tuple(dict.fromkeys(name for one in counted for name in one.claim_ids))
    kinds = tuple(sorted({found.ground for found in mine}, key=lambda ground: ground.value))
    return Answer(
        question="checkpoints",
        verdict=f"{len(dates)} dates",
        sentence=sentence,
        margin=f"{max((first.due - occasion.at).days, 0)} days until the next",
        points=points,
        basis=Basis(kinds, ids, _grade(ids, snapshot)),
        ask_again=first.due,
    )


def _basis(one: Checkpoint, ground: Ground | None, snapshot: Snapshot) -> Basis:
    return Basis((ground or Ground.CLAIM,), one.claim_ids, _grade(one.claim_ids, snapshot))


def _grade(ids: Sequence[str], snapshot: Snapshot) -> str:
    known = snapshot.remembered(("questions.status",), lambda: {claim.id: claim.status for claim in snapshot.claims})
    return min((known[name] for name in ids if name in known), key=STATUSES.index, default="")


def _merged(found: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    merged: dict[tuple[date, str, str], set[str]] = {}
    for one in found:
        merged.setdefault((one.due, one.subject, one.reason), set()).update(one.claim_ids)
    return tuple(Checkpoint(*key, tuple(sorted(ids))) for key, ids in sorted(merged.items()))


def _all(occasion: Occasion) -> Iterator[_Found]:
    yield from _contracts(occasion)
    yield from _retirements(occasion)
    yield from _prices(occasion)
    yield from _reviews(occasion)
    yield from _uncounted(occasion)
    yield from _open_questions(occasion)
    yield from _surfaces(occasion)
    yield from _tuning(occasion)


def _contracts(occasion: Occasion) -> Iterator[_Found]:
    for name, contract in sorted(occasion.organisation.contracts.items()):
        on = frozenset(stage.workload for stage in occasion.stages if stage.offer.surface in contract.surfaces)
        for due, reason in contract_days(contract, occasion.at, occasion.stop):
            if occasion.at <= due <= occasion.stop:
                ground = Ground.CONTRACT if contract.status == "signed" else Ground.QUOTE
                ground = Ground.ASSUMPTION if contract.status == "assumed" else ground
                yield _Found(Checkpoint(due, f"contract {name}", reason), on, ground)


def contract_days(contract: Contract, at: date, stop: date) -> Iterator[tuple[date, str]]:
    """The days of a contract to remember from a day on, each with the reason; some may lie after `stop`."""
    if contract.status == "assumed":
        yield min(at + timedelta(days=_ASK_DAYS), stop), "it is assumed: have it quoted, or leave it out"
        return
    if contract.status == "offered":
        if contract.expires is None:
            yield at, "the offer states no last day: ask until when it holds"
        elif contract.expires < at:
            yield at, f"the offer expired on {contract.expires}: ask for it anew, or decide without it"
        else:
            yield contract.expires, "last day to sign the offer; after it the plan is made without it"
        return
    for begins, ends in terms(contract, at, stop):
        if ends >= at:
            yield from _term_days(contract, at, begins, ends)


def _term_days(contract: Contract, at: date, begins: date, ends: date) -> Iterator[tuple[date, str]]:
    after = "it renews itself" if contract.renews else "it ends"
    if contract.notice_days:
        last = ends - timedelta(days=contract.notice_days)
        reason = f"last day to give notice, {contract.notice_days} days before {ends}, when {after}"
        yield (last, reason) if last >= at else (at, f"the day to give notice has passed ({last}): {after} on {ends}")
    yield ends, after
    if contract.kind == "spend-commitment":
        for months in range(12, contract.term_months, 12):
            yield add_months(begins, months), "a year of the commitment ends: compare what was spent with the amount"


def _retirements(occasion: Occasion) -> Iterator[_Found]:
    snapshot, at, stop = occasion.snapshot, occasion.at, occasion.stop
    for surface, model, workloads in _used(occasion):
        day = snapshot.retired_at(surface, model)
        ids = _claims_of(snapshot, "retirement", surface, model)
        if day is not None:
            if at <= day <= stop:
                subject = f"{model} on {surface}"
                yield _Found(Checkpoint(day, subject, "the surface stops serving the model", ids), workloads)
            continue
        for claim in snapshot.find(predicate="retirement_not_before"):
            if claim.surface != surface or model not in claim.models or not _DAY.fullmatch(claim.value):
                continue
            floor = date.fromisoformat(claim.value)
            if at <= floor <= stop:
                reason = "from this day on it may be retired; no day is set: ask again"
                yield _Found(Checkpoint(floor, f"{model} on {surface}", reason, (claim.id,)), workloads)


def _used(occasion: Occasion) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Surface and model of every stage, with the workloads on it."""
    found: dict[tuple[str, str], set[str]] = {}
    for stage in occasion.stages:
        found.setdefault((stage.offer.surface, stage.offer.model), set()).add(stage.workload)
    for (surface, model), workloads in sorted(found.items()):
        yield surface, model, frozenset(workloads)


def _claims_of(snapshot: Snapshot, predicate: str, surface: str, model: str) -> tuple[str, ...]:
    return tuple(
        claim.id
        for claim in snapshot.find(predicate=predicate)
        if claim.surface == surface and model in claim.models and claim.status not in UNCOUNTED
    )


def _prices(occasion: Occasion) -> Iterator[_Found]:
    """Days on which a list price of an offer in use begins or ends."""
    snapshot, at, stop = occasion.snapshot, occasion.at, occasion.stop
    cells: dict[tuple[str, str], list[PriceCell]] = snapshot.remembered(
        ("questions.cells", at), lambda: _changing(snapshot, at)
    )
    for surface, model, workloads in _used(occasion):
        tiers = {s.offer.tier for s in occasion.stages if (s.offer.surface, s.offer.model) == (surface, model)}
        by_day: dict[date, list[PriceCell]] = {}
        for cell in cells.get((surface, model), ()):
            for day in (cell.valid_from, cell.valid_until):
                if cell.tier in tiers and day is not None and at < day <= stop:
                    by_day.setdefault(day, []).append(cell)
        for day, changed in by_day.items():
            units = ", ".join(sorted({cell.unit for cell in changed}))
            ids = tuple(sorted({name for cell in changed for name in cell.claim_ids}))
            subject = f"{model} on {surface}"
            yield _Found(Checkpoint(day, subject, f"list prices begin or end ({units}): plan anew", ids), workloads)


def _changing(snapshot: Snapshot, at: date) -> dict[tuple[str, str], list[PriceCell]]:
    found: dict[tuple[str, str], list[PriceCell]] = {}
    for cell in snapshot.cells:
        if any(day is not None and day > at for day in (cell.valid_from, cell.valid_until)):
            found.setdefault((cell.surface, cell.model), []).append(cell)
    return found


def _reviews(occasion: Occasion) -> Iterator[_Found]:
    """Review dates of the claims the decision rests on, one line a day and surface."""
    by_day: dict[tuple[date, str], list[str]] = {}
    wanted = set(occasion.claim_ids)
    for claim in occasion.snapshot.current:
        if claim.id in wanted and claim.review_by is not None and claim.review_by <= occasion.stop:
            by_day.setdefault((max(claim.review_by, occasion.at), claim.surface or claim.topic), []).append(claim.id)
    for (day, subject), ids in by_day.items():
        count = f"{len(ids)} claims the decision rests on are" if len(ids) > 1 else "a claim the decision rests on is"
        on = frozenset(stage.workload for stage in occasion.stages if stage.offer.surface == subject)
        yield _Found(Checkpoint(day, subject, f"{count} due for review", tuple(sorted(ids))), on)


def _uncounted(occasion: Occasion) -> Iterator[_Found]:
    """Statements about the surfaces in use, forward-looking or unconfirmed, that the decision does not rest on."""
    models = {stage.offer.model for stage in occasion.stages}
    for surface in sorted({stage.offer.surface for stage in occasion.stages}):
        on = frozenset(stage.workload for stage in occasion.stages if stage.offer.surface == surface)
        wanted = _wanted(occasion, on)
        grouped: dict[tuple[date, str], list[Claim]] = {}
        for claim in occasion.snapshot.current:
            if claim.status not in UNCOUNTED or not _sways(claim, surface, models, wanted):
                continue
            due = _due(claim, surface, occasion)
            if due is None:
                continue
            if claim.status == _FORWARD:
                measure = _MEASURE.get(claim.topic, _MEASURE_SPEED)
                what = claim.predicate.replace("_", " ")
                said = f"{what} “{claim.value}” is forward-looking and not counted: {measure}"
                yield _Found(Checkpoint(due, f"{surface} ({claim.subject})", said, (claim.id,)), on)
            else:
                grouped.setdefault((due, claim.topic), []).append(claim)
        for (due, topic), claims in grouped.items():
            names = sorted({claim.predicate for claim in claims})
            shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            reason = f"{topic}: {shown}: unconfirmed and not counted: {_MEASURE.get(topic, _MEASURE_SPEED)}"
            yield _Found(Checkpoint(due, surface, reason, tuple(sorted(claim.id for claim in claims))), on)


def _wanted(occasion: Occasion, workloads: Iterable[str]) -> frozenset[str]:
    """Predicates that some of the workloads need, and those on which every decision bears."""
    needs = [occasion.organisation.needs(name) for name in workloads]
    named = {parse(name).predicate for need in needs for name in (*need.attestations, *need.data_terms)}
    return frozenset(named | {name for need in needs for name in need.capabilities} | _ALWAYS)


def _sways(claim: Claim, surface: str, models: set[str], wanted: frozenset[str]) -> bool:
    if claim.surface:
        if claim.surface != surface or (claim.models and not models & set(claim.models)):
            return False
        return claim.topic == "quotas" or (
            claim.topic in {"capabilities", "compliance"} and bool(wanted & set(claim.predicate.split(";")))
        )
    if claim.topic not in {"silicon", "article"} or claim.status != _FORWARD:
        return False
    words = set(re.split(r"[\s/;,]+", claim.subject.lower()))
    return any(words & names and surface in surfaces for names, surfaces in _SWAYS)


def _due(claim: Claim, surface: str, occasion: Occasion) -> date | None:
    """When to look: when it is said to come or to end, else its review, and before a contract there binds further.

    None if it is over, or not due inside the horizon.
    """
    if claim.valid_until is not None and claim.valid_until <= occasion.at:
        return None
    ahead = (claim.valid_from, claim.valid_until, claim.review_by)
    later = [day for day in ahead if day is not None and day > occasion.at]
    binding = [
        day
        for contract in occasion.organisation.contracts.values()
        if surface in contract.surfaces
        for day, _ in contract_days(contract, occasion.at, occasion.stop)
        if day > occasion.at
    ]
    due = min([*later, *binding], default=occasion.at + timedelta(days=_LOOK_DAYS))
    return due if due <= occasion.stop else None


def _open_questions(occasion: Occasion) -> Iterator[_Found]:
    due = min(occasion.at + timedelta(days=_ASK_DAYS), occasion.stop)
    for one in occasion.asked:
        found = Checkpoint(due, one.workload, one.text, one.claim_ids)
        yield _Found(found, frozenset({one.workload}))


def _surfaces(occasion: Occasion) -> Iterator[_Found]:
    """Surfaces to be opened in time, and accounts that a surface does not serve."""
    for surface in sorted({stage.offer.surface for stage in occasion.stages}):
        stages = [stage for stage in occasion.stages if stage.offer.surface == surface]
        on = frozenset(stage.workload for stage in stages)
        first = min(stage.first_month for stage in stages)
        opening = _to_open(occasion, surface)
        if opening is not None:
            begin = first - timedelta(days=round(float(opening.weeks) * 7))
            reason = f"begin to open it: {opening.weeks} weeks before its first month, {first}"
            if begin < occasion.at:
                reason = f"begin to open it at once: it takes {opening.weeks} weeks, and its first month is {first}"
            due = max(begin, occasion.at)
            yield _Found(Checkpoint(due, surface, reason), on, Ground.STATED)
        for claim in occasion.snapshot.find(predicate="accounts_excluded", at=occasion.at):
            if claim.surface == surface and claim.status not in UNCOUNTED:
                reason = f"see that your account is none of those it leaves out: {claim.value}"
                yield _Found(Checkpoint(max(first, occasion.at), surface, reason, (claim.id,)), on)


def _to_open(occasion: Occasion, surface: str) -> Onboarding | None:
    """What it takes to open a surface; None if it is open."""
    entry = occasion.organisation.onboarding.get(surface)
    if occasion.in_use is not None:
        return None if surface in occasion.in_use else entry or Onboarding()
    return None if entry is None or entry.done else entry


def _tuning(occasion: Occasion) -> Iterator[_Found]:
    for name, workload in sorted(occasion.organisation.workloads.items()):
        if workload.needs.tuning is None:
            continue
        answer = tuning_window(workload.needs.tuning, occasion.snapshot, occasion.at)
        if answer.ask_again is not None and answer.ask_again <= occasion.stop:
            reason = f"ask again whether a model can be tuned (now: {answer.verdict})"
            found = Checkpoint(answer.ask_again, name, reason, answer.basis.claim_ids)
            yield _Found(found, frozenset({name}))
