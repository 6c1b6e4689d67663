"""Per workload type, what each platform is documented to offer for it, and what became of the article's assignment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from trivium.catalog._claim import FORWARD_LOOKING, Claim
from trivium.catalog._snapshot import Snapshot
from trivium.catalog._states import State, standing
from trivium.catalog._tables import read_table
from trivium.catalog.ask._outcomes import Outcome, outcome_of
from trivium.core import ROUTABLE_SURFACES, ClaimsDisagree, NoClaim, UserError

CUSTOMISATION, INFERENCE, WORKFLOW = "customisation", "inference", "workflow"
TYPES = (CUSTOMISATION, INFERENCE, WORKFLOW)
TUNING = "fine_tuning"
# What a type asks of a platform, by the predicates of the claims that say whether it has it.
_ABILITIES = {
    INFERENCE: ("message_batches_api", "native_batch", "provisioned_throughput", "prompt_caching_1h", "service_tiers"),
    WORKFLOW: ("mcp_connector", "agent_skills", "files_api", "web_search", "code_execution"),
}
_VENDOR_SAYS = ("price_performance_claim", "efficiency_claim")
_CLOUDS = {"aws": "bedrock", "gcp": "vertex", "azure": "foundry"}
_FOR_ANYONE = "the vendor's own statement about chips; no claim says that a customer's price or speed follows from it"


@dataclass(frozen=True, slots=True)
class Advantage:
    """What a platform is documented to offer for a type. Only `in force` counts; the others are shown with why not."""

    surface: str
    statement: str
    grade: str
    claim_ids: tuple[str, ...]
    caveat: str
    standing: str

    @property
    def counts(self) -> bool:
        """Whether a decision may rest on it."""
        return self.standing == State.IN_FORCE.value and self.grade not in {FORWARD_LOOKING, "unconfirmed"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which platform the article gave a type, and what became of each of its claims on that."""

    type: str
    place: str
    surfaces: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def holds(self) -> bool:
        """Whether any of its claims was confirmed."""
        return any(one.outcome == "confirmed" for one in self.outcomes)


def advantages(snapshot: Snapshot, at: date, type: str) -> tuple[Advantage, ...]:  # noqa: A002  the word of the domain
    """What platforms are documented to offer for customisation, inference or workflow, with what each is worth."""
    if type not in TYPES:
        raise UserError("type", type, f"use one of {', '.join(TYPES)}")
    return snapshot.remembered(("ask.advantages", at, type), lambda: tuple(_advantages(snapshot, at, type)))


def article_assignments(snapshot: Snapshot, at: date) -> tuple[Assignment, ...]:
    """The article's own assignment of platforms to types, and what became of it by a day."""
    found = []
    for kind, place, surfaces, names in _assigned():
        known = [claim for name in names if (claim := known_claim(snapshot, name)) is not None]
        if known:
            outcomes = tuple(outcome_of(snapshot, claim, at) for claim in known)
            found.append(Assignment(kind, place, surfaces, outcomes))
    return tuple(found)


def known_claim(snapshot: Snapshot, claim_id: str) -> Claim | None:
    """A claim by its id, None if it had not been announced."""
    try:
        return snapshot.claim(claim_id)
    except NoClaim:
        return None


@lru_cache(maxsize=1)
def _assigned() -> tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...]:
    rows = read_table(Path(__file__).parent / "assignments.csv", ("type", "place", "surfaces", "claims"))
    return tuple(
        (row["type"], row["place"], tuple(row["surfaces"].split()), tuple(row["claims"].split())) for row in rows
    )


def _advantages(snapshot: Snapshot, at: date, kind: str) -> Iterator[Advantage]:
    if kind == CUSTOMISATION:
        yield from _tuning(snapshot, at)
        return
    for surface in ROUTABLE_SURFACES:
        for name in _ABILITIES[kind]:
            try:
                claim = snapshot.capability(surface, "", name, at)
                has = snapshot.supports(surface, "", name, at)
            except ClaimsDisagree as disagreement:
                text = name.replace("_", " ")
                yield Advantage(surface, text, "unconfirmed", (), str(disagreement), State.CONTRADICTED.value)
                continue
            if claim is not None and has:
                yield _advantage(snapshot, claim, at, _spoken(name, claim), claim.note, surface)
    if kind == INFERENCE:
        for claim in snapshot.current:
            place = _CLOUDS.get(claim.subject.partition("/")[0])
            if claim.predicate in _VENDOR_SAYS and place is not None:
                chip = claim.subject.partition("/")[2]
                yield _advantage(snapshot, claim, at, f"{chip}: {claim.value}", _FOR_ANYONE, place)
    else:
        for claim in snapshot.find(predicate="integration"):
            yield _advantage(snapshot, claim, at, claim.value, claim.note, claim.subject)


def _tuning(snapshot: Snapshot, at: date) -> Iterator[Advantage]:
    """Every model that was ever listed as tunable, with what became of that; the rest is the caveat."""
    tunable = [claim for claim in snapshot.find(predicate=TUNING) if not _denied(claim)]
    denied = [claim for claim in snapshot.find(predicate=TUNING) if _denied(claim)]
    for claim in tunable:
        others = [other for other in denied if other.surface == claim.surface and other.models]
        caveat = "; ".join(f"{len(other.models)} other models: {other.value} ({other.id})" for other in others)
        state = standing(snapshot, claim, at)
        models = ", ".join(claim.models) or "all models"
        yield Advantage(
            claim.surface,
            f"fine-tuning of {models}: {claim.value}",
            claim.status,
            (claim.id, *(other.id for other in others)),
            "; ".join(part for part in (state.why, caveat, claim.note) if part),
            state.state.value,
        )
    for claim in snapshot.find(predicate="early_access_to_customization"):
        yield _advantage(
            snapshot, claim, at, f"early access to customisation: {claim.value}", claim.note, claim.surface
        )


def _denied(claim: Claim) -> bool:
    return claim.value.casefold().startswith(("no", "none", "never", "n/a"))


def _spoken(name: str, claim: Claim) -> str:
    text = name.replace("_", " ")
    return text if claim.value == "yes" else f"{text}: {claim.value}"


def _advantage(snapshot: Snapshot, claim: Claim, at: date, statement: str, caveat: str, surface: str) -> Advantage:
    state = standing(snapshot, claim, at)
    caveats = "; ".join(part for part in (state.why, caveat) if part)
    return Advantage(surface, statement, claim.status, (claim.id,), caveats, state.state.value)
