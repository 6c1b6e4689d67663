"""An independent check that a plan keeps every hard requirement.

It shares no code with what the optimiser uses to decide what is feasible, and reads claims row by row in its own way.
Months of a stage are named by their first days, and a stage runs until the end of its last month.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from trivium.catalog import Claim, Snapshot
from trivium.core import ROUTABLE_SURFACES, Offer
from trivium.plan._demand import Demand
from trivium.plan._facts import Quota
from trivium.plan.decision import Stage
from trivium.plan.org import Needs, Onboarding, Organisation
from trivium.plan.questions import _rows as rows

_WHOLE = 100  # percent
_FINEST = 100_000  # the largest denominator of a share
_ROUNDING = Fraction(1, 1000)  # what shares that are no plain fractions may lack of the whole


@dataclass(frozen=True, slots=True)
class Violation:
    """A requirement that a stage of a plan breaks."""

    kind: str  # surface · opening · model · scope · attestation · data term · residency · capability · price …
    workload: str
    offer: Offer | None
    day: date
    text: str
    claim_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checked:
    """What a plan is checked against."""

    organisation: Organisation
    demands: Sequence[Demand]
    snapshot: Snapshot
    quotas: Sequence[Quota] = ()
    successors: Mapping[str, str] = field(default_factory=dict)
    admitted: Mapping[tuple[str, str], date] = field(default_factory=dict)
    waits: Mapping[tuple[str, str, date], float] = field(default_factory=dict)
    at: date = date.min


def check_plan(
    organisation: Organisation,
    stages: Sequence[Stage],
    demands: Sequence[Demand],
    snapshot: Snapshot,
    quotas: Sequence[Quota] = (),
    successors: Mapping[str, str] | None = None,
    admitted: Mapping[tuple[str, str], date] | None = None,
    waits: Mapping[tuple[str, str, date], float] | None = None,
) -> tuple[Violation, ...]:
    """Every violation of a hard requirement; none is the promise of a plan.

    `successors` are models that the plan assumes to follow retired ones. `admitted` says from which day on the plan
    itself tells of a (workload, model) that nothing is left for it: what it carries on with then is no offer it chose.
    `waits` says, by the first day of a month, which percentage of one the plan keeps waiting for a surface to open.
    The plan begins on the first day on which anything is placed or waits.
    """
    waits = waits or {}
    days = [stage.first_month for stage in stages] + [day for _, _, day in waits]
    begun = min(days, default=date.min)
    checked = Checked(organisation, demands, snapshot, quotas, successors or {}, admitted or {}, waits, begun)
    known = {(demand.workload, demand.model): demand for demand in demands}
    found: list[Violation] = []
    for stage in stages:
        demand = known.get((stage.workload, stage.model))
        if demand is None:
            text = f"nothing is measured of {stage.model}"
            found.append(Violation("shares", stage.workload, stage.offer, stage.first_month, text))
            continue
        found += _allowed(checked, stage, demand)
        found += _closed(checked, stage)
        end = checked.admitted.get((stage.workload, stage.model), date.max)
        found += _too_long(checked, stage, demand)
        for start, day in _months(stage):
            if day < end:
                found += _unsold(checked, stage, start)
                found += _claims(checked, stage, demand, day)
    found += _shares(checked, stages)
    found += _idle_for_nothing(checked)
    found += _quotas(checked, stages, known)
    return tuple(found)


def _months(stage: Stage) -> Iterator[tuple[date, date]]:
    """First and last days."""
    start = stage.first_month
    while start <= stage.last_month:
        following = _next_month(start, stage.first_month)
        yield start, following - timedelta(days=1)
        start = following


def _next_month(start: date, first: date) -> date:
    """The same day as `first` of the month after `start`, or that month's last."""
    year, month = divmod(start.year * 12 + start.month, 12)
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))


def _allowed(checked: Checked, stage: Stage, demand: Demand) -> Iterator[Violation]:
    """What the organisation file itself allows: surfaces, models, scopes."""
    about, entry = checked.organisation.about, checked.organisation.workloads.get(stage.workload)
    needs = checked.organisation.needs(stage.workload)
    offer, day = stage.offer, stage.first_month
    for names in (about.surfaces, entry.surfaces if entry is not None else ()):
        if names and offer.surface not in names:
            yield Violation("surface", stage.workload, offer, day, f"only {', '.join(names)} may be used")
    models = {stage.model, *(needs.models or (entry.models if entry is not None else ()))}
    models |= {checked.successors[name] for name in models if name in checked.successors}
    if offer.model not in models:
        yield Violation("model", stage.workload, offer, day, f"only {', '.join(sorted(models))} may be used")
    scopes = set(needs.scopes) or ({needs.geography} if needs.geography else {now.scope for now, _ in demand.offers})
    if offer.scope not in scopes and not needs.geography:
        yield Violation("scope", stage.workload, offer, day, f"only {', '.join(sorted(scopes))} may be used")
    if offer.tier == "batch" and not needs.batchable_percent and all(now.tier != "batch" for now, _ in demand.offers):
        yield Violation("scope", stage.workload, offer, day, "nothing of it may wait for a batch")


def _unsold(checked: Checked, stage: Stage, start: date) -> Iterator[Violation]:
    """A month has the prices of its first day: without a counted one the offer cannot be bought."""
    offer = stage.offer
    if not rows.sold(checked.snapshot, offer.surface, offer.model, offer.tier, start):
        yield Violation("price", stage.workload, offer, start, "no counted list price holds then")


def _too_long(checked: Checked, stage: Stage, demand: Demand) -> Iterator[Violation]:
    """Prompts longer than the context window, where they did not run before and had more room."""
    offer, day = stage.offer, stage.first_month
    if any((now.surface, now.model) == (offer.surface, offer.model) for now, _ in demand.offers):
        return
    there = rows.widest(rows.rows_of(checked.snapshot, offer.surface), offer.model, day)
    home = demand.offers[0][0]
    here = rows.widest(rows.rows_of(checked.snapshot, home.surface), home.model, day)
    if there and there < demand.prompt_tokens_max and there < (here or demand.prompt_tokens_max):
        text = f"prompts of {demand.prompt_tokens_max:,} tokens, a window of {there:,}"
        yield Violation("capability", stage.workload, offer, day, text)


def _claims(checked: Checked, stage: Stage, demand: Demand, day: date) -> Iterator[Violation]:
    """What claims say of the offer on a day."""
    needs, offer = checked.organisation.needs(stage.workload), stage.offer
    used = tuple(needs.capabilities) + (
        ("code_execution",) if any(row.code_execution_hours for row in demand.rows) else ()
    )
    key = (needs.attestations, needs.data_terms, needs.geography, needs.capabilities, used, offer, day)
    wrong: tuple[tuple[str, str, tuple[str, ...]], ...] = checked.snapshot.remembered(
        ("checker", key), lambda: tuple(_wrong(checked.snapshot, needs, offer, used, day))
    )
    for kind, text, ids in wrong:
        yield Violation(kind, stage.workload, offer, day, text, ids)


_Wrong = tuple[str, str, tuple[str, ...]]


def _wrong(snapshot: Snapshot, needs: Needs, offer: Offer, used: tuple[str, ...], day: date) -> Iterator[_Wrong]:
    held = rows.rows_of(snapshot, offer.surface)
    for kind, names in (("attestation", needs.attestations), ("data term", needs.data_terms)):
        for name in names:
            for text, claims in _unshown(snapshot, held, name, offer, used, day):
                yield kind, text, tuple(claim.id for claim in claims)
    if needs.geography:
        for text, claims in _outside(held, offer, needs.geography, day):
            yield "residency", text, tuple(claim.id for claim in claims)
    for name in needs.capabilities:
        claims = rows.holding(held, name, offer.model, day)
        if claims and all(claim.value.lower().split()[0] in {"no", "not", "none", "never"} for claim in claims):
            yield "capability", f"{name} is not there", tuple(claim.id for claim in claims)
    yield from _gone(held, offer, day)


_Text = tuple[str, Sequence[Claim]]


def _unshown(
    snapshot: Snapshot, held: rows.Rows, need: str, offer: Offer, used: tuple[str, ...], day: date
) -> Iterator[_Text]:
    predicate, least = rows.split_need(need)
    found = rows.holding(held, predicate, offer.model, day)
    if not found and predicate == "dod_il":
        found = [claim for claim in rows.holding(held, "fedramp", offer.model, day) if "IL" in claim.value]
    if not found:
        yield f"{need}: no counted claim shows it", ()
        return
    for claim in found:
        open_parts = rows.doubts(claim)
        if rows.denied(claim, predicate) or any(not rows.named_levels(part) for part in open_parts):
            yield f"{need}: {claim.value}", (claim,)
            return
    levels = set.union(*(rows.named_levels(claim.value) for claim in found))
    levels -= {level for claim in found for part in rows.doubts(claim) for level in rows.named_levels(part)}
    if predicate in {"fedramp", "dod_il"}:
        enough = rows.high_enough(levels, predicate, least)
        if all(_government_only(held, found, level, offer, day) for level in enough):
            yield f"{need}: not in the scope {offer.scope}", found
    if predicate == "eu_data_boundary" and rows.country_of(offer.scope) not in {"eu", "free"}:
        yield f"{need}: the scope {offer.scope} is not in the EU", found
    yield from _class_and_features(snapshot, held, predicate, need, offer, used, day, found)


def _government_only(held: rows.Rows, found: Sequence[Claim], level: str, offer: Offer, day: date) -> bool:
    """Whether a level holds in GovCloud alone while the offer is elsewhere."""
    texts = [claim.value for claim in found]
    if not any(claim.layer for claim in found):
        for claim in held.get("compliance", ()):
            if claim.holds_on(day) and claim.speaks_of(offer.model):
                texts += [part for part in claim.value.split(";") if "GovCloud" in part]
    inside = any("GovCloud" in text and level in rows.named_levels(text) for text in texts)
    return inside and not rows.is_government(offer.scope)


def _class_and_features(
    snapshot: Snapshot,
    held: rows.Rows,
    predicate: str,
    need: str,
    offer: Offer,
    used: tuple[str, ...],
    day: date,
    found: Sequence[Claim],
) -> Iterator[_Text]:
    sharing = bool(set(offer.model.split("-")) & rows.shared_words(snapshot))
    text = " ".join(f"{claim.value} {claim.note}" for claim in found)
    own = any(claim.models and claim.layer for claim in found)  # the organisation has it in writing for this model
    if sharing and not own and (predicate in {"zdr", "data_sharing"} or " class" in text):
        yield f"{need}: models of this class share or keep data", found
    extra = held.get(f"{predicate.partition('_')[0]}_features_excluded", ())
    listed = [claim.value for claim in extra if claim.holds_on(day)]
    listed += [part.strip() for claim in found for part in claim.note.split(";") if part.strip().startswith("not:")]
    without = {_stem(part.removeprefix("not:")) for text in listed for part in text.split(",")}
    for name in (*used, *(["batch"] if offer.tier == "batch" else [])):
        if any(_stem(name) == part or _stem(name).endswith(f" {part}") for part in without):
            yield f"{need}: does not cover {name}", found


def _stem(name: str) -> str:
    """`files_api`, `files` → fil; `message_batches_api` → message batch."""
    plain = name.strip().lower().replace("_", " ").removesuffix(" api")
    return plain.removesuffix("es").removesuffix("s")


def _outside(held: rows.Rows, offer: Offer, geography: str, day: date) -> Iterator[_Text]:
    """A scope that leaves the geography, or of which no row says that it holds there."""
    place = rows.country_of(offer.scope)
    if place not in {geography, "free"}:
        yield f"the scope {offer.scope} is not bound to {geography}", ()
        return
    if rows.is_government(offer.scope):
        return
    profiles = [
        claim
        for name in ("inference_profiles", "regional_rates_in_price_list")
        for claim in rows.holding(held, name, offer.model, day)
        if claim.models
    ]
    if profiles:
        if geography not in _words(profiles[0].value):
            yield f"no profile for {geography}", profiles[:1]
        return
    boundary = rows.holding(held, "eu_data_boundary", offer.model, day)
    if geography == "eu" and boundary and all(claim.value.lower().startswith("no") for claim in boundary):
        yield "there is no EU boundary", boundary
        return
    speaking = [
        claim
        for name in ("data_residency", "eu_data_boundary", "inference_geo")
        for claim in rows.holding(held, name, offer.model, day)
    ]
    pinned = geography == "us" and all(claim.speaks_of(offer.model) for claim in held.get("data_residency", ()))
    if not any(
        geography in _words(claim.value)
        or "geographic profiles" in claim.value
        or "regional endpoints" in claim.value
        or (pinned and claim.predicate == "inference_geo" and claim.value == "yes")
        for claim in speaking
    ):
        yield f"no row says that processing can be held in {geography}", speaking


def _words(text: str) -> set[str]:
    flat = text.lower().replace(",", " ").replace("(", " ").replace(")", " ").replace(";", " ").replace("canada", "ca")
    head = flat.partition(" none ")[0]
    return set() if head.startswith("no ") else set(head.split())


def _gone(held: rows.Rows, offer: Offer, day: date) -> Iterator[_Wrong]:
    """Retired on or before the day, or suspended on it."""
    ends = [
        claim
        for claim in held.get("retirement", ())
        if offer.model in claim.models and len(claim.value) == len("2026-01-01") and claim.value[:4].isdigit()
    ]
    if ends:
        top = max(ends, key=rows.weight)
        equal = [claim for claim in ends if rows.weight(claim) == rows.weight(top)]
        first = min(claim.value for claim in equal)
        if first <= day.isoformat():
            yield "retirement", f"retired on {first}", tuple(claim.id for claim in equal)
    for claim in rows.holding(held, "suspended", offer.model, day):
        yield "retirement", "suspended", (claim.id,)


def _open_on(checked: Checked, surface: str) -> date:
    """The day from which requests may go to a surface: the plan's first where they go now or it is said to be open."""
    entry = checked.organisation.onboarding.get(surface, Onboarding())
    runs = any(row.offer.surface == surface for demand in checked.demands for row in demand.rows)
    if entry.done or (runs and not checked.organisation.about.nothing_runs):
        return checked.at
    return checked.at + timedelta(days=math.ceil(entry.weeks * 7))


def _closed(checked: Checked, stage: Stage) -> Iterator[Violation]:
    """A stage may not begin before its surface can be open."""
    opens = _open_on(checked, stage.offer.surface)
    if stage.first_month < opens:
        text = f"it cannot be open before {opens}"
        yield Violation("opening", stage.workload, stage.offer, stage.first_month, text)


def _idle_for_nothing(checked: Checked) -> Iterator[Violation]:
    """Waiting is for openings alone: once every surface that the file allows can be open, nothing waits any more."""
    for workload, model, day in checked.waits:
        entry = checked.organisation.workloads.get(workload)
        allowed = set(checked.organisation.about.surfaces or ROUTABLE_SURFACES)
        allowed &= set((entry.surfaces if entry is not None else ()) or ROUTABLE_SURFACES)
        last = max((_open_on(checked, surface) for surface in allowed), default=checked.at)
        if day >= last:
            yield Violation("opening", workload, None, day, f"{model} waits although everything can be open by {last}")


def _shares(checked: Checked, stages: Sequence[Stage]) -> Iterator[Violation]:
    """From the plan's first day until it ends, all of a placed demand is placed, or is said to wait."""
    last = max((stage.last_month for stage in stages), default=date.min)
    by_part: dict[tuple[str, str], list[Stage]] = {}
    for stage in stages:
        by_part.setdefault((stage.workload, stage.model), []).append(stage)
    for (workload, model), own in by_part.items():
        waiting = {day: share for (name, of, day), share in checked.waits.items() if (name, of) == (workload, model)}
        turns = {checked.at, *waiting}
        turns |= {stage.first_month for stage in own} | {_following(stage) for stage in own}
        for day in sorted(turn for turn in turns if turn <= last):
            running = [stage for stage in own if stage.first_month <= day <= stage.last_month]
            total = sum((_share(stage) for stage in running), Fraction(0))
            total += Fraction(waiting.get(day, 0)).limit_denominator(_FINEST)
            if not running and _next_month(day, day) > checked.admitted.get((workload, model), date.max):
                continue
            if abs(total - _WHOLE) > _ROUNDING:
                yield Violation("shares", workload, None, day, f"{float(total):g} % of {model} is placed")


def _following(stage: Stage) -> date:
    """The first day of the month after a stage."""
    return _next_month(stage.last_month, stage.first_month)


def _quotas(checked: Checked, stages: Sequence[Stage], known: Mapping[tuple[str, str], Demand]) -> Iterator[Violation]:
    """The measured minutes against every quota, in every span between two changes of the plan."""
    for day in sorted({stage.first_month for stage in stages}):
        running = [stage for stage in stages if stage.first_month <= day <= stage.last_month]
        for quota in checked.quotas:
            loads: dict[int, Fraction] = {}
            last: Stage | None = None
            for stage in running:
                demand = known.get((stage.workload, stage.model))
                if demand is None or not _counts(quota, stage.offer):
                    continue
                last = stage
                for minute, load in _minute_loads(demand, stage.cache_life, quota):
                    loads[minute] = loads.get(minute, Fraction(0)) + load * _share(stage) / _WHOLE
            worst = max(loads.values(), default=Fraction(0))
            if last is not None and worst > quota.limit:
                text = f"{quota.metric} of {quota.surface} ({quota.name}): {float(worst):,.0f} of {quota.limit:,}"
                yield Violation("quota", last.workload, last.offer, day, text, quota.claim_ids)


def _share(stage: Stage) -> Fraction:
    """Percent as the plain fraction it stands for: 33.333333 is a third of a hundred."""
    return Fraction(stage.share_percent).limit_denominator(_FINEST)


def _counts(quota: Quota, offer: Offer) -> bool:
    return (
        offer.tier != "batch"
        and quota.surface == offer.surface
        and (quota.models is None or offer.model in quota.models)
        and (quota.scopes is None or offer.scope in quota.scopes)
    )


def _minute_loads(demand: Demand, life: str, quota: Quota) -> Iterator[tuple[int, int]]:
    take = quota.weights.get
    for m in demand.minutes:
        read = m.joined_1h if life == "1h" else m.joined_5m
        load = take("requests", 0) * m.requests + take("input", 0) * m.input + take("output", 0) * m.output
        yield m.minute, load + take("cache_read", 0) * read + take("cache_write", 0) * (m.cached - read)
