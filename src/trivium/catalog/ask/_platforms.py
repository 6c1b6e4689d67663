"""Answers about platforms: which suits a type, what each offers, attests and limits, and when models retire."""

from __future__ import annotations

from collections.abc import Iterable

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._platform import answer as yes_or_no
from trivium.catalog.ask._advantages import CUSTOMISATION, INFERENCE, advantages, article_assignments, known_claim
from trivium.catalog.ask._prices import price_parity
from trivium.catalog.ask._reading import Reading
from trivium.catalog.ask._values import Draft, place_of, said, state_of
from trivium.core import ROUTABLE_SURFACES, SURFACES

_RETIREMENT = "retirement"
_LIMITS = ("rpm:", "itpm:", "otpm:", "tpm:", "default_tpm", "tpd", "rate_limit", "quota_", "default_quota")
_UNCOUNTED = frozenset({FORWARD_LOOKING, "unconfirmed"})
_WORDS = {True: "yes", False: "no", None: "not said"}


def answer_platform_for_type(draft: Draft, reading: Reading) -> None:
    """Per type, what platforms are documented to offer, and what became of the article's own assignment."""
    for kind in dict.fromkeys(reading.named("type")):
        found = advantages(draft.snapshot, draft.at, kind)
        counted = [one for one in found if one.counts]
        draft.say(_leading(kind, [one.surface for one in counted], draft))
        if kind == INFERENCE:
            _say_parity(draft)
        for one in found:
            draft.rest_on(*(known_claim(draft.snapshot, name) for name in one.claim_ids))
        draft.show(
            f"What is documented for {kind}",
            ("surface", "what", "grade", "state", "caveat", "claims"),
            [(o.surface, o.statement, o.grade, o.standing, o.caveat, ", ".join(o.claim_ids)) for o in found],
        )
        _assigned(draft, kind)


def _leading(kind: str, surfaces: list[str], draft: Draft) -> str:
    if not surfaces:
        return f"For {kind}, no platform has a documented advantage on {draft.at}."
    count = {surface: surfaces.count(surface) for surface in dict.fromkeys(surfaces)}
    told = ", ".join(f"{surface} ({number})" for surface, number in sorted(count.items(), key=lambda item: -item[1]))
    return f"For {kind}, points that are documented or reported and in force on {draft.at}: {told}."


def _say_parity(draft: Draft) -> None:
    parity = price_parity(draft.snapshot, draft.at)
    if parity.same or parity.different:
        told = f"; it differs for {', '.join(parity.different)}" if parity.different else ""
        draft.say(
            f"The list price of a token, served from anywhere, is the same on every platform that sells the model "
            f"for {len(parity.same)} of {len(parity.same) + len(parity.different)} models{told}."
        )
        for text in parity.longer:
            draft.say(f"But prompts of {text}.")
        draft.rest_on(*(known_claim(draft.snapshot, name) for name in parity.claim_ids))


def _assigned(draft: Draft, kind: str) -> None:
    """The article's assignment of a type, claim by claim."""
    for one in article_assignments(draft.snapshot, draft.at):
        if one.type != kind:
            continue
        verdict = "a part of it was confirmed" if one.holds else "none of its claims on that was confirmed"
        draft.say(f"The article assigns {kind} to {one.place}; {verdict}.")
        rows = []
        for outcome in one.outcomes:
            draft.rest_on(*outcome.claims)
            claim = outcome.claim
            rows.append((claim.id, f"{claim.subject} · {claim.predicate}: {said(claim)}", outcome.outcome, outcome.why))
        draft.show(f"What became of the article's assignment of {kind}", ("claim", "it says", "outcome", "why"), rows)
    if kind == CUSTOMISATION:
        never = [
            claim
            for claim in draft.snapshot.find(predicate="fine_tuning")
            if claim.models and not yes_or_no(claim.value)
        ]
        for claim in never:
            draft.say(
                f"{claim.surface}: {len(claim.models)} models after Claude 3 Haiku were {claim.value} as tunable.",
                claim,
            )


def answer_capability(draft: Draft, reading: Reading) -> None:
    """Which surfaces offer a capability, for a model if one is named: yes, no, or not said."""
    places = reading.named("place")
    models = reading.named("model")
    surfaces = [surface for surface in ROUTABLE_SURFACES if not places or surface in places]
    rows = []
    offering: dict[str, list[str]] = {}
    for name in reading.named("capability"):
        for surface in surfaces:
            claims = _claims_on(draft, name, surface, models)
            if not claims:
                rows.append((surface, name, "not said", "", "", ""))
            for claim in claims:
                has = yes_or_no(claim.value) if claim.status not in _UNCOUNTED else None
                rows.append((place_of(claim), name, _WORDS[has], said(claim), claim.status, claim.id))
                if has:
                    offering.setdefault(name, []).append(place_of(claim))
            draft.rest_on(*claims)
    about = f" for {', '.join(models)}" if models else ""
    for name in reading.named("capability"):
        told = ", ".join(dict.fromkeys(offering.get(name, ()))) or "no surface is documented to offer it"
        draft.say(f"{name}{about} on {draft.at}: {told}.")
        _was(draft, name, models, places)
    draft.answered = any(row[5] for row in rows)
    draft.show("By surface", ("surface", "capability", "offered", "what the claim says", "grade", "claim"), rows)


def _claims_on(draft: Draft, name: str, surface: str, models: tuple[str, ...]) -> list[Claim]:
    return [
        claim
        for claim in draft.snapshot.find(predicate=name, at=draft.at)
        if claim.surface == surface
        and claim.status != FORWARD_LOOKING
        and (not models or any(claim.speaks_of(model) for model in models))
    ]


def _was(draft: Draft, name: str, models: tuple[str, ...], places: tuple[str, ...]) -> None:
    """What was offered once, and is not on the day."""
    for claim in draft.snapshot.find(predicate=name):
        about = not models or any(claim.speaks_of(model) for model in models)
        if (
            about
            and not claim.holds_on(draft.at)
            and (not places or claim.surface in places)
            and yes_or_no(claim.value)
        ):
            state = state_of(draft.snapshot, claim, draft.at)
            draft.say(
                f"{state}: {place_of(claim)}: {said(claim)}, {claim.valid_from or '…'} to {claim.valid_until or '…'}.",
                claim,
            )


def answer_availability(draft: Draft, reading: Reading) -> None:
    """Where models are offered on a day, by claims on that and by their prices; gaps are said to be unknown."""
    places = reading.named("place")
    rows: list[tuple[str, ...]] = []
    for model in reading.named("model"):
        offered = []
        for surface in places or SURFACES:
            found, available = _available(draft, surface, model)
            rows += found
            if available:
                offered.append(surface)
        draft.say(f"{model} on {draft.at} is available, or has a price, on: {', '.join(offered) or 'no surface'}.")
    draft.answered = bool(rows)
    if rows:
        draft.notes.append("A surface that is not listed is one that no claim speaks of: that is unknown, not a no.")
    headers = ("surface", "model", "what", "says", "window", "grade", "state", "claims")
    draft.show("Availability", headers, rows)


def _available(draft: Draft, surface: str, model: str) -> tuple[list[tuple[str, ...]], bool]:
    """What claims and prices say of a model on a surface, and whether it is to be had on the day."""
    claims = [
        claim
        for predicate in ("available", "suspended")
        for claim in draft.snapshot.find(predicate=predicate)
        if claim.surface == surface and model in claim.models
    ]
    draft.rest_on(*claims)
    rows: list[tuple[str, ...]] = []
    yes = suspended = False
    for claim in claims:
        state = state_of(draft.snapshot, claim, draft.at)
        window = f"{claim.valid_from or '…'} to {claim.valid_until or '…'}"
        rows.append((surface, model, claim.predicate, said(claim), window, claim.status, state, claim.id))
        holds = claim.holds_on(draft.at) and claim.status not in _UNCOUNTED
        yes |= holds and claim.predicate == "available" and bool(yes_or_no(claim.value))
        suspended |= holds and claim.predicate == "suspended" and yes_or_no(claim.value) is not False
    sold = [cell for cell in draft.snapshot.cells if (cell.surface, cell.model) == (surface, model)]
    now = [cell for cell in sold if cell.holds_on(draft.at) and cell.status not in _UNCOUNTED]
    if now:
        first = min(now, key=lambda cell: (cell.tier != "standard", cell.unit != "input", cell.id))
        draft.rest_on(*(draft.snapshot.claim(name) for name in first.claim_ids))
        window = f"{first.valid_from or '…'} to {first.valid_until or '…'}"
        names = ", ".join(first.claim_ids)
        rows.append((surface, model, "sold", f"{len(now)} prices", window, first.status, "in force", names))
    return rows, (yes or bool(now)) and not suspended


def answer_attestation(draft: Draft, reading: Reading) -> None:
    """What claims say of an attestation or of data terms, by surface; what no claim says is said to be unknown."""
    places = reading.named("place")
    models = reading.named("model")
    wanted = frozenset(reading.named("attestation"))
    found = [
        claim
        for claim in draft.snapshot.current
        if wanted & frozenset(claim.predicate.partition(":")[0].split(";"))
        and claim.surface
        and claim.holds_on(draft.at)
        and (not places or claim.surface in places)
        and (not models or any(claim.speaks_of(model) for model in models))
    ]
    _by_surface(draft, found, places, " or ".join(sorted(wanted)))


def answer_quota(draft: Draft, reading: Reading) -> None:
    """The stated limits of requests and tokens, by surface, model and tier."""
    places, models = reading.named("place"), reading.named("model")
    found = [
        claim
        for claim in draft.snapshot.current
        if claim.predicate.startswith(_LIMITS)
        and claim.holds_on(draft.at)
        and (not places or claim.surface in places)
        and (not models or (claim.surface and any(claim.speaks_of(model) for model in models)))
    ]
    draft.answered = bool(found)
    draft.rest_on(*found)
    draft.say(f"{len(found)} limits are stated on {draft.at}; an account's own may differ.")
    draft.show(
        "Stated limits",
        ("surface", "limit", "value", "grade", "claim"),
        [
            (c.subject, c.predicate, said(c), c.status, c.id)
            for c in sorted(found, key=lambda c: (c.subject, c.predicate))
        ],
    )


def _by_surface(draft: Draft, found: list[Claim], places: tuple[str, ...], what: str) -> None:
    known = {claim.surface for claim in found}
    for claim in sorted(found, key=lambda one: (one.surface, one.id)):
        about = f" ({claim.note})" if claim.note else ""
        draft.say(f"{claim.subject}: {said(claim)}; {claim.status}{about}", claim)
    for surface in places or ROUTABLE_SURFACES:
        if surface not in known:
            draft.notes.append(f"No claim says anything on {what} of {surface}: that is unknown, not a no.")
    draft.answered = bool(found)
    draft.show(
        what,
        ("surface", "says", "grade", "state", "since", "claim"),
        [
            (c.subject, said(c), c.status, state_of(draft.snapshot, c, draft.at), str(c.valid_from or "…"), c.id)
            for c in found
        ],
    )
    if not draft.answered:
        draft.lines.append(f"No claim on {draft.at} speaks of {what}.")


def answer_retirement(draft: Draft, reading: Reading) -> None:
    """When models retire, by surface: a stated day, a day before which they do not, and what disagrees."""
    models, places = reading.named("model"), reading.named("place")
    found = [
        claim
        for claim in draft.snapshot.current
        if claim.predicate.startswith(_RETIREMENT)
        and set(claim.models) & set(models)
        and (not places or claim.surface in places)
    ]
    if not found:
        draft.answered = False
        where = f" on {' or '.join(places)}" if places else ""
        draft.lines.append(f"No claim gives a retirement of {', '.join(models)}{where}.")
        return
    for model in models:
        _say_retirement(draft, model, [claim for claim in found if model in claim.models])
    draft.rest_on(*found)
    draft.show(
        "Retirements",
        ("surface", "what", "day", "grade", "state", "note", "claim"),
        [
            (c.subject, c.predicate, said(c), c.status, state_of(draft.snapshot, c, draft.at), c.note, c.id)
            for c in sorted(found, key=lambda c: (c.surface, c.predicate, c.id))
        ],
    )


def _say_retirement(draft: Draft, model: str, found: Iterable[Claim]) -> None:
    claims = list(found)
    for surface in dict.fromkeys(claim.surface for claim in claims):
        day = draft.snapshot.retired_at(surface, model)
        here = [claim for claim in claims if claim.surface == surface]
        if day is not None:
            because = [claim for claim in here if claim.predicate == _RETIREMENT and claim.value == str(day)]
            verb = "retired" if day <= draft.at else "retires"
            grades = " and ".join(dict.fromkeys(claim.status for claim in because))
            draft.say(f"{model} {verb} on {surface} on {day} ({grades}).", *because)
            continue
        floors = [claim for claim in here if claim.predicate == "retirement_not_before"]
        for claim in floors:
            draft.say(f"{model} on {surface}: no day is settled; not before {claim.value} ({claim.status}).", claim)
        if not floors:
            draft.say(f"{model} on {surface}: no settled day: {'; '.join(said(claim) for claim in here)}.", *here)
