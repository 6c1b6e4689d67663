"""Parts: what is placed by itself. A workload's use of one model, and of it what may wait for a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from trivium.core import UserError
from trivium.plan._demand import Demand
from trivium.plan._facts import Requirement
from trivium.plan.org import Needs, Organisation


@dataclass(frozen=True, slots=True)
class Part:
    """One column of the optimisation; `fraction` is its share of the measured demand."""

    workload: str
    model: str
    demand: Demand
    waits: bool
    fraction: Fraction
    needs: Needs
    requirement: Requirement

    @property
    def name(self) -> str:
        """Unique among the parts."""
        return f"{self.workload}/{self.model}" + (" (may wait)" if self.waits else "")


def parts_of(organisation: Organisation, demands: Sequence[Demand]) -> tuple[Part, ...]:
    """The parts of every demand; raises UserError where the file speaks of a workload without usage."""
    known = {demand.workload for demand in demands}
    for name in organisation.workloads:
        if name not in known:
            has = ", ".join(sorted(known)) or "none"
            raise UserError(f"workloads.{name}", "no usage", f"give usage for it, or take it out (usage is of: {has})")
    return tuple(part for demand in demands for part in _split(organisation, demand))


def _split(organisation: Organisation, demand: Demand) -> Iterator[Part]:
    needs = organisation.needs(demand.workload)
    waiting = Fraction(needs.batchable_percent) / 100
    for waits, fraction in ((False, 1 - waiting), (True, waiting)):
        if fraction:
            requirement = _requirement(organisation, demand, needs, waits=waits)
            yield Part(demand.workload, demand.model, demand, waits, fraction, needs, requirement)


def _requirement(organisation: Organisation, demand: Demand, needs: Needs, *, waits: bool) -> Requirement:
    entry = organisation.workloads.get(demand.workload)
    models = needs.models or (entry.models if entry is not None else ())
    scopes = needs.scopes or ((needs.geography,) if needs.geography else ())
    surfaces = entry.surfaces if entry is not None else ()
    allowed = organisation.about.surfaces
    if allowed:
        surfaces = tuple(name for name in surfaces if name in allowed) if surfaces else allowed
        if not surfaces:
            where = f"workloads.{demand.workload}.surfaces"
            raise UserError(where, entry.surfaces if entry else (), f"leave one of {', '.join(allowed)} in it")
    return Requirement(
        workload=demand.workload,
        models=tuple(model for model in models if model != demand.model),
        scopes=scopes,
        surfaces=surfaces,
        batchable=waits,
        capabilities=needs.capabilities,
    )
