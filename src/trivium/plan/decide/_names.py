"""Names that needs use must be names that claims know: a misspelt attestation would silently leave a workload out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from trivium.catalog import Snapshot
from trivium.core import UserError
from trivium.plan.org import Organisation
from trivium.plan.questions import requirement_of

_SHOWN = 4


def check_names(organisation: Organisation, snapshot: Snapshot) -> None:
    """UserError names the workload, the name that no claim has, and those that are near."""
    terms = _predicates(snapshot, "compliance")
    abilities = _predicates(snapshot, "capabilities")
    for name, workload in organisation.workloads.items():
        needs = workload.needs
        for field in ("attestations", "data_terms"):
            for wanted in getattr(needs, field):
                if requirement_of(wanted) not in terms:
                    raise _unknown(f"workloads.{name}.needs.{field}", wanted, terms)
        for wanted in needs.capabilities:
            if wanted not in abilities:
                raise _unknown(f"workloads.{name}.needs.capabilities", wanted, abilities)


def _predicates(snapshot: Snapshot, topic: str) -> frozenset[str]:
    def find() -> frozenset[str]:
        return frozenset(name for claim in snapshot.find(topic=topic) for name in claim.predicate.split(";"))

    return snapshot.remembered(("decide.names", topic), find)


def _unknown(field: str, value: str, known: Iterable[str]) -> UserError:
    names = sorted(known)
    near = get_close_matches(value.lower(), names, _SHOWN, 0.5) or names[:_SHOWN]
    return UserError(field, value, f"use a name that claims have, such as {', '.join(near)} (`trivium facts list`)")
