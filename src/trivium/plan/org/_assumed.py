"""Which defaults a decision rests on: each field left out that bears on it, its value, why, and the line to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trivium.plan.org._values import Assumption, Organisation

# field, how its default reads, why it matters
_ABOUT = (
    ("horizon_months", "a horizon of {} months", "how far commitments and retirements are looked at"),
    ("risk_weight", "{} of the weight on the worst cases", "how much a bad year counts against the mean"),
    ("risk_level", "the worst cases are those beyond {}", "which part of the scenarios is the tail"),
    ("discount_rate_percent_per_year", "{} % discounting a year", "what money later is worth today"),
    ("min_stay_months", "moves as often as every {} months", "how often a workload may be moved"),
    (
        "growth_ceiling_per_year",
        "no scenario counts beyond {} times the use a year earlier",
        "a longer forecast has scenarios in which use explodes; long before, the plan would be made anew",
    ),
    ("scenarios", "{} scenarios", "how finely the demand cone is sampled"),
)
_NEEDS = (
    ("batchable_percent", "{} % may wait for a batch", "batches cost half"),
    ("growth", "no belief about growth", "without one, history and the shipped prior decide"),
    ("attestations", "no attestation is needed", "an attestation excludes platforms that cannot show it"),
    ("geography", "no residency is needed beyond where it runs now", "a geography narrows the scopes"),
)


def assumed_of(raw: Mapping[str, Any], found: Organisation) -> tuple[Assumption, ...]:
    """Every default that was taken; `raw` is what the file states."""
    return tuple(_all(raw, found))


def _all(raw: Mapping[str, Any], found: Organisation) -> Iterator[Assumption]:
    stated = raw.get("organisation", {})
    for field, words, why in _ABOUT:
        if field not in stated:
            value = getattr(found.about, field)
            yield Assumption(f"organisation.{field}", words.format(value), why, f"[organisation] {field} = …")
    for name in found.workloads:
        needs = raw["workloads"][name].get("needs", {})
        for field, words, why in _NEEDS:
            if field not in needs:
                value = getattr(found.workloads[name].needs, field)
                where = f"workloads.{name}.needs"
                yield Assumption(f"{where}.{field}", words.format(value), why, f"[{where}] {field} = …")
    if not found.onboarding:
        why = "what a surface costs to open decides whether a small saving is worth a move"
        value = "5 to 20 days of work at 800 USD to open a surface, 2 days to move a workload"
        yield Assumption(
            "onboarding", value, why, "[onboarding.SURFACE] days_low, days_high, usd_per_day, switch_days_per_workload"
        )
    if not raw.get("microsoft"):
        why = "seats and credits are a way to buy the same work"
        yield Assumption(
            "microsoft", "no Microsoft footprint", why, "[microsoft] m365_seats, github_copilot_seats, entra …"
        )
    if not found.contracts:
        why = "a signed commitment must be served, an offered one may be worth signing"
        yield Assumption(
            "contracts", "no contracts and no offers", why, "[contracts.NAME] or `trivium contract import`"
        )
