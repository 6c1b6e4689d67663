"""The contracts in force in the months ahead."""

from __future__ import annotations

from datetime import date

from trivium.plan._months import add_months
from trivium.plan.org import Contract


def in_force(contract: Contract, at: date, day: date) -> bool:
    """Whether a signed discount holds on a day: from its start (else the plan's day) for its term, on if it renews."""
    if contract.status != "signed" or contract.kind not in {"discount", "spend-commitment"}:
        return False
    start = contract.starts or at
    return start <= day and (contract.renews or day < add_months(start, contract.term_months))
