"""The checker's own reading of claims: plain words of one row at a time, sharing nothing with the optimiser's grammar.

It knows nothing of conditions that an organisation can meet by signing or asking: it looks for what must not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from trivium.catalog import Claim, Snapshot

_COUNTS = ("reported", "documented", "measured", "contracted")  # in rising order
_REFUSALS = ("no", "not", "none", "never", "partial", "unknown", "n/a")
_HOPEFUL = (
    "yes",
    "certified",
    "eligible",
    "scope",
    "ready",
    "type",
    "dpa",
    "request",
    "default",
    "arrangement",
    "apply",
)
_DOUBTS = ("not listed", "not stated", "not explicit", "not in the", "conflict with")
_EU_NOT = ("eu-west-2", "eu-central-2", "europe-west2", "europe-west6")
_PLACELESS = ("global", "global-standard", "all", "any", "*", "")
_FREE = ("geo-or-regional", "regional-or-multi-region", "geo", "multi-region", "regional", "in-region")
_SPELLED = {
    "hipaa": "hipaa_baa",
    "baa": "hipaa_baa",
    "soc_2": "soc2",
    "iso_27001": "iso27001",
    "iso_42001": "iso42001",
    "pci_dss": "pci",
    "no_training": "training_use",
    "no_data_sharing": "data_sharing",
    "zero_data_retention": "zdr",
    "eu_boundary": "eu_data_boundary",
    "dod": "dod_il",
}
_STEPS = ("low", "moderate", "high")
_IMPACTS = ("il2", "il4", "il5", "il6")
Rows = Mapping[str, Sequence[Claim]]


def rows_of(snapshot: Snapshot, surface: str) -> Rows:
    """Counted claims of a surface by predicate."""

    def find() -> Rows:
        found: dict[str, list[Claim]] = {}
        for claim in snapshot.current:
            if claim.surface == surface and claim.status in _COUNTS:
                for name in claim.predicate.split(";"):
                    found.setdefault(name, []).append(claim)
        return found

    return snapshot.remembered(("checker.rows", surface), find)


def holding(rows: Rows, predicate: str, model: str, day: date) -> list[Claim]:
    """Those on a model that hold on a day and that nothing above them overrides."""
    found = [
        claim
        for claim in rows.get(predicate, ())
        if (claim.valid_from is None or claim.valid_from <= day)
        and (claim.valid_until is None or claim.valid_until > day)
        and (not claim.models or model in claim.models)
    ]
    if not found:
        return []
    found = [claim for claim in found if claim.layer == max(other.layer for other in found)]
    found = [claim for claim in found if claim.models] or found
    return _strongest(found)


def _strongest(found: Sequence[Claim]) -> list[Claim]:
    """The best of each subject: variants of a surface are all kept."""
    best: dict[str, Claim] = {}
    for claim in found:
        place = claim.subject.split("/")[0]
        if place not in best or weight(claim) > weight(best[place]):
            best[place] = claim
    plain = [claim for place, claim in best.items() if ":" not in place]
    return plain or list(best.values())


def weight(claim: Claim) -> tuple[int, date, bool, date]:
    """How much a row counts beside another."""
    return (
        _COUNTS.index(claim.status),
        claim.valid_from or date.min,
        claim.valid_until is not None,
        claim.announced_on or claim.seen_on or date.min,
    )


def split_need(need: str) -> tuple[str, str]:
    """The predicate and the least level that a need asks for."""
    text = "_".join(need.strip().lower().replace("-", " ").replace("_", " ").split())
    for stem, ladder in (("fedramp", _STEPS), ("dod_il", _IMPACTS), ("dod", _IMPACTS)):
        rest = text.removeprefix(stem).lstrip("_")
        level = f"il{rest}" if rest.isdigit() else rest
        if text.startswith(stem) and level in ladder:
            return ("fedramp" if stem == "fedramp" else "dod_il"), level
    return _SPELLED.get(text, text), ""


def denied(claim: Claim, predicate: str) -> bool:
    """Whether the first clause of a row fails to affirm what it is about."""
    clause = claim.value.split(";")[0].lower()
    words = clause.replace(",", " ").replace(":", " ").split()
    if predicate == "training_use":
        promised = any(word in {"not", "no"} for word in words) and any(word.startswith("train") for word in words)
        return not promised and "first-party commercial terms" not in clause
    if predicate == "operator_access":
        return "no access" not in clause
    if any(word in _REFUSALS for word in words) or "outside" in words:
        return True
    if "not in the" in claim.value.lower():
        return True
    hopeful = any(hope in clause for hope in _HOPEFUL) or bool(named_levels(claim.value))
    return not hopeful and not ("profiles" in clause or "endpoint" in clause)


def doubts(claim: Claim) -> list[str]:
    """Clauses of the note that leave something open."""
    return [part for part in claim.note.lower().split(";") if any(doubt in part for doubt in _DOUBTS)]


def named_levels(text: str) -> set[str]:
    """FedRAMP and DoD levels in a text."""
    flat = text.lower().replace(",", " ").replace("(", " ").replace(")", " ").replace(";", " ")
    found = set()
    for word in flat.split():
        if word in _STEPS:
            found.add(word)
        if word.startswith("il") and word[2:3].isdigit():
            found |= {f"il{digit}" for digit in word[2:] if digit.isdigit()}
    return found


def high_enough(levels: Iterable[str], predicate: str, least: str) -> set[str]:
    """The levels of the programme from the least on."""
    ladder = _STEPS if predicate == "fedramp" else _IMPACTS
    start = ladder.index(least) if least else 0
    return {level for level in levels if level in ladder[start:]}


def country_of(scope: str) -> str:
    """`eu`, `us`, … for a scope bound to a place, `free` for a class with a choice, `world` for the rest."""
    name = scope.lower().replace("_", "-")
    if name in _PLACELESS:
        return "world"
    if name in _FREE:
        return "free"
    if name in _EU_NOT:
        return "elsewhere"
    if name.startswith(("europe-", "eu-")) or name in {"eu", "europe"}:
        return "eu"
    if name.startswith(("us-", "us_")) or name == "us":
        return "us"
    return name.split("-")[0]


def is_government(scope: str) -> bool:
    """Whether a scope is GovCloud."""
    return scope.lower().startswith("us-gov") or "govcloud" in scope.lower()


def shared_words(snapshot: Snapshot) -> set[str]:
    """Family words of the models for which some claim says that their data is shared or kept."""

    def find() -> set[str]:
        named = {
            model
            for claim in snapshot.current
            if claim.predicate in {"data_sharing", "retention"} and claim.status in _COUNTS
            for model in claim.models
        }
        words = {word for model in named for word in model.split("-") if word.isalpha()}
        return words - {"claude", "preview"}

    return snapshot.remembered(("checker.shared",), find)


def widest(held: Rows, model: str, day: date) -> int:
    """The largest context window that a row states, 0 if none does."""
    stated = [
        int(claim.value.split()[0].replace(",", ""))
        for claim in held.get("context_window_tokens", ())
        if claim.speaks_of(model) and claim.holds_on(day) and claim.value[:1].isdigit()
    ]
    return max(stated, default=0)


def sold(snapshot: Snapshot, surface: str, model: str, tier: str, day: date) -> bool:
    """Whether a counted price of an output token holds on a day in any scope."""

    def find() -> dict[tuple[str, str, str], list[tuple[date, date]]]:
        found: dict[tuple[str, str, str], list[tuple[date, date]]] = {}
        for cell in snapshot.cells:
            if cell.unit == "output" and cell.status in _COUNTS:
                span = (cell.valid_from or date.min, cell.valid_until or date.max)
                found.setdefault((cell.surface, cell.model, cell.tier), []).append(span)
        return found

    spans = snapshot.remembered(("checker.sold",), find)
    return any(start <= day < end for start, end in spans.get((surface, model, tier), ()))
