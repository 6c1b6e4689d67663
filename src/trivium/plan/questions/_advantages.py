"""Per workload type, which platform has a documented advantage, and what became of the assignment of the article."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from trivium.catalog import STATUSES, Claim, Snapshot
from trivium.core import ROUTABLE_SURFACES
from trivium.plan._market import UNCOUNTED
from trivium.plan.decision import Basis, Ground, Point
from trivium.plan.org import Needs
from trivium.plan.questions._signals import CUSTOMISATION, INFERENCE, WORKFLOW

_MICROSOFT = frozenset({"microsoft-365", "teams", "github", "copilot-studio"})
# What a type asks of a platform, as the capability claims call it.
_ABILITIES = {
    CUSTOMISATION: ("fine_tuning",),
    INFERENCE: ("message_batches_api", "native_batch", "provisioned_throughput", "service_tiers"),
    WORKFLOW: ("mcp_connector", "agent_skills", "files_api", "web_search", "code_execution"),
}
# The article's sentences on which platform suits which type, by what they are about.
_ARTICLE = {
    CUSTOMISATION: ("differentiated_advantage_customization", "early_access_fine_tuning", "documented_architectures"),
    INFERENCE: ("cost_advantage", "cited_efficiency_only_for_tpu", "documented_architectures"),
    WORKFLOW: ("advantage", "documented_architectures"),
}
_CHECK = re.compile(r"\bcheck: ([^;]+)")


def advantage_points(
    kind: str, models: Sequence[str], needs: Needs, snapshot: Snapshot, at: date
) -> tuple[str, tuple[Point, ...]]:
    """A sentence on the documented advantages that match a type on a day, and the points behind it."""
    model = models[0] if models else ""
    able = _able(kind, model, snapshot, at)
    points = [
        Point(
            f"documented on {surface}, of what the type asks for",
            "; ".join(
                claim.predicate if claim.value == "yes" else f"{claim.predicate}: {claim.value}" for claim in claims
            ),
            surface,
            basis_of(claims),
        )
        for surface, claims in able.items()
    ]
    if kind == INFERENCE:
        points += [*_prices(models, snapshot, at), *_quotas(model, snapshot, at)]
    if kind == WORKFLOW and needs.place in _MICROSOFT:
        points += _integration(snapshot, at)
    return _sentence(kind, able, needs), (*points, *_article(kind, snapshot))


def _ability(claim: Claim) -> str:
    return claim.predicate if claim.value == "yes" else f"{claim.predicate}: {claim.value}"


def _sentence(kind: str, able: Mapping[str, Sequence[Claim]], needs: Needs) -> str:
    best = max((len(claims) for claims in able.values()), default=0)
    leaders = ", ".join(surface for surface, claims in able.items() if len(claims) == best)
    if kind == CUSTOMISATION and not leaders:
        return "No platform is documented to tune any Claude on that day, so none has an advantage for it."
    if kind == WORKFLOW and needs.place in _MICROSOFT:
        return "Where people work in Microsoft products, its Copilots are a documented way to buy the same work."
    if not leaders:
        return "No platform has a documented advantage for it."
    return f"Of what it asks for, most is documented on {leaders} ({best} of {len(_ABILITIES[kind])})."


def _able(kind: str, model: str, snapshot: Snapshot, at: date) -> dict[str, list[Claim]]:
    """By surface, what a type asks for and the platform is documented to have."""
    found: dict[str, list[Claim]] = {}
    for surface in ROUTABLE_SURFACES:
        for name in _ABILITIES[kind]:
            if snapshot.supports(surface, model, name, at):
                claim = snapshot.capability(surface, model, name, at)
                if claim is not None and claim.status not in UNCOUNTED:
                    found.setdefault(surface, []).append(claim)
    return found


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


def _integration(snapshot: Snapshot, at: date) -> Iterator[Point]:
    for claim in snapshot.find(predicate="integration", at=at):
        if claim.status not in UNCOUNTED:
            yield Point(f"integration of {claim.subject}", claim.value, "Microsoft's Copilots", basis_of([claim]))


def _article(kind: str, snapshot: Snapshot) -> Iterator[Point]:
    """The article's own assignment, and what became of it."""
    for claim in article_sentences(snapshot):
        if claim.predicate in _ARTICLE[kind]:
            yield article_point(claim, snapshot, "no platform")


def article_sentences(snapshot: Snapshot) -> tuple[Claim, ...]:
    """The article's claims that were checked, superseded ones included."""
    return tuple(claim for claim in snapshot.claims if claim.topic == "article" and _CHECK.search(claim.note))


def article_point(claim: Claim, snapshot: Snapshot, speaks_for: str) -> Point:
    """A sentence of the article with what became of it, and what is so instead where a claim says it."""
    check = _CHECK.search(claim.note)
    became = check[1].strip() if check else "not checked"
    instead = [
        other
        for other in snapshot.find(subject=claim.subject, predicate=claim.predicate)
        if other.note.startswith(f"what became of {claim.id}:") and other.value != became
    ]
    shown = f"“{claim.value}”: {became}" + "".join(f"; {other.value}" for other in instead)
    what = f"the article: {claim.subject}, {claim.predicate.replace('_', ' ')}"
    return Point(what, shown, speaks_for, basis_of([claim, *instead]))


def basis_of(claims: Sequence[Claim], note: str = "") -> Basis:
    """The basis of what follows from some claims."""
    if not claims:
        return Basis((Ground.ASSUMPTION,), note=note)
    grade = min((claim.status for claim in claims), key=STATUSES.index)
    return Basis((Ground.CLAIM,), tuple(claim.id for claim in claims), grade, note)
