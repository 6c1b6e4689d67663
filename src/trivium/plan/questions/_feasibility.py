"""Whether an offer meets what a workload needs in a month, from claims: attestations, data terms, place, abilities.

A documented refusal excludes. A condition excludes unless the offer satisfies it (the place, the models, the features);
what the organisation can do itself (sign, ask, set) is listed and does not exclude. What is not shown excludes too, for
attestations and data terms: they must be shown, not hoped for, and the verdict says what to ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trivium.catalog import Snapshot
from trivium.core import ClaimsDisagree, Offer
from trivium.plan._candidates import needs as shown_needs
from trivium.plan._demand import Demand
from trivium.plan._facts import Requirement
from trivium.plan._market import UNCOUNTED
from trivium.plan.org import Needs
from trivium.plan.questions._evidence import Finding, find, in_class, sharing_sisters
from trivium.plan.questions._needs import Wanted, covered_by, parse
from trivium.plan.questions._places import leaves_choice, place_of, within
from trivium.plan.questions._reading import LADDERS, Reading, Says, features_of
from trivium.plan.questions._residency import held_in

_LATENCY = "latency_ms_p95"  # to the first token, as an organisation that has measured it may claim
_GATED = re.compile(r"\bgated\b", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|to \d)")
_STRICT = frozenset({"zdr", "data_sharing"})
# Claims that are shown beside an attestation or term, since they say how far it reaches.
_BESIDE = {
    "dod_il": ("dod_use",),
    "zdr": ("policy_violation_retention",),
    "soc2": ("terms", "compliance_reference"),
    "iso27001": ("terms", "compliance_reference"),
    "iso42001": ("terms", "compliance_reference"),
}


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """A question for a platform, since no counted claim answers it."""

    surface: str
    need: str
    model: str
    why: str
    claim_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.need} on {self.surface} for {self.model}: ask the platform ({self.why})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an offer is feasible; the first reason against it, or what it is feasible under."""

    ok: bool
    reason: str
    claim_ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # what no counted claim answers: to be asked of the platform
    conditions: tuple[str, ...] = ()  # what the organisation must sign, ask for or set
    caveats: tuple[str, ...] = ()  # what the claims add, and claims that say otherwise
    asks: tuple[Ask, ...] = ()  # the same as `unknown`, as values


@dataclass(frozen=True, slots=True)
class _Part:
    """What one requirement comes to for an offer."""

    ok: bool
    reason: str = ""
    claim_ids: tuple[str, ...] = ()
    ask: Ask | None = None
    conditions: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


def feasibility(demand: Demand, needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> Verdict:
    """Whether an offer may carry a demand in the month that ends on a day. Every need is looked at, not only one."""
    used = _abilities(demand, needs)
    parts = [
        *_lifecycle(offer, month, snapshot),
        *(_shown(parse(name), offer, month, snapshot, used) for name in (*needs.attestations, *needs.data_terms)),
        *_place(needs, offer, month, snapshot),
        *(_able(name, demand, needs, offer, month, snapshot) for name in used),
        *_sharing(needs, offer, month, snapshot),
        *_access(offer, month, snapshot),
        *_uptime(needs, offer, month, snapshot),
        *_speed(needs, offer, month, snapshot),
    ]
    failed = [part for part in parts if not part.ok]
    asks = tuple(dict.fromkeys(part.ask for part in parts if part.ask is not None))
    shown = failed or parts
    return Verdict(
        ok=not failed,
        reason="; ".join(part.reason for part in failed),
        claim_ids=tuple(dict.fromkeys(name for part in shown for name in part.claim_ids)),
        unknown=tuple(str(ask) for ask in asks),
        conditions=tuple(dict.fromkeys(act for part in parts for act in part.conditions)),
        caveats=tuple(dict.fromkeys(text for part in shown for text in part.caveats)),
        asks=asks,
    )


def _lifecycle(offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    day = snapshot.retired_at(offer.surface, offer.model)
    if day is not None and day <= month:
        ids = tuple(
            claim.id
            for claim in snapshot.find(predicate="retirement")
            if claim.surface == offer.surface and offer.model in claim.models and claim.value == day.isoformat()
        )
        yield _Part(ok=False, reason=f"the surface retires the model on {day}", claim_ids=ids)
    halted = [
        claim
        for claim in snapshot.find(predicate="suspended", at=month)
        if claim.surface == offer.surface and claim.speaks_of(offer.model) and claim.status not in UNCOUNTED
    ]
    if halted:
        yield _Part(ok=False, reason="the surface has suspended the model", claim_ids=tuple(c.id for c in halted))


def _shown(wanted: Wanted, offer: Offer, month: date, snapshot: Snapshot, used: tuple[str, ...]) -> _Part:
    """An attestation or a data term: it must be shown for this offer."""
    found = find(snapshot, offer.surface, offer.model, wanted.predicate, month)
    reading, where = found.reading, f"{wanted.name} on {offer.surface}"
    beside = [find(snapshot, offer.surface, offer.model, name, month) for name in _BESIDE.get(wanted.predicate, ())]
    notes = [claim for other in beside for claim in other.claims if claim.status not in UNCOUNTED]
    ids = (*found.claim_ids, *(claim.id for claim in notes))
    caveats = (*reading.caveats, *(claim.value for claim in notes), *_otherwise(found))
    if reading.says is Says.NO:
        said = found.claims[0].value if found.claims else ""
        return _Part(ok=False, reason=f"{where}: {said}", claim_ids=ids, caveats=caveats)
    if reading.says not in {Says.YES, Says.CONDITIONAL}:
        why = "; ".join(reading.doubts) or (f"“{found.claims[0].value}”" if found.claims else "no claim speaks of it")
        reason = f"{where} is not shown ({why})"
        return _Part(ok=False, reason=reason, claim_ids=ids, ask=_ask(wanted.name, offer, why, ids), caveats=caveats)
    features = find(snapshot, offer.surface, offer.model, f"{wanted.short}_features_excluded", month)
    ids = (*ids, *features.claim_ids)
    wrong = _outside(wanted, found, offer, snapshot) or _uncovered(reading, features, offer, used)
    if wrong:
        return _Part(ok=False, reason=f"{where}: {wrong}", claim_ids=ids, caveats=caveats)
    acts = tuple(f"{where}: {act}" for act in reading.acts)
    return _Part(ok=True, claim_ids=ids, conditions=acts, caveats=caveats)


def _otherwise(found: Finding) -> tuple[str, ...]:
    return tuple(f"{claim.id} says otherwise: {claim.value}" for claim in found.against)


def _ask(need: str, offer: Offer, why: str, ids: tuple[str, ...] = ()) -> Ask:
    return Ask(offer.surface, need, offer.model, why, ids)


def _outside(wanted: Wanted, found: Finding, offer: Offer, snapshot: Snapshot) -> str:
    """The condition of place, level or model that the offer does not satisfy; empty if it satisfies all."""
    reading = found.reading
    if reading.except_class and in_class(snapshot, offer.model, reading.except_class):
        return f"not for models of the {reading.except_class.capitalize()} class"
    enough = _levels(wanted, reading)
    if reading.levels or wanted.level:
        if not enough:
            has = ", ".join(sorted(reading.levels)) or "no level"
            return f"{has} is stated, {wanted.level or 'a level'} is needed"
        places = {level: reading.places | {only for at, only in found.narrowed if at == level} for level in enough}
        if any(not held or _sits_in(offer, held) for held in places.values()):
            return ""
        return f"only in {', '.join(sorted({place for held in places.values() for place in held}))}"
    held = reading.places
    if wanted.predicate == "eu_data_boundary":
        held = frozenset({"eu"})
    return "" if not held or _sits_in(offer, held) else f"only in {', '.join(sorted(held))}"


def _levels(wanted: Wanted, reading: Reading) -> tuple[str, ...]:
    """The stated levels of the programme that are high enough."""
    ladder = next((steps for steps in LADDERS if wanted.level in steps), None) or next(
        (steps for steps in LADDERS if steps[0].startswith("il") == (wanted.predicate == "dod_il")), ()
    )
    least = ladder.index(wanted.level) if wanted.level else 0
    return tuple(level for level in ladder[least:] if level in reading.levels)


def _sits_in(offer: Offer, places: frozenset[str]) -> bool:
    """Whether the scope keeps a request in one of the places; a class in which one can choose a place does."""
    place = place_of(offer.scope)
    if place is None:
        return leaves_choice(offer.scope) and places != {"us-gov"}
    return any(within(place, name) for name in places)


def _uncovered(reading: Reading, features: Finding, offer: Offer, used: tuple[str, ...]) -> str:
    """A feature in use that the attestation or term does not cover."""
    listed = [*reading.features, *(name for claim in features.claims for name in features_of(claim.value))]
    in_use = (*used, "batch") if offer.tier == "batch" else used
    lost = [name for name in in_use if covered_by(name, listed)]
    return f"does not cover {', '.join(lost)}" if lost else ""


def _place(needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    if not needs.geography:
        return
    held = held_in(snapshot, offer, needs.geography, month)
    yield _Part(
        ok=held.ok,
        reason="" if held.ok else f"processing in {needs.geography}: {held.why}",
        claim_ids=held.claim_ids,
        ask=_ask(f"processing in {needs.geography}", offer, held.why, held.claim_ids) if held.open else None,
        conditions=(held.choice,) if held.ok and held.choice else (),
    )


def _abilities(demand: Demand, needs: Needs) -> tuple[str, ...]:
    return shown_needs(demand, Requirement(demand.workload, capabilities=needs.capabilities))


def _able(name: str, demand: Demand, needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> _Part:
    """A capability: a documented no excludes, unless the demand runs there already and shows that it is had."""
    runs_here = any((there.surface, there.model) == (offer.surface, offer.model) for there, _ in demand.offers)
    try:
        claim = snapshot.capability(offer.surface, offer.model, name, month)
    except ClaimsDisagree as error:
        return _Part(ok=True, ask=_ask(name, offer, str(error)))
    says = (
        None
        if claim is None or claim.status in UNCOUNTED
        else snapshot.supports(offer.surface, offer.model, name, month)
    )
    ids = (claim.id,) if claim is not None else ()
    if says is False and not (runs_here and name not in needs.capabilities):
        return _Part(ok=False, reason=f"{name} is not offered there", claim_ids=ids)
    if says is None and not runs_here:
        ask = _ask(name, offer, "no claim says whether it is offered", ids)
        return _Part(ok=True, claim_ids=ids, ask=ask)
    return _Part(ok=True, claim_ids=ids)


def _sharing(needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    """Models whose use makes one share data: a workload with strict data terms must not, another must know it."""
    strict = [name for name in needs.data_terms if parse(name).predicate in _STRICT]
    found = [find(snapshot, offer.surface, offer.model, name, month) for name in ("data_sharing", "retention")]
    found = [one for one in found if one.claims and one.claims[0].models and one.claims[0].status not in UNCOUNTED]
    ids = tuple(name for one in found for name in one.claim_ids)
    if found:
        said = "; ".join(one.claims[0].value for one in found)
        caveats = tuple(text for one in found for text in (*one.reading.caveats, *one.reading.doubts, *_otherwise(one)))
        if strict:
            reason = f"{strict[0]} on {offer.surface}: {said}"
            yield _Part(ok=False, reason=reason, claim_ids=ids, caveats=caveats)
        else:
            accept = (f"{offer.model} on {offer.surface}: accept that {said}",)
            yield _Part(ok=True, claim_ids=ids, conditions=accept, caveats=caveats)
        return
    sisters = sharing_sisters(snapshot, offer.surface, offer.model, month)
    if sisters:
        need = strict[0] if strict else "data sharing"
        named = ", ".join(sorted({name for claim in sisters for name in claim.models}))
        why = f"rules for {named} share or keep data, none is stated for this model here"
        reason = f"{need} on {offer.surface} is not shown ({why})" if strict else ""
        ids = tuple(claim.id for claim in sisters)
        yield _Part(ok=not strict, reason=reason, claim_ids=ids, ask=_ask(need, offer, why, ids))


def _access(offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    """A model that is handed out one by one: the organisation must be let in."""
    found = find(snapshot, offer.surface, offer.model, "available", month)
    for claim in found.claims:
        if _GATED.search(claim.note) and claim.status not in UNCOUNTED:
            condition = f"{offer.model} on {offer.surface}: access is {claim.note}"
            yield _Part(ok=True, claim_ids=(claim.id,), conditions=(condition,))


def _uptime(needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    """The availability that is promised beside the one that is wanted. It excludes nothing: surfaces can stand in."""
    if needs.availability_percent is None:
        return
    found = find(snapshot, offer.surface, offer.model, "sla", month)
    need = f"availability of {needs.availability_percent} %"
    claim = found.claims[0] if found.claims else None
    stated = _PERCENT.search(claim.value) if claim is not None and claim.status not in UNCOUNTED else None
    if claim is None or stated is None:
        why = f"“{claim.value}”" if claim is not None else "no claim states a promise"
        yield _Part(ok=True, claim_ids=found.claim_ids, ask=_ask(need, offer, why, found.claim_ids))
    elif Decimal(stated[1]) < needs.availability_percent:
        caveat = f"{need} on {offer.surface} is more than the platform promises: {claim.value}"
        yield _Part(ok=True, claim_ids=found.claim_ids, caveats=(caveat,))
    else:
        yield _Part(ok=True, claim_ids=found.claim_ids)


def _speed(needs: Needs, offer: Offer, month: date, snapshot: Snapshot) -> Iterator[_Part]:
    """A latency that is wanted beside the one that is stated. It excludes nothing: it is measured, not read."""
    if needs.latency_ms_p95 is None:
        return
    need = f"first token within {needs.latency_ms_p95:,} ms for 95 of 100"
    found = find(snapshot, offer.surface, offer.model, _LATENCY, month)
    claim = found.claims[0] if found.claims else None
    if claim is None or claim.status in UNCOUNTED or claim.number is None:
        why = "no counted claim states one: measure it there through the gateway"
        yield _Part(ok=True, claim_ids=found.claim_ids, ask=_ask(need, offer, why, found.claim_ids))
    elif claim.number > needs.latency_ms_p95:
        caveat = f"{need} on {offer.surface} is less than is stated: {claim.value} ms"
        yield _Part(ok=True, claim_ids=found.claim_ids, caveats=(caveat,))
    else:
        yield _Part(ok=True, claim_ids=found.claim_ids)
