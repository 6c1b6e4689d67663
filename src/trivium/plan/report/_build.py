"""A decision as a document: page one for a manager, then everything it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trivium.catalog import Claim, Conflict
from trivium.plan.decision import Decision
from trivium.plan.report._document import Cell, Document, Section, Text
from trivium.plan.report._evidence import (
    assumptions_section,
    checkpoints_section,
    evidence_section,
    method_section,
)
from trivium.plan.report._front import front
from trivium.plan.report._refs import number_claims
from trivium.plan.report._sections import (
    bridges_section,
    commitments_section,
    measured_section,
    placement_section,
    reasons_section,
)
from trivium.plan.report._words import count
from trivium.plan.report._workload import workload_section

_DETAILED_MAX = 100  # workloads with a section of their own: those without a place, then the dearest


def document(decision: Decision, claims: Mapping[str, Claim], conflicts: Sequence[Conflict] = ()) -> Document:
    """The report of a decision; `claims` by id, for the evidence, and conflicts among them."""
    refs = number_claims(decision, claims)
    details = _details(decision)
    each = tuple(workload_section(decision.workloads[number], number + 1, decision, refs) for number in sorted(details))
    others = len(decision.workloads) - len(each)
    told = f"The {len(each)} that matter most; {others} more are in the table of placements." if others else ""
    sections = (
        front(decision),
        placement_section(decision),
        Section("workloads", "Workloads", 2, (Text(Cell(told), "note"),) if told else (), opens_page=bool(each)),
        *each,
        bridges_section(decision, refs),
        commitments_section(decision, refs),
        reasons_section(decision, refs),
        checkpoints_section(decision, refs),
        assumptions_section(decision),
        measured_section(decision, details),
        evidence_section(refs, conflicts, decision.at),
        method_section(decision),
    )
    return Document(
        title=f"Where Claude runs: {decision.organisation}" if decision.organisation else "Where Claude runs",
        subtitle=f"Plan of {decision.at} for {count(decision.horizon_months, 'month')}, from what was announced by "
        f"{decision.as_of}",
        sections=sections,
        foot=f"catalogue {decision.snapshot_digest[:12]} · prices {decision.book_digest[:12]} · seed {decision.seed}",
        day=decision.at.isoformat(),
    )


def _details(decision: Decision) -> list[int]:
    numbers = range(len(decision.workloads))
    ranked = sorted(
        numbers, key=lambda n: (not decision.workloads[n].unplaced, -decision.workloads[n].forecast.mean_usd)
    )
    return ranked[:_DETAILED_MAX]
