"""Per workload type, which platform has a documented advantage, and what became of the assignment of the article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from trivium.catalog import STATUSES, Claim, Snapshot
from trivium.catalog.ask import Advantage, advantages, article_assignments
from trivium.core import ROUTABLE_SURFACES
from trivium.plan._market import UNCOUNTED
from trivium.plan.decision import Basis, Ground, Point
from trivium.plan.org import Needs
from trivium.plan.questions._signals import CUSTOMISATION, INFERENCE, WORKFLOW

_MICROSOFT = frozenset({"microsoft-365", "teams", "github", "copilot-studio"})
_NOBODY = "no platform"
_ASKED = {CUSTOMISATION: "customisation", INFERENCE: "inference", WORKFLOW: "workflow"}  # as the catalogue calls them


def advantage_points(
    kind: str, models: Sequence[str], needs: Needs, snapshot: Snapshot, at: date
) -> tuple[str, tuple[Point, ...], tuple[Point, ...]]:
    """A sentence on the documented advantages for a type on a day, the points behind it, and what is only shown."""
    found = advantages(snapshot, at, _ASKED[kind])
    able: dict[str, list[Advantage]] = {}
    for one in found:
        if one.counts and not _of_chips(one, snapshot):
            able.setdefault(one.surface, []).append(one)
    points = [
        Point(f"documented on {surface}, of what the type asks for", _said(ones), surface, _basis(ones))
        for surface, ones in able.items()
    ]
    shown = [_aside(one, snapshot) for one in found if not one.counts or _of_chips(one, snapshot)]
    if kind == INFERENCE:
        points += [*_prices(models, snapshot, at), *_quotas(models[0] if models else "", snapshot, at)]
    said, answered = _article(kind, snapshot, at)
    return f"{_sentence(kind, able, needs)}{said}", tuple(points), (*shown, *answered)


def _of_chips(one: Advantage, snapshot: Snapshot) -> bool:
    """Whether it is a vendor's statement about its chips, from which no customer's price or speed follows."""
    return any(snapshot.claim(name).topic == "silicon" for name in one.claim_ids)


def _said(ones: Sequence[Advantage]) -> str:
    return "; ".join(one.statement for one in ones)


def _basis(ones: Sequence[Advantage]) -> Basis:
    ids = tuple(dict.fromkeys(name for one in ones for name in one.claim_ids))
    grade = min((one.grade for one in ones), key=STATUSES.index)
    return Basis((Ground.CLAIM,), ids, grade, "; ".join(dict.fromkeys(one.caveat for one in ones if one.caveat)))


def _aside(one: Advantage, snapshot: Snapshot) -> Point:
    """What is said and decides nothing: over, unconfirmed, or about chips."""
    why = "a vendor's statement about chips" if _of_chips(one, snapshot) else one.standing
    return Point(f"said of {one.surface}, and not counted ({why})", one.statement, _NOBODY, _basis([one]))


def _sentence(kind: str, able: Mapping[str, Sequence[Advantage]], needs: Needs) -> str:
    if kind == CUSTOMISATION and not able:
        return "No platform is documented to tune any Claude on that day, so none has an advantage for it."
    if kind == WORKFLOW and needs.place in _MICROSOFT:
        return "Where people work in Microsoft products, its Copilots are a documented way to buy the same work."
    counts = {surface: len(ones) for surface, ones in able.items() if surface in ROUTABLE_SURFACES}
    best = max(counts.values(), default=0)
    if not best:
        return "No platform has a documented advantage for it."
    leaders = ", ".join(surface for surface, count in counts.items() if count == best)
    return f"Of what it asks for, most is documented on {leaders}."


def _prices(models: Sequence[str], snapshot: Snapshot, at: date) -> Iterator[Point]:
    """Whether platforms differ in the list price of a token, in the scope that serves from anywhere."""
    for model in models:
        found: dict[str, set[str]] = {}
        claims: set[str] = set()
        for cell in snapshot.cells:
            if (
                cell.model == model
                and cell.tier == "standard"
                and cell.scope in {"global", "global-standard"}
                and cell.unit in {"input", "output"}
                and cell.band[0] == 0
                and cell.surface in ROUTABLE_SURFACES
                and cell.status not in UNCOUNTED
                and cell.holds_on(at)
            ):
                found.setdefault(cell.surface, set()).add(f"{cell.unit} {cell.amount_usd.normalize():f}")
                claims |= set(cell.claim_ids)
        if not found:
            continue
        same = len({frozenset(rates) for rates in found.values()}) == 1
        said = "; ".join(f"{surface}: {', '.join(sorted(rates))}" for surface, rates in sorted(found.items()))
        shown = f"the same on {', '.join(sorted(found))}" if same else said
        grade = min((snapshot.claim(name).status for name in claims), key=STATUSES.index)
        yield Point(
            f"list price of {model}, USD per million tokens, served from anywhere",
            f"{shown} ({', '.join(sorted(next(iter(found.values()))))})" if same else shown,
            "no platform" if same else "the cheaper",
            Basis((Ground.CLAIM,), tuple(sorted(claims)), grade),
        )


def _quotas(model: str, snapshot: Snapshot, at: date) -> Iterator[Point]:
    """The highest stated quota of input tokens a minute, per platform."""
    for surface in ROUTABLE_SURFACES:
        stated = [
            (claim.number, claim)
            for metric in ("itpm", "tpm")
            for claim in _family(snapshot, metric)
            if claim.surface == surface
            and not claim.predicate.partition(":")[2].startswith("max")  # a ceiling is no quota in force
            and claim.speaks_of(model)
            and claim.holds_on(at)
            and claim.status not in UNCOUNTED
            and claim.number is not None
        ]
        if stated:
            top, claim = max(stated, key=lambda item: (item[0], item[1].id))
            yield Point(
                f"highest stated {claim.predicate} quota on {surface}",
                f"{top:,} tokens a minute",
                surface,
                basis_of([claim]),
            )


def _family(snapshot: Snapshot, metric: str) -> Iterable[Claim]:
    return snapshot.remembered(
        ("questions.quotas", metric),
        lambda: tuple(claim for claim in snapshot.current if claim.predicate.startswith(f"{metric}:")),
    )


def _article(kind: str, snapshot: Snapshot, at: date) -> tuple[str, tuple[Point, ...]]:
    """The article's own assignment, and what became of it."""
    for assigned in article_assignments(snapshot, at):
        if assigned.type == _ASKED[kind]:
            count = sum(one.outcome == "confirmed" for one in assigned.outcomes)
            held = f"{count} of its {len(assigned.outcomes)} claims on that" if count else "none of its claims on that"
            verb = "were" if count > 1 else "was"
            said = f" The article gives it to {assigned.place}; {held} {verb} confirmed."
            return said, article_points(kind, snapshot, at, _NOBODY)
    return "", ()


def article_points(kind: str, snapshot: Snapshot, at: date, speaks_for: str) -> tuple[Point, ...]:
    """The claims on which the article rests its assignment of a type, each with what became of it."""
    return tuple(
        Point(
            f"the article: {one.claim.subject}, {one.claim.predicate.replace('_', ' ')}",
            f"“{one.claim.value}”: {one.why if one.why.startswith(one.outcome) else f'{one.outcome}: {one.why}'}",
            speaks_for,
            basis_of(one.claims),
        )
        for assigned in article_assignments(snapshot, at)
        if assigned.type == _ASKED[kind]
        for one in assigned.outcomes
    )


def basis_of(claims: Sequence[Claim], note: str = "") -> Basis:
    """The basis of what follows from some claims."""
    if not claims:
        return Basis((Ground.ASSUMPTION,), note=note)
    grade = min((claim.status for claim in claims), key=STATUSES.index)
    return Basis((Ground.CLAIM,), tuple(claim.id for claim in claims), grade, note)
