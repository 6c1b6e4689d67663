"""Names that needs use must be names that claims know: a misspelt attestation would silently leave a workload out."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from trivium.catalog import Snapshot
from trivium.core import UserError
from trivium.plan.org import Organisation
from trivium.plan.questions import geographies, requirement_of
from trivium.pricing import PriceBook

_SHOWN = 4


def check_names(organisation: Organisation, snapshot: Snapshot, book: PriceBook) -> None:
    """UserError names the workload, the name that no claim and no price has, and those that are near."""
    _check_terms(organisation, snapshot)
    places = geographies(snapshot)
    for name, workload in organisation.workloads.items():
        needs = workload.needs
        if needs.geography and needs.geography not in places:
            raise _unknown(f"workloads.{name}.needs.geography", needs.geography, places, len(places))
        for scope in needs.scopes:
            _check_scope(f"workloads.{name}.needs.scopes", scope, book)
    for name, contract in organisation.contracts.items():
        _check_scope(f"contracts.{name}.scope", contract.scope, book)
    for name, entry in organisation.usage.demand.items():
        _check_scope(f"usage.demand.{name}.scope", entry.scope, book)


def _check_scope(field: str, scope: str, book: PriceBook) -> None:
    if not book.means_scope(scope):
        names = book.scope_names()
        raise UserError(field, scope, f"use a scope that has prices, a region or a place in it: {', '.join(names)}")


def _check_terms(organisation: Organisation, snapshot: Snapshot) -> None:
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


def _unknown(field: str, value: str, known: Iterable[str], shown: int = _SHOWN) -> UserError:
    names = sorted(known)
    near = get_close_matches(value.lower(), names, _SHOWN, 0.5) or names[:shown]
    return UserError(field, value, f"use a name that claims have, such as {', '.join(near)} (`trivium facts list`)")
